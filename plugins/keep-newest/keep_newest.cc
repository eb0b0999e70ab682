#include <freshet/plugin.hpp>
#include <map>
#include <string>
#include <vector>

#include "plugins/keep-newest/groups.h"

FRESHET_MANIFEST(R"toml(
id = "org.freshet.keep-newest"
version = "1.0.0"
license = "MIT"
doc = "Keeps the newest of every group and removes the older ones"
abi = { min = "1.0", below = "2.0" }
permissions = { required = ["remove"] }
limits = { memory = "128MiB", threads = 1 }

[task.keep-newest]
doc = "Removes what is behind the newest N of its group: core dumps, rotated logs, releases, backups"

[task.keep-newest.settings]
patterns = { type = "strings", doc = "Patterns of names; the part in parentheses names the group: \"core.(*).*\"" }
keep = { type = "integer", range = [1, 1000000], doc = "How many of the newest of each group stay" }
min-age = { type = "duration", range = ["0s", "100y"], default = "0s", doc = "What was written to within this time stays" }
max-bytes = { type = "size", default = "0B", doc = "What the kept ones of a group may take on disk together; \"0B\": no limit. The newest one stays whatever it takes" }
order-by = { type = "string", values = ["mtime", "name"], default = "mtime", doc = "What says which is newer: the mtime, or the name with its numbers (v1.10 is newer than v1.9)" }
max-depth = { type = "integer", range = [1, 1000000], default = 1000000, doc = "Depth below the root that is looked at; 1 is the root's own entries" }
cost-class = { type = "string", values = ["unique", "regenerable"], default = "unique", doc = "What losing one costs: nobody has it elsewhere, or it can be made again" }
)toml");

namespace keep_newest {
namespace {

class KeepNewest final : public freshet::Task {
 public:
  explicit KeepNewest(const freshet::Settings& settings) : rules_(settings) {}

  void scan(freshet::Host& host) override {
    for (const freshet::Root& root : host.roots()) walk(host, root);
  }

 private:
  using Groups = std::map<Rules::Key, std::vector<Member>>;

  // A group is of one directory, so a directory's groups are known when its listing has ended.
  struct Level {
    freshet::Directory directory;
    freshet::Entry entry{};
    Groups groups;
  };
  struct Levels : std::vector<Level> {
    Levels() = default;
    Levels(const Levels&) = delete;
    Levels& operator=(const Levels&) = delete;
    ~Levels() {  // children close before parents, also when an exception passes
      while (!empty()) pop_back();
    }
  };

  void walk(freshet::Host& host, const freshet::Root& root) const {
    Levels levels;
    levels.push_back({host.open(root), {}, {}});
    while (!levels.empty()) {
      host.stop_if_cancelled();
      Level& level = levels.back();
      const freshet::Entry& entry = level.entry;
      if (!level.directory.next(level.entry)) {
        // A listing that broke off may lack the newest: then nothing is known of the others.
        if (level.directory.complete()) propose(host, level);
        levels.pop_back();
      } else if (const auto key = rules_.group_of(entry)) {
        Member member{entry, std::string(entry.file_name()), entry.mtime, entry.allocated};
        level.groups[*key].push_back(std::move(member));
      } else if (entry.is_directory() && !entry.is_mount_point() && rules_.enters(static_cast<std::int64_t>(levels.size()))) {
        freshet::Directory inner = level.directory.open(entry);
        levels.push_back({std::move(inner), {}, {}});
      }
    }
  }

  void propose(const freshet::Host& host, Level& level) const {
    for (auto& [key, group] : level.groups) {
      for (const Choice& choice : rules_.choose(group, key.second, host.now())) {
        Member& member = group[choice.member];
        member.entry.name = freshet::bytes(member.name);
        level.directory.propose(member.entry, {choice.reason.text(), FRESHET_OVER_QUOTA, rules_.cost()});
      }
    }
  }

  Rules rules_;
};

}  // namespace
}  // namespace keep_newest

FRESHET_PLUGIN(freshet::kind<keep_newest::KeepNewest>("keep-newest"))

#include <algorithm>
#include <freshet/together.hpp>
#include <optional>
#include <string>
#include <vector>

#include "plugins/build-trees/markers.h"
#include "plugins/parts/descend.h"
#include "plugins/parts/reason.h"
#include "plugins/parts/stamps.h"
#include "plugins/parts/whole_tree.h"

FRESHET_MANIFEST(R"toml(
id = "org.freshet.build-trees"
version = "1.0.0"
license = "MIT"
doc = "Removes what a build has made and can make again, a whole tree at a time"
abi = { min = "1.0", below = "2.0" }
permissions = { required = ["remove"] }
limits = { memory = "128MiB", threads = 1 }

[task.build-trees]
doc = "Removes build directories and installed dependencies that nobody has used for a given time"

[task.build-trees.settings]
older-than = { type = "duration", range = ["0s", "100y"], doc = "A tree goes when its newest entry is at least this old" }
tools = { type = "strings", values = ["cargo", "cmake", "gradle", "maven", "node", "python"], default = ["cargo", "cmake", "gradle", "maven", "node", "python"], doc = "Whose trees may go" }
age-by = { type = "strings", values = ["mtime", "atime", "ctime", "btime"], default = ["mtime", "atime", "btime"], doc = "Time stamps that count; the newest of all entries is the age of the tree" }
min-size = { type = "size", default = "0B", doc = "Only trees that take at least this on disk go" }
hidden = { type = "boolean", default = false, doc = "Also looks into directories whose name begins with a dot" }
)toml");

namespace build_trees {
namespace {

// What a walk finds out about a tree before anything is proposed.
class Measure {
 public:
  Measure(Tool tool, const parts::Stamps& stamps) : guard_(tool), stamps_(stamps) {}

  void enter(std::string_view name) { guard_.enter(name); }
  void leave() { guard_.leave(); }
  void see(freshet::Directory&, const freshet::Entry& entry) {
    guard_.see(entry);
    newest_ = std::max(newest_, stamps_.newest(entry));
    bytes_ += entry.allocated;
  }
  // A tree with sources stays whatever else is in it.
  [[nodiscard]] bool stop() const { return guard_.has_sources(); }

  [[nodiscard]] std::int64_t newest() const { return newest_; }
  [[nodiscard]] std::uint64_t bytes() const { return bytes_; }

 private:
  SourceGuard guard_;
  const parts::Stamps& stamps_;
  std::int64_t newest_ = INT64_MIN;
  std::uint64_t bytes_ = 0;
};

// Proposes every entry, unless one has become newer than the tree was when it was measured.
class Proposal {
 public:
  Proposal(Tool tool, const parts::Stamps& stamps, std::int64_t newest, std::string_view reason)
      : guard_(tool), stamps_(stamps), newest_(newest), finding_{reason, FRESHET_AGED, FRESHET_REGENERABLE, 0} {}

  void enter(std::string_view name) { guard_.enter(name); }
  void leave() { guard_.leave(); }
  void see(freshet::Directory& directory, const freshet::Entry& entry) {
    guard_.see(entry);
    changed_ = changed_ || guard_.has_sources() || stamps_.newest(entry) > newest_;
    if (!changed_) directory.propose(entry, finding_);
  }
  [[nodiscard]] bool stop() const { return changed_; }

 private:
  SourceGuard guard_;
  const parts::Stamps& stamps_;
  std::int64_t newest_;
  freshet::Finding finding_;
  bool changed_ = false;
};

class BuildTrees final : public freshet::Task {
 public:
  explicit BuildTrees(const freshet::Settings& settings)
      : limit_(settings.duration("older-than")),
        tools_(settings.strings("tools")),
        stamps_(settings.strings("age-by")),
        min_size_(settings.size("min-size")),
        hidden_(settings.boolean("hidden")) {}

  void scan(freshet::Host& host) override {
    for (const freshet::Root& root : host.roots()) walk(host, root);
  }

 private:
  // A directory that was listed to its end: what it holds is known before anything below it is looked at.
  struct Level {
    freshet::Directory directory;
    std::string name;
    Markers markers;
    std::vector<parts::Named> below;  // directories that have not been looked at
  };

  Level listed(const freshet::Host& host, freshet::Directory directory, std::string name) const {
    Level out{std::move(directory), std::move(name), {}, {}};
    freshet::Entry entry{};
    while (out.directory.next(entry)) {
      host.stop_if_cancelled();
      out.markers.see(entry);
      if (!entry.is_directory() || entry.is_mount_point() || is_version_control(entry.file_name())) continue;
      if (hidden_ || entry.file_name().front() != '.') out.below.emplace_back(entry);
    }
    return out;
  }

  void walk(freshet::Host& host, const freshet::Root& root) const {
    parts::descend(listed(host, host.open(root), {}), [&](Level& level, parts::Named next) -> std::optional<Level> {
      Level inner = listed(host, level.directory.open(next.entry()), next.name);
      // A marker may be among what could not be listed; what was listed is proof enough of what it is.
      const Tool tool = inner.markers.proves(next.name, level.markers);
      if (tool == Tool::none) return inner;
      inner.directory.close();
      const bool wanted = std::find(tools_.begin(), tools_.end(), setting_name(tool)) != tools_.end();
      if (wanted) look_at(host, level.directory, next.entry(), tool);
      return std::nullopt;
    });
  }

  void look_at(freshet::Host& host, freshet::Directory& parent, const freshet::Entry& top, Tool tool) const {
    Measure measure(tool, stamps_);
    if (!parts::walk_tree(host, parent, top, measure)) return;
    const std::int64_t age = parts::age(measure.newest(), host.now());
    if (age < 0 || age < limit_ || measure.bytes() < min_size_) return;
    parts::Reason reason;
    reason.add(words(tool));
    reason.add(", newest entry ");
    reason.add_age(static_cast<std::uint64_t>(age));
    reason.add(", limit ");
    reason.add_limit(static_cast<std::uint64_t>(limit_));
    freshet::Together whole(host);
    Proposal proposal(tool, stamps_, measure.newest(), reason.text());
    if (parts::walk_tree(host, parent, top, proposal)) whole.commit();
  }

  std::int64_t limit_;
  std::vector<std::string> tools_;
  parts::Stamps stamps_;
  std::uint64_t min_size_;
  bool hidden_;
};

}  // namespace
}  // namespace build_trees

FRESHET_PLUGIN(freshet::kind<build_trees::BuildTrees>("build-trees"))

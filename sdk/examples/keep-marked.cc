// A guard: whatever others want to remove, nothing goes that lies in a directory with a file `.keep`, or below one.
#include <freshet/draft/guard.hpp>
#include <freshet/plugin.hpp>

#include <set>
#include <string>
#include <utility>

FRESHET_MANIFEST(R"(
id = "org.freshet.example.keep-marked"
version = "1.0.0"
license = "MIT"
doc = "Keeps what lies in or below a directory that is marked"
abi = { min = "1.0", below = "2.0" }
[task.keep-marked]
doc = "Keeps every directory that is marked, with all that is below it"
guard = true
[task.keep-marked.settings]
mark = { type = "string", default = ".keep", doc = "Name of the file that marks a directory" }
)");

namespace {

class KeepMarked final : public freshet::Task {
 public:
  explicit KeepMarked(const freshet::Settings& settings) : mark_(settings.string("mark")) {}

  void scan(freshet::Host& host) override {
    marked_.clear();
    for (const freshet::Root& root : host.roots()) look(host, root.index, "", host.open(root));
    for (const freshet::Planned& entry : freshet::Guard::of(host)) {
      if (const std::string at = marked_above(entry); !at.empty()) entry.keep("marked by " + at + mark_);
    }
  }

 private:
  void look(const freshet::Host& host, std::uint32_t root, const std::string& path, freshet::Directory directory) {
    for (const freshet::Entry& entry : directory) {
      host.stop_if_cancelled();
      if (entry.file_name() == mark_) marked_.emplace(root, path);
      if (entry.is_directory() && !entry.is_mount_point()) look(host, root, path + std::string(entry.file_name()) + "/", directory.open(entry));
    }
  }

  // The path of the marked directory that it lies below, with a slash at its end, or it itself; empty if there is none.
  std::string marked_above(const freshet::Planned& entry) const {
    std::string path(entry.directory());
    if (!path.empty()) path += '/';
    if (entry.facts().type == FRESHET_DIRECTORY) path += std::string(entry.name()) + "/";
    for (;; path.resize(path.find_last_of('/', path.size() - 2) + 1)) {  // npos + 1 is 0
      if (marked_.count({entry.facts().root, path}) != 0) return path.empty() ? "/" : path;
      if (path.size() < 2) return {};
    }
  }

  std::string mark_;
  std::set<std::pair<std::uint32_t, std::string>> marked_;  // root, path
};

}  // namespace

FRESHET_PLUGIN(freshet::kind<KeepMarked>("keep-marked"))

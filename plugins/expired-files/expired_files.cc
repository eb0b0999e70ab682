#include <freshet/plugin.hpp>

#include <string>
#include <vector>

#include "plugins/expired-files/criteria.h"

FRESHET_MANIFEST(R"(
id = "org.freshet.expired-files"
version = "1.0.0"
license = "MIT"
doc = "Removes what nobody has used for a given time"
abi = { min = "1.0", below = "2.0" }
permissions = { required = ["remove"] }
limits = { memory = "64MiB", threads = 1 }

[task.expired-files]
doc = "Removes entries older than a limit, and directories left empty"

[task.expired-files.settings]
older-than = { type = "duration", range = ["0s", "100y"], doc = "Entries at least this old go; \"0s\" means all that is not of the future" }
age-by = { type = "strings", values = ["mtime", "atime", "ctime", "btime"], default = ["mtime", "atime", "ctime", "btime"], doc = "Time stamps that count; all of them must be old" }
keep = { type = "strings", default = [], doc = "Patterns of entries that stay, with their parents and all below them" }
only = { type = "strings", default = [], doc = "Patterns; where given, nothing else goes" }
types = { type = "strings", values = ["file", "directory", "symlink", "fifo", "socket"], default = ["file", "symlink", "fifo", "socket"], doc = "Types of entries that go; directory means the same as empty-directories = true" }
min-size = { type = "size", default = "0B", doc = "Only regular files of at least this size go" }
owner = { type = "strings", default = [], doc = "User ids (numbers); where given, only their entries go" }
empty-directories = { type = "boolean", default = false, doc = "Also removes old directories that are empty, or whose entries all go" }
max-depth = { type = "integer", range = [1, 1000000], default = 1000000, doc = "Depth below the root that is looked at; 1 is the root's own entries" }
)");

namespace expired_files {
namespace {

class ExpiredFiles final : public freshet::Task {
 public:
  explicit ExpiredFiles(const freshet::Settings& settings) : criteria_(settings) {}

  void scan(freshet::Host& host) override {
    std::uint64_t spared = 0;
    for (const freshet::Root& root : host.roots()) Walk(criteria_, host, root, spared).run();
    if (spared > 0)
      host.log(FRESHET_LOG_INFO, std::to_string(spared) +
                                     " old files stay because they were made, moved or changed in some other way since"
                                     " (ctime, btime); `age-by` says which time stamps count");
  }

 private:
  // One root, level by level on a stack of its own: the depth of a tree costs heap, never the thread's stack, and no
  // memory is kept for a single file.
  class Walk {
   public:
    Walk(const Criteria& criteria, freshet::Host& host, const freshet::Root& root, std::uint64_t& spared)
        : criteria_(criteria), host_(host), now_(host.now()), spared_(spared) {
      levels_.push_back(Level{host.open(root), {}, 0, 0, true});
    }
    Walk(const Walk&) = delete;
    Walk& operator=(const Walk&) = delete;
    ~Walk() {  // children close before parents, also when an exception passes; a vector's own order is the other
      while (!levels_.empty()) levels_.pop_back();
    }

    void run() {
      while (!levels_.empty()) {
        host_.stop_if_cancelled();  // the host makes it cheap
        Level& level = levels_.back();
        if (level.directory.next(level.entry)) look_at(level);
        else leave();
      }
    }

   private:
    struct Level {
      freshet::Directory directory;
      freshet::Entry entry;      // the one in hand: while a level lies above, the directory that level is
      std::size_t path_length;   // of the directory's own path below the root, with a '/' at its end
      std::uint64_t entries;
      bool all_go;               // every entry so far was proposed
    };

    std::string_view path_of(const Level& level) {
      if (!criteria_.needs_paths()) return {};
      path_.resize(level.path_length);
      path_ += level.entry.file_name();
      return path_;
    }

    void look_at(Level& level) {
      ++level.entries;
      const freshet::Entry& entry = level.entry;
      const std::string_view path = path_of(level);
      if (criteria_.keeps(entry, path)) {
        level.all_go = false;
      } else if (entry.is_directory()) {
        enter(level);
      } else if (criteria_.goes(entry, path, now_, reason_)) {
        level.directory.propose(entry, {reason_.text()});
      } else {
        level.all_go = false;
        if (criteria_.spared_by_change(entry, now_)) ++spared_;
      }
    }

    void enter(Level& level) {
      if (level.entry.is_mount_point() || !criteria_.enters(static_cast<std::int64_t>(levels_.size()))) {
        level.all_go = false;
        return;
      }
      std::size_t path_length = 0;
      if (criteria_.needs_paths()) {
        path_ += '/';
        path_length = path_.size();
      }
      freshet::Directory inner = level.directory.open(level.entry);
      levels_.push_back(Level{std::move(inner), {}, path_length, 0, true});
    }

    // The directory in hand was read to its end, or could not be read; what becomes of it itself?
    void leave() {
      const std::uint64_t entries = levels_.back().entries;
      const bool may_go = levels_.back().all_go && levels_.back().directory.complete();
      levels_.pop_back();
      if (levels_.empty()) return;  // the root never goes
      Level& parent = levels_.back();
      if (may_go && criteria_.directory_goes(parent.entry, path_of(parent), entries, now_, reason_))
        parent.directory.propose(parent.entry, {reason_.text()});
      else
        parent.all_go = false;
    }

    const Criteria& criteria_;
    freshet::Host& host_;
    const std::int64_t now_;
    std::uint64_t& spared_;
    std::vector<Level> levels_;
    std::string path_;
    Reason reason_;
  };

  Criteria criteria_;
};

}  // namespace
}  // namespace expired_files

FRESHET_PLUGIN(freshet::kind<expired_files::ExpiredFiles>("expired-files"))

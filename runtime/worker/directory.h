#pragma once

#include <freshet/contents.h>
#include <freshet/plugin.h>

#include <cstdint>
#include <expected>
#include <list>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_set>
#include <vector>

#include "runtime/base/fd.h"
#include "runtime/base/identity.h"
#include "runtime/worker/event_writer.h"

namespace freshet::worker {

// A granted root as the worker reaches it.
struct RootView {
  std::string shown;   // as the operator wrote it
  std::string path;    // to open, in the private root; or empty and
  int base = -1;       // .. a descriptor of the directory (not owned)
  std::vector<std::vector<std::string>> excludes;  // relative paths, split at '/'
  std::string area;    // name of the quarantine area, "" for none
  bool stable_birth = true;
  bool read_contents = false;
};

}  // namespace freshet::worker

// An open directory of a scan. Belongs to a Walker; a plugin holds only the pointer.
struct freshet_dir {
  std::uint32_t id = 0;
  std::uint32_t root = 0;
  freshet_dir* parent = nullptr;
  std::string name;                     // in the parent; empty for a root
  std::vector<std::uint32_t> excludes;  // of the root's, those whose first `depth` parts lead here
  std::uint32_t depth = 0;
  std::uint32_t path_length = 0;        // below the root

  freshet::EntryStat stat;              // when it was opened: what it must be when it is opened again
  freshet::Fd fd;                       // none: evicted, see Walker
  std::list<freshet_dir*>::iterator use;  // place in the order of use; only with an fd
  std::uint32_t open_children = 0;

  std::unique_ptr<char[]> buffer;       // of getdents64; none: not filled, or evicted
  std::size_t filled = 0;
  std::size_t position = 0;
  std::int64_t resume = 0;              // offset behind the last entry that was taken
  std::uint64_t listed = 0;
  bool ended = false;
  bool broken = false;                  // the listing failed, or an entry could not be looked at
  char entry_name[256] = {};
};

// An open regular file of a scan, likewise.
struct freshet_file {
  freshet::Fd fd;
};

namespace freshet::worker {

// Walks the granted roots for a plugin, which is not trusted to pass good arguments. Opens directories, and where the root
// grants contents regular files; never anything else. There it reads the targets of links too, and never follows one. Never
// enters another mount, leaves out quarantine areas silently and excluded entries by name. Not thread-safe.
//
// Descriptors are few and trees are deep: at most `max_fds` directories hold one, the least recently used lose theirs
// (and their buffer, but for the offset). A directory without one is opened again through ".." of a child that is
// being closed, or by name from its nearest ancestor that still has one, and must then be the same inode of the same
// mount.
class Walker {
 public:
  Walker(std::vector<RootView> roots, std::size_t max_fds, EventWriter& events);

  // Starts a scan: nothing is open, ids count from 0. Without `report` (verify) no directory event is sent.
  void begin(bool report);
  // Ends it: closes what the plugin left open (each as not wholly read), frees what was kept for reuse.
  void end();

  freshet_status open(std::uint32_t root, freshet_dir* parent, std::string_view name, freshet_dir** out);
  freshet_status next(freshet_dir* directory, freshet_entry& out);
  void close(freshet_dir* directory);

  freshet_status open_file(freshet_dir* directory, std::string_view name, freshet_file** out);
  freshet_status read_file(freshet_file* file, std::uint64_t offset, void* to, std::size_t room, std::size_t& got);
  void close_file(freshet_file* file);

  freshet_status read_link(freshet_dir* directory, std::string_view name, char* to, std::size_t room, std::size_t& got);

  [[nodiscard]] bool is_open(const freshet_dir* directory) const;
  [[nodiscard]] const std::vector<RootView>& roots() const { return roots_; }
  [[nodiscard]] std::uint64_t entries() const { return entries_; }

 private:
  enum class Named { shown, area, excluded };
  template <class T>
  using Try = std::expected<T, int>;  // or an errno

  [[nodiscard]] Named judge(const freshet_dir& directory, std::string_view name, unsigned char type) const;
  // Excludes of `parent` that lead on into `name`.
  [[nodiscard]] std::vector<std::uint32_t> excludes_below(const freshet_dir& parent, std::string_view name) const;
  int fill(freshet_dir& directory);
  freshet_status fail_listing(freshet_dir& directory, int error_number);
  void report_unread(std::uint32_t directory, std::uint32_t root, std::string_view name, int error_number);
  void tell_progress();

  Try<Fd> open_fd(int base, const char* name, int flags);
  Try<Fd> open_root(std::uint32_t root);
  Try<Fd> find_again(const freshet_dir& directory);
  int ensure_fd(freshet_dir& directory);
  void attach(freshet_dir& directory, Fd fd);
  void detach(freshet_dir& directory);
  bool evict_one();
  void give_parent_back(freshet_dir& directory);

  // Constant after construction.
  const std::vector<RootView> roots_;
  const std::size_t max_fds_;
  EventWriter& events_;

  bool report_ = true;
  std::uint32_t next_id_ = 0;
  std::uint64_t entries_ = 0;
  std::int64_t told_ns_ = 0;                     // when progress was last sent
  std::unordered_set<const freshet_dir*> open_;  // owned
  std::unordered_set<const freshet_file*> files_;  // owned
  std::list<freshet_dir*> with_fd_;              // least recently used first
  std::vector<std::unique_ptr<char[]>> spare_buffers_;
};

}  // namespace freshet::worker

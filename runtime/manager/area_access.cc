#include "runtime/manager/area_access.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "runtime/base/bytes.h"
#include "runtime/base/pause.h"
#include "runtime/manager/directory_contents.h"
#include "runtime/manager/open_roots.h"
#include "runtime/manager/root_times.h"
#include "runtime/wire/messages.h"

namespace freshet {
namespace {

constexpr int kTries = 100;  // against others who remove an area while it is taken
constexpr std::chrono::milliseconds kPoll{2};

std::unexpected<Error> no_top(const channel::OpenRoot& root, const std::string& why) {
  return fail("F1019", ErrorKind::refused, "the quarantine of " + escape_bytes(root.config.path) + " cannot be at the top of its mount: " + why,
              "leave `quarantine.at` out: the quarantine is then in the root");
}

std::string parent_of(const std::string& path) {
  const std::size_t slash = path.rfind('/');
  return slash == 0 || slash == std::string::npos ? "/" : path.substr(0, slash);
}

std::string path_of(const std::string& directory, const std::string& name) {
  return escape_bytes((directory == "/" ? "" : directory) + "/" + name);
}

// Waits for whoever holds it; never behind a stop.
Status wait_for_lock(const Fd& file, int operation, const std::stop_token& stop, const std::string& what) {
  while (::flock(file.get(), operation | LOCK_NB) != 0) {
    if (errno != EWOULDBLOCK && errno != EINTR) return fail_errno("locking " + what);
    if (stop.stop_requested()) return fail(ErrorKind::busy, "interrupted while waiting for another run to leave " + what);
    pause_for(kPoll, stop);
  }
  return {};
}

// Making and removing areas at tops changes and gives back times that several runs share: one at a time.
Result<Fd> enter_gate(const Core& core) {
  const std::string path = core.lock_dir() + "/areas";
  if (::mkdir(core.lock_dir().c_str(), 0700) != 0 && errno != EEXIST) return fail_errno("making " + core.lock_dir());
  Fd gate(::open(path.c_str(), O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK, 0600));
  if (!gate) return fail_errno("opening " + path);
  if (const Status locked = wait_for_lock(gate, LOCK_EX, core.options.stop, path); !locked) return std::unexpected(locked.error());
  return gate;
}

Status make_area(const Core& core, int top, const std::string& name, const std::string& shown) {
  const Result<Fd> gate = enter_gate(core);
  if (!gate) return std::unexpected(gate.error());
  const std::optional<DirectoryTimes> before = times_of(top);
  if (::mkdirat(top, name.c_str(), 0700) != 0) {
    if (errno == EEXIST) return {};
    return fail_errno("making the quarantine " + shown);
  }
  if (before) give_times_back(top, *before);
  const Fd readable(::openat(top, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!readable || ::fsync(readable.get()) != 0) return fail_errno("syncing the directory of " + shown);
  return {};
}

bool is_still(int directory, const std::string& name, const Fd& area) {
  const Result<EntryStat> named = stat_entry(directory, name.c_str());
  const Result<EntryStat> open = stat_entry(area.get(), "");
  return named && open && named->identity.inode == open->identity.inode && named->mount_id == open->mount_id;
}

}  // namespace

Result<channel::OpenRoot> find_mount_top(const channel::OpenRoot& root, std::uint32_t uid) {
  std::string path = root.config.path;
  Fd directory(::openat(root.directory.get(), ".", O_PATH | O_DIRECTORY | O_CLOEXEC));
  Result<EntryStat> seen = stat_entry(directory.get(), "");
  while (seen && !seen->mount_root) {
    Fd above(::openat(directory.get(), "..", O_PATH | O_DIRECTORY | O_CLOEXEC));
    Result<EntryStat> around = stat_entry(above.get(), "");
    if (!around || around->mount_id != seen->mount_id || around->identity.inode == seen->identity.inode)
      return no_top(root, "the top is not to be found from here");
    directory = std::move(above);
    seen = std::move(around);
    path = parent_of(path);
  }
  if (!seen) return no_top(root, "the top is not to be found from here");
  config::RootConfig config;
  config.path = path;
  Result<channel::OpenRoot> top = open_root(config);
  if (!top || top->dev != seen->dev || top->identity.inode != seen->identity.inode)
    return no_top(root, "what " + escape_bytes(path) + " names is not that top");
  const std::string shown = escape_bytes(path);
  if (top->dev != root.dev) return no_top(root, "the root is a subvolume, and renames from it to " + shown + " do not work");
  if (seen->uid != uid) return no_top(root, shown + " belongs to uid " + std::to_string(seen->uid) + ", not to the user that Freshet runs as");
  if ((seen->mode & 0022) != 0 && (seen->mode & S_ISVTX) == 0) return no_top(root, "others than its owner may rename what is in " + shown);
  return top;
}

Result<channel::OpenRoot> open_planned_top(const channel::OpenRoot& root, const PlanRoot& planned) {
  config::RootConfig config;
  config.path = planned.top->path;
  Result<channel::OpenRoot> top = open_root(config);
  if (!top) return top;
  const Result<EntryStat> above = stat_entry(top->directory.get(), "");
  const Result<EntryStat> below = stat_entry(root.directory.get(), "");
  if (top->identity.inode != planned.top->inode || top->identity.birth_ns != planned.top->birth_ns || !above || !below ||
      above->mount_id != below->mount_id)
    return fail("F1018", ErrorKind::refused,
                escape_bytes(planned.top->path) + ", where the quarantine of " + escape_bytes(planned.config.path) +
                    " stands, is not the directory that was planned, or not on the root's mount any more",
                "look at what is mounted there");
  return top;
}

const std::string& area_directory(const PlanRoot& root) { return root.top ? root.top->path : root.config.path; }

Result<AreaAccess> AreaAccess::look(const std::vector<channel::OpenRoot>& roots, const std::vector<PlanRoot>& planned) {
  AreaAccess out;
  out.roots_ = &roots;
  out.top_of_.resize(roots.size());
  for (std::size_t i = 0; i < roots.size(); ++i) {
    out.names_.push_back(planned[i].area);
    if (!planned[i].top) continue;
    Result<channel::OpenRoot> top = open_planned_top(roots[i], planned[i]);
    if (!top) return std::unexpected(top.error());
    for (std::size_t known = 0; known < out.tops_.size(); ++known)
      if (out.tops_[known].dev == top->dev && out.tops_[known].identity.inode == top->identity.inode &&
          out.tops_[known].config.path == top->config.path)
        out.top_of_[i] = static_cast<std::uint32_t>(known + 1);
    if (out.top_of_[i] != 0) continue;
    out.tops_.push_back(std::move(*top));
    out.top_of_[i] = static_cast<std::uint32_t>(out.tops_.size());
  }
  return out;
}

Result<AreaAccess> AreaAccess::open(const Core& core, const std::vector<channel::OpenRoot>& roots, const std::vector<PlanRoot>& planned,
                                    Use use) {
  Result<AreaAccess> out = look(roots, planned);
  if (!out) return out;
  if (use == Use::remove && out->any_at_top()) {
    Result<Fd> gate = enter_gate(core);
    if (!gate) return std::unexpected(gate.error());
    out->gate_ = std::move(*gate);
  }
  for (std::size_t i = 0; i < roots.size(); ++i)
    if (const Status held = out->hold(core, i, planned[i], use); !held) return std::unexpected(held.error());
  return out;
}

// One lock for each root, though two may be on one area: locks of one process's descriptors exclude each other too, so an
// area is taken once.
Status AreaAccess::hold(const Core& core, std::size_t root, const PlanRoot& planned, Use use) {
  const bool at_top = top_of_[root] != 0;
  for (std::size_t before = 0; before < root; ++before)
    if (at_top && top_of_[before] == top_of_[root] && names_[before] == names_[root]) {
      if (std::ranges::find(kept_, before) != kept_.end()) kept_.push_back(static_cast<std::uint32_t>(root));
      return {};
    }
  const auto keep = [&] {
    kept_.push_back(static_cast<std::uint32_t>(root));
    return Status();
  };
  const int directory = directory_of(root);
  const std::string shown = path_of(area_directory(planned), planned.area);
  for (int tries = 0; tries < kTries; ++tries) {
    Fd area(::openat(directory, planned.area.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC));
    if (!area && errno == ENOENT && at_top && use == Use::move) {
      if (const Status made = make_area(core, directory, planned.area, shown); !made) return made;
      continue;
    }
    // None, or one that only the broker can reach or has to refuse.
    if (!area) return {};
    if (use == Use::remove || (use == Use::purge && !at_top)) {
      if (::flock(area.get(), LOCK_EX | LOCK_NB) != 0) return keep();
      if (!is_still(directory, planned.area, area)) continue;
      if (at_top && !holds_nothing_but(area.get(), ".", wire::kAreaMarker)) return keep();
    } else if (!at_top) {
      // The run's lock on the root keeps all others away but a purge of what is over, which nobody needs to wait for.
      if (::flock(area.get(), LOCK_SH | LOCK_NB) != 0) return {};
    } else {
      if (const Status locked = wait_for_lock(area, LOCK_SH, core.options.stop, shown); !locked) return locked;
      if (!is_still(directory, planned.area, area)) continue;
      (void)keep();
    }
    locks_.push_back(std::move(area));
    return {};
  }
  return fail(ErrorKind::busy, "other runs make and remove the quarantine " + shown + " all the time", "run the command again");
}

void AreaAccess::fill(channel::RoleRequest& request) const {
  request.roots = pointers(*roots_);
  request.areas = names_;
  request.tops = pointers(tops_);
  request.top_of = top_of_;
}

int AreaAccess::directory_of(std::size_t root) const {
  return top_of_[root] == 0 ? (*roots_)[root].directory.get() : tops_[top_of_[root] - 1].directory.get();
}

}  // namespace freshet

#include "runtime/sandbox/control_group.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <cerrno>
#include <string_view>

#include "runtime/base/lines.h"
#include "runtime/base/listing.h"
#include "runtime/base/proc_file.h"

namespace freshet::sandbox {
namespace {

constexpr std::string_view kPrefix = "freshet-";
constexpr const char* kManager = "freshet-manager";

// A control file takes what it is told in one write.
bool write_control(int group, const char* file, std::string_view text) {
  const Fd out(::openat(group, file, O_WRONLY | O_CLOEXEC));
  return out && ::write(out.get(), text.data(), text.size()) == static_cast<ssize_t>(text.size());
}

bool has_word(std::string_view line, std::string_view word) {
  for (std::string_view next = next_word(line); !next.empty(); next = next_word(line))
    if (next == word) return true;
  return false;
}

std::string first_line(int group, const char* file) {
  std::string text = read_proc(group, file);
  text.resize(std::min(text.size(), text.find('\n')));
  return text;
}

// "0::/user.slice/..": of the lines of /proc/self/cgroup the one of version 2.
std::string own_path() {
  std::string out;
  for_each_line(read_proc(AT_FDCWD, "/proc/self/cgroup"), [&](std::string_view line) {
    if (line.starts_with("0::")) out = line.substr(3);
  });
  return out;
}

// "36 35 0:31 / /sys/fs/cgroup rw,nosuid - cgroup2 cgroup2 rw"
std::string mount_place() {
  std::string out;
  for_each_line(read_proc(AT_FDCWD, "/proc/self/mountinfo"), [&](std::string_view line) {
    for (int skip = 0; skip < 3; ++skip) next_word(line);
    const std::string_view root = next_word(line);
    const std::string_view place = next_word(line);
    const std::size_t behind = line.find(" - ");
    if (root == "/" && behind != std::string_view::npos && line.substr(behind + 3).starts_with("cgroup2 ")) out = place;
  });
  return out;
}

bool is_delegated(int group, const std::string& path) {
  for (const char* name : {"user.delegate", "trusted.delegate"})
    if (char mark = 0; ::fgetxattr(group, name, &mark, 1) == 1 && mark == '1') return true;
  // The host's own root has no type; the root of a container's namespace has.
  return path == "/" && ::faccessat(group, "cgroup.type", F_OK, 0) == 0 && ::faccessat(group, "cgroup.procs", W_OK, AT_EACCESS) == 0;
}

// What a manager that was killed left.
void remove_left(int place) {
  const Listing listing = list_directory(place, ".");
  while (const dirent* entry = listing ? ::readdir(listing.get()) : nullptr)
    if (std::string_view(entry->d_name).starts_with(kPrefix)) ::unlinkat(place, entry->d_name, AT_REMOVEDIR);  // EBUSY: in use
}

// True if no process is in it: this one goes out of the way where nobody else is there. A group with processes that gives a
// controller on has no room for groups of its own with processes (cgroups(7): "no internal processes"), and for pids the
// kernel says so only to whom is put there.
bool is_empty(int place) {
  const std::string inside = read_proc(place, "cgroup.procs");
  if (inside.empty()) return true;
  if (inside != std::to_string(::getpid()) + "\n") return false;
  if (::mkdirat(place, kManager, 0755) != 0 && errno != EEXIST) return false;
  const Fd group(::openat(place, kManager, O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  return group && write_control(group.get(), "cgroup.procs", "0");
}

bool enable(int place, std::string_view controller) {
  return has_word(first_line(place, "cgroup.controllers"), controller) &&
         (has_word(first_line(place, "cgroup.subtree_control"), controller) ||
          write_control(place, "cgroup.subtree_control", "+" + std::string(controller)));
}

}  // namespace

ControlGroup::~ControlGroup() {
  if (!directory_) return;
  kill();
  constexpr int kTries = 100;  // the kernel counts a process that was reaped for a moment longer
  for (int tried = 0; tried < kTries && ::unlinkat(place_.get(), name_.c_str(), AT_REMOVEDIR) != 0 && errno == EBUSY; ++tried)
    ::poll(nullptr, 0, 1);
}

void ControlGroup::kill() const {
  if (directory_) write_control(directory_.get(), "cgroup.kill", "1");
}

bool ControlGroup::ran_out_of_memory() const {
  bool out = false;
  if (!directory_) return out;
  for_each_line(read_proc(directory_.get(), "memory.events"), [&](std::string_view line) {
    if (next_word(line) == "oom_kill") out = next_word(line) != "0";
  });
  return out;
}

Result<ControlGroups> ControlGroups::find() {
  const std::string path = own_path();
  const std::string mounted = mount_place();
  if (path.empty() || mounted.empty()) return fail(ErrorKind::refused, "cgroup version 2 is not mounted");
  Fd place(::open((mounted + path).c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!place) return fail_errno("opening the control group " + path);
  if (!is_delegated(place.get(), path)) return fail(ErrorKind::refused, "the control group " + path + " is not delegated to this process");
  const std::string controllers = first_line(place.get(), "cgroup.controllers");
  auto out = in(std::move(place));
  if (!out || out->limits_memory() || out->limits_processes()) return out;
  const bool there = has_word(controllers, "memory") || has_word(controllers, "pids");
  return fail(ErrorKind::refused, "the control group " + path +
                                      (there ? " holds other processes too" : " has no memory and no pids controller to give on"));
}

Result<ControlGroups> ControlGroups::in(Fd place) {
  remove_left(place.get());
  ControlGroups out(std::move(place));
  if (!is_empty(out.place_.get())) return out;
  out.limits_memory_ = enable(out.place_.get(), "memory");
  out.limits_processes_ = enable(out.place_.get(), "pids");
  return out;
}

Result<ControlGroup> ControlGroups::make(const GroupLimits& limits) {
  const std::string name = std::string(kPrefix) + std::to_string(::getpid()) + "-" + std::to_string(made_++);
  Fd place(::fcntl(place_.get(), F_DUPFD_CLOEXEC, 0));
  if (!place) return fail_errno("F_DUPFD_CLOEXEC");
  if (::mkdirat(place.get(), name.c_str(), 0755) != 0) return fail_errno("making the control group " + name);
  ControlGroup group(std::move(place), name, Fd(::openat(place_.get(), name.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)));
  if (!group) {
    const int error = errno;
    ::unlinkat(place_.get(), name.c_str(), AT_REMOVEDIR);
    errno = error;
    return fail_errno("opening the control group " + name);
  }
  const auto set = [&](const char* file, std::uint64_t limit) { return write_control(group.directory(), file, std::to_string(limit)); };
  if (limits_memory_ && limits.memory_bytes != 0) {
    if (!set("memory.max", limits.memory_bytes)) return fail_errno("memory.max of the control group " + name);
    set("memory.swap.max", 0);  // not there where nothing is swapped
    set("memory.oom.group", 1);
  }
  if (limits_processes_ && limits.processes != 0 && !set("pids.max", limits.processes))
    return fail_errno("pids.max of the control group " + name);
  return group;
}

}  // namespace freshet::sandbox

#include "runtime/channel/inventory.h"

#include <fcntl.h>

#include <charconv>

#include "runtime/base/lines.h"
#include "runtime/base/listing.h"
#include "runtime/channel/proc_files.h"

namespace freshet::channel {
namespace {

template <class F>
void for_each_name(const Listing& directory, F&& each) {
  constexpr std::size_t kMost = 65536;
  if (!directory) return;
  for (std::size_t i = 0; i < kMost; ++i) {
    const dirent* entry = ::readdir(directory.get());
    if (entry == nullptr) return;
    if (entry->d_name[0] != '.') each(entry->d_name);
  }
}

std::uint64_t number(const std::string& text) {
  std::uint64_t value = 0;
  std::from_chars(text.data(), text.data() + text.size(), value);
  return value;
}

}  // namespace

Result<Inventory> take_inventory(int proc, pid_t pid) {
  const std::string status = read_proc(proc, "status");
  if (!is_alive(status)) return fail(ErrorKind::peer, "the process has ended");
  Inventory out;
  out.threads = static_cast<std::uint32_t>(number(status_field(status, "Threads")));
  out.memory_bytes = number(status_field(status, "RssAnon")) * 1024;
  const Listing fds = list_directory(proc, "fd");
  for_each_name(fds, [&](const char* name) { out.descriptors.push_back(link_of(::dirfd(fds.get()), name)); });
  for_each_name(list_directory(proc, "task"), [&](const char* name) {
    const std::string children = read_proc(proc, (std::string("task/") + name + "/children").c_str());
    std::string_view words = children;
    while (!next_word(words).empty()) ++out.processes;
  });
  // Who shares the manager's mounts (a broker, or any role where there are no namespaces) answers for none of them: what
  // somebody mounts meanwhile is not its own. A mount's number, first in its line, is in no second namespace.
  const std::string mounts = read_proc(proc, "mountinfo");
  const std::string ours = read_proc(AT_FDCWD, "/proc/self/mountinfo");
  if (mounts.substr(0, mounts.find(' ')) != ours.substr(0, ours.find(' ')))
    for_each_line(mounts, [&](std::string_view) { ++out.mounts; });
  // "1: FLOCK ADVISORY WRITE 1234 08:01:99 0 EOF"
  for_each_line(read_proc(AT_FDCWD, "/proc/locks"), [&](std::string_view line) {
    for (int i = 0; i < 4; ++i) next_word(line);
    if (next_word(line) == std::to_string(pid)) ++out.locks;
  });
  return out;
}

}  // namespace freshet::channel

#include "runtime/manager/in_use.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <cstdio>
#include <cstring>
#include <string_view>

#include "runtime/base/bytes.h"
#include "runtime/base/fd.h"
#include "runtime/base/identity.h"
#include "runtime/base/lines.h"
#include "runtime/base/listing.h"
#include "runtime/base/proc_file.h"

namespace freshet {
namespace {

constexpr std::size_t kMaxProcFile = 64U << 20;

template <class T>
bool parse(std::string_view text, T& value, int base) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value, base);
  return error == std::errc() && end == text.data() + text.size();
}

// "08:02" as in maps, "08:02" as in locks: both hexadecimal. Our own device form.
bool parse_device(std::string_view text, std::uint64_t& dev) {
  const std::size_t colon = text.find(':');
  std::uint32_t high = 0;
  std::uint32_t low = 0;
  if (colon == std::string_view::npos) return false;
  if (!parse(text.substr(0, colon), high, 16) || !parse(text.substr(colon + 1), low, 16)) return false;
  dev = (static_cast<std::uint64_t>(high) << 32) | low;
  return true;
}

// Where a magic link of /proc leads, without opening it.
bool follow(int at, const char* name, std::uint64_t& dev, std::uint64_t& inode) {
  struct statx raw {};
  if (::statx(at, name, AT_NO_AUTOMOUNT | AT_STATX_DONT_SYNC, STATX_INO, &raw) != 0) return false;
  dev = (static_cast<std::uint64_t>(raw.stx_dev_major) << 32) | raw.stx_dev_minor;
  inode = raw.stx_ino;
  return true;
}

// The file system of memfds and shared anonymous memory, which no directory is on: 00:01 and small inode numbers, as
// tmpfs has them too. ~0 where it cannot be found out.
std::uint64_t memory_device() {
  constexpr std::uint64_t kNone = ~0ULL;
  const Fd memory(::memfd_create("device", MFD_CLOEXEC));
  struct statx raw {};
  if (!memory || ::statx(memory.get(), "", AT_EMPTY_PATH, STATX_INO, &raw) != 0) return kNone;
  return (static_cast<std::uint64_t>(raw.stx_dev_major) << 32) | raw.stx_dev_minor;
}

// "36 35 0:31 / /tmp rw,relatime shared:1 - tmpfs tmpfs rw"
std::set<std::uint64_t> memory_devices() {
  std::set<std::uint64_t> out{memory_device()};
  const std::string mounts = read_proc(AT_FDCWD, "/proc/self/mountinfo", kMaxProcFile);
  for_each_line(mounts, [&](std::string_view line) {
    next_word(line);
    next_word(line);
    const std::string_view device = next_word(line);
    const std::size_t end = line.find(" - ");
    if (end == std::string_view::npos) return;
    line.remove_prefix(end + 3);
    const std::string_view type = next_word(line);
    if (type != "tmpfs" && type != "ramfs" && type != "devtmpfs" && type != "hugetlbfs") return;
    const std::size_t colon = device.find(':');
    std::uint32_t high = 0;
    std::uint32_t low = 0;
    if (colon == std::string_view::npos || !parse(device.substr(0, colon), high, 10) || !parse(device.substr(colon + 1), low, 10)) return;
    out.insert((static_cast<std::uint64_t>(high) << 32) | low);
  });
  return out;
}

}  // namespace

InUseOracle InUseOracle::look(const std::set<std::uint64_t>& devices, bool ours) {
  InUseOracle out;
  for (const std::uint64_t dev : devices) out.by_device_[dev];
  out.memory_devices_ = memory_devices();
  const Listing proc = list_directory(AT_FDCWD, "/proc");
  if (!proc) return out;
  const int self = ::getpid();
  while (const dirent* entry = ::readdir(proc.get())) {
    int pid = 0;
    if (!parse(std::string_view(entry->d_name), pid, 10) || (pid == self && !ours)) continue;
    out.look_at_process(::dirfd(proc.get()), pid);
  }
  out.look_at_locks();
  out.look_at_sockets();
  return out;
}

void InUseOracle::add(std::uint64_t dev, std::uint64_t inode, int pid, bool locked) {
  const auto device = by_device_.find(dev);
  if (device == by_device_.end()) return;
  Holder& holder = device->second[inode];
  if (holder.pid == 0 || locked) holder.pid = pid;
  holder.locked = holder.locked || locked;
}

void InUseOracle::look_at_process(int proc_fd, int pid) {
  const Fd process(::openat(proc_fd, std::to_string(pid).c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
  if (!process) return;
  const Listing fds = list_directory(process.get(), "fd");
  if (!fds) {
    if (errno == EACCES || errno == EPERM) ++unseen_;
    return;
  }
  std::uint64_t dev = 0;
  std::uint64_t inode = 0;
  while (const dirent* entry = ::readdir(fds.get())) {
    if (entry->d_name[0] == '.') continue;
    if (follow(::dirfd(fds.get()), entry->d_name, dev, inode)) add(dev, inode, pid, false);
  }
  for (const char* link : {"cwd", "root", "exe"})
    if (follow(process.get(), link, dev, inode)) add(dev, inode, pid, false);
  look_at_maps(process.get(), pid);
}

void InUseOracle::look_at_maps(int process_fd, int pid) {
  const std::string maps = read_proc(process_fd, "maps", kMaxProcFile);
  std::uint64_t last = 0;
  for_each_line(maps, [&](std::string_view line) {
    for (int skip = 0; skip < 3; ++skip) next_word(line);  // range, rights, offset
    const std::string_view device = next_word(line);
    std::uint64_t dev = 0;
    std::uint64_t inode = 0;
    if (!parse(next_word(line), inode, 10) || inode == 0 || inode == last || !parse_device(device, dev)) return;
    last = inode;
    add_as_shown(dev, inode, pid, false);
  });
}

// With the device number of maps and locks, which need not be that of stat(2).
void InUseOracle::add_as_shown(std::uint64_t dev, std::uint64_t inode, int pid, bool locked) {
  if (by_device_.contains(dev)) return add(dev, inode, pid, locked);
  if ((dev >> 32) != 0 || memory_devices_.contains(dev)) return;
  Holder& holder = any_device_.try_emplace(inode, Holder{pid, false}).first->second;
  holder.locked = holder.locked || locked;
}

// "1: FLOCK  ADVISORY  WRITE 1234 08:01:5678 0 EOF"; waiting ones have "->" behind the number.
void InUseOracle::look_at_locks() {
  const std::string locks = read_proc(AT_FDCWD, "/proc/locks", kMaxProcFile);
  for_each_line(locks, [&](std::string_view line) {
    next_word(line);
    std::string_view kind = next_word(line);
    if (kind == "->") kind = next_word(line);
    if (kind != "FLOCK" && kind != "POSIX" && kind != "OFDLCK") return;
    next_word(line);  // advisory
    next_word(line);  // read or write
    int pid = 0;
    if (!parse(next_word(line), pid, 10) || pid < 0) pid = 0;
    const std::string_view where = next_word(line);
    const std::size_t colon = where.rfind(':');
    std::uint64_t dev = 0;
    std::uint64_t inode = 0;
    if (colon == std::string_view::npos || !parse_device(where.substr(0, colon), dev)) return;
    if (parse(where.substr(colon + 1), inode, 10)) add_as_shown(dev, inode, pid, true);
  });
}

// "Num RefCount Protocol Flags Type St Inode Path"; a socket file is in use while somebody listens or is bound there.
void InUseOracle::look_at_sockets() {
  const std::string sockets = read_proc(AT_FDCWD, "/proc/net/unix", kMaxProcFile);
  for_each_line(sockets, [&](std::string_view line) {
    for (int skip = 0; skip < 7; ++skip) next_word(line);
    if (line.size() < 2 || line[1] != '/') return;
    const std::string path(line.substr(1));
    const Result<EntryStat> entry = stat_entry(AT_FDCWD, path.c_str());
    if (entry && entry->identity.type == EntryType::socket) add(entry->dev, entry->identity.inode, 0, false);
  });
}

const InUseOracle::Holder* InUseOracle::find(std::uint64_t dev, std::uint64_t inode) const {
  const auto device = by_device_.find(dev);
  if (device != by_device_.end()) {
    const auto held = device->second.find(inode);
    if (held != device->second.end()) return &held->second;
  }
  if ((dev >> 32) == 0 && !memory_devices_.contains(dev)) {
    const auto held = any_device_.find(inode);
    if (held != any_device_.end()) return &held->second;
  }
  return nullptr;
}

bool InUseOracle::locked(std::uint64_t dev, std::uint64_t inode) const {
  const Holder* holder = find(dev, inode);
  return holder != nullptr && holder->locked;
}

std::string InUseOracle::describe(const Holder& holder) {
  std::string text = holder.locked ? "locked" : "open";
  if (holder.pid == 0) return text;
  std::string name = read_proc(AT_FDCWD, ("/proc/" + std::to_string(holder.pid) + "/comm").c_str());
  while (!name.empty() && name.back() == '\n') name.pop_back();
  text += holder.locked ? " by " : " in ";
  if (!name.empty()) text += escape_bytes(name) + " ";
  return text + "(pid " + std::to_string(holder.pid) + ")";
}

std::vector<std::uint64_t> InUseOracle::inodes(std::uint64_t dev) const {
  std::vector<std::uint64_t> out;
  const auto device = by_device_.find(dev);
  if (device != by_device_.end())
    for (const auto& [inode, holder] : device->second) out.push_back(inode);
  if ((dev >> 32) == 0 && !memory_devices_.contains(dev))
    for (const auto& [inode, holder] : any_device_) out.push_back(inode);
  return out;
}

}  // namespace freshet

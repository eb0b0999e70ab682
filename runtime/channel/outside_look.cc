#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <cstdio>
#include <string_view>

#include "runtime/base/bytes.h"
#include "runtime/base/lines.h"
#include "runtime/base/listing.h"
#include "runtime/channel/isolation_check.h"
#include "runtime/channel/proc_files.h"

namespace freshet::channel {
namespace {

constexpr std::size_t kMaxDescriptors = 4096;
constexpr const char* kNamespaces[] = {"user", "mnt", "pid", "net", "ipc", "uts", "cgroup"};

std::string hexadecimal(std::uint64_t value) {
  char text[17];
  std::snprintf(text, sizeof text, "%016llx", static_cast<unsigned long long>(value));
  return text;
}

class Look {
 public:
  Look(int proc, const RoleLock& lock) : proc_(proc), lock_(lock) {}

  std::vector<CheckedPoint> all() {
    status_ = read_proc(proc_, "status");
    if (!is_alive(status_)) return {};
    see_privileges();
    see_ids();
    see_namespaces();
    if (lock_.role != wire::Role::broker) see_mounts();
    see_descriptors();
    see_limits();
    // Of a process that ended in between some of this is not its own.
    if (!is_alive(read_proc(proc_, "status"))) return {};
    return std::move(points_);
  }

 private:
  // What /proc does not tell is never an empty text in a report, and never what was expected.
  void add(std::string name, std::string expected, std::string seen, bool passed) {
    const bool told = !seen.empty();
    points_.push_back({std::move(name), std::move(expected), told ? std::move(seen) : "not told", told && passed});
  }
  void expect(const char* name, const std::string& expected) {
    const std::string seen = status_field(status_, name);
    add(name, expected, seen, seen == expected);
  }

  void see_privileges() {
    expect("NoNewPrivs", "1");
    expect("Seccomp", "2");
    if (!status_field(status_, "Seccomp_filters").empty()) expect("Seccomp_filters", "1");  // Linux 5.9
    const std::string kept = hexadecimal(lock_.capabilities);
    expect("CapInh", hexadecimal(0));
    expect("CapPrm", kept);
    expect("CapEff", kept);
    expect("CapBnd", kept);
    expect("CapAmb", hexadecimal(0));
    const std::string threads = status_field(status_, "Threads");
    std::uint32_t count = 0;
    std::from_chars(threads.data(), threads.data() + threads.size(), count);
    add("threads", lock_.threads == 1 ? "1" : "at most " + std::to_string(lock_.threads), threads,
        count >= 1 && count <= lock_.threads);
    // Only where the two owners differ does it show whose files these are.
    struct stat info {};
    if (lock_.uid == 0 || ::fstatat(proc_, "status", &info, 0) != 0) return;
    const bool shut = info.st_uid != lock_.uid;
    add("dumpable", "no", shut ? "no" : "yes", shut);
  }

  void see_ids() {
    const std::string uid = std::to_string(lock_.uid);
    const std::string gid = std::to_string(lock_.gid);
    expect("Uid", uid + " " + uid + " " + uid + " " + std::to_string(lock_.fs_uid));
    if (lock_.role != wire::Role::broker) expect("Gid", gid + " " + gid + " " + gid + " " + gid);
    if (!lock_.own_ids) return;
    // Its line is there without a word where there is no group.
    const std::string groups = status_field(status_, "Groups");
    const bool told = status_.find("\nGroups:") != std::string::npos;
    add("Groups", "none", told && groups.empty() ? "none" : groups, groups.empty());
  }

  void see_namespaces() {
    for (const char* name : kNamespaces) {
      // A broker stays among the manager's mounts (role_setup.cc).
      if (lock_.role == wire::Role::broker && std::string_view(name) == "mnt") continue;
      const std::string place = std::string("ns/") + name;
      std::string theirs = link_of(proc_, place);
      if (const auto before = lock_.namespaces.find(name); theirs.empty() && before != lock_.namespaces.end())
        theirs = before->second;
      const std::string ours = link_of(AT_FDCWD, "/proc/self/" + place);
      add(std::string("namespace ") + name, "its own",
          theirs.empty() ? "not readable" : theirs == ours ? "the manager's" : theirs, !theirs.empty() && theirs != ours);
    }
  }

  void see_mounts() {
    std::string strange, writable, loose, programs, shared;
    const auto note = [](std::string& list, std::string_view point) { list += (list.empty() ? "" : ", ") + escape_bytes(point); };
    bool told = false;
    for_each_line(read_proc(proc_, "mountinfo"), [&](std::string_view line) {
      told = true;
      for (int i = 0; i < 4; ++i) next_word(line);  // id, parent, device, root
      const std::string_view point = next_word(line);
      const std::string options = "," + std::string(next_word(line)) + ",";
      const auto has = [&](const char* option) { return options.find(option) != std::string::npos; };
      const bool top = point == "/";
      if (!top && !point.starts_with("/r/")) note(strange, point);
      if (!has(",ro,")) note(writable, point);
      if (!has(",nosuid,") || !has(",nodev,") || !has(",nosymfollow,")) note(loose, point);
      if (!top && !has(",noexec,")) note(programs, point);  // the dynamic linker maps the plugin from the top
      if (next_word(line) != "-") note(shared, point);
    });
    const auto expect_none = [&](const char* name, const char* expected, const std::string& list) {
      add(name, expected, !told ? "" : list.empty() ? expected : list.size() > 200 ? list.substr(0, 200) + ".." : list, list.empty());
    };
    expect_none("mounts", "its top and the granted roots", strange);
    expect_none("mounts that can be written", "none", writable);
    expect_none("mounts with set-uid, devices or links", "none", loose);
    expect_none("roots with programs", "none", programs);
    expect_none("mounts that the host shares", "none", shared);
  }

  // Of an ordinary user's role /proc does not tell: it is not dumpable, and not even its owner may look.
  void see_descriptors() {
    const Listing descriptors = list_directory(proc_, "fd");
    if (!descriptors) return;
    const int fd = ::dirfd(descriptors.get());
    std::size_t count = 0;
    std::size_t sockets = 0;
    std::string strange;
    while (const dirent* entry = ::readdir(descriptors.get())) {
      if (entry->d_name[0] == '.' || ++count > kMaxDescriptors) continue;
      struct stat link {};
      struct stat target {};
      if (::fstatat(fd, entry->d_name, &link, AT_SYMLINK_NOFOLLOW) != 0 || ::fstatat(fd, entry->d_name, &target, 0) != 0) continue;
      const bool standard = entry->d_name[1] == '\0' && entry->d_name[0] <= '2';
      const bool quiet = S_ISDIR(target.st_mode) || (S_ISCHR(target.st_mode) && standard) ||
                         (S_ISFIFO(target.st_mode) && lock_.loads && std::string_view(entry->d_name) == "2") ||
                         (S_ISREG(target.st_mode) && (lock_.role == wire::Role::broker || (link.st_mode & S_IWUSR) == 0));
      if (S_ISSOCK(target.st_mode)) ++sockets;
      else if (!quiet || (lock_.role == wire::Role::worker && !lock_.loads && !S_ISCHR(target.st_mode)))
        strange += (strange.empty() ? "" : ", ") + escape_bytes(link_of(fd, entry->d_name));
    }
    const std::string expected = lock_.role == wire::Role::broker ? "one socket, directories, its own files"
                                 : lock_.loads                    ? "one socket, directories, files to read, a pipe for its errors"
                                                                  : "one socket and /dev/null";
    std::string seen = std::to_string(count) + ", " + std::to_string(sockets) + " of them sockets";
    if (!strange.empty()) seen += "; " + strange.substr(0, 200);
    add("descriptors", expected, std::move(seen), sockets == 1 && strange.empty() && count <= lock_.open_files);
  }

  void see_limits() {
    std::map<std::string, std::string, std::less<>> limits;
    constexpr std::size_t kValues = 26;  // the column
    for_each_line(read_proc(proc_, "limits"), [&](std::string_view line) {
      if (line.size() <= kValues) return;
      const std::string_view name = line.substr(0, line.find("  "));
      line.remove_prefix(kValues);
      const std::string_view soft = next_word(line);
      const std::string_view hard = next_word(line);
      limits[std::string(name)] = soft == hard ? std::string(soft) : std::string(soft) + " to " + std::string(hard);
    });
    const auto expect_limit = [&](const char* name, std::uint64_t most) {
      const std::string& seen = limits[name];
      std::uint64_t value = 0;
      // Where the manager itself is held to less, less was handed on.
      const auto parsed = std::from_chars(seen.data(), seen.data() + seen.size(), value);
      const bool passed = parsed.ec == std::errc() && parsed.ptr == seen.data() + seen.size() && value <= most;
      std::string limit_name(name);
      limit_name[0] = 'm';
      add(std::move(limit_name), std::to_string(most), seen, passed);
    };
    if (lock_.memory_bytes != 0) expect_limit("Max address space", lock_.memory_bytes);
    if (lock_.cpu_seconds != 0) expect_limit("Max cpu time", lock_.cpu_seconds);
    if (lock_.processes != 0) expect_limit("Max processes", lock_.processes);
    expect_limit("Max open files", lock_.open_files);
    expect_limit("Max file size", lock_.file_size_bytes);
    expect_limit("Max core file size", 0);
    expect_limit("Max locked memory", 0);
    expect_limit("Max pending signals", 16);
    expect_limit("Max msgqueue size", 0);
    expect_limit("Max nice priority", 0);
    expect_limit("Max realtime priority", 0);
  }

  const int proc_;
  const RoleLock& lock_;
  std::string status_;
  std::vector<CheckedPoint> points_;
};

}  // namespace

RoleLock role_lock(const wire::Setup& setup) {
  RoleLock out;
  out.role = setup.role;
  out.loads = setup.role == wire::Role::worker && setup.has_plugin;
  out.capabilities = setup.keep_capabilities;
  out.own_ids = !setup.keep_ids;
  out.uid = setup.keep_ids ? ::geteuid() : setup.uid;
  out.gid = setup.keep_ids ? ::getegid() : setup.gid;
  out.fs_uid = setup.role == wire::Role::broker && out.own_ids ? setup.fs_uid : out.uid;
  if (out.loads) out.threads = setup.processes != 0 ? setup.processes : ~0U;  // 0: nothing limits them there
  out.memory_bytes = setup.memory_bytes;
  out.cpu_seconds = setup.cpu_seconds;
  out.file_size_bytes = setup.file_size_bytes;
  out.open_files = setup.open_files;
  out.processes = setup.processes;
  out.roots = setup.roots.size();
  return out;
}

std::map<std::string, std::string> read_namespaces(int proc) {
  std::map<std::string, std::string> out;
  for (const char* name : kNamespaces)
    if (std::string target = link_of(proc, std::string("ns/") + name); !target.empty()) out.emplace(name, std::move(target));
  return out;
}

std::vector<CheckedPoint> look_from_outside(int proc, const RoleLock& lock) { return Look(proc, lock).all(); }

}  // namespace freshet::channel

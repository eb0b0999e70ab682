// What a worker without a plugin tries, to prove that its channel is shut. Every attempt is made with arguments that do
// no harm should it work: the proof has to be safe on a host where the lock is broken. None of them relies on what the
// worker believes of its own lock; the manager compares what is said here with what it saw arrive.
#include "runtime/worker/proof.h"

#include <dirent.h>
#include <fcntl.h>
#include <linux/bpf.h>
#include <linux/keyctl.h>
#include <linux/perf_event.h>
#include <netinet/in.h>
#include <sys/ipc.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstring>
#include <string>

#include "runtime/base/fd.h"
#include "runtime/sandbox/private_root.h"

namespace freshet::worker {
namespace {

using wire::Attempt;

// In a root nobody has an entry of this name: what would change or remove one changes nothing.
constexpr const char* kNobodys = "/.freshet-probe-of-isolation";
constexpr int kNoProcess = 0x3fffffff;  // above every pid
constexpr std::size_t kEntriesLookedAt = 256;

// The raw call: libc must not stand between the attempt and the filter.
template <class... A>
int call(long number, A... arguments) {
  return ::syscall(number, arguments...) >= 0 ? 0 : errno;
}

// For calls that give a descriptor.
template <class... A>
int call_for_fd(long number, A... arguments) {
  const long fd = ::syscall(number, arguments...);
  if (fd < 0) return errno;
  ::close(static_cast<int>(fd));
  return 0;
}

int create(const std::string& path) {
  const long fd = ::syscall(SYS_openat, AT_FDCWD, path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
  if (fd < 0) return errno;
  ::close(static_cast<int>(fd));
  ::syscall(SYS_unlinkat, AT_FDCWD, path.c_str(), 0);
  return 0;
}

int list(const std::string& path) {
  return call_for_fd(SYS_openat, AT_FDCWD, path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}

// 0 when anything at all is shown in it.
int list_something(const std::string& path) {
  struct stat info {};
  if (::stat(path.c_str(), &info) != 0) return errno;
  if (!S_ISDIR(info.st_mode)) return info.st_size > 0 ? 0 : ENOENT;
  DIR* directory = ::opendir(path.c_str());
  if (directory == nullptr) return errno;
  int result = ENOENT;
  while (const dirent* entry = ::readdir(directory))
    if (std::strcmp(entry->d_name, ".") != 0 && std::strcmp(entry->d_name, "..") != 0) result = 0;
  ::closedir(directory);
  return result;
}

int fork_once(long number, unsigned long flags) {
  const long pid = ::syscall(number, flags, 0UL, 0UL, 0UL, 0UL);
  if (pid == 0) ::_exit(0);
  return pid > 0 ? 0 : errno;
}

int map_executable() {
  void* memory = ::mmap(nullptr, 4096, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) return errno;
  ::munmap(memory, 4096);
  return 0;
}

// A path that leads out of everything that was granted. Never one inside: a root may be anywhere.
constexpr const char* kOutside[] = {"/etc/passwd", "/proc/self/status"};

struct Row {
  Attempt attempt;
  int (*make)();
};

constexpr Row kAttempts[] = {
    {Attempt::open_outside, [] {
       for (const char* path : kOutside)
         if (const int error = call_for_fd(SYS_openat, AT_FDCWD, path, O_RDONLY | O_CLOEXEC); error != ENOENT) return error;
       return ENOENT;
     }},
    {Attempt::look_outside, [] {
       struct stat info {};
       return ::stat("/etc", &info) == 0 ? 0 : errno;
     }},
    {Attempt::list_top, [] { return list("/"); }},
    {Attempt::read_beside_grant, [] { return call_for_fd(SYS_openat, AT_FDCWD, "/.nothing-to-read", O_RDONLY | O_CLOEXEC); }},
    {Attempt::write_outside, [] { return create(kNobodys); }},
    {Attempt::write_existing, [] { return call_for_fd(SYS_openat, AT_FDCWD, "/.nothing-to-read", O_RDWR | O_CLOEXEC); }},
    {Attempt::make_directory, [] { return call(SYS_mkdirat, AT_FDCWD, "/", 0700); }},
    {Attempt::remove, [] { return call(SYS_unlinkat, AT_FDCWD, kNobodys, 0); }},
    {Attempt::rename, [] { return call(SYS_renameat2, AT_FDCWD, kNobodys, AT_FDCWD, "/.freshet-probe-2", 1); }},
    {Attempt::link, [] { return call(SYS_linkat, AT_FDCWD, kNobodys, AT_FDCWD, "/.freshet-probe-2", 0); }},
    {Attempt::change_mode, [] { return call(SYS_fchmodat, AT_FDCWD, kNobodys, 0600); }},
    {Attempt::change_owner, [] { return call(SYS_fchownat, AT_FDCWD, kNobodys, 0, 0, AT_SYMLINK_NOFOLLOW); }},
    {Attempt::truncate, [] { return call(SYS_truncate, kNobodys, 0); }},
    {Attempt::set_times, [] { return call(SYS_utimensat, AT_FDCWD, kNobodys, nullptr, AT_SYMLINK_NOFOLLOW); }},
    {Attempt::set_attribute, [] { return call(SYS_lsetxattr, kNobodys, "user.freshet", "", 0, 0); }},
    {Attempt::connect, [] {
       sockaddr_in nowhere{};
       nowhere.sin_family = AF_INET;
       nowhere.sin_port = htons(9);
       nowhere.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
       return call(SYS_connect, -1, &nowhere, sizeof nowhere);
     }},
    {Attempt::socket_internet, [] { return call_for_fd(SYS_socket, AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0); }},
    {Attempt::socket_unix, [] { return call_for_fd(SYS_socket, AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0); }},
    {Attempt::socket_raw, [] { return call_for_fd(SYS_socket, AF_INET, SOCK_RAW | SOCK_CLOEXEC, IPPROTO_RAW); }},
    {Attempt::socket_netlink, [] { return call_for_fd(SYS_socket, AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, 0); }},
    {Attempt::execute, [] { return call(SYS_execve, kNobodys, nullptr, nullptr); }},
    {Attempt::fork, [] { return fork_once(SYS_clone, SIGCHLD); }},
    {Attempt::signal, [] { return call(SYS_kill, 1, 0); }},
    {Attempt::signal_by_pidfd, [] { return call_for_fd(SYS_pidfd_open, 1, 0); }},
    {Attempt::trace, [] { return call(SYS_ptrace, PTRACE_ATTACH, kNoProcess, 0, 0); }},
    {Attempt::read_memory, [] {
       char byte = 0;
       iovec here{&byte, 1};
       return call(SYS_process_vm_readv, kNoProcess, &here, 1, &here, 1, 0);
     }},
    {Attempt::mount, [] { return call(SYS_mount, "none", kNobodys, "tmpfs", 0, nullptr); }},
    {Attempt::mount_by_descriptor, [] { return call_for_fd(SYS_open_tree, AT_FDCWD, "/", OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC); }},
    {Attempt::change_root, [] { return call(SYS_chroot, kNobodys); }},
    {Attempt::enter_namespace, [] { return call(SYS_setns, -1, 0); }},
    {Attempt::make_namespace, [] { return call(SYS_unshare, 0); }},
    {Attempt::open_by_handle, [] {
       file_handle handle{};
       return call_for_fd(SYS_open_by_handle_at, AT_FDCWD, &handle, O_RDONLY);
     }},
    {Attempt::executable_memory, map_executable},
    {Attempt::memory_file, [] { return call_for_fd(SYS_memfd_create, "probe", MFD_CLOEXEC); }},
    {Attempt::shared_memory, [] { return call(SYS_shmget, IPC_PRIVATE, 0, 0); }},
    {Attempt::keyring, [] { return call(SYS_keyctl, KEYCTL_GET_KEYRING_ID, KEY_SPEC_USER_KEYRING, 0); }},
    {Attempt::load_bpf, [] {
       bpf_attr nothing{};
       return call_for_fd(SYS_bpf, BPF_PROG_LOAD, &nothing, sizeof nothing);
     }},
    {Attempt::watch_performance, [] {
       perf_event_attr nothing{};
       return call_for_fd(SYS_perf_event_open, &nothing, 0, -1, -1, 0);
     }},
    {Attempt::asynchronous_io, [] { return call_for_fd(SYS_io_uring_setup, 0, nullptr); }},
    {Attempt::page_faults, [] { return call_for_fd(SYS_userfaultfd, O_CLOEXEC); }},
    {Attempt::watch_files, [] { return call_for_fd(SYS_inotify_init1, O_CLOEXEC); }},
    {Attempt::change_ids, [] { return call(SYS_setresuid, -1, -1, -1); }},
    {Attempt::change_capabilities, [] { return call(SYS_capset, nullptr, nullptr); }},
    {Attempt::change_own_lock, [] { return call(SYS_seccomp, ~0U, 0, nullptr); }},
    {Attempt::set_clock, [] { return call(SYS_clock_settime, -1, nullptr); }},
    {Attempt::load_module, [] { return call(SYS_finit_module, -1, "", 0); }},
    // A number of the x32 machine: a filter that looks at the number alone would not know it.
    {Attempt::foreign_call, [] { return call(0x40000000L + SYS_getppid); }},
};

// Of the first regular file at the top of the root, if the contents are not granted. Absent where there is none.
bool try_contents(const std::string& root, int& error) {
  DIR* directory = ::opendir(root.c_str());
  if (directory == nullptr) return false;
  std::string found;
  for (std::size_t i = 0; i < kEntriesLookedAt && found.empty(); ++i) {
    const dirent* entry = ::readdir(directory);
    if (entry == nullptr) break;
    if (entry->d_type == DT_REG) found = root + "/" + entry->d_name;
  }
  ::closedir(directory);
  if (found.empty()) return false;
  error = call_for_fd(SYS_openat, AT_FDCWD, found.c_str(), O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
  return true;
}

void try_root(const wire::Setup& setup, std::uint32_t index, std::vector<wire::Tried>& out) {
  const wire::RootSpec& spec = setup.roots[index];
  // Without a private root the whole tree is there under its own names.
  const std::string root = setup.private_root ? sandbox::private_root_path(index) : spec.path;
  out.push_back({Attempt::write_grant, index, create(root + kNobodys)});
  int error = 0;
  if (!spec.read_contents && try_contents(root, error)) out.push_back({Attempt::read_contents, index, error});
  for (const std::string& exclude : spec.excludes) {
    if (out.size() >= wire::kMaxTried / 2) return;
    out.push_back({Attempt::list_excluded, index, list_something(root + "/" + exclude)});
  }
  if (index < setup.areas.size() && !setup.areas[index].empty())
    out.push_back({Attempt::list_quarantine, index, list_something(root + "/" + setup.areas[index])});
}

}  // namespace

wire::Proved prove(const wire::Setup& setup) {
  wire::Proved out;
  for (const Row& row : kAttempts) out.tried.push_back({row.attempt, wire::kNoDirectory, row.make()});
  for (std::uint32_t i = 0; i < setup.roots.size(); ++i) try_root(setup, i, out.tried);
  for (std::uint32_t fd = 0; fd < setup.open_files; ++fd)
    if (::fcntl(static_cast<int>(fd), F_GETFD) >= 0) ++out.descriptors;
  return out;
}

}  // namespace freshet::worker

// Does one forbidden thing and says how it went: "worked" or "errno N". What it does is its setting "what".
#include <fcntl.h>
#include <linux/io_uring.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <sys/file.h>
#include <sys/inotify.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/sysinfo.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <sys/utsname.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <pthread.h>
#include <stdexcept>
#include <thread>
#include <utility>
#include <vector>

#include "test_plugin.h"

namespace test_plugin {
namespace {

// The granted root, wherever this worker has it.
std::string root_path;
std::string inside(const char* name) { return root_path + "/" + name; }

long call_int80(long number) {
  long result = number;
  asm volatile("int $0x80" : "+a"(result) : "b"(0L), "c"(0L), "d"(0L) : "memory");
  if (result < 0) {
    errno = static_cast<int>(-result);
    return -1;
  }
  return result;
}

long make_executable(int protection, bool later) {
  void* page = ::mmap(nullptr, 4096, later ? PROT_READ | PROT_WRITE : protection, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (page == MAP_FAILED) return -1;
  return later ? ::mprotect(page, 4096, protection) : 0;
}

long end_of_fork(long pid) {
  if (pid == 0) ::syscall(SYS_exit_group, 0);
  return pid;
}

long thread_then(void (*body)()) {
  std::thread(body).join();
  return 0;
}

long make_many_threads() {
  pthread_t thread;
  for (int i = 0; i < 64; ++i)
    if (const int error = ::pthread_create(&thread, nullptr, [](void*) -> void* { return static_cast<void*>(nullptr) ; }, nullptr); error != 0) {
      errno = error;
      return -1;
    } else {
      ::pthread_detach(thread);
    }
  return 0;
}

long make_waiting_threads(int count) {
  for (int i = 0; i < count; ++i) {
    pthread_t thread;
    const int error = ::pthread_create(&thread, nullptr, [](void*) -> void* { for (;;) ::poll(nullptr, 0, 1000); }, nullptr);
    if (error != 0) {
      errno = error;
      return -1;
    }
  }
  return 0;
}

using Act = long (*)();
const std::pair<const char*, Act> kActs[] = {
    // looking outside
    {"open-outside", [] { return long{::open("/etc/passwd", O_RDONLY)}; }},
    {"open-proc", [] { return long{::open("/proc/self/maps", O_RDONLY)}; }},
    {"stat-outside", [] { struct stat s; return long{::stat("/etc/passwd", &s)}; }},
    {"stat-dotdot", [] { struct stat s; return long{::stat(inside("../../../../../../etc/passwd").c_str(), &s)}; }},
    {"open-private", [] { return long{::open("/etc/shadow", O_RDONLY)}; }},
    {"list-private", [] { return long{::open("/root", O_RDONLY | O_DIRECTORY)}; }},
    {"list-top", [] { return long{::open("/", O_RDONLY | O_DIRECTORY)}; }},
    {"list-excluded", [] {
       const int fd = ::open(inside("excluded").c_str(), O_RDONLY | O_DIRECTORY);
       struct stat s;
       return fd < 0 ? -1L : long{::fstatat(fd, "secret", &s, 0)};
     }},
    {"list-area", [] { struct stat s; return long{::stat(inside(".freshet/secret").c_str(), &s)}; }},
    {"follow-link", [] { struct stat s; return long{::stat(inside("link").c_str(), &s)}; }},
    {"read-contents", [] { return long{::open(inside("file").c_str(), O_RDONLY)}; }},
    {"readlink", [] { char b[64]; return long{::readlink(inside("link").c_str(), b, sizeof b)}; }},
    {"readlinkat", [] { char b[64]; return long{::readlinkat(AT_FDCWD, inside("link").c_str(), b, sizeof b)}; }},
    {"open-by-handle", [] { char h[128] = {8}; return ::syscall(SYS_open_by_handle_at, AT_FDCWD, h, O_RDONLY); }},
    {"getxattr", [] { char b[8]; return long{::getxattr(inside("file").c_str(), "user.x", b, sizeof b)}; }},
    {"uname", [] { utsname u; return long{::uname(&u)}; }},
    {"sysinfo", [] { struct sysinfo s; return long{::sysinfo(&s)}; }},
    // changing
    {"create", [] { return long{::open(inside("new").c_str(), O_WRONLY | O_CREAT, 0600)}; }},
    {"write", [] { return long{::open(inside("file").c_str(), O_WRONLY)}; }},
    {"tmpfile", [] { return long{::open(root_path.c_str(), O_TMPFILE | O_WRONLY, 0600)}; }},
    {"creat", [] { return ::syscall(SYS_creat, inside("new").c_str(), 0600); }},
    {"open-old", [] { return ::syscall(SYS_open, inside("new").c_str(), O_WRONLY | O_CREAT, 0600); }},
    {"openat2", [] { unsigned long how[3] = {O_RDONLY, 0, 0}; return ::syscall(SYS_openat2, AT_FDCWD, root_path.c_str(), how, sizeof how); }},
    {"unlink", [] { return long{::unlink(inside("file").c_str())}; }},
    {"unlinkat", [] { return ::syscall(SYS_unlinkat, AT_FDCWD, inside("file").c_str(), 0); }},
    {"rmdir", [] { return long{::rmdir(inside("empty").c_str())}; }},
    {"rename", [] { return long{::rename(inside("file").c_str(), inside("other").c_str())}; }},
    {"renameat2", [] { return ::syscall(SYS_renameat2, AT_FDCWD, inside("file").c_str(), AT_FDCWD, inside("other").c_str(), 1); }},
    {"mkdir", [] { return long{::mkdir(inside("new").c_str(), 0700)}; }},
    {"link", [] { return long{::link(inside("file").c_str(), inside("new").c_str())}; }},
    {"symlink", [] { return long{::symlink("x", inside("new").c_str())}; }},
    {"mknod", [] { return long{::mknod(inside("new").c_str(), S_IFIFO | 0600, 0)}; }},
    {"chmod", [] { return long{::chmod(inside("file").c_str(), 0600)}; }},
    {"chown", [] { return long{::chown(inside("file").c_str(), static_cast<uid_t>(-1), static_cast<gid_t>(-1))}; }},
    {"truncate", [] { return long{::truncate(inside("file").c_str(), 0)}; }},
    {"utimens", [] { return long{::utimensat(AT_FDCWD, inside("file").c_str(), nullptr, 0)}; }},
    {"setxattr", [] { return long{::setxattr(inside("file").c_str(), "user.x", "y", 1, 0)}; }},
    {"flock", [] { return long{::flock(::open(root_path.c_str(), O_RDONLY | O_DIRECTORY), LOCK_SH)}; }},
    {"dup", [] { return long{::dup(0)}; }},
    // talking
    {"socket-inet", [] { return long{::socket(AF_INET, SOCK_STREAM, 0)}; }},
    {"socket-unix", [] { return long{::socket(AF_UNIX, SOCK_STREAM, 0)}; }},
    {"socket-netlink", [] { return long{::socket(AF_NETLINK, SOCK_RAW, 0)}; }},
    {"socketpair", [] { int p[2]; return long{::socketpair(AF_UNIX, SOCK_STREAM, 0, p)}; }},
    {"connect", [] { sockaddr_un a{AF_UNIX, "/x"}; return long{::connect(3, reinterpret_cast<sockaddr*>(&a), sizeof a)}; }},
    {"pipe", [] { int p[2]; return long{::pipe(p)}; }},
    {"inotify", [] { return long{::inotify_init1(0)}; }},
    {"keyctl", [] { return ::syscall(SYS_keyctl, 0 /* get keyring id */, -3, 1); }},
    {"shmget", [] { return ::syscall(SYS_shmget, 0, 4096, 01600); }},
    // other processes
    {"fork", [] { return end_of_fork(::fork()); }},
    {"fork-raw", [] { return end_of_fork(::syscall(SYS_fork)); }},
    {"vfork", [] { return end_of_fork(::syscall(SYS_clone, SIGCHLD | CLONE_VM | CLONE_VFORK, 0, 0, 0, 0)); }},
    {"exec", [] { char* none[] = {nullptr}; return long{::execve("/bin/true", none, none)}; }},
    {"execveat", [] { char* none[] = {nullptr}; return ::syscall(SYS_execveat, AT_FDCWD, "/bin/true", none, none, 0); }},
    {"kill", [] { return long{::kill(1, 0)}; }},
    {"tgkill-other", [] { ::syscall(SYS_tgkill, 2, 2, 0); return 0L; }},
    {"signal-with-handler", [] { return ::syscall(SYS_tgkill, ::getpid(), ::gettid(), 33); }},
    {"ptrace", [] { return ::syscall(SYS_ptrace, PTRACE_TRACEME, 0, 0, 0); }},
    {"process-vm-readv", [] { return ::syscall(SYS_process_vm_readv, ::getpid(), nullptr, 0, nullptr, 0, 0); }},
    {"pidfd-open", [] { return ::syscall(SYS_pidfd_open, ::getpid(), 0); }},
    {"setpriority", [] { return long{::setpriority(PRIO_PROCESS, 0, 19)}; }},
    {"prlimit", [] { rlimit l; return long{::getrlimit(RLIMIT_NOFILE, &l)}; }},
    // the sandbox itself, and the kernel
    {"prctl", [] { return long{::prctl(PR_GET_DUMPABLE)}; }},
    {"seccomp", [] { unsigned action = SECCOMP_RET_ERRNO; return ::syscall(SYS_seccomp, SECCOMP_GET_ACTION_AVAIL, 0, &action); }},
    {"unshare", [] { return long{::unshare(CLONE_FILES)}; }},
    {"user-namespace", [] { return long{::unshare(CLONE_NEWUSER)}; }},
    {"mount", [] { return long{::mount("none", root_path.c_str(), "tmpfs", 0, nullptr)}; }},
    {"fsopen", [] { return ::syscall(SYS_fsopen, "tmpfs", 0); }},
    {"chroot", [] { return long{::chroot(root_path.c_str())}; }},
    {"chdir", [] { return long{::chdir(root_path.c_str())}; }},
    {"memfd", [] { return long{::memfd_create("x", 0)}; }},
    {"io-uring", [] { io_uring_params p{}; return ::syscall(SYS_io_uring_setup, 1, &p); }},
    {"userfaultfd", [] { return ::syscall(SYS_userfaultfd, 1); }},
    {"bpf", [] { return ::syscall(SYS_bpf, 0, nullptr, 0); }},
    {"perf", [] { return ::syscall(SYS_perf_event_open, nullptr, 0, 0, 0, 0); }},
    {"personality", [] { return ::syscall(SYS_personality, 0xFFFFFFFF); }},
    {"timer", [] { return ::syscall(SYS_timer_create, 0, nullptr, nullptr); }},
    {"alarm", [] { ::alarm(1000); return 0L; }},
    {"int80", [] { return call_int80(20 /* getpid of x86 */); }},
    {"x32", [] { return ::syscall(0x40000000L + SYS_getpid); }},
    {"map-write-execute", [] { return make_executable(PROT_READ | PROT_WRITE | PROT_EXEC, false); }},
    {"make-executable", [] { return make_executable(PROT_READ | PROT_EXEC, true); }},
    {"map-code-of-file", [] {
       const int fd = ::open(inside("file").c_str(), O_RDONLY);
       if (fd < 0) return -1L;
       return ::mmap(nullptr, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE, fd, 0) == MAP_FAILED ? -1L : 0L;
     }},
    {"huge-pages", [] {
       return ::mmap(nullptr, 2 << 20, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_HUGETLB, -1, 0) == MAP_FAILED ? -1L : 0L;
     }},
    {"unlisted-in-thread", [] { return thread_then([] { ::syscall(SYS_getuid); }); }},
    {"getuid", [] { ::syscall(SYS_getuid); return 0L; }},
    // its own end
    {"end-main-thread", [] {
       if (const long error = make_waiting_threads(1); error != 0) return error;
       ::syscall(SYS_exit, 0);
       return 0L;
     }},
    {"exit", [] { ::exit(0); return 0L; }},
    {"abort", [] { ::abort(); return 0L; }},
    {"crash", [] { *static_cast<volatile int*>(nullptr) = 1; return 0L; }},
    {"crash-in-thread", [] { return thread_then([] { *static_cast<volatile int*>(nullptr) = 1; }); }},
    {"divide", [] { volatile int zero = 0; return long{12345 / zero}; }},
    {"throw-in-thread", [] { return thread_then([] { throw std::runtime_error("x"); }); }},
    {"throw", []() -> long { throw std::runtime_error("out of here"); }},
    {"spin", []() -> long { for (;;) asm volatile(""); }},
    {"sleep", []() -> long { for (;;) ::poll(nullptr, 0, 1000); }},
    {"close-socket", [] { ::close(3); for (;;) ::poll(nullptr, 0, 1000); return 0L; }},
    {"allocate", [] { std::vector<std::vector<char>> all; for (;;) all.emplace_back(1 << 20, 'x'); return 0L; }},
    {"allocate-without-new", [] {
       for (;;)
         if (volatile char* p = static_cast<char*>(::malloc(1 << 20)); p != nullptr) for (int i = 0; i < (1 << 20); i += 4096) p[i] = 1;
         else { errno = ENOMEM; return -1L; }
       return 0L;
     }},
    {"allocate-slowly", [] {
       for (int n = 0; n < 2048; ++n) {
         volatile char* p = static_cast<char*>(::malloc(1 << 20));
         if (p == nullptr) return -1L;
         for (int i = 0; i < (1 << 20); i += 4096) p[i] = 1;
         ::poll(nullptr, 0, 2);
       }
       return 0L;
     }},
    // Half of what it costs is the kernel's own, which no look at its pages sees.
    {"allocate-sparsely", [] {
       for (int n = 0; n < 16 * 1024; ++n)
         if (volatile char* p = static_cast<char*>(::malloc(2 << 20)); p != nullptr) *p = 1;
         else return -1L;
       return 0L;
     }},
    {"some-threads", [] { return make_waiting_threads(4); }},
    {"many-threads", [] { return make_waiting_threads(5); }},
    {"short-threads", [] { return make_many_threads(); }},
    {"handler", [] { return ::signal(SIGUSR1, [](int) {}) == SIG_ERR ? -1L : 0L; }},
    {"garbage-packet", [] { const char junk[] = "\x13\xff\xff\xff\xff junk"; return long{::write(3, junk, sizeof junk)}; }},
    {"wrong-packet", [] { const char junk[] = "\x25"; return long{::write(3, junk, 1)}; }},
    {"failed-packet", [] { const char m[] = "\x05\x02\0\0\0X1\x02\0\0\0\x1b[\0\0\0\0"; return long{::write(3, m, sizeof m - 1)}; }},
    {"send-descriptor", [] {
       char byte = 20;
       iovec part{&byte, 1};
       alignas(cmsghdr) char control[CMSG_SPACE(sizeof(int))] = {};
       msghdr header{};
       header.msg_iov = &part;
       header.msg_iovlen = 1;
       header.msg_control = control;
       header.msg_controllen = sizeof control;
       cmsghdr* rights = CMSG_FIRSTHDR(&header);
       rights->cmsg_level = SOL_SOCKET;
       rights->cmsg_type = SCM_RIGHTS;
       rights->cmsg_len = CMSG_LEN(sizeof(int));
       *reinterpret_cast<int*>(CMSG_DATA(rights)) = 0;
       return long{::sendmsg(3, &header, 0)};
     }},
};

}  // namespace

freshet_status act(const freshet_host* host, const std::string& what) {
  struct stat info;
  freshet_root root{};
  root.size = sizeof root;
  host->root(host, 0, &root);
  root_path = ::stat("/r/0", &info) == 0 ? "/r/0" : std::string(root.path.data, root.path.length);
  if (what == "flood") {
    for (int i = 0; i < 100000; ++i) host->log(host, FRESHET_LOG_INFO, "flood", 5);
    return FRESHET_OK;
  }
  if (what == "wait-for-cancel") {
    while (host->cancelled(host) == 0) ::poll(nullptr, 0, 1);
    return FRESHET_CANCELLED;
  }
  for (const auto& [name, function] : kActs) {
    if (what != name) continue;
    errno = 0;
    const long result = function();
    const int error = errno;
    say(host, result >= 0 ? "worked" : "errno " + std::to_string(error));
    return FRESHET_OK;
  }
  say(host, "unknown act");
  return FRESHET_FAILED;
}

}  // namespace test_plugin

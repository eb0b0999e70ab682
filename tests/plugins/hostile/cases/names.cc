// Seeing what lies outside the grant, or is closed off in it, without opening it. The secrets are numbers and names that
// the observer has planted there.
#include <dirent.h>
#include <fcntl.h>
#include <sys/inotify.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/statvfs.h>
#include <sys/utsname.h>
#include <sys/vfs.h>
#include <sys/xattr.h>

#include <cerrno>
#include <csignal>

#include "tests/plugins/hostile/cases/case.h"

namespace freshet::hostile {
namespace {

void tell_time(const Scene& s, const struct stat& info) { s.tell(std::to_string(info.st_mtim.tv_nsec)); }

void tell_statx(const Scene& s, int directory, const std::string& path, int flags) {
  struct statx info {};
  if (::statx(directory, path.c_str(), flags, STATX_BASIC_STATS, &info) == 0) s.tell(std::to_string(info.stx_mtime.tv_nsec));
}

// Which of the sixteen names are there, as zeros and ones: that is the secret.
void tell_bits(const Scene& s, bool (*is_there)(const std::string& path)) {
  std::string bits;
  for (int i = 0; i < 16; ++i) bits += is_there(s.out("maybe-" + std::to_string(i))) ? '1' : '0';
  s.tell("bits " + bits);
}

void tell_link(const Scene& s, const std::string& path) {
  char text[512];
  const ssize_t length = ::readlink(path.c_str(), text, sizeof text);
  if (length > 0) s.tell({text, static_cast<std::size_t>(length)});
}

void tell_link_at(const Scene& s, int directory, const std::string& path) {
  char text[512];
  const long length = ::syscall(SYS_readlinkat, directory, path.c_str(), text, sizeof text);
  if (length > 0) s.tell({text, static_cast<std::size_t>(length)});
}

void tell_all(const Scene& s, const std::string& path) {
  const int fd = ::open(path.c_str(), O_RDONLY);
  for (int i = 0; i < 20; ++i) s.tell_file(fd);
}

std::string proc(const Scene& s, const char* name) { return "/proc/" + std::to_string(s.victim) + "/" + name; }

const Case kCases[] = {
    {"stat", Evidence::told, [](Scene& s) { struct stat info {}; if (::stat(s.out("secret").c_str(), &info) == 0) tell_time(s, info); }},
    {"lstat", Evidence::told, [](Scene& s) { struct stat info {}; if (::lstat(s.out("secret").c_str(), &info) == 0) tell_time(s, info); }},
    {"stat-old-call", Evidence::told,
     [](Scene& s) { struct stat info {}; if (::syscall(SYS_stat, s.out("secret").c_str(), &info) == 0) tell_time(s, info); }},
    {"stat-by-dotdot", Evidence::told,
     [](Scene& s) { struct stat info {}; if (::stat(s.in("../outside/secret").c_str(), &info) == 0) tell_time(s, info); }},
    {"statx", Evidence::told, [](Scene& s) { tell_statx(s, AT_FDCWD, s.out("secret"), 0); }},
    {"statx-without-sync", Evidence::told, [](Scene& s) { tell_statx(s, AT_FDCWD, s.out("secret"), AT_STATX_DONT_SYNC | AT_NO_AUTOMOUNT); }},
    {"fstatat-of-directory", Evidence::told,
     [](Scene& s) { tell_statx(s, ::open(s.outside.c_str(), O_PATH | O_DIRECTORY), "secret", 0); }},
    {"opath-and-fstat", Evidence::told,
     [](Scene& s) { tell_statx(s, ::open(s.out("secret").c_str(), O_PATH), "", AT_EMPTY_PATH); }},
    {"access", Evidence::told, [](Scene& s) { tell_bits(s, [](const std::string& path) { return ::syscall(SYS_access, path.c_str(), F_OK) == 0; }); }},
    {"faccessat", Evidence::told,
     [](Scene& s) { tell_bits(s, [](const std::string& path) { return ::syscall(SYS_faccessat, AT_FDCWD, path.c_str(), F_OK) == 0; }); }},
    {"faccessat2", Evidence::told,
     [](Scene& s) { tell_bits(s, [](const std::string& path) { return ::syscall(439, AT_FDCWD, path.c_str(), F_OK, 0) == 0; }); }},
    {"existence-by-open", Evidence::told,
     [](Scene& s) {
       tell_bits(s, [](const std::string& path) { return ::open((path + "/x").c_str(), O_RDONLY) < 0 && errno == ENOTDIR; });
     }},
    {"existence-by-stat", Evidence::told,
     [](Scene& s) {
       tell_bits(s, [](const std::string& path) { struct stat info {}; return ::stat(path.c_str(), &info) == 0; });
     }},
    {"existence-by-execve", Evidence::told,
     [](Scene& s) {
       tell_bits(s, [](const std::string& path) {
         char* none[] = {nullptr};
         ::execve(path.c_str(), none, none);
         return errno != ENOENT;
       });
     }},
    {"existence-by-mkdir", Evidence::told,
     [](Scene& s) { tell_bits(s, [](const std::string& path) { return ::mkdir(path.c_str(), 0700) != 0 && errno == EEXIST; }); }},
    {"list", Evidence::told, [](Scene& s) { s.tell_names(s.outside); }},
    {"list-old-call", Evidence::told,
     [](Scene& s) {
       char text[4096] = {};
       const long length = ::syscall(SYS_getdents, ::open(s.outside.c_str(), O_RDONLY | O_DIRECTORY), text, sizeof text);
       if (length > 0) s.tell({text, static_cast<std::size_t>(length > 3000 ? 3000 : length)});
     }},
    {"readlink", Evidence::told, [](Scene& s) { tell_link(s, s.out("points")); }},
    {"readlinkat", Evidence::told, [](Scene& s) { tell_link_at(s, AT_FDCWD, s.out("points")); }},
    {"readlinkat-by-who-may-read", Evidence::told, [](Scene& s) { tell_link_at(s, AT_FDCWD, s.out("points")); }, "", kRead},
    {"readlinkat-by-dotdot-by-who-may-read", Evidence::told,
     [](Scene& s) { tell_link_at(s, ::open(s.grant.c_str(), O_RDONLY | O_DIRECTORY), "../outside/points"); }, "", kRead},
    {"readlink-of-opath", Evidence::told,
     [](Scene& s) { tell_link_at(s, ::open(s.out("points").c_str(), O_PATH | O_NOFOLLOW), ""); }},
    {"getxattr", Evidence::told,
     [](Scene& s) {
       char text[64];
       const ssize_t length = ::getxattr(s.out("secret").c_str(), "user.token", text, sizeof text);
       if (length > 0) s.tell({text, static_cast<std::size_t>(length)});
     }},
    {"getxattr-in-grant-names-only", Evidence::told,
     [](Scene& s) {
       char text[64];
       const ssize_t length = ::getxattr(s.in("file").c_str(), "user.token", text, sizeof text);
       if (length > 0) s.tell({text, static_cast<std::size_t>(length)});
     }},
    {"fgetxattr", Evidence::told,
     [](Scene& s) {
       char text[64];
       const ssize_t length = ::fgetxattr(::open(s.outside.c_str(), O_RDONLY | O_DIRECTORY), "user.token", text, sizeof text);
       if (length > 0) s.tell({text, static_cast<std::size_t>(length)});
     }},
    {"listxattr", Evidence::told,
     [](Scene& s) {
       char text[512];
       const ssize_t length = ::listxattr(s.out("named").c_str(), text, sizeof text);
       if (length > 0) s.tell({text, static_cast<std::size_t>(length)});
     }},
    {"watch-outside", Evidence::holds,
     [](Scene& s) {
       const int watch = ::inotify_init1(0);
       if (::inotify_add_watch(watch, s.outside.c_str(), IN_ALL_EVENTS) < 0) ::close(watch);
     }, "inotify"},
    {"handle-of-outside", Evidence::told,
     [](Scene& s) {
       struct { unsigned bytes = 128; int type = 0; unsigned char body[128] = {}; } handle;
       int mount = 0;
       std::string bits;
       for (int i = 0; i < 16; ++i) {
         handle.bytes = 128;
         bits += ::syscall(SYS_name_to_handle_at, AT_FDCWD, s.out("maybe-" + std::to_string(i)).c_str(), &handle, &mount, 0) == 0 ? '1' : '0';
       }
       s.tell("bits " + bits);
     }},
    {"statfs", Evidence::told,
     [](Scene& s) {
       tell_bits(s, [](const std::string& path) { struct statfs info {}; return ::syscall(SYS_statfs, path.c_str(), &info) == 0; });
     }},
    {"change-directory", Evidence::told,
     [](Scene& s) { tell_bits(s, [](const std::string& path) { return ::chdir(path.c_str()) != 0 && errno == ENOTDIR; }); }},
    {"list-excluded", Evidence::told, [](Scene& s) { s.tell_names(s.in("excluded")); }},
    {"stat-in-excluded", Evidence::told, [](Scene& s) { tell_statx(s, AT_FDCWD, s.in("excluded/secret"), 0); }},
    {"list-area", Evidence::told, [](Scene& s) { s.tell_names(s.in(".freshet")); }},
    {"stat-in-area", Evidence::told, [](Scene& s) { tell_statx(s, AT_FDCWD, s.in(".freshet/secret"), 0); }},
    {"excluded-held-by-parent", Evidence::told,
     [](Scene& s) { tell_statx(s, ::open(s.grant.c_str(), O_PATH | O_DIRECTORY), "excluded/secret", 0); }},
    {"list-top", Evidence::told,
     [](Scene& s) {
       s.tell_names(s.in(".."));
       s.tell_names(s.out(".."));
     }},
    {"list-processes", Evidence::told,
     [](Scene& s) {
       DIR* all = ::opendir("/proc");
       while (const dirent* entry = all != nullptr ? ::readdir(all) : nullptr)
         if (entry->d_name[0] >= '1' && entry->d_name[0] <= '9')
           s.tell_file(::open((std::string("/proc/") + entry->d_name + "/cmdline").c_str(), O_RDONLY));
     }},
    {"stat-of-process", Evidence::told,
     [](Scene& s) { s.tell_file(::open(proc(s, "cmdline").c_str(), O_RDONLY)); }},
    {"links-of-process", Evidence::told, [](Scene& s) { tell_link(s, proc(s, "cwd")); }},
    {"maps-of-process", Evidence::told, [](Scene& s) { tell_all(s, proc(s, "mountinfo")); }, "", kRoot},
    {"maps-of-itself", Evidence::told, [](Scene& s) { tell_all(s, "/proc/self/mountinfo"); }, "", kRoot},
    {"sockets-of-host", Evidence::told, [](Scene& s) { tell_all(s, "/proc/net/unix"); }},
    {"limit-of-other", Evidence::told,
     [](Scene& s) {
       rlimit other{};
       if (::prlimit(static_cast<pid_t>(s.victim), RLIMIT_CORE, nullptr, &other) == 0) s.tell(std::to_string(other.rlim_cur));
     }},
    {"session-of-other", Evidence::told, [](Scene& s) { s.tell("session " + std::to_string(::getsid(static_cast<pid_t>(s.victim)))); }},
    {"priority-of-other", Evidence::told,
     [](Scene& s) {
       errno = 0;
       const int nice = ::getpriority(PRIO_PROCESS, static_cast<id_t>(s.victim));
       if (errno == 0) s.tell("nice " + std::to_string(nice));
     }},
    {"host-name", Evidence::told, [](Scene& s) { utsname name{}; if (::uname(&name) == 0) s.tell(name.nodename); }, "", kRoot},
    {"host-name-by-proc", Evidence::told, [](Scene& s) { s.tell_file(::open("/proc/sys/kernel/hostname", O_RDONLY)); }, "", kRoot},
    {"names-with-tricks", Evidence::told,
     [](Scene& s) {
       for (const std::string& path : {s.in("dir/../../outside/secret"), s.in("./../outside/secret"), s.grant + "//..//outside/secret",
                                       s.in("file/../../outside/secret"), "/r/../.." + s.out("secret"), "/proc/1/root" + s.out("secret"),
                                       s.in("dir\n/../../outside/secret"), "/plugin.so/../.." + s.out("secret")}) {
         struct stat info {};
         if (::stat(path.c_str(), &info) == 0) tell_time(s, info);
       }
     }},
};

}  // namespace

std::span<const Case> name_cases() { return kCases; }

}  // namespace freshet::hostile

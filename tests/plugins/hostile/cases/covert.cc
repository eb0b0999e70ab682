// Writes that open nothing for writing, and marks that others can see.
#include <dirent.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/xattr.h>

#include "tests/plugins/hostile/cases/case.h"

namespace freshet::hostile {
namespace {

int directory(const Scene& s) { return ::open(s.in("dir").c_str(), O_RDONLY | O_DIRECTORY); }
int file(const Scene& s) { return ::open(s.in("file").c_str(), O_RDONLY); }

void lock_range(int fd, int command, short type) {
  struct flock lock {};
  lock.l_type = type;
  lock.l_whence = SEEK_SET;
  ::fcntl(fd, command, &lock);
}

void set_flags(int fd) {
  int flags = 0;
  ::ioctl(fd, FS_IOC_GETFLAGS, &flags);
  flags |= FS_NOATIME_FL;
  ::ioctl(fd, FS_IOC_SETFLAGS, &flags);
}

const Case kCases[] = {
    {"setxattr", Evidence::changed, [](Scene& s) { ::setxattr(s.in("file").c_str(), "user.mark", "1", 1, 0); }},
    {"lsetxattr", Evidence::changed, [](Scene& s) { ::lsetxattr(s.in("dir").c_str(), "user.mark", "1", 1, 0); }},
    {"fsetxattr-of-directory", Evidence::changed, [](Scene& s) { ::fsetxattr(directory(s), "user.mark", "1", 1, 0); }},
    {"fsetxattr-of-file", Evidence::changed, [](Scene& s) { ::fsetxattr(file(s), "user.mark", "1", 1, 0); }, "", kRead},
    {"setxattrat", Evidence::changed,
     [](Scene& s) {
       struct { std::uint64_t value; std::uint32_t size, flags; } arguments{reinterpret_cast<std::uint64_t>("1"), 1, 0};
       ::syscall(463, AT_FDCWD, s.in("file").c_str(), 0, "user.mark", &arguments, sizeof arguments);
     }, "", 0, "setxattrat(2), Linux 6.13"},
    {"removexattr", Evidence::changed, [](Scene& s) { ::removexattr(s.in("file").c_str(), "user.token"); }},
    {"fremovexattr", Evidence::changed, [](Scene& s) { ::fremovexattr(file(s), "user.token"); }, "", kRead},
    {"setxattr-outside", Evidence::changed, [](Scene& s) { ::setxattr(s.out("secret").c_str(), "user.mark", "1", 1, 0); }},
    {"utimensat", Evidence::changed, [](Scene& s) { ::utimensat(AT_FDCWD, s.in("file").c_str(), nullptr, 0); }},
    {"futimens-of-directory", Evidence::changed, [](Scene& s) { ::syscall(SYS_utimensat, directory(s), nullptr, nullptr, 0); }},
    {"futimens-of-file", Evidence::changed, [](Scene& s) { ::syscall(SYS_utimensat, file(s), nullptr, nullptr, 0); }, "", kRead},
    {"utime", Evidence::changed, [](Scene& s) { ::syscall(SYS_utime, s.in("file").c_str(), nullptr); }},
    {"utimes", Evidence::changed, [](Scene& s) { ::syscall(SYS_utimes, s.in("file").c_str(), nullptr); }},
    {"futimesat", Evidence::changed, [](Scene& s) { ::syscall(SYS_futimesat, AT_FDCWD, s.in("file").c_str(), nullptr); }},
    {"utimensat-of-link", Evidence::changed,
     [](Scene& s) { ::utimensat(AT_FDCWD, s.in("link").c_str(), nullptr, AT_SYMLINK_NOFOLLOW); }},
    {"utimensat-outside", Evidence::changed, [](Scene& s) { ::utimensat(AT_FDCWD, s.out("secret").c_str(), nullptr, 0); }},
    {"chmod", Evidence::changed, [](Scene& s) { ::chmod(s.in("file").c_str(), 0600); }},
    {"fchmod-of-directory", Evidence::changed, [](Scene& s) { ::fchmod(directory(s), 0700); }},
    {"fchmod-of-file", Evidence::changed, [](Scene& s) { ::fchmod(file(s), 0600); }, "", kRead},
    {"fchmodat", Evidence::changed, [](Scene& s) { ::syscall(SYS_fchmodat, AT_FDCWD, s.in("file").c_str(), 0600); }},
    {"fchmodat2", Evidence::changed, [](Scene& s) { ::syscall(452, AT_FDCWD, s.in("file").c_str(), 0600, 0); }, "", 0,
     "fchmodat2(2), Linux 6.6"},
    {"chmod-outside", Evidence::changed, [](Scene& s) { ::chmod(s.out("secret").c_str(), 0600); }},
    {"chown", Evidence::changed, [](Scene& s) { (void)!::chown(s.in("file").c_str(), 12345, 12345); }, "", kRoot},
    {"lchown", Evidence::changed, [](Scene& s) { (void)!::lchown(s.in("link").c_str(), 12345, 12345); }, "", kRoot},
    {"fchown-of-directory", Evidence::changed, [](Scene& s) { (void)!::fchown(directory(s), 12345, 12345); }, "", kRoot},
    {"chgrp-to-own-group", Evidence::changed,
     [](Scene& s) { (void)!::chown(s.in("file").c_str(), static_cast<uid_t>(-1), ::getgid()); }},
    {"flags-of-directory", Evidence::changed, [](Scene& s) { set_flags(directory(s)); }, "flags"},
    {"flags-of-file", Evidence::changed, [](Scene& s) { set_flags(file(s)); }, "flags", kRead},
    {"flock-directory", Evidence::locked, [](Scene& s) { ::flock(directory(s), LOCK_EX | LOCK_NB); }},
    {"flock-directory-shared", Evidence::locked, [](Scene& s) { ::flock(directory(s), LOCK_SH | LOCK_NB); }},
    {"flock-file", Evidence::locked, [](Scene& s) { ::flock(file(s), LOCK_EX | LOCK_NB); }, "", kRead},
    {"record-lock", Evidence::locked, [](Scene& s) { lock_range(file(s), F_SETLK, F_RDLCK); }, "", kRead},
    {"record-lock-of-description", Evidence::locked, [](Scene& s) { lock_range(file(s), F_OFD_SETLK, F_RDLCK); }, "", kRead},
    {"record-lock-waiting", Evidence::locked, [](Scene& s) { lock_range(file(s), F_SETLKW, F_RDLCK); }, "", kRead},
    {"record-lock-for-writing", Evidence::locked,
     [](Scene& s) { lock_range(::open(s.in("file").c_str(), O_RDWR), F_SETLK, F_WRLCK); }, "", kRead},
    {"lease", Evidence::locked, [](Scene& s) { ::fcntl(file(s), F_SETLEASE, F_RDLCK); }, "", kRead},
    {"lease-of-directory", Evidence::locked, [](Scene& s) { ::fcntl(directory(s), F_SETLEASE, F_RDLCK); }, "", 0,
     "leases on directories"},
    {"fallocate", Evidence::changed, [](Scene& s) { ::fallocate(::open(s.in("file").c_str(), O_RDWR), 0, 0, 65536); }},
    {"punch-hole", Evidence::changed,
     [](Scene& s) { ::fallocate(::open(s.in("file").c_str(), O_RDWR), 3, 0, 4096); }},
    {"share-extents", Evidence::changed,
     [](Scene& s) { ::ioctl(::open(s.in("file").c_str(), O_WRONLY), FICLONE, ::open(s.in("dir/inner").c_str(), O_RDONLY)); }, "", kRead,
     "a file system that shares extents"},
    {"access-time-of-listing", Evidence::read_time, [](Scene& s) {
       DIR* listing = ::opendir(s.in("dir").c_str());
       while (listing != nullptr && ::readdir(listing) != nullptr) {
       }
     }},
    {"access-time-of-reading", Evidence::read_time,
     [](Scene& s) {
       char byte = 0;
       (void)!::read(file(s), &byte, 1);
     }, "", kRead},
    {"access-time-of-link", Evidence::read_time, [](Scene& s) { char text[64]; (void)!::readlink(s.in("link").c_str(), text, 64); }},
    {"access-time-of-link-by-who-may-read", Evidence::read_time,
     [](Scene& s) { char text[64]; (void)::syscall(SYS_readlinkat, AT_FDCWD, s.in("link").c_str(), text, sizeof text); }, "", kRead},
    {"access-time-by-following", Evidence::read_time, [](Scene& s) { struct stat info {}; ::stat(s.in("link").c_str(), &info); }},
};

}  // namespace

std::span<const Case> covert_cases() { return kCases; }

}  // namespace freshet::hostile

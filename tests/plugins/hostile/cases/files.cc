// Effects on files: of the grant and outside.
#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/stat.h>

#include <cstdio>
#include <cstring>

#include "tests/plugins/hostile/cases/case.h"

namespace freshet::hostile {
namespace {

void put(int fd, const std::string& text) {
  if (fd < 0) return;
  [[maybe_unused]] const ssize_t done = ::write(fd, text.data(), text.size());
  ::close(fd);
}

// The handle of a file of the grant, bent to the top directory of its file system (inode 2 of an ext4).
int open_top_by_handle(const Scene& s) {
  struct {
    unsigned bytes = 0;
    int type = 0;
    unsigned char body[128] = {};
  } handle;
  handle.bytes = sizeof handle.body;
  int mount_id = 0;
  if (::syscall(SYS_name_to_handle_at, AT_FDCWD, s.in("file").c_str(), &handle, &mount_id, 0) != 0) {
    handle.bytes = 8;  // what an ext4 would have said
    handle.type = 1;
  }
  const unsigned top[2] = {2, 0};
  std::memcpy(handle.body, top, sizeof top);
  const int here = ::open(s.grant.c_str(), O_RDONLY | O_DIRECTORY);
  return static_cast<int>(::syscall(SYS_open_by_handle_at, here, &handle, O_RDONLY));
}

const Case kCases[] = {
    {"open-write", Evidence::changed, [](Scene& s) { put(::open(s.in("file").c_str(), O_WRONLY), s.word); }},
    {"open-read-write", Evidence::changed, [](Scene& s) { put(::open(s.in("file").c_str(), O_RDWR), s.word); }},
    {"open-append", Evidence::changed, [](Scene& s) { put(::open(s.in("file").c_str(), O_WRONLY | O_APPEND), s.word); }},
    {"open-create", Evidence::changed, [](Scene& s) { put(::open(s.in("new").c_str(), O_WRONLY | O_CREAT, 0666), s.word); }},
    {"open-create-read-only", Evidence::changed, [](Scene& s) { (void)::open(s.in("new").c_str(), O_RDONLY | O_CREAT, 0666); }},
    {"open-truncate", Evidence::changed, [](Scene& s) { (void)::open(s.in("file").c_str(), O_WRONLY | O_TRUNC); }},
    {"open-truncate-read-only", Evidence::changed, [](Scene& s) { (void)::open(s.in("file").c_str(), O_RDONLY | O_TRUNC); }},
    {"open-old-call", Evidence::changed,
     [](Scene& s) { put(static_cast<int>(::syscall(SYS_open, s.in("file").c_str(), O_WRONLY, 0)), s.word); }},
    {"creat", Evidence::changed, [](Scene& s) { put(static_cast<int>(::syscall(SYS_creat, s.in("new").c_str(), 0666)), s.word); }},
    {"openat2-write", Evidence::changed,
     [](Scene& s) {
       open_how how{};
       how.flags = O_WRONLY;
       put(static_cast<int>(::syscall(SYS_openat2, AT_FDCWD, s.in("file").c_str(), &how, sizeof how)), s.word);
     }},
    {"openat2-create", Evidence::changed,
     [](Scene& s) {
       open_how how{};
       how.flags = O_WRONLY | O_CREAT;
       how.mode = 0666;
       put(static_cast<int>(::syscall(SYS_openat2, AT_FDCWD, s.in("new").c_str(), &how, sizeof how)), s.word);
     }},
    {"unnamed-then-linked", Evidence::changed,
     [](Scene& s) {
       const int fd = ::open(s.grant.c_str(), O_TMPFILE | O_WRONLY, 0666);
       const std::string link = "/proc/self/fd/" + std::to_string(fd);
       if (fd >= 0) ::linkat(AT_FDCWD, link.c_str(), AT_FDCWD, s.in("new").c_str(), AT_SYMLINK_FOLLOW);
     }},
    {"map-shared-and-write", Evidence::changed,
     [](Scene& s) {
       const int fd = ::open(s.in("file").c_str(), O_RDWR);
       void* at = ::mmap(nullptr, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
       if (at != MAP_FAILED) *static_cast<volatile char*>(at) = '!';
       if (at != MAP_FAILED) ::msync(at, 4096, MS_SYNC);
     }},
    {"truncate", Evidence::changed, [](Scene& s) { (void)!::truncate(s.in("file").c_str(), 1); }},
    {"ftruncate", Evidence::changed, [](Scene& s) { (void)!::ftruncate(::open(s.in("file").c_str(), O_RDWR), 1); }},
    {"unlink", Evidence::changed, [](Scene& s) { ::unlink(s.in("file").c_str()); }},
    {"unlink-link", Evidence::changed, [](Scene& s) { ::unlink(s.in("link").c_str()); }},
    {"unlinkat", Evidence::changed,
     [](Scene& s) { ::unlinkat(::open(s.grant.c_str(), O_RDONLY | O_DIRECTORY), "file", 0); }},
    {"unlinkat-directory", Evidence::changed, [](Scene& s) { ::unlinkat(AT_FDCWD, s.in("empty").c_str(), AT_REMOVEDIR); }},
    {"rmdir", Evidence::changed, [](Scene& s) { ::rmdir(s.in("empty").c_str()); }},
    {"mkdir", Evidence::changed, [](Scene& s) { ::mkdir(s.in("new").c_str(), 0777); }},
    {"mkdirat", Evidence::changed, [](Scene& s) { ::mkdirat(AT_FDCWD, s.in("new").c_str(), 0777); }},
    {"rename", Evidence::changed, [](Scene& s) { ::rename(s.in("file").c_str(), s.in("new").c_str()); }},
    {"renameat", Evidence::changed,
     [](Scene& s) { ::syscall(SYS_renameat, AT_FDCWD, s.in("file").c_str(), AT_FDCWD, s.in("new").c_str()); }},
    {"renameat2", Evidence::changed,
     [](Scene& s) { ::syscall(SYS_renameat2, AT_FDCWD, s.in("file").c_str(), AT_FDCWD, s.in("new").c_str(), 1); }},
    {"rename-exchange", Evidence::changed,
     [](Scene& s) { ::syscall(SYS_renameat2, AT_FDCWD, s.in("file").c_str(), AT_FDCWD, s.in("empty").c_str(), 2); }},
    {"rename-out", Evidence::changed, [](Scene& s) { ::rename(s.in("file").c_str(), s.out("new").c_str()); }},
    {"rename-in", Evidence::changed, [](Scene& s) { ::rename(s.out("secret").c_str(), s.in("new").c_str()); }},
    {"link", Evidence::changed, [](Scene& s) { (void)!::link(s.in("file").c_str(), s.in("new").c_str()); }},
    {"linkat", Evidence::changed,
     [](Scene& s) { (void)!::linkat(AT_FDCWD, s.in("file").c_str(), AT_FDCWD, s.in("new").c_str(), 0); }},
    {"link-outside-in", Evidence::changed, [](Scene& s) { (void)!::link(s.out("secret").c_str(), s.in("new").c_str()); }},
    {"symlink", Evidence::changed, [](Scene& s) { (void)!::symlink(s.out("secret").c_str(), s.in("new").c_str()); }},
    {"symlinkat", Evidence::changed, [](Scene& s) { (void)!::symlinkat("x", AT_FDCWD, s.in("new").c_str()); }},
    {"mknod-fifo", Evidence::changed, [](Scene& s) { ::mknod(s.in("new").c_str(), S_IFIFO | 0666, 0); }},
    {"mknod-old-call", Evidence::changed, [](Scene& s) { ::syscall(SYS_mknod, s.in("new").c_str(), S_IFREG | 0666, 0); }},
    {"mknod-device", Evidence::changed, [](Scene& s) { ::mknod(s.in("new").c_str(), S_IFCHR | 0666, 0x103); }, "", kRoot},
    {"copy-file-range", Evidence::changed,
     [](Scene& s) {
       const int from = ::open(s.in("dir/inner").c_str(), O_RDONLY), to = ::open(s.in("file").c_str(), O_WRONLY);
       ::syscall(SYS_copy_file_range, from, nullptr, to, nullptr, 8, 0);
     }},
    {"sendfile", Evidence::changed,
     [](Scene& s) {
       const int from = ::open(s.in("dir/inner").c_str(), O_RDONLY), to = ::open(s.in("file").c_str(), O_WRONLY);
       ::sendfile(to, from, nullptr, 4);
     }},
    {"write-outside", Evidence::changed, [](Scene& s) { put(::open(s.out("secret").c_str(), O_WRONLY), s.word); }},
    {"create-outside", Evidence::changed, [](Scene& s) { put(::open(s.out("new").c_str(), O_WRONLY | O_CREAT, 0666), s.word); }},
    {"unlink-outside", Evidence::changed, [](Scene& s) { ::unlink(s.out("secret").c_str()); }},
    {"mkdir-outside", Evidence::changed, [](Scene& s) { ::mkdir(s.out("new").c_str(), 0777); }},
    {"write-private-outside", Evidence::changed, [](Scene& s) { put(::open(s.out("private").c_str(), O_WRONLY), s.word); }},
    {"write-by-dotdot", Evidence::changed,
     [](Scene& s) { put(::open(s.in("../outside/secret").c_str(), O_WRONLY | O_TRUNC), s.word); }},
    {"write-in-excluded", Evidence::changed,
     [](Scene& s) { put(::open(s.in("excluded/new").c_str(), O_WRONLY | O_CREAT, 0666), s.word); }},
    {"write-in-area", Evidence::changed,
     [](Scene& s) { put(::open(s.in(".freshet/new").c_str(), O_WRONLY | O_CREAT, 0666), s.word); }},
    {"read-outside", Evidence::told, [](Scene& s) { s.tell_file(::open(s.out("secret").c_str(), O_RDONLY)); }},
    {"read-private-outside", Evidence::told, [](Scene& s) { s.tell_file(::open(s.out("private").c_str(), O_RDONLY)); }},
    {"read-by-dotdot", Evidence::told, [](Scene& s) { s.tell_file(::open(s.in("../outside/secret").c_str(), O_RDONLY)); }},
    {"read-granted-names-only", Evidence::told, [](Scene& s) { s.tell_file(::open(s.in("file").c_str(), O_RDONLY)); }},
    {"openat2-read-outside", Evidence::told,
     [](Scene& s) {
       open_how how{};
       s.tell_file(static_cast<int>(::syscall(SYS_openat2, AT_FDCWD, s.out("secret").c_str(), &how, sizeof how)));
     }},
    {"read-in-excluded", Evidence::told, [](Scene& s) { s.tell_file(::open(s.in("excluded/secret").c_str(), O_RDONLY)); }, "", kRead},
    {"read-in-area", Evidence::told, [](Scene& s) { s.tell_file(::open(s.in(".freshet/secret").c_str(), O_RDONLY)); }, "", kRead},
    {"open-by-handle", Evidence::told,
     [](Scene& s) {
       const int top = open_top_by_handle(s);
       if (top >= 0) s.tell_file(::openat(top, s.out("private").c_str() + 1, O_RDONLY));
     },
     "", kRoot, "a test directory on the ext4 of `/`"},
    {"open-by-handle-write", Evidence::changed,
     [](Scene& s) {
       const int top = open_top_by_handle(s);
       if (top >= 0) put(::openat(top, s.out("secret").c_str() + 1, O_WRONLY | O_TRUNC), s.word);
     },
     "", kRoot, "a test directory on the ext4 of `/`"},
    {"write-through-fifo", Evidence::heard,
     [](Scene& s) { put(::open(s.in("fifo").c_str(), O_WRONLY | O_NONBLOCK), s.word); }},
    {"write-disk-device", Evidence::holds, [](Scene&) { (void)::open("/dev/vda", O_RDONLY); }, "/dev/", kRoot, "a disk /dev/vda"},
    {"open-device-in-grant", Evidence::holds, [](Scene& s) { (void)::open(s.in("device").c_str(), O_RDONLY); }, "device",
     kRoot | kRead},
};

}  // namespace

std::span<const Case> file_cases() { return kCases; }

}  // namespace freshet::hostile

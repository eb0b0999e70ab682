// What a process has from whoever started it. With everything off the observer starts it as a careless program would.
#include <dirent.h>
#include <fcntl.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

#include <cstdlib>

#include "tests/plugins/hostile/cases/case.h"

namespace freshet::hostile {
namespace {

void nothing(Scene&) {}

void live_on(Scene&) {
  for (int i = 0; i < 200; ++i) {
    const timespec moment{0, 50'000'000};
    ::nanosleep(&moment, nullptr);
  }
}

const Case kCases[] = {
    {"environment", Evidence::told,
     [](Scene& s) {
       for (char** at = environ; at != nullptr && *at != nullptr; ++at) s.tell(*at);
     }, "started"},
    {"environment-by-proc", Evidence::told, [](Scene& s) { s.tell_file(::open("/proc/self/environ", O_RDONLY)); }, "started"},
    {"descriptor", Evidence::told,
     [](Scene& s) {
       for (int fd = 5; fd < 64; ++fd) {
         ::lseek(fd, 0, SEEK_SET);
         s.tell_file(fd);
       }
     }, "started"},
    {"directory-descriptor", Evidence::told,
     [](Scene& s) {
       for (int fd = 5; fd < 64; ++fd) s.tell_file(::openat(fd, "secret", O_RDONLY));
     }, "started"},
    {"working-directory", Evidence::told, [](Scene& s) { s.tell_file(::open("secret", O_RDONLY)); }, "started"},
    {"working-directory-by-name", Evidence::told,
     [](Scene& s) {
       char path[4096];
       if (::getcwd(path, sizeof path) != nullptr) s.tell(path);
     }, "started"},
    {"terminal", Evidence::heard,
     [](Scene& s) {
       const int fd = ::open("/dev/tty", O_RDWR);
       [[maybe_unused]] const ssize_t done = ::write(fd, s.word.data(), s.word.size());
     }, "started"},
    {"standard-output", Evidence::heard, [](Scene& s) { (void)!::write(1, s.word.data(), s.word.size()); }, "started"},
    {"typing-on-the-terminal", Evidence::heard,
     [](Scene& s) {
       const int fd = ::open("/dev/tty", O_RDWR);
       for (const char c : s.word) ::ioctl(fd, TIOCSTI, &c);
       ::ioctl(1, TIOCSTI, "x");
       ::ioctl(0, TIOCSTI, "x");
     }, "started", kRoot, "a terminal that takes TIOCSTI"},
    {"ignored-signals", Evidence::inherited, nothing, "status:SigIgn"},
    {"blocked-signals", Evidence::inherited, nothing, "status:SigBlk"},
    {"mask-of-modes", Evidence::inherited, nothing, "status:Umask"},
    {"session", Evidence::inherited, nothing, "session"},
    {"end-of-manager", Evidence::outlives, live_on, "", kSlow},
};

}  // namespace

std::span<const Case> inherited_cases() { return kCases; }

}  // namespace freshet::hostile

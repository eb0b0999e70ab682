// Ways out of the grant by links, by `..`, and by somebody who changes the tree meanwhile.
#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <time.h>

#include <set>

#include "tests/plugins/hostile/cases/case.h"

namespace freshet::hostile {
namespace {

std::int64_t now_ms() {
  timespec time{};
  ::clock_gettime(CLOCK_MONOTONIC, &time);
  return time.tv_sec * 1000 + time.tv_nsec / 1'000'000;
}

constexpr std::int64_t kRaceMs = 400;

// Tells each thing once: a manager takes so many lines and no more.
class News {
 public:
  explicit News(const Scene& scene) : scene_(scene) {}
  void tell(const std::string& text) {
    if (said_.size() < 16 && said_.insert(text).second) scene_.tell(text);
  }

 private:
  const Scene& scene_;
  std::set<std::string> said_;
};

// It is in the grant every other moment.
int open_mover(const Scene& s) {
  for (int i = 0; i < 100000; ++i)
    if (const int fd = ::open(s.in("mover").c_str(), O_RDONLY | O_DIRECTORY); fd >= 0) return fd;
  return -1;
}

const Case kCases[] = {
    {"read-by-link", Evidence::told, [](Scene& s) { s.tell_file(::open(s.in("link-out").c_str(), O_RDONLY)); }, "", kRead},
    {"stat-by-link", Evidence::told,
     [](Scene& s) {
       struct stat info {};
       if (::stat(s.in("link-out").c_str(), &info) == 0) s.tell(std::to_string(info.st_mtim.tv_nsec));
     }},
    {"list-by-link", Evidence::told, [](Scene& s) { s.tell_names(s.in("link-directory")); }, "", kRead},
    {"read-below-link", Evidence::told,
     [](Scene& s) { s.tell_file(::open(s.in("link-directory/secret").c_str(), O_RDONLY)); }, "", kRead},
    {"stat-below-link", Evidence::told,
     [](Scene& s) {
       struct stat info {};
       if (::stat(s.in("link-directory/secret").c_str(), &info) == 0) s.tell(std::to_string(info.st_mtim.tv_nsec));
     }},
    {"relative-link", Evidence::told, [](Scene& s) { s.tell_file(::open(s.in("link-up/secret").c_str(), O_RDONLY)); }, "", kRead},
    {"link-to-proc", Evidence::told, [](Scene& s) { s.tell_file(::open(s.in("link-proc").c_str(), O_RDONLY)); }, "", kRead},
    {"write-by-link", Evidence::changed,
     [](Scene& s) {
       const int fd = ::open(s.in("link-out").c_str(), O_WRONLY | O_TRUNC);
       [[maybe_unused]] const ssize_t done = ::write(fd, s.word.data(), s.word.size());
     }},
    {"create-by-dangling-link", Evidence::changed,
     [](Scene& s) { (void)::open(s.in("link-nowhere").c_str(), O_WRONLY | O_CREAT, 0666); }},
    {"read-hard-link", Evidence::told, [](Scene& s) { s.tell_file(::open(s.in("hard").c_str(), O_RDONLY)); }},
    {"write-hard-link", Evidence::changed,
     [](Scene& s) {
       const int fd = ::open(s.in("hard").c_str(), O_WRONLY);
       [[maybe_unused]] const ssize_t done = ::write(fd, s.word.data(), s.word.size());
     }},
    {"dotdot-step-by-step", Evidence::told,
     [](Scene& s) {
       int fd = ::open(s.grant.c_str(), O_RDONLY | O_DIRECTORY);
       for (int i = 0; i < 40 && fd >= 0; ++i) {
         struct stat info {};
         if (::fstatat(fd, "outside/secret", &info, 0) == 0) {
           s.tell(std::to_string(info.st_mtim.tv_nsec));
           s.tell_file(::openat(fd, "outside/secret", O_RDONLY));
         }
         fd = ::openat(fd, "..", O_PATH | O_DIRECTORY);
       }
     }, "", kRead},
    {"dotdot-of-working-directory", Evidence::told,
     [](Scene& s) { s.tell_file(::open((std::string("../../../../../../../../") + s.outside + "/secret").c_str(), O_RDONLY)); }, "",
     kRead},
    {"opath-then-reopen", Evidence::told,
     [](Scene& s) {
       const int fd = ::open(s.out("secret").c_str(), O_PATH);
       s.tell_file(::open(("/proc/self/fd/" + std::to_string(fd)).c_str(), O_RDONLY));
     }, "", kRead},
    {"swapped-with-link", Evidence::told,
     [](Scene& s) {
       News news(s);
       const std::string path = s.in("swap/secret");
       for (const std::int64_t end = now_ms() + kRaceMs; now_ms() < end;) {
         struct stat info {};
         if (::stat(path.c_str(), &info) == 0) news.tell(std::to_string(info.st_mtim.tv_nsec));
         const int fd = ::open(path.c_str(), O_RDONLY);
         char text[64];
         const ssize_t length = ::read(fd, text, sizeof text);
         if (length > 0) news.tell({text, static_cast<std::size_t>(length)});
         ::close(fd);
       }
     }, "", kRead | kSwap},
    {"swapped-and-held", Evidence::told,
     [](Scene& s) {
       News news(s);
       for (const std::int64_t end = now_ms() + kRaceMs; now_ms() < end;) {
         const int fd = ::open(s.in("swap").c_str(), O_PATH | O_DIRECTORY);
         struct stat info {};
         if (::fstatat(fd, "secret", &info, 0) == 0) news.tell(std::to_string(info.st_mtim.tv_nsec));
         ::close(fd);
       }
     }, "", kRead | kSwap},
    {"moved-out-while-held", Evidence::told,
     [](Scene& s) {
       const int fd = open_mover(s);
       for (const std::int64_t end = now_ms() + kRaceMs; now_ms() < end;) {
         struct stat info {};
         if (::fstatat(fd, "../secret", &info, 0) == 0) {
           s.tell(std::to_string(info.st_mtim.tv_nsec));
           return;
         }
       }
     }, "", kRead | kMoveOut},
    {"moved-out-and-read", Evidence::told,
     [](Scene& s) {
       const int fd = open_mover(s);
       for (const std::int64_t end = now_ms() + kRaceMs; now_ms() < end;) {
         const int secret = ::openat(fd, "../secret", O_RDONLY);
         if (secret < 0) continue;
         s.tell_file(secret);
         return;
       }
     }, "", kRead | kMoveOut},
};

}  // namespace

std::span<const Case> link_cases() { return kCases; }

}  // namespace freshet::hostile

// Makes a tree of old files fast, the same one every time: make_tree DIR FILES DIRECTORIES BYTES DAYS.
// Directories come in groups of one hundred (the first of a group holds the others); the files are spread evenly over
// all of them. Every entry but DIR itself has the same times, DAYS ago.
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <cstdio>
#include <cstring>
#include <ctime>
#include <string>
#include <string_view>
#include <system_error>
#include <vector>

namespace {

constexpr unsigned long kGroup = 100;

[[noreturn]] void die(const std::string& doing) {
  throw std::system_error(errno, std::generic_category(), doing);
}

unsigned long number(std::string_view text) {
  unsigned long value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size()) {
    throw std::runtime_error("not a number: " + std::string(text));
  }
  return value;
}

void write_file(int directory, const std::string& name, const std::string& content, const timespec (&times)[2]) {
  const int fd = openat(directory, name.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
  if (fd < 0) die("creating " + name);
  if (!content.empty() && write(fd, content.data(), content.size()) != static_cast<ssize_t>(content.size())) {
    die("writing " + name);
  }
  if (futimens(fd, times) != 0) die("setting the times of " + name);
  close(fd);
}

void make(const std::string& top, unsigned long files, unsigned long directories, unsigned long bytes,
          unsigned long days) {
  if (directories == 0) throw std::runtime_error("at least one directory");
  timespec times[2]{};
  clock_gettime(CLOCK_REALTIME, &times[0]);
  times[0].tv_sec -= static_cast<time_t>(days) * 86400;
  times[1] = times[0];
  const std::string content(bytes, 'x');

  if (mkdir(top.c_str(), 0755) != 0) die("creating " + top);
  std::vector<std::string> made;
  made.reserve(directories);
  for (unsigned long i = 0; i < directories; ++i) {
    std::string path = top + "/group-" + std::to_string(i / kGroup);
    if (i % kGroup != 0) path += "/dir-" + std::to_string(i % kGroup);
    if (mkdir(path.c_str(), 0755) != 0) die("creating " + path);
    const int directory = open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (directory < 0) die("opening " + path);
    for (unsigned long n = files * i / directories; n < files * (i + 1) / directories; ++n) {
      write_file(directory, "file-" + std::to_string(n) + ".tmp", content, times);
    }
    close(directory);
    made.push_back(std::move(path));
  }
  for (const std::string& path : made) {
    if (utimensat(AT_FDCWD, path.c_str(), times, 0) != 0) die("setting the times of " + path);
  }
}

}  // namespace

int main(int argc, char** argv) try {
  if (argc != 6) {
    std::fputs("usage: make_tree DIR FILES DIRECTORIES BYTES DAYS\n", stderr);
    return 64;
  }
  make(argv[1], number(argv[2]), number(argv[3]), number(argv[4]), number(argv[5]));
  return 0;
} catch (const std::exception& error) {
  std::fprintf(stderr, "make_tree: %s\n", error.what());
  return 1;
}

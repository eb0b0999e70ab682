// A folder that goes away with the object, whatever depth and modes its contents have.
#pragma once

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>

#include "runtime/base/fd.h"

namespace freshet::worker::testing {

class ScratchTree {
 public:
  ScratchTree() {
    const char* base = std::getenv("TMPDIR");
    std::string pattern = std::string(base != nullptr ? base : "/tmp") + "/freshet-test-XXXXXX";
    if (::mkdtemp(pattern.data()) == nullptr) std::abort();
    path_ = std::filesystem::canonical(pattern);
  }
  ~ScratchTree() {
    const std::string command = "chmod -R u+rwx '" + path_ + "' 2>/dev/null; rm -rf '" + path_ + "'";
    if (std::system(command.c_str()) != 0) std::abort();
  }
  ScratchTree(const ScratchTree&) = delete;
  ScratchTree& operator=(const ScratchTree&) = delete;

  [[nodiscard]] const std::string& path() const { return path_; }
  void file(const std::string& relative) const {
    const std::filesystem::path whole = path_ + "/" + relative;
    std::filesystem::create_directories(whole.parent_path());
    std::ofstream(whole) << "x";
  }
  void directory(const std::string& relative) const { std::filesystem::create_directories(path_ + "/" + relative); }
  // A chain of directories, far beyond PATH_MAX, with a file "f" on every level; opened top first.
  void chain(int levels, const std::string& name = "d") const {
    Fd at(::open(path_.c_str(), O_RDONLY | O_DIRECTORY));
    for (int i = 0; i < levels; ++i) {
      Fd file(::openat(at.get(), "f", O_WRONLY | O_CREAT | O_CLOEXEC, 0644));
      if (!file || ::mkdirat(at.get(), name.c_str(), 0755) != 0) std::abort();
      at = Fd(::openat(at.get(), name.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
      if (!at) std::abort();
    }
  }

 private:
  std::string path_;
};

}  // namespace freshet::worker::testing

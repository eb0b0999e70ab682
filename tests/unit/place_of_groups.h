#pragma once

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <string>

#include "runtime/base/fd.h"

namespace freshet::testing {

// An empty control group of version 2, removed with what is below it. False where none may be made.
class PlaceOfGroups {
 public:
  PlaceOfGroups() {
    std::ifstream mounts("/proc/self/mounts");
    for (std::string device, place, type, rest; mounts >> device >> place >> type && std::getline(mounts, rest);)
      if (type == "cgroup2") path_ = place + "/test-" + std::to_string(::getpid());
    made_ = !path_.empty() && ::mkdir(path_.c_str(), 0755) == 0;
    if (!made_) why_ = path_.empty() ? "cgroup version 2 is not mounted" : path_ + ": " + std::strerror(errno);
  }
  ~PlaceOfGroups() {
    if (!made_) return;
    std::error_code ignored;
    for (const auto& entry : std::filesystem::directory_iterator(path_, ignored)) ::rmdir(entry.path().c_str());
    ::rmdir(path_.c_str());
  }
  PlaceOfGroups(const PlaceOfGroups&) = delete;
  PlaceOfGroups& operator=(const PlaceOfGroups&) = delete;

  explicit operator bool() const { return made_; }
  [[nodiscard]] const std::string& path() const { return path_; }
  [[nodiscard]] const std::string& why() const { return why_; }
  [[nodiscard]] Fd open() const { return Fd(::open(path_.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)); }

 private:
  std::string path_, why_;
  bool made_ = false;
};

}  // namespace freshet::testing

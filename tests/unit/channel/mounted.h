// An empty file system on a directory, for as long as the object lives. Not good where this user may not mount.
#pragma once

#include <sys/mount.h>

#include <string>

namespace freshet::channel::testing {

class Mounted {
 public:
  explicit Mounted(std::string path, const char* type = "tmpfs")
      : path_(std::move(path)), good_(::mount("freshet-test", path_.c_str(), type, 0, nullptr) == 0) {}
  ~Mounted() {
    if (good_) ::umount2(path_.c_str(), MNT_DETACH);
  }
  Mounted(const Mounted&) = delete;
  Mounted& operator=(const Mounted&) = delete;
  [[nodiscard]] bool good() const { return good_; }

 private:
  std::string path_;
  bool good_;
};

}  // namespace freshet::channel::testing

#include <fcntl.h>
#include <limits.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <deque>
#include <filesystem>
#include <string>
#include <system_error>
#include <vector>

#include "runtime/base/bytes.h"
#include "runtime/policy/boundaries.h"

namespace freshet::policy {
namespace {

constexpr int kMaxLinks = 40;  // as the kernel

std::vector<std::string> split(std::string_view path) {
  std::vector<std::string> out;
  for (std::size_t from = 0; from < path.size();) {
    const std::size_t end = std::min(path.find('/', from), path.size());
    const std::string_view part = path.substr(from, end - from);
    if (!part.empty() && part != ".") out.emplace_back(part);
    from = end + 1;
  }
  return out;
}

// Walks a path as the kernel would, and looks at everything that decides what stands at its end.
class Walk {
 public:
  Walk(std::string_view path, std::string_view what) : path_(path), what_(what) {}

  std::vector<Violation> run() {
    const auto parts = split(path_);
    rest_.assign(parts.begin(), parts.end());
    judge("/", true);
    while (!rest_.empty() && !stopped_) step();
    return std::move(violations_);
  }

 private:
  void step() {
    const std::string part = rest_.front();
    rest_.pop_front();
    if (part == "..") {
      directory_ = directory_.substr(0, directory_.rfind('/'));
      return;
    }
    const std::string here = directory_ + "/" + part;
    struct stat info {};
    if (::lstat(here.c_str(), &info) != 0) {
      stopped_ = true;  // missing or unreachable: whoever opens it says so
      return;
    }
    if (!S_ISLNK(info.st_mode)) {
      judge(here, S_ISDIR(info.st_mode));
      directory_ = here;
      return;
    }
    // A link's own mode means nothing; in a sticky directory its owner may still change it.
    if (info.st_uid != 0) refuse(here, "belongs to user " + std::to_string(info.st_uid), "chown -h root ");
    char target[PATH_MAX];
    const ssize_t length = ::readlink(here.c_str(), target, sizeof target);
    if (length <= 0 || ++links_ > kMaxLinks) {
      stopped_ = true;
      return;
    }
    const std::string_view text(target, static_cast<std::size_t>(length));
    if (text.front() == '/') directory_.clear();
    const auto parts = split(text);
    rest_.insert(rest_.begin(), parts.begin(), parts.end());
  }

  void judge(const std::string& here, bool directory) {
    struct stat info {};
    if (::stat(here.c_str(), &info) != 0) return;
    if (info.st_uid != 0) {
      refuse(here, "belongs to user " + std::to_string(info.st_uid), "chown root ");
      return;
    }
    if ((info.st_mode & (S_IWGRP | S_IWOTH)) == 0) return;
    // In root's sticky directory others may add names, but not replace root's; whose the next name is, is
    // judged with it. As the last directory it is not safe: what is added there is used.
    if (directory && (info.st_mode & S_ISVTX) != 0 && !rest_.empty()) return;
    refuse(here,
           (info.st_mode & S_IWOTH) != 0 ? "can be written by everybody" : "can be written by its group",
           "chmod go-w ");
  }

  void refuse(const std::string& here, const std::string& why, const std::string& command) {
    const std::string shown = escape_bytes(here);
    const std::string whole = escape_bytes(path_);
    const std::string what =
        std::string(what_) + " `" + whole + "`" + (here == path_ ? " " : ": `" + shown + "` ") + why;
    if (!violations_.empty() && violations_.back().what == what) return;
    violations_.push_back({"F1030", what + ", who could change what root does", command + shown, {}});
  }

  std::string path_;
  std::string_view what_;
  std::deque<std::string> rest_;
  std::string directory_;  // so far; empty: "/"
  int links_ = 0;
  bool stopped_ = false;
  std::vector<Violation> violations_;
};

}  // namespace

std::vector<Violation> check_not_writable_by_others(std::string_view path, std::string_view what,
                                                    const HostFacts& host) {
  if (!host.root || path.empty()) return {};
  if (path.front() == '/') return Walk(path, what).run();
  std::error_code error;
  const std::string whole = std::filesystem::absolute(path, error).string();
  if (!error) return Walk(whole, what).run();
  return {{"F1030", std::string(what) + " `" + escape_bytes(path) + "` cannot be found from here: " + error.message(),
           "write its path in full, from `/` on", {}}};
}

}  // namespace freshet::policy

#include "runtime/manager/directory_opener.h"

#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace freshet {

Fd open_below(int root, const std::string& relative) {
  constexpr std::size_t kStep = 4000;  // below PATH_MAX (4096, NUL included)
  open_how how{};
  how.flags = O_PATH | O_DIRECTORY | O_CLOEXEC;
  how.resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS | RESOLVE_NO_XDEV;
  const auto step = [&](int at, const std::string& path) {
    return Fd(static_cast<int>(::syscall(SYS_openat2, at, path.c_str(), &how, sizeof how)));
  };
  if (relative.empty()) return step(root, ".");
  Fd here;
  for (std::size_t at = 0; at < relative.size();) {
    std::size_t end = relative.size();
    if (end - at > kStep) end = relative.rfind('/', at + kStep);
    if (end == std::string::npos || end <= at) return {};
    Fd next = step(here ? here.get() : root, relative.substr(at, end - at));
    if (!next) return {};
    here = std::move(next);
    at = end + 1;
  }
  return here;
}

int DirectoryOpener::open(const std::string& relative) {
  if (const auto known = kept_.find(relative); known != kept_.end()) return known->second.get();
  if (kept_.size() >= kKept) kept_.clear();
  Fd fd = open_below(root_, relative);
  if (!fd) return -1;
  return kept_.emplace(relative, std::move(fd)).first->second.get();
}

}  // namespace freshet

// The tests' own role executable leaves out one step of its lock: the one its file is named after, `without-<step>`.
// It is started like every other, so nothing of the manager's side is different.
#include "runtime/sandbox/left_out.h"

#include <fcntl.h>
#include <unistd.h>

#include <string>
#include <thread>

namespace freshet::sandbox {
namespace {

const std::string& step_left_out() {
  static const std::string step = [] {
    char path[4096];
    const ssize_t length = ::readlink("/proc/self/exe", path, sizeof path);
    const std::string whole(path, length > 0 ? static_cast<std::size_t>(length) : 0);
    const std::size_t at = whole.rfind("/without-");
    return at == std::string::npos ? std::string() : whole.substr(at + 9);
  }();
  return step;
}

}  // namespace

bool is_left_out(std::string_view step) { return step_left_out() == step; }

void leave_out(wire::Setup& setup) {
  if (is_left_out("private-root")) setup.private_root = false;
  if (is_left_out("landlock")) setup.landlock_abi = 0;
  if (is_left_out("close-on-start")) (void)::fcntl(::open("/dev/zero", O_RDWR), F_DUPFD, 20);
  if (is_left_out("one-thread")) {
    std::thread([] {
      for (;;) ::pause();
    }).detach();
  }
}

}  // namespace freshet::sandbox

// The tests' own role executable leaves out steps of its lock: those that its file is named after, `without-<step>` or
// `without-<step>+<step>`. It is started like every other, so nothing of the manager's side is different.
#include "runtime/sandbox/left_out.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <string>
#include <thread>
#include <vector>

namespace freshet::sandbox {
namespace {

const std::vector<std::string>& steps_left_out() {
  static const std::vector<std::string> steps = [] {
    char path[4096];
    const ssize_t length = ::readlink("/proc/self/exe", path, sizeof path);
    const std::string whole(path, length > 0 ? static_cast<std::size_t>(length) : 0);
    std::vector<std::string> out;
    const std::size_t at = whole.rfind("/without-");
    if (at == std::string::npos) return out;
    for (std::size_t from = at + 9, end = 0; from <= whole.size(); from = end + 1) {
      end = std::min(whole.find('+', from), whole.size());
      out.push_back(whole.substr(from, end - from));
    }
    return out;
  }();
  return steps;
}

}  // namespace

bool is_left_out(std::string_view step) {
  const auto& steps = steps_left_out();
  if (step.starts_with("RLIMIT_") && std::ranges::find(steps, "limits") != steps.end()) return true;
  return std::ranges::find(steps, step) != steps.end();
}

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

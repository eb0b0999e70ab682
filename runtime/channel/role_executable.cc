#include "runtime/channel/role_executable.h"

#include <unistd.h>

#include <filesystem>

namespace freshet::channel {

Result<std::string> find_role_executable(const std::string& given) {
  if (!given.empty()) {
    if (::access(given.c_str(), X_OK) != 0) return fail(ErrorKind::missing, "the role executable " + given + ": " + errno_text(errno));
    return given;
  }
  std::error_code error;
  // Only to find the folder: in an embedding program this is that program, and is never executed.
  const auto program = std::filesystem::read_symlink("/proc/self/exe", error);
  if (error) return fail(ErrorKind::system, "reading /proc/self/exe: " + error.message());
  const auto found = (program.parent_path().parent_path() / "libexec/freshet/freshet-role").lexically_normal();
  if (::access(found.c_str(), X_OK) != 0)
    return fail(ErrorKind::missing, "there is no role executable " + found.string() + ": " + errno_text(errno),
                "Install Freshet as a whole, or name it (ManagerOptions::role_executable).");
  return found.string();
}

}  // namespace freshet::channel

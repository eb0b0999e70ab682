#include "runtime/channel/role_executable.h"

#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <vector>

#include "runtime/base/bytes.h"
#include "runtime/base/own_file.h"

namespace freshet::channel {

Result<std::string> find_role_executable(const std::string& given) {
  if (!given.empty()) {
    if (::access(given.c_str(), X_OK) != 0) return fail(ErrorKind::missing, "the role executable " + given + ": " + errno_text(errno));
    return given;
  }
  std::vector<std::filesystem::path> places;
  if (const Result<std::string> own = find_own_file()) {
    const std::filesystem::path folder = std::filesystem::path(*own).parent_path();
    places = {folder / FRESHET_LIBEXEC_FROM_LIB, folder / FRESHET_LIBEXEC_FROM_BIN};
  }
  places.emplace_back(FRESHET_LIBEXEC);
  std::string looked;
  for (const std::filesystem::path& place : places) {
    const std::string file = (place / "freshet/freshet-role").lexically_normal().string();
    if (::access(file.c_str(), X_OK) == 0) return file;
    looked += (looked.empty() ? "" : ", ") + escape_bytes(file);
  }
  return fail(ErrorKind::missing, "there is no role executable: looked for " + looked,
              "Install Freshet as a whole, or name it (ManagerOptions::role_executable).");
}

}  // namespace freshet::channel

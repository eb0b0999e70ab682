#include "runtime/cli/places.h"

#include <pwd.h>
#include <unistd.h>

#include <cstdlib>

namespace freshet::cli {
namespace {

std::string absolute_from_environment(const char* name) {
  const char* value = std::getenv(name);
  return value != nullptr && value[0] == '/' ? value : "";
}

std::string find_home() {
  if (std::string home = absolute_from_environment("HOME"); !home.empty()) return home;
  passwd entry{};
  passwd* found = nullptr;
  std::string buffer(16 * 1024, '\0');
  if (::getpwuid_r(::geteuid(), &entry, buffer.data(), buffer.size(), &found) != 0 || found == nullptr)
    return {};
  return found->pw_dir != nullptr && found->pw_dir[0] == '/' ? found->pw_dir : "";
}

}  // namespace

Result<std::string> find_state_dir() {
  if (::geteuid() == 0) return "/var/lib/freshet";
  if (std::string state = absolute_from_environment("XDG_STATE_HOME"); !state.empty())
    return state + "/freshet";
  const std::string home = find_home();
  if (home.empty()) {
    return fail(ErrorKind::missing, "this user has no home directory", "Name a place with --state-dir.");
  }
  return home + "/.local/state/freshet";
}

}  // namespace freshet::cli

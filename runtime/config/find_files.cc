#include <dirent.h>
#include <pwd.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <memory>
#include <string>
#include <vector>

#include "runtime/base/bytes.h"
#include "runtime/config/config.h"

namespace freshet::config {
namespace {

constexpr std::string_view kStandardName = "freshet.toml";

// "" when nothing says where this user's home is.
std::string home_directory() {
  if (const char* home = std::getenv("HOME"); home != nullptr && home[0] == '/') return home;
  std::vector<char> buffer(16384);
  passwd entry{};
  passwd* found = nullptr;
  if (::getpwuid_r(::geteuid(), &entry, buffer.data(), buffer.size(), &found) != 0 || found == nullptr)
    return {};
  return found->pw_dir;
}

Result<std::string> standard_file() {
  if (::geteuid() == 0) return "/etc/freshet/" + std::string(kStandardName);
  // A relative value must be ignored, says the XDG base directory specification.
  if (const char* base = std::getenv("XDG_CONFIG_HOME"); base != nullptr && base[0] == '/') {
    return std::string(base) + "/freshet/" + std::string(kStandardName);
  }
  const std::string home = home_directory();
  if (home.empty())
    return fail(ErrorKind::missing, "no configuration: HOME is not set", "name a file with --config FILE");
  return home + "/.config/freshet/" + std::string(kStandardName);
}

// The *.toml files of a directory in name order; none when there is no such directory.
Result<std::vector<std::string>> list_toml_files(const std::string& directory) {
  std::vector<std::string> out;
  const std::unique_ptr<DIR, int (*)(DIR*)> stream(::opendir(directory.c_str()), ::closedir);
  if (!stream) {
    if (errno == ENOENT) return out;
    return fail_errno("listing " + escape_bytes(directory));
  }
  errno = 0;
  while (const dirent* entry = ::readdir(stream.get())) {
    const std::string_view name = entry->d_name;
    if (!name.starts_with('.') && name.ends_with(".toml")) out.push_back(directory + "/" + std::string(name));
  }
  if (errno != 0) return fail_errno("listing " + escape_bytes(directory));
  std::sort(out.begin(), out.end());
  return out;
}

}  // namespace

Result<std::vector<std::string>> find_config_files(const std::optional<std::string>& given) {
  std::string file;
  if (given) {
    file = *given;
  } else {
    auto standard = standard_file();
    if (!standard) return std::unexpected(standard.error());
    file = std::move(*standard);
  }
  struct stat info {};
  if (::stat(file.c_str(), &info) != 0) {
    if (errno != ENOENT && errno != ENOTDIR) return fail_errno("configuration " + escape_bytes(file));
    return fail(ErrorKind::missing, "no configuration: " + escape_bytes(file) + " does not exist",
                "the smallest useful one has four lines:\n"
                "  [task.old-downloads]\n"
                "  plugin = \"org.freshet.expired-files\"\n"
                "  roots = [{ path = \"/home/me/Downloads\" }]\n"
                "  settings = { older-than = \"90d\" }");
  }
  if (!S_ISREG(info.st_mode)) {
    return fail(ErrorKind::invalid, "configuration " + escape_bytes(file) + " is not a regular file");
  }
  std::vector<std::string> out{file};
  const std::size_t slash = file.rfind('/');
  if (file.substr(slash == std::string::npos ? 0 : slash + 1) != kStandardName) return out;
  auto more = list_toml_files((slash == std::string::npos ? "" : file.substr(0, slash + 1)) + "conf.d");
  if (!more) return std::unexpected(more.error());
  out.insert(out.end(), more->begin(), more->end());
  return out;
}

}  // namespace freshet::config

#include <algorithm>
#include <filesystem>

#include "runtime/base/own_file.h"
#include "runtime/manager/make_manager.h"

namespace freshet {

std::vector<std::string> find_plugin_dirs() {
  namespace fs = std::filesystem;
  std::vector<fs::path> candidates;
  if (const Result<std::string> own = find_own_file()) {
    const fs::path folder = fs::path(*own).parent_path();
    candidates = {folder / FRESHET_PLUGINS_FROM_LIB, folder / FRESHET_PLUGINS_FROM_BIN};
  }
  for (const char* dir : {FRESHET_PLUGINS, "/usr/local/lib/freshet/plugins", "/usr/lib/freshet/plugins"})
    candidates.emplace_back(dir);
  std::vector<std::string> found;
  for (const fs::path& candidate : candidates) {
    std::error_code error;
    const std::string real = fs::canonical(candidate, error).string();
    if (error || !fs::is_directory(real, error)) continue;
    if (std::ranges::find(found, real) == found.end()) found.push_back(real);
  }
  return found;
}

}  // namespace freshet

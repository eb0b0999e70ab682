#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <set>

#include "runtime/manager/make_manager.h"

namespace freshet {
namespace {

TEST(PluginDirs, ExistAndAreNamedOnceAndTheOneOfThisBuildIsAmongThem) {
  const std::vector<std::string> dirs = find_plugin_dirs();
  EXPECT_EQ(std::set<std::string>(dirs.begin(), dirs.end()).size(), dirs.size());
  for (const std::string& dir : dirs) EXPECT_EQ(::access(dir.c_str(), F_OK), 0) << dir;
  EXPECT_TRUE(std::ranges::count(dirs, std::filesystem::canonical(FRESHET_PLUGINS_OF_THIS_BUILD).string()) == 1);
}

}  // namespace
}  // namespace freshet

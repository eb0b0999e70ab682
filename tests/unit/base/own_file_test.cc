#include "runtime/base/own_file.h"

#include <gtest/gtest.h>

#include <filesystem>

namespace freshet {
namespace {

TEST(OwnFile, IsTheFileThatThisCodeWasLinkedInto) {
  const Result<std::string> own = find_own_file();
  ASSERT_TRUE(own) << own.error().what;
  EXPECT_TRUE(std::filesystem::equivalent(*own, std::filesystem::read_symlink("/proc/self/exe")));
}

}  // namespace
}  // namespace freshet

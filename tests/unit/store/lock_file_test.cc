#include "runtime/store/lock_file.h"

#include <gtest/gtest.h>

namespace freshet::store {
namespace {

TEST(LockFile, EveryRootComesBackWhateverBytesItHas) {
  const std::vector<std::string> roots = {"/var/cache", "/odd\nname\t\\x", "/not-utf8-\xff\xfe", "/"};
  const auto back = parse_lock_file(format_lock_file(roots));
  ASSERT_TRUE(back);
  EXPECT_EQ(*back, roots);
}

TEST(LockFile, EveryTruncationIsRefused) {
  const std::string text = format_lock_file({"/a", "/b/c"});
  for (std::size_t length = 0; length < text.size(); ++length) {
    EXPECT_FALSE(parse_lock_file(std::string_view(text).substr(0, length))) << length;
  }
}

TEST(LockFile, ForeignTextsAreRefused) {
  for (const char* text : {"", "end\n", "freshet-lock 2\nend\n", "freshet-lock 1\nrelative\nend\n",
                           "freshet-lock 1\n/a\\q\nend\n", "freshet-lock 1\n/a\nend\nmore\n"}) {
    EXPECT_FALSE(parse_lock_file(text)) << text;
  }
  EXPECT_FALSE(parse_lock_file(std::string(kMaxLockFileBytes + 1, 'x')));
}

TEST(LockFile, RootsConflictWhenEqualOrNested) {
  EXPECT_TRUE(roots_conflict("/a/b", "/a/b"));
  EXPECT_TRUE(roots_conflict("/a", "/a/b"));
  EXPECT_TRUE(roots_conflict("/a/b", "/a"));
  EXPECT_TRUE(roots_conflict("/", "/a"));
  EXPECT_FALSE(roots_conflict("/a/b", "/a/bc"));
  EXPECT_FALSE(roots_conflict("/a/b", "/a/c"));
}

}  // namespace
}  // namespace freshet::store

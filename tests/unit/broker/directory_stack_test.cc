#include "runtime/broker/directory_stack.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

#include "runtime/broker/file_system.h"
#include "tests/unit/broker/broker_harness.h"

namespace freshet::broker::test {
namespace {

std::uint64_t inode_of(int fd) {
  EntryStat stat;
  return stat_at(fd, "", false, stat) == 0 ? stat.identity.inode : 0;
}

Fd open_top(const std::string& path) { return Fd(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)); }

std::size_t open_descriptors() { return names_in("/proc/self/fd").size(); }

TEST(DirectoryStack, ClimbsBackThroughTheDirectoriesItCameThroughWithFewDescriptors) {
  const TempDir dir;
  constexpr int kDepth = 200;
  make_chain(dir.path(), "d", kDepth).reset();
  const std::size_t before = open_descriptors();
  for (const std::size_t window : {1UL, 2UL, 7UL}) {
    DirectoryStack stack(window);
    stack.start(open_top(dir.path()));
    std::vector<std::uint64_t> inodes;
    int error = 0;
    inodes.push_back(inode_of(stack.deepest(error)));
    for (int i = 0; i < kDepth; ++i) {
      ASSERT_EQ(stack.push("d"), 0);
      inodes.push_back(inode_of(stack.deepest(error)));
      ASSERT_LE(open_descriptors(), before + window + 1);
    }
    while (stack.depth() > 1) {
      std::string name;
      stack.pop(&name);
      ASSERT_EQ(name, "d");
      inodes.pop_back();
      ASSERT_EQ(inode_of(stack.deepest(error)), inodes.back()) << stack.depth();
      ASSERT_LE(open_descriptors(), before + window + 1);
    }
  }
  EXPECT_EQ(open_descriptors(), before);
}

TEST(DirectoryStack, AReplacedDirectoryOnTheWayIsNotEntered) {
  const TempDir dir;
  make_chain(dir.path(), "d", 6).reset();
  DirectoryStack stack(1);
  stack.start(open_top(dir.path()));
  for (int i = 0; i < 6; ++i) ASSERT_EQ(stack.push("d"), 0);
  ASSERT_EQ(::rename((dir.path() + "/d/d").c_str(), (dir.path() + "/aside").c_str()), 0);
  make_chain(dir.path() + "/d", "d", 5).reset();
  stack.pop();
  int error = 0;
  EXPECT_LT(stack.deepest(error), 0);
  EXPECT_EQ(error, ESTALE);
}

TEST(DirectoryStack, ALinkIsNotEntered) {
  const TempDir dir;
  make_link("/", dir.path() + "/link");
  write_file(dir.path() + "/file");
  DirectoryStack stack(3);
  stack.start(open_top(dir.path()));
  EXPECT_EQ(stack.push("link"), ELOOP);
  EXPECT_EQ(stack.push("file"), ENOTDIR);
  EXPECT_EQ(stack.push("none"), ENOENT);
  EXPECT_EQ(stack.depth(), 1U);
}

}  // namespace
}  // namespace freshet::broker::test

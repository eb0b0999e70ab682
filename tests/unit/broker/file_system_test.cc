#include "runtime/broker/file_system.h"

#include <fcntl.h>
#include <sys/mount.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <regex>
#include <string>

#include "tests/unit/broker/broker_harness.h"

namespace freshet::broker::test {
namespace {

class FileSystem : public testing::Test {
 protected:
  int open_error(std::string_view path, int flags = kOpenDirectoryPath) {
    int error = 0;
    const Fd fd = open_beneath(top_.get(), path, flags, error);
    return fd ? 0 : error;
  }

  TempDir dir_;
  Fd top_{::open(dir_.path().c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC)};
};

TEST_F(FileSystem, NothingAboveTheDirectoryCanBeOpened) {
  make_dir(dir_.path() + "/in");
  EXPECT_EQ(open_error("in"), 0);
  EXPECT_EQ(open_error(""), 0);
  EXPECT_EQ(open_error(".."), EXDEV);
  EXPECT_EQ(open_error("in/../.."), EXDEV);
  EXPECT_EQ(open_error("/"), EXDEV);
  EXPECT_EQ(open_error("/etc"), EXDEV);
}

TEST_F(FileSystem, NoLinkIsFollowedAnywhere) {
  make_dir(dir_.path() + "/in");
  make_dir(dir_.path() + "/in/below");
  make_link("in", dir_.path() + "/link");
  make_link("/", dir_.path() + "/out");
  EXPECT_EQ(open_error("link"), ELOOP);
  EXPECT_EQ(open_error("link/below"), ELOOP);
  EXPECT_EQ(open_error("out/etc"), ELOOP);
}

TEST_F(FileSystem, PathsLongerThanTheKernelTakesAreResolvedInPieces) {
  const std::string name(250, 'n');
  make_chain(dir_.path(), name, 60);
  std::string path = name;
  for (int i = 1; i < 60; ++i) path += "/" + name;
  ASSERT_GT(path.size(), 3U * 4096);
  EXPECT_EQ(open_error(path), 0);
  EXPECT_EQ(open_error(path + "/" + name), ENOENT);
  EXPECT_EQ(open_error(std::string(5000, 'n')), ENAMETOOLONG);
}

TEST_F(FileSystem, ALinkInALaterPieceIsNotFollowedEither) {
  const std::string name(250, 'n');
  const Fd deepest = make_chain(dir_.path(), name, 20);
  ASSERT_EQ(::symlinkat("/", deepest.get(), "out"), 0);
  std::string path = name;
  for (int i = 1; i < 20; ++i) path += "/" + name;
  EXPECT_EQ(open_error(path + "/out/etc"), ELOOP);
}

TEST_F(FileSystem, TimesBeforeTheEpochAreSetToTheNanosecond) {
  int error = 0;
  const Fd fd = open_beneath(top_.get(), {}, kOpenDirectoryPath, error);
  for (const std::int64_t time : {-1LL, -1'500'000'001LL, 0LL, 1'400'000'000'123'456'789LL}) {
    ASSERT_EQ(set_times(fd.get(), time, time + 5), 0);
    EntryStat stat;
    ASSERT_EQ(stat_at(fd.get(), "", true, stat), 0);
    EXPECT_EQ(stat.mtime_ns, time);
    EXPECT_EQ(stat.atime_ns, time + 5);
  }
}

TEST_F(FileSystem, ARenameReplacesNothing) {
  write_file(dir_.path() + "/a", "one");
  write_file(dir_.path() + "/b", "two");
  EXPECT_EQ(move_entry(top_.get(), "a", top_.get(), "b"), EEXIST);
  EXPECT_EQ(read_file(dir_.path() + "/b"), "two");
}

TEST_F(FileSystem, AMountIsNotCrossed) {
  if (const std::string why = cannot_mount(); !why.empty()) GTEST_SKIP() << why;
  make_dir(dir_.path() + "/m");
  in_own_mount_namespace([&] {
    ASSERT_EQ(::mount("none", (dir_.path() + "/m").c_str(), "tmpfs", 0, nullptr), 0);
    make_dir(dir_.path() + "/m/below");
    const Fd top(::open(dir_.path().c_str(), O_PATH | O_DIRECTORY));
    int error = 0;
    EXPECT_FALSE(open_beneath(top.get(), "m", kOpenDirectoryPath, error));
    EXPECT_EQ(error, EXDEV);
    EXPECT_FALSE(open_beneath(top.get(), "m/below", kOpenDirectoryPath, error));
    EXPECT_EQ(error, EXDEV);
  });
}

// seccomp cannot check openat2's resolve bits; that they are always set is a property of the source.
TEST(BrokerSource, OpensFilesAtOneSingleCallSite) {
  const std::regex openat2(R"(SYS_openat2|\bopenat2\s*\()");
  const std::regex other(R"(\b(open|open64|openat|openat64|creat|fopen|fdopen|opendir|fdopendir|freopen)\s*\()"
                         R"(|SYS_open\b|SYS_openat\b|open_by_handle_at|ifstream|ofstream|fstream|std::filesystem)");
  int sites = 0;
  int files = 0;
  for (const auto& entry : std::filesystem::directory_iterator(FRESHET_SOURCE_DIR "/runtime/broker")) {
    const std::string extension = entry.path().extension();
    if (extension != ".cc" && extension != ".h") continue;
    ++files;
    std::string text = read_file(entry.path());
    text = std::regex_replace(text, std::regex("//[^\n]*"), "");
    sites += static_cast<int>(std::distance(std::sregex_iterator(text.begin(), text.end(), openat2), {}));
    EXPECT_FALSE(std::regex_search(text, other)) << entry.path();
  }
  EXPECT_GT(files, 20);
  EXPECT_EQ(sites, 1);
}

TEST(BrokerSource, EveryOpenResolvesBeneathWithoutLinksOrMounts) {
  const std::string text = read_file(FRESHET_SOURCE_DIR "/runtime/broker/file_system.cc");
  EXPECT_NE(text.find("how.resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS | RESOLVE_NO_XDEV;"),
            std::string::npos);
  EXPECT_EQ(text.find("how.resolve"), text.rfind("how.resolve"));
}

}  // namespace
}  // namespace freshet::broker::test

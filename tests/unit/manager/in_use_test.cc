#include "runtime/manager/in_use.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <signal.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstring>
#include <fstream>

#include "runtime/base/identity.h"
#include "tests/unit/manager/holder.h"
#include "tests/unit/manager/temp_dir.h"

namespace freshet {
namespace {

class InUse : public ::testing::Test {
 protected:
  std::string make(const std::string& name) {
    std::ofstream(dir_ / name) << "content";
    return dir_ / name;
  }
  EntryStat stat(const std::string& path) { return *stat_entry(AT_FDCWD, path.c_str()); }
  const InUseOracle::Holder* find(const InUseOracle& oracle, const std::string& path) {
    const EntryStat entry = stat(path);
    return oracle.find(entry.dev, entry.identity.inode);
  }
  InUseOracle look() { return InUseOracle::look({stat(dir_.path()).dev}); }

  TempDir dir_;
};

TEST_F(InUse, AnOpenFileIsFoundAndAClosedOneIsNot) {
  const std::string open = make("open");
  const std::string closed = make("closed");
  const Holder holder([&] { ::open(open.c_str(), O_RDONLY); });
  const InUseOracle oracle = look();
  const InUseOracle::Holder* found = find(oracle, open);
  ASSERT_NE(found, nullptr);
  EXPECT_EQ(found->pid, holder.pid());
  EXPECT_FALSE(found->locked);
  EXPECT_EQ(find(oracle, closed), nullptr);
  EXPECT_NE(InUseOracle::describe(*found).find(std::to_string(holder.pid())), std::string::npos);
}

TEST_F(InUse, MappedFilesAreFoundAfterTheirDescriptorIsClosed) {
  const std::string file = make("mapped");
  const Holder holder([&] {
    const int fd = ::open(file.c_str(), O_RDONLY);
    ::mmap(nullptr, 7, PROT_READ, MAP_PRIVATE, fd, 0);
    ::close(fd);
  });
  EXPECT_NE(find(look(), file), nullptr);
}

TEST_F(InUse, WorkingDirectoriesAreFound) {
  std::filesystem::create_directory(dir_ / "cwd");
  const Holder holder([&] {
    if (::chdir((dir_ / "cwd").c_str()) != 0) ::_exit(1);
  });
  EXPECT_NE(find(look(), dir_ / "cwd"), nullptr);
}

TEST_F(InUse, FlockAndPosixLocksAreSeenAsLocksWithoutTakingThem) {
  const std::string flocked = make("flock");
  const std::string posix = make("posix");
  const Holder holder([&] {
    ::flock(::open(flocked.c_str(), O_RDWR), LOCK_EX);
    struct flock lock {};
    lock.l_type = F_WRLCK;
    ::fcntl(::open(posix.c_str(), O_RDWR), F_SETLK, &lock);
  });
  const InUseOracle oracle = look();
  for (const std::string& file : {flocked, posix}) {
    const EntryStat entry = stat(file);
    EXPECT_TRUE(oracle.locked(entry.dev, entry.identity.inode)) << file;
  }
}

TEST_F(InUse, AListeningSocketFileIsInUse) {
  const std::string path = dir_ / "socket";
  const Holder holder([&] {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::strncpy(address.sun_path, path.c_str(), sizeof address.sun_path - 1);
    const int fd = ::socket(AF_UNIX, SOCK_STREAM, 0);
    if (::bind(fd, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0 || ::listen(fd, 1) != 0) ::_exit(1);
  });
  EXPECT_NE(find(look(), path), nullptr);
}

// Every tmpfs counts its inodes from the same number on.
TEST_F(InUse, AMappedFileOfOneTmpfsIsNoFileOfAnother) {
  struct Mounted {
    explicit Mounted(std::string at) : path(std::move(at)) {
      std::filesystem::create_directory(path);
      there = ::mount("tmpfs", path.c_str(), "tmpfs", 0, "size=1m,mode=700") == 0;
    }
    ~Mounted() {
      if (there) ::umount2(path.c_str(), MNT_DETACH);
    }
    std::string path;
    bool there = false;
  };
  const Mounted one(dir_ / "one");
  const Mounted other(dir_ / "other");
  if (!one.there || !other.there) GTEST_SKIP() << "only root may mount";
  const std::string held = make("one/file");
  const std::string free = make("other/file");
  if (stat(held).identity.inode != stat(free).identity.inode) GTEST_SKIP() << "this kernel numbers them together";
  const Holder holder([&] {
    const int fd = ::open(held.c_str(), O_RDONLY);
    ::mmap(nullptr, 7, PROT_READ, MAP_PRIVATE, fd, 0);
    ::close(fd);
  });
  const InUseOracle oracle = InUseOracle::look({stat(held).dev, stat(free).dev});
  EXPECT_NE(find(oracle, held), nullptr);
  EXPECT_EQ(find(oracle, free), nullptr);
  const InUseOracle elsewhere = InUseOracle::look({stat(free).dev});
  EXPECT_EQ(find(elsewhere, free), nullptr);
  EXPECT_TRUE(elsewhere.inodes(stat(free).dev).empty());
}

TEST_F(InUse, AMemfdHoldsNoFileOfADirectory) {
  const int memory = ::memfd_create("held", MFD_CLOEXEC);
  ASSERT_GE(memory, 0);
  ASSERT_EQ(::ftruncate(memory, 4096), 0);
  struct stat info {};
  ASSERT_EQ(::fstat(memory, &info), 0);
  const pid_t child = ::fork();
  if (child == 0) {
    ::mmap(nullptr, 4096, PROT_READ, MAP_SHARED, memory, 0);
    ::pause();
    ::_exit(0);
  }
  constexpr std::uint64_t kSomeTmpfs = 0x7fff;  // an anonymous device that nothing is on
  const InUseOracle oracle = InUseOracle::look({kSomeTmpfs});
  EXPECT_EQ(oracle.find(kSomeTmpfs, info.st_ino), nullptr);
  ::kill(child, SIGKILL);
  ::waitpid(child, nullptr, 0);
  ::close(memory);
}

}  // namespace
}  // namespace freshet

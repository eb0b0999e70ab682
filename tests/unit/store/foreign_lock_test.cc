#include "runtime/store/foreign_lock.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "tests/unit/store/scratch_dir.h"

namespace freshet::store {
namespace {

using config::LockKind;

enum class Way { flock, posix, ofd };

bool lock(int file, Way way) {
  struct flock wanted {};
  wanted.l_type = F_WRLCK;
  wanted.l_whence = SEEK_SET;
  if (way == Way::flock) return ::flock(file, LOCK_EX | LOCK_NB) == 0;
  return ::fcntl(file, way == Way::posix ? F_SETLK : F_OFD_SETLK, &wanted) == 0;
}

// Another program that works under the lock, until it is killed.
class OtherProgram {
 public:
  OtherProgram(const std::string& path, Way way) {
    int ready[2];
    if (::pipe(ready) != 0) std::abort();
    pid_ = ::fork();
    if (pid_ == 0) {
      const int file = ::open(path.c_str(), O_RDWR | O_CLOEXEC);
      const char answer = lock(file, way) ? 'y' : 'n';
      (void)!::write(ready[1], &answer, 1);
      for (;;) ::pause();
    }
    char answer = 'n';
    (void)!::read(ready[0], &answer, 1);
    EXPECT_EQ(answer, 'y');
    ::close(ready[0]);
    ::close(ready[1]);
  }
  ~OtherProgram() { end(); }
  OtherProgram(const OtherProgram&) = delete;
  OtherProgram& operator=(const OtherProgram&) = delete;
  void end() {
    if (pid_ <= 0) return;
    ::kill(pid_, SIGKILL);
    ::waitpid(pid_, nullptr, 0);
    pid_ = -1;
  }
  [[nodiscard]] std::string name() const { return "(pid " + std::to_string(pid_) + ")"; }

 private:
  pid_t pid_ = -1;
};

class ForeignLockTest : public ::testing::Test {
 protected:
  void SetUp() override { std::ofstream(path_) << "1234\n"; }
  // What another process is told that tries it now.
  bool others_can(Way way) const {
    const pid_t pid = ::fork();
    if (pid == 0) ::_exit(lock(::open(path_.c_str(), O_RDWR | O_CLOEXEC), way) ? 0 : 1);
    int status = -1;
    ::waitpid(pid, &status, 0);
    return WIFEXITED(status) && WEXITSTATUS(status) == 0;
  }

  ScratchDir dir_;
  std::string path_ = dir_ / "lock";
};

TEST_F(ForeignLockTest, KeepsOthersAwayAsLongAsItLives) {
  for (const LockKind kind : {LockKind::flock, LockKind::posix}) {
    const Way way = kind == LockKind::posix ? Way::posix : Way::flock;
    {
      const auto held = ForeignLock::take(path_, kind);
      ASSERT_TRUE(held) << held.error().what;
      EXPECT_FALSE(others_can(way));
      // A POSIX lock of the process would go with any descriptor of the file that is closed.
      ::close(::open(path_.c_str(), O_RDONLY | O_CLOEXEC));
      EXPECT_FALSE(others_can(way));
      EXPECT_TRUE((*held)->is_at(path_));
    }
    EXPECT_TRUE(others_can(way));
  }
  std::ifstream in(path_);
  std::string text;
  std::getline(in, text);
  EXPECT_EQ(text, "1234") << "nothing is written to it";
}

TEST_F(ForeignLockTest, SaysWhoHoldsIt) {
  for (const Way way : {Way::flock, Way::posix, Way::ofd}) {
    const LockKind kind = way == Way::flock ? LockKind::flock : LockKind::posix;
    OtherProgram other(path_, way);
    const auto held = ForeignLock::take(path_, kind);
    ASSERT_FALSE(held);
    EXPECT_EQ(held.error().kind, ErrorKind::busy);
    EXPECT_NE(held.error().what.find("unit_store"), std::string::npos) << held.error().what;
    EXPECT_NE(held.error().what.find(other.name()), std::string::npos) << held.error().what;
    other.end();
    EXPECT_TRUE(ForeignLock::take(path_, kind));
  }
}

TEST_F(ForeignLockTest, IsNeverMade) {
  const auto held = ForeignLock::take(dir_ / "absent", LockKind::flock);
  ASSERT_FALSE(held);
  EXPECT_EQ(held.error().kind, ErrorKind::missing);
  EXPECT_FALSE(std::filesystem::exists(dir_ / "absent"));
}

TEST_F(ForeignLockTest, FollowsNoLinkAndOpensRegularFilesOnly) {
  std::filesystem::create_symlink(path_, dir_ / "link");
  std::filesystem::create_directory(dir_ / "folder");
  std::filesystem::create_directory_symlink(dir_ / "folder", dir_ / "way");
  std::ofstream(dir_ / "folder/lock") << "x";
  ASSERT_EQ(::mkfifo((dir_ / "fifo").c_str(), 0600), 0);
  for (const char* name : {"link", "way/lock", "fifo", "folder"}) {
    for (const LockKind kind : {LockKind::flock, LockKind::posix}) {
      const auto held = ForeignLock::take(dir_ / name, kind);
      ASSERT_FALSE(held) << name;
      EXPECT_EQ(held.error().kind, ErrorKind::invalid) << held.error().what;
    }
  }
}

TEST_F(ForeignLockTest, IsNoMoreWhenAnotherFileStandsThere) {
  const auto held = ForeignLock::take(path_, LockKind::flock);
  ASSERT_TRUE(held);
  std::filesystem::remove(path_);
  EXPECT_FALSE((*held)->is_at(path_));
  std::ofstream(path_) << "new";
  EXPECT_FALSE((*held)->is_at(path_));
}

TEST(ProcLocks, AreReadLineByLine) {
  const std::string text =
      "1: POSIX  ADVISORY  WRITE 77 08:01:42 0 EOF\n"
      "2: FLOCK  ADVISORY  WRITE 78 08:01:42 0 EOF\n"
      "2: -> FLOCK  ADVISORY  WRITE 79 08:01:42 0 EOF\n"
      "3: OFDLCK ADVISORY  WRITE -1 08:01:43 0 EOF\n"
      "4: LEASE  ACTIVE    READ  80 08:01:44 0 EOF\n"
      "5: FLOCK  ADVISORY  WRITE 4294967295999 fe:00:45 0 EOF\n";
  const std::uint64_t dev = (8ULL << 8) | 1;
  EXPECT_EQ(pid_in_locks(text, LockKind::posix, dev, 42), 77U);
  EXPECT_EQ(pid_in_locks(text, LockKind::flock, dev, 42), 78U);
  EXPECT_EQ(pid_in_locks(text, LockKind::posix, dev, 43), 0U);
  EXPECT_EQ(pid_in_locks(text, LockKind::flock, dev, 44), 0U);
  EXPECT_EQ(pid_in_locks(text, LockKind::flock, dev + 1, 42), 0U);
  for (std::size_t length = 0; length < text.size(); ++length)
    (void)pid_in_locks(std::string_view(text).substr(0, length), LockKind::flock, dev, 42);
  EXPECT_EQ(pid_in_locks("1: FLOCK  ADVISORY  WRITE 78 08:01", LockKind::flock, dev, 42), 0U);
  EXPECT_EQ(pid_in_locks(": : : : :::", LockKind::flock, 0, 0), 0U);
}

}  // namespace
}  // namespace freshet::store

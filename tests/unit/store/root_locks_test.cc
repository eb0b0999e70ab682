#include "runtime/store/root_locks.h"

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <fstream>
#include <functional>
#include <thread>

#include "runtime/store/lock_file.h"
#include "tests/unit/store/scratch_dir.h"

namespace freshet::store {
namespace {

Result<std::unique_ptr<RootLock>> take_now(const std::string& locks, const std::string& run,
                                           const std::vector<std::string>& roots) {
  return RootLock::take(locks, run, roots, false, {});
}

// A process that holds a lock until it is killed.
class Holder {
 public:
  Holder(const std::string& locks, const std::string& run, const std::vector<std::string>& roots) {
    int ready[2];
    if (::pipe(ready) != 0) std::abort();
    pid_ = ::fork();
    if (pid_ == 0) {
      const auto lock = take_now(locks, run, roots);
      const char answer = lock ? 'y' : 'n';
      (void)!::write(ready[1], &answer, 1);
      for (;;) ::pause();
    }
    char answer = 'n';
    (void)!::read(ready[0], &answer, 1);
    took_ = answer == 'y';
    ::close(ready[0]);
    ::close(ready[1]);
  }
  ~Holder() { kill_it(); }
  Holder(const Holder&) = delete;
  Holder& operator=(const Holder&) = delete;

  void kill_it() {
    if (pid_ <= 0) return;
    ::kill(pid_, SIGKILL);
    ::waitpid(pid_, nullptr, 0);
    pid_ = 0;
  }
  [[nodiscard]] bool took() const { return took_; }

 private:
  pid_t pid_ = 0;
  bool took_ = false;
};

TEST(RootLock, AnotherProcessIsToldWhoHoldsTheRoots) {
  const ScratchDir dir;
  const Holder holder(dir / "locks", "run-one", {"/data/cache", "/srv"});
  ASSERT_TRUE(holder.took());

  const auto lock = take_now(dir / "locks", "run-two", {"/data/cache/inner"});
  ASSERT_FALSE(lock);
  EXPECT_EQ(lock.error().kind, ErrorKind::busy);
  EXPECT_NE(lock.error().what.find("run-one"), std::string::npos) << lock.error().what;
  EXPECT_NE(lock.error().what.find("/data/cache"), std::string::npos) << lock.error().what;
  EXPECT_TRUE(RootLock::held(dir / "locks", "run-one"));
  EXPECT_FALSE(RootLock::held(dir / "locks", "run-two"));
}

TEST(RootLock, UnrelatedRootsAreTakenSideBySide) {
  const ScratchDir dir;
  const Holder holder(dir / "locks", "run-one", {"/data/cache"});
  ASSERT_TRUE(holder.took());
  const auto lock = take_now(dir / "locks", "run-two", {"/data/cache-2", "/data/other"});
  EXPECT_TRUE(lock) << lock.error().what;
}

TEST(RootLock, TheLockOfAKilledProcessIsFreeAndItsFileGoes) {
  const ScratchDir dir;
  Holder holder(dir / "locks", "run-one", {"/data"});
  ASSERT_TRUE(holder.took());
  holder.kill_it();

  ASSERT_TRUE(std::filesystem::exists(dir / "locks/run-one.lock"));
  EXPECT_FALSE(RootLock::held(dir / "locks", "run-one"));
  const auto lock = take_now(dir / "locks", "run-two", {"/data"});
  ASSERT_TRUE(lock) << lock.error().what;
  EXPECT_FALSE(std::filesystem::exists(dir / "locks/run-one.lock"));
}

TEST(RootLock, ReleaseLeavesNoFile) {
  const ScratchDir dir;
  {
    const auto lock = take_now(dir / "locks", "run-one", {"/data"});
    ASSERT_TRUE(lock);
    EXPECT_FALSE(take_now(dir / "locks", "run-one", {"/elsewhere"})) << "one run id is held once";
  }
  EXPECT_FALSE(std::filesystem::exists(dir / "locks/run-one.lock"));
  EXPECT_TRUE(take_now(dir / "locks", "run-one", {"/data"}));
}

TEST(RootLock, WaitTakesItOnceTheHolderIsGone) {
  const ScratchDir dir;
  Holder holder(dir / "locks", "run-one", {"/data"});
  ASSERT_TRUE(holder.took());
  std::thread killer([&] {
    std::this_thread::sleep_for(std::chrono::milliseconds(150));
    holder.kill_it();
  });
  const auto lock = RootLock::take(dir / "locks", "run-two", {"/data"}, true, {});
  killer.join();
  EXPECT_TRUE(lock);
}

TEST(RootLock, AStopEndsTheWait) {
  const ScratchDir dir;
  const Holder holder(dir / "locks", "run-one", {"/data"});
  ASSERT_TRUE(holder.took());
  std::stop_source source;
  std::thread stopper([&] {
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
    source.request_stop();
  });
  const auto lock = RootLock::take(dir / "locks", "run-two", {"/data"}, true, source.get_token());
  stopper.join();
  ASSERT_FALSE(lock);
  EXPECT_EQ(lock.error().kind, ErrorKind::busy);
}

TEST(RootLock, AHeldFileThatCannotBeUnderstoodForbidsEverything) {
  for (const std::string& text :
       {std::string("nonsense"), std::string(kMaxLockFileBytes + 10, '/'), std::string()}) {
    const ScratchDir dir;
    Holder holder(dir / "locks", "odd", {"/elsewhere"});
    ASSERT_TRUE(holder.took());
    std::ofstream(dir / "locks/odd.lock", std::ios::trunc) << text;
    const auto lock = take_now(dir / "locks", "run-two", {"/data"});
    ASSERT_FALSE(lock);
    EXPECT_EQ(lock.error().kind, ErrorKind::busy);
    EXPECT_NE(lock.error().what.find("odd"), std::string::npos);
  }
}

TEST(RootLock, FifosLinksAndFoldersAmongTheLockFilesAreSteppedOver) {
  const ScratchDir dir;
  std::filesystem::create_directory(dir / "locks");
  ASSERT_EQ(::mkfifo((dir / "locks/fifo.lock").c_str(), 0600), 0);
  std::filesystem::create_symlink("/etc/passwd", dir / "locks/link.lock");
  std::filesystem::create_directory(dir / "locks/folder.lock");
  EXPECT_TRUE(take_now(dir / "locks", "run-one", {"/data"}));
  EXPECT_FALSE(RootLock::held(dir / "locks", "fifo"));
  EXPECT_TRUE(std::filesystem::exists("/etc/passwd"));
}

TEST(RootLock, OnlyPlainNamesAreRunIds) {
  const ScratchDir dir;
  for (const char* id : {"", "..", "../x", "a/b", ".hidden"}) {
    const auto lock = take_now(dir / "locks", id, {"/data"});
    ASSERT_FALSE(lock) << id;
    EXPECT_EQ(lock.error().kind, ErrorKind::invalid);
  }
}

TEST(RootLock, OfManyProcessesThatWantOneRootOneGetsIt) {
  const ScratchDir dir;
  std::vector<std::unique_ptr<Holder>> holders;
  int took = 0;
  for (int i = 0; i < 8; ++i) {
    holders.push_back(std::make_unique<Holder>(dir / "locks", "run-" + std::to_string(i),
                                               std::vector<std::string>{"/data"}));
    took += holders.back()->took() ? 1 : 0;
  }
  EXPECT_EQ(took, 1);
}

}  // namespace
}  // namespace freshet::store

#include "runtime/broker/tree_check.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

#include "tests/unit/broker/broker_harness.h"

namespace freshet::broker::test {
namespace {

using wire::OutcomeCode;

class TreeChecking : public testing::Test {
 protected:
  void SetUp() override {
    make_dir(path("top"));
    make_dir(path("top/a"));
    make_dir(path("top/a/b"));
    make_dir(path("top/c"));
    write_file(path("top/file"), "content");
    write_file(path("top/a/b/deep"), "more");
    write_file(path("top/c/" + std::string("odd\n\xff \\name")), "odd");
    make_link("/etc/passwd", path("top/c/link"));
    ASSERT_EQ(::mkfifo(path("top/a/fifo").c_str(), 0600), 0);
  }

  [[nodiscard]] std::string path(const std::string& below) const { return dir_.path() + "/" + below; }
  [[nodiscard]] EntryRules rules() const {
    const EntryStat stat = stat_of(dir_.path());
    return EntryRules{in_use_, stat.dev, stat.mount_id, true, floor_};
  }
  TreeSum read(std::uint64_t max_entries = 1000, std::size_t window = 4) {
    TreeCheck check(window, key_);
    LinkLedger ledger;
    const TreeSum sum = check.read_tree(top_.get(), "top", stat_of(path("top")).identity.inode, max_entries, rules(), ledger);
    noted_bytes_ = ledger.noted_bytes();
    return sum;
  }
  TreeSum list() {
    TreeCheck check(4, key_);
    return check.list_tree(top_.get(), "top", stat_of(path("top")).identity.inode, 1000);
  }

  TempDir dir_;
  Fd top_{::open(dir_.path().c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC)};
  TreeDigest::Key key_ = TreeDigest::random_key();
  InodeSet in_use_;
  std::int64_t floor_ = 0;
  std::uint64_t noted_bytes_ = 0;
};

TEST_F(TreeChecking, SeesTheTreeAsThePlannerDoes) {
  Plan plan(dir_.path());
  plan.key = key_;
  plan.add_whole("top");
  const TreeSum sum = read();
  EXPECT_EQ(sum.code, OutcomeCode::removed);
  EXPECT_EQ(sum.entries, 8U);
  EXPECT_EQ(sum.entries + 1, plan.units[0].entries);
  EXPECT_EQ(sum.full.value(), plan.units[0].digest);
  EXPECT_EQ(noted_bytes_ + stat_of(path("top")).allocated, plan.units[0].bytes);
}

TEST_F(TreeChecking, BothListingsAgreeWhileNothingChanges) {
  EXPECT_EQ(read().listed, list().listed);
  EXPECT_EQ(read().entries, list().entries);
}

TEST_F(TreeChecking, EveryKindOfChangeIsSeenByTheListing) {
  const TreeSum before = list();
  write_file(path("top/c/late"));
  EXPECT_FALSE(list().listed == before.listed);
  ASSERT_EQ(::unlink(path("top/c/late").c_str()), 0);
  EXPECT_TRUE(list().listed == before.listed);
  // Replaced under the same name.
  ASSERT_EQ(::rename(path("top/file").c_str(), path("aside").c_str()), 0);
  write_file(path("top/file"), "content");
  EXPECT_FALSE(list().listed == before.listed);
  ASSERT_EQ(::rename(path("aside").c_str(), path("top/file").c_str()), 0);
  EXPECT_TRUE(list().listed == before.listed);
  // Moved to another directory of the same tree.
  ASSERT_EQ(::rename(path("top/file").c_str(), path("top/c/file").c_str()), 0);
  EXPECT_FALSE(list().listed == before.listed);
}

TEST_F(TreeChecking, AWriteIntoAFileChangesTheFullDigestOnly) {
  const TreeSum before = read();
  write_file(path("top/a/b/deep"), "other");
  EXPECT_FALSE(read().full == before.full);
  EXPECT_TRUE(read().listed == before.listed);
}

TEST_F(TreeChecking, StopsBeyondTheNumberOfPlannedEntries) {
  EXPECT_EQ(read(8).code, OutcomeCode::removed);
  EXPECT_EQ(read(7).code, OutcomeCode::digest_changed);
}

TEST_F(TreeChecking, AnEntryInUseAnywhereStopsIt) {
  in_use_.add(stat_of(dir_.path()).dev, stat_of(path("top/a/b/deep")).identity.inode);
  in_use_.seal();
  EXPECT_EQ(read().code, OutcomeCode::in_use);
}

TEST_F(TreeChecking, AnInodeInUseOnAnotherDeviceDoesNot) {
  in_use_.add(stat_of(dir_.path()).dev + 1, stat_of(path("top/a/b/deep")).identity.inode);
  in_use_.seal();
  EXPECT_EQ(read().code, OutcomeCode::removed);
}

TEST_F(TreeChecking, AYoungEntryAnywhereStopsIt) {
  age(path("top"));
  floor_ = 1'600'000'000LL * 1'000'000'000;
  EXPECT_EQ(read().code, OutcomeCode::removed);
  set_times_of(path("top/a/b/deep"), 1, 1'600'000'001);
  EXPECT_EQ(read().code, OutcomeCode::too_young);
}

TEST_F(TreeChecking, ADeviceAnywhereStopsIt) {
  if (::mknod(path("top/a/null").c_str(), S_IFCHR | 0666, 0x103) != 0) GTEST_SKIP() << "this process may not make device nodes";
  EXPECT_EQ(read().code, OutcomeCode::device);
}

// A comb: at each level a directory that is entered and one that waits, so that the walk climbs from the bottom to the
// top with a window far smaller than the depth.
TEST_F(TreeChecking, AnyDepthIsReadWithAFewDescriptors) {
  constexpr int kDepth = 200;
  Fd at(::open(path("top").c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  for (int i = 0; i < kDepth; ++i) {
    ASSERT_EQ(::mkdirat(at.get(), "x", 0755), 0);
    ASSERT_EQ(::mkdirat(at.get(), "y", 0755), 0);
    at.reset(::openat(at.get(), "x", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  }
  const TreeSum wide = read(10'000, 64);
  EXPECT_EQ(wide.entries, 8U + 2 * kDepth);
  for (const std::size_t window : {1UL, 3UL}) {
    const TreeSum narrow = read(10'000, window);
    EXPECT_EQ(narrow.code, OutcomeCode::removed);
    EXPECT_EQ(narrow.entries, wide.entries);
    EXPECT_TRUE(narrow.full == wide.full);
    EXPECT_TRUE(narrow.listed == wide.listed);
  }
}

TEST_F(TreeChecking, EmptyMeansNoEntryAtAll) {
  TreeCheck check(2, key_);
  make_dir(path("empty"));
  EXPECT_EQ(check.check_empty(top_.get(), "empty"), 0);
  write_file(path("empty/.hidden"));
  EXPECT_EQ(check.check_empty(top_.get(), "empty"), ENOTEMPTY);
  EXPECT_EQ(check.check_empty(top_.get(), "none"), ENOENT);
}

}  // namespace
}  // namespace freshet::broker::test

#include "runtime/manager/root_times.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <fstream>
#include <functional>

#include "runtime/base/clock.h"
#include "runtime/manager/open_roots.h"
#include "tests/unit/manager/temp_dir.h"

namespace freshet {
namespace {

constexpr DirectoryTimes kBefore{1'600'000'000'000'000'005, 1'600'000'000'000'000'003};

// A root as a broker leaves it that was killed between making the area and giving the times back.
class RootTimesTest : public ::testing::Test {
 protected:
  RootTimesTest() {
    std::filesystem::create_directory(dir_ / "root");
    config::RootConfig config;
    config.path = dir_ / "root";
    root_ = std::move(*open_root(config));
    set(kBefore);
    EXPECT_EQ(::mkdir((dir_ / "root/.freshet").c_str(), 0700), 0);
  }
  void set(DirectoryTimes times) {
    const timespec stamps[2] = {timespec_of(times.atime_ns), timespec_of(times.mtime_ns)};
    ASSERT_EQ(::utimensat(AT_FDCWD, (dir_ / "root").c_str(), stamps, 0), 0);
  }
  void let_a_broker_die_after(const std::function<void()>& change) {
    set(kBefore);
    std::vector<channel::OpenRoot> roots;
    roots.push_back(std::move(root_));
    PlanRoot planned;
    planned.area = ".freshet";
    const auto areas = AreaAccess::look(roots, {planned});
    ASSERT_TRUE(areas);
    const RootTimesWatch watch(*areas, {planned});
    change();
    watch.broker_died();
    root_ = std::move(roots[0]);
  }
  [[nodiscard]] bool given_back() const { return times_of(root_.directory.get()) == kBefore; }

  TempDir dir_;
  channel::OpenRoot root_;
};

TEST_F(RootTimesTest, AreGivenBackAfterAKillThatLeftAnUnmarkedArea) {
  EXPECT_TRUE(is_unmarked_area_last(root_.directory.get(), ".freshet"));
  EXPECT_TRUE(give_times_back(root_.directory.get(), kBefore));
  EXPECT_TRUE(given_back());
  EXPECT_FALSE(is_unmarked_area_last(root_.directory.get(), ".freshet")) << "once is enough";
}

TEST_F(RootTimesTest, StayWhenAnotherChangedTheRootSince) {
  const timespec later[2] = {{0, UTIME_OMIT}, {4'000'000'000, 0}};
  ASSERT_EQ(::utimensat(AT_FDCWD, (dir_ / "root").c_str(), later, 0), 0);
  EXPECT_FALSE(is_unmarked_area_last(root_.directory.get(), ".freshet"));
}

TEST_F(RootTimesTest, StayWhenTheAreaIsMarkedBecauseTheyWereGivenBackThen) {
  std::ofstream(dir_ / "root/.freshet/.freshet-area") << "";
  EXPECT_FALSE(is_unmarked_area_last(root_.directory.get(), ".freshet"));
}

TEST_F(RootTimesTest, StayWhenTheAreaIsAnothers) {
  ASSERT_EQ(::chmod((dir_ / "root/.freshet").c_str(), 0755), 0);
  EXPECT_FALSE(is_unmarked_area_last(root_.directory.get(), ".freshet"));
  std::filesystem::remove(dir_ / "root/.freshet");
  EXPECT_FALSE(is_unmarked_area_last(root_.directory.get(), ".freshet"));
  std::filesystem::create_directory_symlink("/etc", dir_ / "root/.freshet");
  EXPECT_FALSE(is_unmarked_area_last(root_.directory.get(), ".freshet"));
}

TEST_F(RootTimesTest, AreGivenBackWhenABrokerDiedWhileItRemovedTheArea) {
  let_a_broker_die_after([&] { std::filesystem::remove(dir_ / "root/.freshet"); });
  EXPECT_TRUE(given_back());
}

TEST_F(RootTimesTest, StayWhenADeadBrokerDidNotTouchTheArea) {
  let_a_broker_die_after([&] { std::ofstream(dir_ / "root/new") << "another's"; });
  EXPECT_FALSE(given_back());
}

}  // namespace
}  // namespace freshet

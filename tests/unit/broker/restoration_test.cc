#include "runtime/broker/restoration.h"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <fstream>

#include "runtime/broker/table.h"
#include "tests/unit/broker/broker_harness.h"

namespace freshet::broker::test {
namespace {

using wire::RestoreCode;

class Restoring : public testing::Test {
 protected:
  void SetUp() override {
    make_dir(root_);
    make_dir(path("a"));
    make_dir(path("a/b"));
    make_dir(path("c"));
    write_file(path("a/one"), "1");
    write_file(path("a/b/two"), "2");
    write_file(path("a/b/three"), "3");
    write_file(path("c/four"), "4");
    write_file(path("kept"));
    options_.roots = {root_};
    age(root_);
    before_ = snapshot(root_);
  }
  // Files first, then the directories they leave empty, as a manager orders them.
  Plan all() {
    Plan plan(root_);
    plan.add("a/b/two").add("a/b/three").add("a/one").add("c/four").add("a/b").add("a").add("c");
    return plan;
  }
  void remove_all() { ASSERT_EQ(remove_plan(options_, all()).finished.units, 7U); }
  [[nodiscard]] std::string path(const std::string& below) const { return root_ + "/" + below; }
  [[nodiscard]] std::string table() const { return path(".freshet/web/r1/1/table"); }
  static const wire::RestoreConflict* find(const RestoreResult& result, const std::string& path) {
    const auto at = std::ranges::find(result.conflicts, path, &wire::RestoreConflict::path);
    return at == result.conflicts.end() ? nullptr : &*at;
  }

  TempDir dir_;
  std::string root_ = dir_.path() + "/root";
  Options options_;
  Snapshot before_;
};

TEST_F(Restoring, SaysHowFarItHasCome) {
  Plan plan(root_);
  for (int i = 0; i < 600; ++i) {
    write_file(path("c/" + std::to_string(i)));
    plan.add("c/" + std::to_string(i));
  }
  ASSERT_EQ(remove_plan(options_, plan).finished.units, 600U);
  const RestoreResult result = restore(options_);
  EXPECT_EQ(result.finished.units, 600U);
  ASSERT_FALSE(result.steps.empty());
  EXPECT_EQ(result.steps.front().done, 256U);
  EXPECT_LT(result.steps.back().done, 600U);
}

TEST_F(Restoring, DirectoriesThatWentAfterTheirEntriesComeBackBeforeThem) {
  remove_all();
  EXPECT_EQ(names_in(root_), (std::vector<std::string>{".freshet", "kept"}));
  const RestoreResult result = restore(options_);
  EXPECT_TRUE(result.conflicts.empty());
  EXPECT_EQ(result.finished.units, 7U);
  EXPECT_EQ(result.finished.left, 0U);
  EXPECT_EQ(result.finished.times_failed, 0U);
  EXPECT_TRUE(same(before_, snapshot(root_)));
}

// The numbers of the slots are not in an order that would bring parents back first.
TEST_F(Restoring, AnOriginMayComeBackFromAnySlot) {
  Plan plan(root_);
  plan.slot_of("");  // the outermost first: in descending order it is the last to come back
  plan.slot_of("a");
  plan.add("a/b/two").add("a/b/three").add("a/one").add("c/four").add("a/b").add("a").add("c");
  ASSERT_EQ(remove_plan(options_, plan).finished.units, 7U);
  EXPECT_EQ(restore(options_).finished.units, 7U);
  EXPECT_TRUE(same(before_, snapshot(root_)));
}

TEST_F(Restoring, IsSafeTwiceAndAfterTidyingThereIsNothingLeft) {
  remove_all();
  restore(options_);
  const RestoreResult again = restore(options_);
  EXPECT_EQ(again.finished.units, 0U);
  EXPECT_TRUE(again.conflicts.empty());
  EXPECT_TRUE(same(before_, snapshot(root_)));
  const wire::Finished tidied = purge(options_, true);
  EXPECT_EQ(tidied.left, 0U);
  EXPECT_EQ(tidied.entries, 0U);
  EXPECT_FALSE(exists(path(".freshet")));
  EXPECT_EQ(restore(options_).finished.units, 0U);
  EXPECT_TRUE(same(before_, snapshot(root_)));
}

TEST_F(Restoring, NothingIsOverwrittenAndTheRestComesBack) {
  remove_all();
  make_dir(path("a"), 0700);
  write_file(path("a/one"), "a stranger's");
  const RestoreResult result = restore(options_);
  // Another `a` stands there: it stays, the old one cannot come back, and what was in it does not go into a stranger.
  ASSERT_NE(find(result, "a"), nullptr);
  EXPECT_EQ(find(result, "a")->code, RestoreCode::name_taken);
  ASSERT_NE(find(result, "a/one"), nullptr);
  EXPECT_EQ(find(result, "a/one")->code, RestoreCode::parent_changed);
  ASSERT_NE(find(result, "a/b"), nullptr);
  EXPECT_EQ(find(result, "a/b")->code, RestoreCode::parent_changed);
  ASSERT_NE(find(result, "a/b/two"), nullptr);
  EXPECT_EQ(find(result, "a/b/two")->code, RestoreCode::parent_missing);
  EXPECT_EQ(result.conflicts.size(), 5U);
  EXPECT_EQ(result.finished.left, 5U);
  EXPECT_EQ(result.finished.units, 2U);
  EXPECT_EQ(read_file(path("a/one")), "a stranger's");
  EXPECT_EQ(read_file(path("c/four")), "4");
  // Once the stranger is gone, everything comes back.
  remove_tree(path("a"));
  EXPECT_TRUE(restore(options_).conflicts.empty());
  EXPECT_TRUE(same(before_, snapshot(root_)));
}

TEST_F(Restoring, ATakenNameIsNamedAndItsSiblingsComeBack) {
  remove_plan(options_, Plan(root_).add("a/b/two").add("a/b/three"));
  write_file(path("a/b/two"), "new");
  const RestoreResult result = restore(options_);
  ASSERT_EQ(result.conflicts.size(), 1U);
  EXPECT_EQ(result.conflicts[0].path, "a/b/two");
  EXPECT_EQ(result.conflicts[0].code, RestoreCode::name_taken);
  EXPECT_EQ(read_file(path("a/b/two")), "new");
  EXPECT_EQ(read_file(path("a/b/three")), "3");
  EXPECT_EQ(read_file(path(".freshet/web/r1/1/1/two")), "2");
}

TEST_F(Restoring, ALinkInTheOriginsPlaceLeadsNowhere) {
  remove_plan(options_, Plan(root_).add("a/b/two"));
  make_dir(dir_.path() + "/outside");
  ASSERT_EQ(::rename(path("a/b").c_str(), (dir_.path() + "/outside/b").c_str()), 0);
  make_link(dir_.path() + "/outside/b", path("a/b"));
  const RestoreResult result = restore(options_);
  ASSERT_EQ(result.conflicts.size(), 1U);
  EXPECT_EQ(result.conflicts[0].code, RestoreCode::parent_changed);
  EXPECT_FALSE(exists(dir_.path() + "/outside/b/two"));
  EXPECT_TRUE(exists(path(".freshet/web/r1/1/1/two")));
}

TEST_F(Restoring, TimesOfAnOriginWithAConflictAreLeftAsTheyAre) {
  remove_plan(options_, Plan(root_).add("a/b/two").add("a/b/three"));
  write_file(path("a/b/two"), "new");
  const std::int64_t mtime = stat_of(path("a/b")).mtime_ns;
  restore(options_);
  EXPECT_GE(stat_of(path("a/b")).mtime_ns, mtime);
}

TEST_F(Restoring, EntriesThatWereMovedBackByHandCountAsBack) {
  remove_plan(options_, Plan(root_).add("a/b/two").add("a/b/three"));
  ASSERT_EQ(::rename(path(".freshet/web/r1/1/1/two").c_str(), path("a/b/two").c_str()), 0);
  const RestoreResult result = restore(options_);
  EXPECT_TRUE(result.conflicts.empty());
  EXPECT_EQ(result.finished.units, 1U);
  EXPECT_TRUE(same(before_, snapshot(root_)));
}

TEST_F(Restoring, ATruncatedTableLosesOnlyTheSlotsBehindTheCut) {
  remove_all();
  const std::string whole = read_file(table());
  ASSERT_EQ(std::count(whole.begin(), whole.end(), '\n'), 5);
  const std::size_t cut = whole.rfind('\n', whole.size() - 2) + 10;
  ASSERT_EQ(::truncate(table().c_str(), static_cast<off_t>(cut)), 0);
  // The cut line was slot 4: the root, from which `a` and `c` went.
  const RestoreResult result = restore(options_);
  EXPECT_EQ(result.finished.units, 0U);
  ASSERT_NE(find(result, ".freshet/web/r1/1/4/a"), nullptr);
  EXPECT_EQ(find(result, ".freshet/web/r1/1/4/a")->code, RestoreCode::bad_table);
  EXPECT_EQ(find(result, ".freshet/web/r1/1/4/c")->code, RestoreCode::bad_table);
  EXPECT_EQ(find(result, "a/one")->code, RestoreCode::parent_missing);
  // Brought back by hand, the rest follows.
  ASSERT_EQ(::rename(path(".freshet/web/r1/1/4/a").c_str(), path("a").c_str()), 0);
  ASSERT_EQ(::rename(path(".freshet/web/r1/1/4/c").c_str(), path("c").c_str()), 0);
  EXPECT_TRUE(restore(options_).conflicts.empty());
  EXPECT_EQ(read_file(path("a/b/two")), "2");
}

TEST_F(Restoring, AFlippedBitInTheTableNeverPutsAnEntryElsewhere) {
  remove_plan(options_, Plan(root_).add("a/b/two").add("c/four"));
  const std::string whole = read_file(table());
  for (std::size_t at = kTableHeader.size(); at + 1 < whole.size(); at += 7) {
    std::string bad = whole;
    bad[at] = static_cast<char>(bad[at] ^ 1);
    write_file(table(), bad);
    const RestoreResult result = restore(options_);
    ASSERT_EQ(result.finished.units + result.conflicts.size(), 2U) << at;
    ASSERT_GE(result.conflicts.size(), 1U) << at;
    for (const wire::RestoreConflict& conflict : result.conflicts) ASSERT_EQ(conflict.code, RestoreCode::bad_table);
    // Back into the quarantine what came out.
    if (exists(path("a/b/two"))) {
      ASSERT_EQ(::rename(path("a/b/two").c_str(), path(".freshet/web/r1/1/1/two").c_str()), 0);
    }
    if (exists(path("c/four"))) {
      ASSERT_EQ(::rename(path("c/four").c_str(), path(".freshet/web/r1/1/2/four").c_str()), 0);
    }
  }
  write_file(table(), whole);
  EXPECT_TRUE(restore(options_).conflicts.empty());
  EXPECT_TRUE(same(before_, snapshot(root_)));
}

TEST_F(Restoring, AForgedLineIntoAnExcludedPlaceIsNotBelieved) {
  remove_plan(options_, Plan(root_).add("a/b/two"));
  const EntryStat c = stat_of(path("c"));
  write_file(table(), std::string(kTableHeader) +
                          format_table_line({1, c.identity.inode, c.identity.birth_ns, 1, 1, "c"}));
  Options options = options_;
  options.excludes = {"c"};
  const RestoreResult result = restore(options);
  ASSERT_EQ(result.conflicts.size(), 1U);
  EXPECT_EQ(result.conflicts[0].code, RestoreCode::bad_table);
  EXPECT_FALSE(exists(path("c/two")));
}

TEST_F(Restoring, WithoutATableNothingMovesAndEverythingIsNamed) {
  remove_plan(options_, Plan(root_).add("a/b/two").add("c/four"));
  ASSERT_EQ(::unlink(table().c_str()), 0);
  const RestoreResult result = restore(options_);
  EXPECT_EQ(result.finished.units, 0U);
  EXPECT_EQ(result.conflicts.size(), 2U);
}

TEST_F(Restoring, ManyConflictsComeInManyPackets) {
  make_dir(path("many"));
  Plan plan(root_);
  for (int i = 0; i < 350; ++i) {
    const std::string name = std::to_string(i) + std::string(200, 'n');
    write_file(path("many/" + name));
    plan.add("many/" + name);
  }
  ASSERT_EQ(remove_plan(options_, plan).finished.units, 350U);
  for (const wire::Unit& unit : plan.units) write_file(path("many/" + unit.name), "new");
  const RestoreResult result = restore(options_);
  EXPECT_EQ(result.conflicts.size(), 350U);
  EXPECT_EQ(result.finished.left, 350U);
  EXPECT_EQ(read_file(path("many/" + plan.units[0].name)), "new");
}

TEST_F(Restoring, AForeignAreaIsNotReadFrom) {
  make_dir(path(".freshet"), 0755);
  make_dir(path(".freshet/web"), 0755);
  Broker broker(options_);
  broker.send(begin_of(wire::BrokerPhase::restore));
  broker.send(wire::Restore{});
  EXPECT_EQ(broker.expect<wire::Failed>().code, kForeignArea);
}

}  // namespace
}  // namespace freshet::broker::test

#include "runtime/broker/removal.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "runtime/base/clock.h"
#include "runtime/broker/table.h"
#include "tests/unit/broker/broker_harness.h"

namespace freshet::broker::test {
namespace {

using wire::OutcomeCode;

// Every test runs as this process's user and, where that is root, as an ordinary user too.
class Removing : public testing::TestWithParam<bool> {
 protected:
  void SetUp() override {
    if (GetParam() && ::geteuid() != 0) GTEST_SKIP() << "only root can become another user";
    make_dir(root_);
    options_.roots = {root_};
    if (GetParam()) options_.run_as = kSomebody;
  }
  // Gives the tree to whom the broker runs as, and makes it old.
  void ready() {
    if (GetParam()) chown_tree(root_, kSomebody);
    age(root_);
  }
  [[nodiscard]] std::string path(const std::string& below) const { return root_ + "/" + below; }
  [[nodiscard]] std::string in_slot(std::uint32_t slot, const std::string& name) const {
    return path(".freshet/web/r1/1/" + std::to_string(slot) + "/" + name);
  }

  TempDir dir_;
  std::string root_ = dir_.path() + "/root";
  Options options_;
};

INSTANTIATE_TEST_SUITE_P(As, Removing, testing::Bool(),
                         [](const auto& how) { return how.param ? "OrdinaryUser" : "ThisUser"; });

class RemovingAsSomebody : public Removing {};
INSTANTIATE_TEST_SUITE_P(As, RemovingAsSomebody, testing::Values(true));

TEST_P(Removing, EveryKindOfEntryMovesIntoItsSlotAndComesBackAsItWas) {
  make_dir(path("a"));
  make_dir(path("a/empty"));
  write_file(path("a/file"), "content");
  write_file(path("a/file2"), "content");
  write_file(path("top"), "more");
  make_link("/etc", path("a/link"));
  make_link("nowhere", path("a/dangling"));
  ASSERT_EQ(::mkfifo(path("a/fifo").c_str(), 0640), 0);
  const Fd listener(::socket(AF_UNIX, SOCK_STREAM, 0));
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  ASSERT_LT(path("a/sock").size(), sizeof address.sun_path);
  path("a/sock").copy(address.sun_path, sizeof address.sun_path - 1);
  ASSERT_EQ(::bind(listener.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address), 0);
  ready();
  const auto before = snapshot(root_);
  Plan plan(root_);
  for (const char* each : {"a/file", "a/file2", "a/link", "a/dangling", "a/fifo", "a/sock", "a/empty", "top"}) plan.add(each);
  const RemovalResult result = remove_plan(options_, plan);
  for (std::size_t i = 0; i < plan.units.size(); ++i) {
    EXPECT_EQ(result.code(i), OutcomeCode::removed) << plan.units[i].name;
    EXPECT_FALSE(exists(path(plan.slots[plan.units[i].slot - 1].path + "/" + plan.units[i].name)));
    EXPECT_EQ(stat_of(in_slot(plan.units[i].slot, plan.units[i].name)).identity, plan.units[i].identity);
  }
  EXPECT_EQ(result.finished.units, 8U);
  EXPECT_EQ(result.finished.entries, 8U);
  EXPECT_EQ(result.finished.times_failed, 0U);
  const auto after = snapshot(root_);
  EXPECT_EQ(after.size(), 2U);
  const RestoreResult back = restore(options_);
  EXPECT_TRUE(back.conflicts.empty());
  EXPECT_EQ(back.finished.units, 8U);
  EXPECT_TRUE(same(before, snapshot(root_)));
}

TEST_P(Removing, SurvivingParentsAndTheRootKeepTheirTimes) {
  make_dir(path("a"));
  make_dir(path("a/b"));
  write_file(path("a/b/one"));
  write_file(path("two"));
  write_file(path("kept"));
  ready();
  const EntryStat root = stat_of(root_);
  const EntryStat parent = stat_of(path("a/b"));
  const EntryStat above = stat_of(path("a"));
  Plan plan(root_);
  plan.add("a/b/one").add("two");
  EXPECT_EQ(remove_plan(options_, plan).finished.units, 2U);
  for (const auto& [now, then] : {std::pair(stat_of(root_), root), {stat_of(path("a/b")), parent}, {stat_of(path("a")), above}}) {
    EXPECT_EQ(now.mtime_ns, then.mtime_ns);
    EXPECT_EQ(now.atime_ns, then.atime_ns);
  }
}

TEST_P(Removing, ARootThatIsNoOriginKeepsItsTimesThoughTheAreaIsMadeInIt) {
  make_dir(path("a"));
  write_file(path("a/file"));
  ready();
  const EntryStat root = stat_of(root_);
  Plan plan(root_);
  plan.add("a/file");
  remove_plan(options_, plan);
  EXPECT_TRUE(exists(path(".freshet/.freshet-area")));
  EXPECT_EQ(stat_of(root_).mtime_ns, root.mtime_ns);
  EXPECT_EQ(stat_of(root_).atime_ns, root.atime_ns);
}

TEST_P(Removing, TheTableNamesEveryUsableSlot) {
  make_dir(path("a b"));
  write_file(path("a b/file"));
  write_file(path("top"));
  ready();
  Plan plan(root_);
  plan.add("a b/file").add("top");
  const EntryStat parent = stat_of(path("a b"));
  remove_plan(options_, plan);
  TableReader reader;
  reader.feed(read_file(path(".freshet/web/r1/1/table")));
  const std::vector<TableSlot> slots = reader.take();
  EXPECT_EQ(reader.dropped(), 0U);
  ASSERT_EQ(slots.size(), 2U);
  const TableSlot expected{1, parent.identity.inode, parent.identity.birth_ns, parent.mtime_ns, parent.atime_ns, "a b"};
  EXPECT_EQ(slots[0], expected);
  EXPECT_EQ(slots[1].path, "");
}

TEST_P(Removing, AWholeDirectoryMovesAsOneUnitAndComesBack) {
  make_dir(path("a"));
  make_dir(path("a/tree"));
  make_dir(path("a/tree/x"));
  make_dir(path("a/tree/x/y"));
  write_file(path("a/tree/one"), "1");
  write_file(path("a/tree/x/two"), "2");
  write_file(path("a/tree/x/y/three"), "3");
  ASSERT_EQ(::link(path("a/tree/one").c_str(), path("a/tree/x/hard").c_str()), 0);
  write_file(path("a/kept"));
  ready();
  const auto before = snapshot(root_);
  Plan plan(root_);
  plan.add_whole("a/tree");
  const RemovalResult result = remove_plan(options_, plan);
  ASSERT_EQ(result.code(0), OutcomeCode::removed);
  EXPECT_EQ(result.outcomes[0].entries, 7U);
  EXPECT_EQ(result.finished.units, 1U);
  EXPECT_EQ(result.finished.entries, 7U);
  EXPECT_FALSE(exists(path("a/tree")));
  EXPECT_TRUE(exists(in_slot(1, "tree/x/y/three")));
  EXPECT_TRUE(restore(options_).conflicts.empty());
  EXPECT_TRUE(same(before, snapshot(root_)));
}

TEST_P(Removing, AWholeDirectoryWithAnyChangeStays) {
  for (const char* name : {"arrival", "departure", "rewrite", "replace", "move"}) {
    make_dir(path(name));
    make_dir(path(std::string(name) + "/x"));
    write_file(path(std::string(name) + "/one"), "1");
    write_file(path(std::string(name) + "/x/two"), "2");
  }
  ready();
  Plan plan(root_);
  for (const char* name : {"arrival", "departure", "rewrite", "replace", "move"}) plan.add_whole(name);
  write_file(path("arrival/x/late"));
  ASSERT_EQ(::unlink(path("departure/x/two").c_str()), 0);
  write_file(path("rewrite/x/two"), "other");
  ASSERT_EQ(::rename(path("replace/one").c_str(), path("aside").c_str()), 0);
  write_file(path("replace/one"), "1");
  ASSERT_EQ(::rename(path("move/one").c_str(), path("move/x/one").c_str()), 0);
  if (GetParam()) chown_tree(root_, kSomebody);
  const RemovalResult result = remove_plan(options_, plan);
  for (std::size_t i = 0; i < 5; ++i) {
    EXPECT_EQ(result.code(i), OutcomeCode::digest_changed) << plan.units[i].name;
    EXPECT_TRUE(exists(path(plan.units[i].name)));
  }
  EXPECT_EQ(result.finished.units, 0U);
}

TEST_P(Removing, WhatHasAnotherIdentityThanPlannedStays) {
  for (const char* name : {"written", "touched", "replaced", "became-dir", "became-link", "good"}) write_file(path(name));
  write_file(path("gone"));
  ready();
  Plan plan(root_);
  for (const char* name : {"written", "touched", "replaced", "became-dir", "became-link", "gone", "good"}) plan.add(name);
  write_file(path("written"), "longer");
  set_times_of(path("touched"), 5, 5);
  for (const char* name : {"replaced", "became-dir", "became-link", "gone"}) ASSERT_EQ(::unlink(path(name).c_str()), 0);
  write_file(path("replaced"));
  make_dir(path("became-dir"));
  make_link("/etc/passwd", path("became-link"));
  if (GetParam()) chown_tree(root_, kSomebody);
  const RemovalResult result = remove_plan(options_, plan);
  for (std::size_t i = 0; i < 5; ++i) {
    EXPECT_EQ(result.code(i), OutcomeCode::changed) << plan.units[i].name;
    EXPECT_TRUE(exists(path(plan.units[i].name)));
  }
  EXPECT_EQ(result.code(5), OutcomeCode::gone);
  EXPECT_EQ(result.code(6), OutcomeCode::removed);
}

TEST_P(Removing, EveryLieAboutAnIdentityIsFound) {
  write_file(path("file"));
  ready();
  Plan honest(root_);
  honest.add("file");
  const std::vector<std::function<void(Identity&)>> lies = {
      [](Identity& i) { ++i.inode; }, [](Identity& i) { ++i.birth_ns; }, [](Identity& i) { i.type = EntryType::symlink; },
      [](Identity& i) { ++i.mtime_ns; }, [](Identity& i) { ++i.size; }};
  Plan plan = honest;
  plan.units.clear();
  for (const auto& lie : lies) {
    wire::Unit unit = honest.units[0];
    unit.sequence = plan.units.size();
    lie(unit.identity);
    plan.units.push_back(unit);
  }
  const RemovalResult result = remove_plan(options_, plan);
  for (std::size_t i = 0; i < lies.size(); ++i) EXPECT_EQ(result.code(i), OutcomeCode::changed) << i;
  EXPECT_TRUE(exists(path("file")));
}

TEST_P(Removing, AnotherDirectoryInTheOriginsPlaceIsNotTouched) {
  for (const char* name : {"swapped", "linked", "filed", "lost"}) {
    make_dir(path(name));
    write_file(path(std::string(name) + "/file"));
  }
  make_dir(dir_.path() + "/outside");
  ready();
  Plan plan(root_);
  for (const char* name : {"swapped/file", "linked/file", "filed/file", "lost/file"}) plan.add(name);
  for (const char* name : {"swapped", "linked", "filed", "lost"})
    ASSERT_EQ(::rename(path(name).c_str(), (dir_.path() + "/outside/" + name).c_str()), 0);
  make_dir(path("swapped"));
  ASSERT_EQ(::link((dir_.path() + "/outside/swapped/file").c_str(), path("swapped/file").c_str()), 0);
  make_link(dir_.path() + "/outside/linked", path("linked"));
  write_file(path("filed"));
  if (GetParam()) chown_tree(root_, kSomebody);
  const RemovalResult result = remove_plan(options_, plan);
  EXPECT_EQ(result.code(0), OutcomeCode::parent_changed);
  EXPECT_EQ(result.code(1), OutcomeCode::parent_changed);
  EXPECT_EQ(result.code(2), OutcomeCode::parent_changed);
  EXPECT_EQ(result.code(3), OutcomeCode::gone);
  for (const char* name : {"swapped", "linked", "filed", "lost"})
    EXPECT_TRUE(exists(dir_.path() + "/outside/" + name + "/file"));
  EXPECT_FALSE(exists(path(".freshet"))) << "no slot was usable, so no area was needed";
}

TEST_P(Removing, ADirectoryGoesByItselfOnlyWhenItIsEmpty) {
  make_dir(path("empty"));
  make_dir(path("full"));
  write_file(path("full/.hidden"));
  make_dir(path("emptied"));
  write_file(path("emptied/file"));
  ready();
  const auto before = snapshot(root_);
  Plan plan(root_);
  plan.add("emptied/file").add("empty").add("full").add("emptied");
  const RemovalResult result = remove_plan(options_, plan);
  EXPECT_EQ(result.code(0), OutcomeCode::removed);
  EXPECT_EQ(result.code(1), OutcomeCode::removed);
  EXPECT_EQ(result.code(2), OutcomeCode::not_empty);
  EXPECT_EQ(result.code(3), OutcomeCode::removed);
  EXPECT_TRUE(restore(options_).conflicts.empty());
  EXPECT_TRUE(same(before, snapshot(root_)));
}

TEST_P(Removing, TheSameNameFromTwoDirectoriesFindsTwoSlots) {
  make_dir(path("a"));
  make_dir(path("b"));
  write_file(path("a/same"), "from a");
  write_file(path("b/same"), "from b");
  write_file(path("same"), "from the root");
  ready();
  const auto before = snapshot(root_);
  Plan plan(root_);
  plan.add("a/same").add("b/same").add("same");
  EXPECT_EQ(remove_plan(options_, plan).finished.units, 3U);
  EXPECT_EQ(read_file(in_slot(2, "same")), "from b");
  restore(options_);
  EXPECT_TRUE(same(before, snapshot(root_)));
}

TEST_P(Removing, TheSamePathTwiceInOneRunKeepsBoth) {
  write_file(path("file"), "first");
  ready();
  Plan plan(root_);
  plan.add("file");
  Broker broker(options_);
  begin_removal(broker, plan);
  EXPECT_EQ(send_units(broker, plan.units)[0].code, OutcomeCode::removed);
  write_file(path("file"), "second");
  Plan again(root_);
  again.add("file");
  again.units[0].sequence = 1;
  EXPECT_EQ(send_units(broker, again.units)[0].code, OutcomeCode::name_taken);
  EXPECT_EQ(read_file(path("file")), "second");
  EXPECT_EQ(read_file(in_slot(1, "file")), "first");
}

TEST_P(Removing, TheBudgetHoldsForEntriesAndForBytes) {
  for (int i = 0; i < 4; ++i) write_file(path("f" + std::to_string(i)), std::string(5000, 'x'));
  make_dir(path("tree"));
  write_file(path("tree/a"));
  write_file(path("tree/b"));
  ready();
  Plan plan(root_);
  plan.add("f0").add("f1").add_whole("tree").add("f2").add("f3");
  const RemovalResult by_entries = remove_plan(options_, plan, [](wire::Begin& begin) { begin.max_entries = 4; });
  EXPECT_EQ(by_entries.code(0), OutcomeCode::removed);
  EXPECT_EQ(by_entries.code(1), OutcomeCode::removed);
  EXPECT_EQ(by_entries.code(2), OutcomeCode::over_budget);
  EXPECT_EQ(by_entries.code(3), OutcomeCode::removed);
  EXPECT_EQ(by_entries.code(4), OutcomeCode::removed);
  EXPECT_EQ(by_entries.finished.entries, 4U);
  EXPECT_TRUE(exists(path("tree/b")));
  restore(options_);
  purge(options_, true);
  const RemovalResult by_bytes =
      remove_plan(options_, plan, [](wire::Begin& begin) { begin.max_bytes = 3 * 8192 - 1; });
  EXPECT_EQ(by_bytes.code(0), OutcomeCode::removed);
  EXPECT_EQ(by_bytes.code(1), OutcomeCode::removed);
  EXPECT_EQ(by_bytes.code(2), OutcomeCode::over_budget);
  EXPECT_EQ(by_bytes.code(3), OutcomeCode::over_budget);
}

TEST_P(Removing, AHardLinkTakesItsBytesFromTheBudgetOnce) {
  write_file(path("one"), std::string(100'000, 'x'));
  ASSERT_EQ(::link(path("one").c_str(), path("two").c_str()), 0);
  ready();
  const auto before = snapshot(root_);
  Plan plan(root_);
  plan.add("one").add("two");
  const std::uint64_t allocated = stat_of(path("one")).allocated;
  const RemovalResult result =
      remove_plan(options_, plan, [&](wire::Begin& begin) { begin.max_bytes = allocated; });
  EXPECT_EQ(result.finished.units, 2U);
  EXPECT_EQ(stat_of(in_slot(1, "one")).identity.inode, stat_of(in_slot(1, "two")).identity.inode);
  restore(options_);
  EXPECT_TRUE(same(before, snapshot(root_)));
}

TEST_P(Removing, EntriesInUseStay) {
  write_file(path("open"));
  write_file(path("free"));
  make_dir(path("tree"));
  write_file(path("tree/open"));
  make_dir(path("cwd"));
  ready();
  Plan plan(root_);
  plan.add("open").add("free").add_whole("tree").add("cwd");
  const std::uint64_t dev = stat_of(root_).dev;
  const std::vector<wire::InUse> in_use = {{dev, {stat_of(path("open")).identity.inode}},
                                           {dev, {stat_of(path("tree/open")).identity.inode, stat_of(path("cwd")).identity.inode}}};
  const RemovalResult result = remove_plan(options_, plan, {}, in_use);
  EXPECT_EQ(result.code(0), OutcomeCode::in_use);
  EXPECT_EQ(result.code(1), OutcomeCode::removed);
  EXPECT_EQ(result.code(2), OutcomeCode::in_use);
  EXPECT_EQ(result.code(3), OutcomeCode::in_use);
}

TEST_P(Removing, TheFloorHoldsAndADirectoryEmptiedHereIsAsOldAsItWas) {
  make_dir(path("old"));
  write_file(path("old/file"));
  write_file(path("young"));
  make_dir(path("young-dir"));
  ready();
  set_times_of(path("young"), 1, 1'600'000'000);
  set_times_of(path("young-dir"), 1, 1'600'000'001);
  Plan plan(root_);
  plan.add("old/file").add("young").add("young-dir").add("old");
  const RemovalResult result = remove_plan(options_, plan, [](wire::Begin& begin) {
    begin.not_younger_than_ns = 1'600'000'000LL * 1'000'000'000;
  });
  EXPECT_EQ(result.code(0), OutcomeCode::removed);
  EXPECT_EQ(result.code(1), OutcomeCode::too_young);
  EXPECT_EQ(result.code(2), OutcomeCode::too_young);
  EXPECT_EQ(result.code(3), OutcomeCode::removed);
}

TEST_P(Removing, NothingGoesOnceItsHoursAreOver) {
  write_file(path("a"));
  make_dir(path("tree"));
  write_file(path("tree/b"));
  ready();
  Plan plan(root_);
  plan.add("a").add_whole("tree");
  const std::int64_t now = SystemClock().now();
  const RemovalResult late = remove_plan(options_, plan, [&](wire::Begin& begin) { begin.not_after_ns = now; });
  EXPECT_EQ(late.code(0), OutcomeCode::out_of_hours);
  EXPECT_EQ(late.code(1), OutcomeCode::out_of_hours);
  EXPECT_TRUE(exists(path("a")));
  EXPECT_TRUE(exists(path("tree/b")));
  purge(options_, true);
  const RemovalResult in_time = remove_plan(options_, plan, [&](wire::Begin& begin) { begin.not_after_ns = now + 3'600'000'000'000; });
  EXPECT_EQ(in_time.code(0), OutcomeCode::removed);
  EXPECT_FALSE(exists(path("a")));
}

TEST_P(Removing, PathsDeeperThanTheKernelTakesGoAndComeBack) {
  const std::string name(250, 'n');
  Fd deepest = make_chain(root_, name, 30);
  ASSERT_EQ(::mkdirat(deepest.get(), "tree", 0755), 0);
  const Fd file(::openat(deepest.get(), "file", O_WRONLY | O_CREAT, 0644));
  const Fd tree(::openat(deepest.get(), "tree", O_RDONLY | O_DIRECTORY));
  const Fd inner(::openat(tree.get(), "inner", O_WRONLY | O_CREAT, 0644));
  std::string parent = name;
  for (int i = 1; i < 30; ++i) parent += "/" + name;
  if (GetParam()) {
    int error = 0;
    Fd at(::open(root_.c_str(), O_RDONLY | O_DIRECTORY));
    ASSERT_EQ(::fchown(at.get(), kSomebody, kSomebody), 0);
    for (int i = 0; i < 30; ++i) {
      at.reset(::openat(at.get(), name.c_str(), O_RDONLY | O_DIRECTORY));
      error |= ::fchown(at.get(), kSomebody, kSomebody);
    }
    error |= ::fchown(file.get(), kSomebody, kSomebody) | ::fchown(tree.get(), kSomebody, kSomebody);
    ASSERT_EQ(error | ::fchown(inner.get(), kSomebody, kSomebody), 0);
  }
  Plan plan(root_);
  const auto stat_at_deepest = [&](const char* entry) { return stat_entry(deepest.get(), entry)->identity; };
  const EntryStat parent_stat = *stat_entry(deepest.get(), "");
  plan.slots.push_back({1, 0, parent, parent_stat.identity.inode, parent_stat.identity.birth_ns});
  wire::Unit unit;
  unit.slot = 1;
  unit.name = "file";
  unit.identity = stat_at_deepest("file");
  plan.units.push_back(unit);
  unit.sequence = 1;
  unit.name = "tree";
  unit.identity = stat_at_deepest("tree");
  unit.whole = true;
  unit.entries = 2;
  TreeDigest digest;
  digest.add(plan.key, unit.identity.inode, "inner", stat_entry(tree.get(), "inner")->identity);
  unit.digest = digest.value();
  plan.units.push_back(unit);
  const RemovalResult result = remove_plan(options_, plan);
  EXPECT_EQ(result.code(0), OutcomeCode::removed);
  EXPECT_EQ(result.code(1), OutcomeCode::removed);
  EXPECT_FALSE(stat_entry(deepest.get(), "tree"));
  const RestoreResult back = restore(options_);
  EXPECT_TRUE(back.conflicts.empty());
  EXPECT_EQ(back.finished.units, 2U);
  EXPECT_EQ(stat_entry(deepest.get(), "file")->identity, plan.units[0].identity);
  EXPECT_EQ(stat_entry(tree.get(), "inner")->identity.type, EntryType::file);
  EXPECT_EQ(stat_entry(deepest.get(), "")->mtime_ns, parent_stat.mtime_ns);
}

TEST_P(Removing, ATreeOfManyLevelsMovesAsOneUnit) {
  constexpr int kDepth = 1500;
  make_dir(path("tree"));
  Plan plan(root_);
  TreeDigest digest;
  Fd at(::open(path("tree").c_str(), O_RDONLY | O_DIRECTORY));
  std::uint64_t above = stat_entry(at.get(), "")->identity.inode;
  for (int i = 0; i < kDepth; ++i) {
    ASSERT_EQ(::mkdirat(at.get(), "d", 0755), 0);
    const Identity identity = stat_entry(at.get(), "d")->identity;
    digest.add(plan.key, above, "d", identity);
    above = identity.inode;
    if (GetParam()) {
      ASSERT_EQ(::fchownat(at.get(), "d", kSomebody, kSomebody, 0), 0);
    }
    at.reset(::openat(at.get(), "d", O_RDONLY | O_DIRECTORY));
  }
  if (GetParam()) {
    ASSERT_EQ(::chown(root_.c_str(), kSomebody, kSomebody), 0);
    ASSERT_EQ(::chown(path("tree").c_str(), kSomebody, kSomebody), 0);
  }
  plan.add("tree");
  plan.units[0].whole = true;
  plan.units[0].entries = kDepth + 1;
  plan.units[0].digest = digest.value();
  const RemovalResult result = remove_plan(options_, plan);
  EXPECT_EQ(result.code(0), OutcomeCode::removed);
  const wire::Finished purged = purge(options_);
  EXPECT_EQ(purged.entries, kDepth + 1U);
  EXPECT_EQ(purged.left, 0U);
  EXPECT_FALSE(exists(path(".freshet")));
}

TEST_P(Removing, NamesOfAnyBytesGoAndComeBack) {
  std::string all;
  for (int byte = 1; byte < 256; ++byte)
    if (byte != '/') all += static_cast<char>(byte);
  for (const std::string& name : {all.substr(0, 127), all.substr(127), std::string(" "), std::string("\n"), std::string("..."),
                                  std::string("-rf"), std::string("table"), std::string(255, 'x')}) {
    make_dir(path(name));
    write_file(path(name + "/" + name), name);
  }
  ready();
  const auto before = snapshot(root_);
  Plan plan(root_);
  for (const std::string& name : names_in(root_)) plan.add(name + "/" + name);
  EXPECT_EQ(remove_plan(options_, plan).finished.units, 8U);
  EXPECT_TRUE(restore(options_).conflicts.empty());
  EXPECT_TRUE(same(before, snapshot(root_)));
}

TEST_P(Removing, SparseFilesAndUnreadableFilesGoAndComeBackAsTheyWere) {
  write_file(path("sparse"));
  ASSERT_EQ(::truncate(path("sparse").c_str(), 1LL << 34), 0);
  write_file(path("shut"), "secret");
  ASSERT_EQ(::chmod(path("shut").c_str(), 0), 0);
  ready();
  const std::uint64_t allocated = stat_of(path("sparse")).allocated;
  Plan plan(root_);
  plan.add("sparse").add("shut");
  const RemovalResult result =
      remove_plan(options_, plan, [](wire::Begin& begin) { begin.max_bytes = 1U << 20; });
  EXPECT_EQ(result.finished.units, 2U);
  EXPECT_EQ(stat_of(in_slot(1, "sparse")).allocated, allocated);
  restore(options_);
  EXPECT_EQ(stat_of(path("shut")).mode & 07777, 0U);
  EXPECT_EQ(stat_of(path("sparse")).identity.size, 1ULL << 34);
}

TEST_P(Removing, ShutDirectoriesAreDeniedToAnOrdinaryUserAndNothingIsChmodded) {
  make_dir(path("shut"));
  write_file(path("shut/file"));
  make_dir(path("fixed"));
  make_dir(path("fixed/sub"));
  ready();
  Plan plan(root_);
  plan.add("shut/file").add_whole("fixed");
  ASSERT_EQ(::chmod(path("shut").c_str(), 0), 0);
  ASSERT_EQ(::chmod(path("fixed").c_str(), 0555), 0);
  const bool as_user = GetParam() || ::geteuid() != 0;
  const RemovalResult result = remove_plan(options_, plan);
  const OutcomeCode expected = as_user ? OutcomeCode::denied : OutcomeCode::removed;
  EXPECT_EQ(result.code(0), expected);
  EXPECT_EQ(result.code(1), expected) << "a directory that is not writable cannot change its parent";
  EXPECT_EQ(stat_of(path("shut")).mode & 0777, 0U);
  if (as_user) {
    EXPECT_EQ(stat_of(path("fixed")).mode & 0777, 0555U);
    EXPECT_EQ(result.outcomes[0].error_number, EACCES);
  }
  ::chmod(path("shut").c_str(), 0700);
}

TEST_P(RemovingAsSomebody, InAStickyDirectoryOnlyWhatIsItsOwnMoves) {
  make_dir(path("sticky"));
  write_file(path("sticky/mine"));
  write_file(path("sticky/other"));
  ready();
  ASSERT_EQ(::chown(path("sticky").c_str(), 0, 0), 0);
  ASSERT_EQ(::chmod(path("sticky").c_str(), 01777), 0);
  ASSERT_EQ(::chown(path("sticky/other").c_str(), 0, 0), 0);
  Plan plan(root_);
  plan.add("sticky/mine").add("sticky/other");
  const RemovalResult result = remove_plan(options_, plan);
  EXPECT_EQ(result.code(0), OutcomeCode::removed);
  EXPECT_EQ(result.code(1), OutcomeCode::denied);
  EXPECT_EQ(result.finished.times_failed, 1U) << "the directory belongs to another";
}

TEST_P(Removing, DeviceNodesAreNeverTouched) {
  if (::mknod(path("null").c_str(), S_IFCHR | 0666, 0x103) != 0) GTEST_SKIP() << "this process may not make device nodes";
  make_dir(path("tree"));
  ASSERT_EQ(::mknod(path("tree/loop").c_str(), S_IFBLK | 0600, 0x700), 0);
  ready();
  Plan plan(root_);
  plan.add("null").add_whole("tree");
  const RemovalResult result = remove_plan(options_, plan);
  EXPECT_EQ(result.code(0), OutcomeCode::device);
  EXPECT_EQ(result.code(1), OutcomeCode::device);
  EXPECT_TRUE(exists(path("null")));
  EXPECT_TRUE(exists(path("tree/loop")));
}

TEST_P(Removing, WithoutQuarantineUnitsAreUnlinkedAndFreedBytesCounted) {
  make_dir(path("a"));
  write_file(path("a/file"), std::string(10'000, 'x'));
  write_file(path("a/linked"), std::string(10'000, 'x'));
  ASSERT_EQ(::link(path("a/linked").c_str(), path("kept").c_str()), 0);
  make_link("/etc", path("a/link"));
  make_dir(path("full"));
  write_file(path("full/file"));
  write_file(path("changed"));
  ready();
  const std::uint64_t bytes = stat_of(path("a/file")).allocated + stat_of(path("a")).allocated + stat_of(path("a/link")).allocated;
  Plan plan(root_);
  plan.add("a/file").add("a/linked").add("a/link").add("a").add("full").add("changed");
  write_file(path("changed"), "now");
  const EntryStat root = stat_of(root_);
  const RemovalResult result = remove_plan(options_, plan, [](wire::Begin& begin) { begin.unlink = true; });
  for (std::size_t i = 0; i < 4; ++i) EXPECT_EQ(result.code(i), OutcomeCode::removed) << i;
  EXPECT_EQ(result.code(4), OutcomeCode::not_empty);
  EXPECT_EQ(result.code(5), OutcomeCode::changed);
  EXPECT_FALSE(exists(path("a")));
  EXPECT_TRUE(exists("/etc"));
  EXPECT_TRUE(exists(path("kept")));
  EXPECT_FALSE(exists(path(".freshet")));
  EXPECT_EQ(result.finished.units, 4U);
  EXPECT_EQ(result.finished.bytes, bytes);
  EXPECT_EQ(stat_of(root_).mtime_ns, root.mtime_ns);
}

TEST_P(Removing, MoreSlotsMayFollowAndTheirTimesAreThoseBeforeTheFirstEffect) {
  make_dir(path("a"));
  write_file(path("a/one"));
  write_file(path("a/two"));
  make_dir(path("b"));
  write_file(path("b/three"));
  ready();
  const auto before = snapshot(root_);
  Plan first(root_);
  first.add("a/one");
  Plan whole(root_);
  whole.add("a/one").add("a/two").add("b/three");
  Broker broker(options_);
  begin_removal(broker, first);
  EXPECT_EQ(send_units(broker, first.units)[0].code, OutcomeCode::removed);
  // The first directory once more, under another number, and a new one.
  wire::Slots more;
  more.slots = {first.slots[0], whole.slots[1]};
  more.slots[0].number = 2;
  more.slots[1].number = 3;
  more.last = true;
  broker.send(more);
  EXPECT_EQ(broker.expect<wire::SlotsReady>().count, 3U);
  std::vector<wire::Unit> units = {whole.units[1], whole.units[2]};
  units[0].slot = 2;
  units[1].slot = 3;
  for (const wire::Outcome& outcome : send_units(broker, units)) EXPECT_EQ(outcome.code, OutcomeCode::removed);
  broker.kill();  // so that only the table knows the times
  broker.wait();
  EXPECT_EQ(restore(options_).finished.units, 3U);
  EXPECT_TRUE(same(before, snapshot(root_)));
}

TEST_P(Removing, ManySlotsInManyRootsKeepWithinTheDescriptors) {
  Options options = options_;
  options.roots.clear();
  Plan plan(root_);
  std::vector<Snapshot> before;
  for (std::uint32_t i = 0; i < wire::kMaxRoots; ++i) {
    const std::string each = path("r" + std::to_string(i));
    make_dir(each);
    make_dir(each + "/tree");
    make_dir(each + "/tree/x");
    write_file(each + "/tree/x/file");
    write_file(each + "/file");
    options.roots.push_back(each);
  }
  ready();
  for (std::uint32_t i = 0; i < wire::kMaxRoots; ++i) {
    before.push_back(snapshot(options.roots[i]));
    Plan part(options.roots[i], i);
    part.add("file").add_whole("tree");
    for (wire::Slot slot : part.slots) {
      slot.number = i + 1;
      plan.slots.push_back(slot);
    }
    for (wire::Unit unit : part.units) {
      unit.slot = i + 1;
      unit.sequence = plan.units.size();
      plan.units.push_back(unit);
    }
  }
  const RemovalResult result = remove_plan(options, plan);
  EXPECT_EQ(result.finished.units, 2 * wire::kMaxRoots);
  for (const std::string& each : options.roots) EXPECT_EQ(snapshot(each).size(), 1U);
  EXPECT_EQ(restore(options).finished.units, 2 * wire::kMaxRoots);
  for (std::size_t i = 0; i < options.roots.size(); ++i) EXPECT_TRUE(same(before[i], snapshot(options.roots[i])));
  purge(options, true);
  for (const std::string& each : options.roots) EXPECT_FALSE(exists(each + "/.freshet"));
}

TEST_P(Removing, AForeignAreaIsRefusedAndUntouched) {
  write_file(path("file"));
  const std::vector<std::function<void()>> strangers = {
      [&] { write_file(path(".freshet")); },
      [&] { make_link(dir_.path(), path(".freshet")); },
      [&] {  // no marker, not empty
        make_dir(path(".freshet"), 0700);
        write_file(path(".freshet/note"));
      },
      [&] {  // open to others
        make_dir(path(".freshet"), 0755);
        write_file(path(".freshet/.freshet-area"), "freshet quarantine 1\n");
      },
      [&] {  // another marker
        make_dir(path(".freshet"), 0700);
        write_file(path(".freshet/.freshet-area"), "other\n");
      },
      [&] {  // a marker that is a link
        make_dir(path(".freshet"), 0700);
        make_link("freshet quarantine 1\n", path(".freshet/.freshet-area"));
      }};
  for (std::size_t i = 0; i < strangers.size(); ++i) {
    strangers[i]();
    ready();
    const auto before = snapshot(root_, "");
    Plan plan(root_);
    plan.add("file");
    Broker broker(options_);
    broker.send(begin_of(wire::BrokerPhase::remove, &plan));
    broker.send(wire::Slots{plan.slots, true});
    EXPECT_EQ(broker.expect<wire::Failed>().code, kForeignArea) << i;
    EXPECT_EQ(broker.wait(), 1);
    EXPECT_TRUE(same(before, snapshot(root_, ""))) << i;
    remove_tree(path(".freshet"));
  }
}

TEST_P(Removing, AnAreaOfAnotherOwnerIsForeign) {
  if (::geteuid() != 0) GTEST_SKIP() << "only root can give a directory away";
  write_file(path("file"));
  ready();
  make_dir(path(".freshet"), 0700);
  write_file(path(".freshet/.freshet-area"), "freshet quarantine 1\n");
  ASSERT_EQ(::chown(path(".freshet").c_str(), kSomebody + 1, kSomebody + 1), 0);
  Plan plan(root_);
  plan.add("file");
  Broker broker(options_);
  broker.send(begin_of(wire::BrokerPhase::remove, &plan));
  broker.send(wire::Slots{plan.slots, true});
  EXPECT_EQ(broker.expect<wire::Failed>().code, kForeignArea);
}

TEST_P(Removing, AnEmptyAreaThatACrashLeftIsTakenOver) {
  write_file(path("file"));
  make_dir(path(".freshet"), 0700);
  ready();
  Plan plan(root_);
  plan.add("file");
  EXPECT_EQ(remove_plan(options_, plan).finished.units, 1U);
  EXPECT_EQ(read_file(path(".freshet/.freshet-area")), "freshet quarantine 1\n");
}

TEST_P(Removing, ATaskHasOneTableAndNoSecondRemoval) {
  write_file(path("file"));
  write_file(path("other"));
  ready();
  Plan plan(root_);
  plan.add("file");
  remove_plan(options_, plan);
  Plan again(root_);
  again.add("other");
  Broker broker(options_);
  broker.send(begin_of(wire::BrokerPhase::remove, &again));
  broker.send(wire::Slots{again.slots, true});
  const wire::Failed failed = broker.expect<wire::Failed>();
  EXPECT_EQ(failed.code, kAreaUnusable);
  EXPECT_EQ(failed.error_number, EEXIST);
  EXPECT_TRUE(exists(path("other")));
}

// A disk that is full before the first rename: nothing has moved.
TEST_P(Removing, ATableThatCannotBeWrittenStopsEverythingBeforeTheFirstEffect) {
  write_file(path("file"));
  ready();
  const auto before = snapshot(root_);
  Options options = options_;
  options.prepare = [] {
    const rlimit size{60, 60};
    ::signal(SIGXFSZ, SIG_IGN);
    ::setrlimit(RLIMIT_FSIZE, &size);
  };
  Plan plan(root_);
  plan.add("file");
  Broker broker(options);
  broker.send(begin_of(wire::BrokerPhase::remove, &plan));
  broker.send(wire::Slots{plan.slots, true});
  EXPECT_EQ(broker.expect<wire::Failed>().error_number, EFBIG);
  EXPECT_EQ(broker.wait(), 1);
  EXPECT_TRUE(same(before, snapshot(root_)));
}

}  // namespace
}  // namespace freshet::broker::test

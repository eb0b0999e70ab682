#include <fcntl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/unit/broker/broker_harness.h"

namespace freshet::broker::test {
namespace {

using wire::OutcomeCode;

// One area for two roots, outside of both, made by the manager.
class AreaAtTheTop : public testing::Test {
 protected:
  void SetUp() override {
    make_dir(top_);
    for (const char* name : {"/one", "/one/a", "/one/a/b", "/srv", "/srv/two", "/srv/two/whole"}) make_dir(top_ + name);
    for (const char* name : {"/one/top", "/one/a/file", "/one/a/b/deep", "/srv/two/same", "/srv/two/whole/x", "/one/kept"})
      write_file(top_ + name, name);
    age(top_);
    times_ = stat_of(top_);
    make_dir(top_ + "/.freshet", 0700);
    set_times_like(top_, times_);
    before_ = snapshot(top_);
    options_.roots = {top_ + "/one", top_ + "/srv/two"};
    options_.top = top_;
  }

  // Of both roots.
  Plan plan() {
    Plan out(options_.roots[0]);
    out.add("top").add_whole("a");
    Plan second(options_.roots[1], 1);
    second.add("same").add_whole("whole");
    const auto slots = static_cast<std::uint32_t>(out.slots.size());
    const std::uint64_t units = out.units.size();
    for (wire::Slot slot : second.slots) {
      slot.number += slots;
      out.slots.push_back(slot);
    }
    for (wire::Unit unit : second.units) {
      unit.slot += slots;
      unit.sequence += units;
      out.units.push_back(unit);
    }
    return out;
  }
  [[nodiscard]] bool top_has_its_times() const { return stat_of(top_).mtime_ns == times_.mtime_ns; }
  [[nodiscard]] std::string area(const std::string& below = "") const { return top_ + "/.freshet" + below; }

  TempDir dir_;
  std::string top_ = dir_.path() + "/top";
  Options options_;
  EntryStat times_;
  Snapshot before_;
};

TEST_F(AreaAtTheTop, TakesFromTwoRootsAndGivesBoth) {
  EXPECT_EQ(remove_plan(options_, plan()).finished.units, 4U);
  EXPECT_EQ(names_in(options_.roots[0]), (std::vector<std::string>{"kept"}));
  EXPECT_TRUE(names_in(options_.roots[1]).empty());
  EXPECT_TRUE(top_has_its_times());
  // Where each slot comes from can be read without knowing the roots.
  const std::string table = read_file(area("/web/r1/1/table"));
  EXPECT_NE(table.find(" one "), std::string::npos) << table;
  EXPECT_NE(table.find(" srv/two "), std::string::npos) << table;

  const RestoreResult result = restore(options_);
  EXPECT_TRUE(result.conflicts.empty());
  EXPECT_EQ(result.finished.units, 4U);
  EXPECT_TRUE(same(before_, snapshot(top_)));
  purge(options_, true, {0, 1});
  EXPECT_EQ(names_in(area()), (std::vector<std::string>{".freshet-area"})) << "kept, as asked";
  purge(options_, true);
  EXPECT_FALSE(exists(area()));
  EXPECT_TRUE(top_has_its_times());
}

TEST_F(AreaAtTheTop, KeepsWhatIsOfARootThatIsNotThere) {
  remove_plan(options_, plan());
  Options only_one = options_;
  only_one.roots.pop_back();
  const RestoreResult result = restore(only_one);
  EXPECT_EQ(result.finished.units, 2U);
  EXPECT_TRUE(result.conflicts.empty()) << "the manager has named the root";
  EXPECT_FALSE(exists(options_.roots[1] + "/same"));
  EXPECT_EQ(restore(options_).finished.units, 2U);
  EXPECT_TRUE(same(before_, snapshot(top_)));
}

TEST_F(AreaAtTheTop, IsPurgedAsAWholeAndAnotherTasksFolderStays) {
  remove_plan(options_, plan());
  make_dir(area("/other"), 0700);
  make_dir(area("/other/r2"), 0700);
  const wire::Finished purged = purge(options_);
  EXPECT_EQ(purged.left, 0U);
  EXPECT_EQ(names_in(area()), (std::vector<std::string>{".freshet-area", "other"}));
  EXPECT_TRUE(top_has_its_times());
}

TEST_F(AreaAtTheTop, IsClosedOffInARootThatIsTheTopItself) {
  options_.roots = {top_};
  Plan whole(top_);
  whole.add_whole("one");
  EXPECT_EQ(remove_plan(options_, whole).finished.units, 1U);
  EXPECT_TRUE(restore(options_).conflicts.empty());
  EXPECT_TRUE(same(before_, snapshot(top_)));
  purge(options_, true, {0});
  Plan hostile(top_);
  hostile.add(".freshet");
  Broker broker(options_);
  broker.send(begin_of(wire::BrokerPhase::remove, &hostile));
  broker.send(wire::Slots{hostile.slots, true});
  broker.expect<wire::SlotsReady>();
  broker.send(wire::Units{hostile.units});
  EXPECT_EQ(broker.expect<wire::Failed>().code, "F3003");
}

TEST_F(AreaAtTheTop, HasNoSlotForAnOriginWhosePathWithTheRootsOwnIsTooLong) {
  const std::string name(255, 'n');
  constexpr int kDepth = wire::kMaxPath / 256;
  const Fd deepest = make_chain(options_.roots[0], name, kDepth);
  const Fd file(::openat(deepest.get(), "file", O_WRONLY | O_CREAT | O_CLOEXEC, 0600));
  const auto origin = stat_entry(deepest.get(), "");
  const auto entry = stat_entry(deepest.get(), "file");
  ASSERT_TRUE(file && origin && entry);
  Plan plan(options_.roots[0]);
  std::string path = name;
  for (int level = 1; level < kDepth; ++level) path += "/" + name;
  plan.slots = {{1, 0, path, origin->identity.inode, origin->identity.birth_ns}};
  wire::Unit unit;
  unit.slot = 1;
  unit.name = "file";
  unit.identity = entry->identity;
  plan.units = {unit};
  const RemovalResult refused = remove_plan(options_, plan);
  EXPECT_EQ(refused.code(0), OutcomeCode::failed);
  EXPECT_EQ(refused.outcomes.at(0).error_number, ENAMETOOLONG);
  Options in_root = options_;
  in_root.top.clear();
  EXPECT_EQ(remove_plan(in_root, plan).code(0), OutcomeCode::removed) << "the control";
  EXPECT_EQ(restore(in_root).finished.units, 1U);
}

TEST_F(AreaAtTheTop, OnAnotherMountEndsTheBroker) {
  if (const std::string why = cannot_mount(); !why.empty()) GTEST_SKIP() << why;
  in_own_mount_namespace([&] {
    const std::string& root = options_.roots[0];
    ASSERT_EQ(::mount(root.c_str(), root.c_str(), nullptr, MS_BIND, nullptr), 0);
    Broker broker(options_);
    EXPECT_EQ(broker.expect<wire::Failed>().code, "F3005") << "one file system, two mounts: renames would fail";
  });
}

TEST_F(AreaAtTheTop, IsTriedByRenamesOutOfTheRoot) {
  const std::string leftover = options_.roots[0] + "/.freshet-0";
  make_dir(leftover, 0700);
  write_file(leftover + "/file");
  set_times_like(options_.roots[0], times_);
  const EntryStat root = stat_of(options_.roots[0]);
  Broker broker(options_);
  broker.send(begin_of(wire::BrokerPhase::trial));
  broker.send(wire::Trial{});
  EXPECT_EQ(broker.expect<wire::Finished>().units, 6U);
  EXPECT_EQ(names_in(options_.roots[0]), (std::vector<std::string>{"a", "kept", "top"})) << "what was left of an earlier trial is swept";
  EXPECT_EQ(stat_of(options_.roots[0]).mtime_ns, root.mtime_ns);
  EXPECT_EQ(names_in(area()), (std::vector<std::string>{".freshet-area"}));
  EXPECT_TRUE(top_has_its_times());
}

TEST_F(AreaAtTheTop, IsNotTriedOverSomebodyElsesEntry) {
  write_file(options_.roots[0] + "/.freshet-0", "precious");
  Broker broker(options_);
  broker.send(begin_of(wire::BrokerPhase::trial));
  broker.send(wire::Trial{});
  EXPECT_EQ(broker.expect<wire::Failed>().code, "F3006");
  EXPECT_EQ(read_file(options_.roots[0] + "/.freshet-0"), "precious");
}

}  // namespace
}  // namespace freshet::broker::test

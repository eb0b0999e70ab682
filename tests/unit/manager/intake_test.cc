#include "runtime/manager/intake.h"

#include <gtest/gtest.h>

#include "runtime/manager/directory_table.h"
#include "runtime/manager/plan_files.h"
#include "tests/unit/manager/temp_dir.h"

namespace freshet {
namespace {

// A worker played by the test: what a hostile one may say, and what becomes of it.
class IntakeTest : public ::testing::Test {
 public:
  IntakeTest() {
    roots_.resize(1);
    roots_[0].config.path = "/root";
    roots_[0].config.exclude = {"/root/live"};
    roots_[0].dev = 7;
    roots_[0].identity.inode = 100;
    task_.shown.name = "t";
    task_.shown.roots.resize(1);
    PlanRoot root;
    root.config = roots_[0].config;
    root.area = ".freshet";
    task_.roots.push_back(root);
    Intake::Inputs inputs;
    inputs.task = &task_;
    inputs.roots = &roots_;
    inputs.taken = &taken_;
    inputs.task_names = &names_;
    inputs.now_ns = 1'000'000;
    inputs.plan_dir = dir_.path();
    intake_ = std::move(*Intake::create(inputs));
  }

  template <class E>
  IntakeTest& say(const E& event) {
    packet_.push_back(static_cast<std::uint8_t>(E::kEvent));
    wire::Encoder encoder(packet_);
    visit(encoder, event);
    return *this;
  }
  // Sends what was said; "" when it was accepted, else what it was ended for.
  std::string send() {
    std::string bytes(1, static_cast<char>(wire::MessageType::events));
    bytes.append(packet_.begin(), packet_.end());
    packet_.clear();
    const Status taken = intake_->take(bytes);
    return taken ? "" : taken.error().what;
  }
  static wire::DirectoryEvent directory(std::uint32_t id, std::uint32_t parent, std::string_view name, std::uint64_t inode) {
    wire::DirectoryEvent out;
    out.id = id;
    out.parent = parent;
    out.name = name;
    out.inode = inode;
    return out;
  }
  static wire::DirectoryEvent root() { return directory(0, wire::kNoDirectory, "", 100); }
  static wire::FindingEvent finding(std::uint32_t in, std::string_view name, EntryType type = EntryType::file) {
    wire::FindingEvent out;
    out.directory = in;
    out.name = name;
    out.identity.inode = 500 + name.size();
    out.identity.type = type;
    out.reason = "old";
    return out;
  }

  TempDir dir_;
  TaskPlan task_;
  std::vector<channel::OpenRoot> roots_;
  TakenEntries taken_;
  std::vector<std::string> names_{"t", "other"};
  std::unique_ptr<Intake> intake_;
  std::vector<std::uint8_t> packet_;
};

// A task may open a directory again while it still has it open.
TEST_F(IntakeTest, ADirectoryThatIsListedTwiceCountsOnceAndIsWholeWhenBothSawTheSame) {
  ASSERT_EQ(say(root()).say(directory(1, 0, "same", 7)).say(directory(2, 0, "same", 7)).say(directory(3, 0, "grown", 8))
                .say(directory(4, 0, "grown", 8)).send(), "");
  ASSERT_EQ(say(wire::DirectoryEndEvent{2, 3, true}).say(wire::DirectoryEndEvent{1, 3, true}).send(), "");
  ASSERT_EQ(say(wire::DirectoryEndEvent{4, 5, true}).say(wire::DirectoryEndEvent{3, 4, true}).send(), "");
  EXPECT_EQ(task_.shown.roots[0].scanned, 8U);
  ASSERT_TRUE(intake_->finish());
  const auto table = DirectoryTable::load(directories_file(dir_.path(), 0), 1);
  ASSERT_TRUE(table);
  EXPECT_EQ(table->node(1).seen, 3U);
  EXPECT_TRUE(table->node(1).complete);
  EXPECT_FALSE(table->node(2).complete) << "somebody is at work there";
}

TEST_F(IntakeTest, AnHonestScanIsAccepted) {
  EXPECT_EQ(say(root()).say(finding(0, "a")).say(wire::DirectoryEndEvent{0, 4, true}).send(), "");
  EXPECT_EQ(intake_->accepted(), 1U);
  EXPECT_EQ(task_.shown.roots[0].scanned, 4U);
  EXPECT_TRUE(intake_->finish());
}

TEST_F(IntakeTest, NamesThatAreNoNamesEndTheWorker) {
  ASSERT_EQ(say(root()).send(), "");
  for (const std::string_view name : {"", ".", "..", "a/b", "../x"}) EXPECT_NE(say(finding(0, name)).send(), "") << name;
  EXPECT_NE(say(finding(0, std::string_view("a\0b", 3))).send(), "");
  EXPECT_EQ(say(finding(0, "new\nline")).send(), "");
}

TEST_F(IntakeTest, DirectoriesOutOfNowhereEndTheWorker) {
  EXPECT_NE(say(finding(0, "a")).send(), "");
  EXPECT_NE(say(directory(3, wire::kNoDirectory, "", 100)).send(), "");
  EXPECT_NE(say(directory(0, wire::kNoDirectory, "", 101)).send(), "") << "another inode as the root";
  wire::DirectoryEvent foreign = root();
  foreign.root = 1;
  EXPECT_NE(say(foreign).send(), "");
  ASSERT_EQ(say(root()).send(), "");
  EXPECT_NE(say(directory(1, 5, "x", 1)).send(), "");
  EXPECT_NE(say(wire::DirectoryEndEvent{9, 1, true}).send(), "");
}

// Floors are judged by the one, the broker compares the other.
TEST_F(IntakeTest, AnEntryHasOneTime) {
  wire::FindingEvent forged = finding(0, "a");
  forged.identity.mtime_ns = 900'000;
  forged.mtime_ns = 1;
  EXPECT_NE(say(root()).say(forged).send(), "");
}

// What somebody can send in minutes at little cost to himself must not stay in the manager's memory.
TEST_F(IntakeTest, TheSameDirectoryIsNotOpenedWithoutEnd) {
  ASSERT_EQ(say(root()).send(), "");
  std::string end;
  for (std::uint32_t id = 1; end.empty() && id < 9'000'000;) {
    for (int i = 0; i < 1000; ++i) say(directory(id++, 0, "a", 7));
    end = send();
  }
  EXPECT_NE(end.find("more than 8,000,000 times"), std::string::npos) << end;
}

TEST_F(IntakeTest, NamesOfDirectoriesDoNotFillTheMemory) {
  ASSERT_EQ(say(root()).send(), "");
  std::string end;
  std::string name(255, 'n');
  for (std::uint32_t id = 1; end.empty() && id < 2'000'000;) {
    for (int i = 0; i < 100; ++i) {
      name.replace(0, 8, std::to_string(10'000'000 + id));
      say(directory(id, 0, name, id));
      ++id;
    }
    end = send();
  }
  EXPECT_NE(end.find("128 MiB"), std::string::npos) << end;
}

TEST_F(IntakeTest, ReasonsThatDoNotCompressDoNotFillTheDisk) {
  task_.permission.budget.entries = 1000;
  ASSERT_EQ(say(root()).send(), "");
  std::string end;
  std::uint64_t state = 88172645463325252ULL;
  for (std::uint64_t n = 0; end.empty() && n < 1'000'000;) {
    for (int i = 0; i < 80; ++i) {
      std::string reason(wire::kMaxReason, 0);
      for (char& c : reason) {
        state ^= state << 13, state ^= state >> 7, state ^= state << 17;
        c = static_cast<char>(' ' + state % 95);
      }
      const std::string name = std::to_string(n++);
      wire::FindingEvent forged = finding(0, name);
      forged.reason = reason;
      say(forged);
    }
    end = send();
  }
  EXPECT_NE(end.find("in the plan"), std::string::npos) << end;
}

TEST_F(IntakeTest, APathLongerThanAnyThatIsSentOnEndsTheWorker) {
  ASSERT_EQ(say(root()).send(), "");
  const std::string name(255, 'n');
  std::uint32_t id = 1;
  for (; id <= wire::kMaxPath / 256; ++id) ASSERT_EQ(say(directory(id, id - 1, name, 1000 + id)).send(), "") << id;
  EXPECT_NE(say(directory(id, id - 1, name, 1000 + id)).send(), "");
}

TEST_F(IntakeTest, QuarantinesOfOthersAreLeftAlone) {
  ASSERT_EQ(say(root()).say(directory(1, 0, "a", 7)).send(), "");
  ASSERT_EQ(say(finding(1, ".freshet-1000", EntryType::directory)).say(finding(1, ".freshet-notes", EntryType::directory)).send(), "");
  EXPECT_EQ(intake_->accepted(), 1U);
  EXPECT_EQ(task_.shown.kept.at("a quarantine"), 1U);
  EXPECT_NE(say(directory(2, 1, ".freshet-1000-2", 8)).send(), "");
}

TEST_F(IntakeTest, OnlyAGuardKeepsAndItDoesNothingElse) {
  EXPECT_NE(say(wire::KeepEvent{0, "x"}).send(), "") << "it is no guard";
  ASSERT_EQ(say(root()).say(finding(0, "a")).say(finding(0, "b")).say(wire::DirectoryEndEvent{0, 2, true}).send(), "");
  ASSERT_TRUE(intake_->finish());

  TaskPlan guard;
  guard.number = 1;
  guard.shown.name = "g";
  guard.shown.roots.resize(1);
  guard.roots = task_.roots;
  JudgedEntries judged({&task_}, guard, dir_.path());
  std::vector<wire::PlannedEntry> shown;
  ASSERT_TRUE(judged.show([&](const wire::Planned& part) {
    shown.insert(shown.end(), part.entries.begin(), part.entries.end());
    return true;
  }));
  ASSERT_EQ(shown.size(), 2U);
  EXPECT_EQ(shown[1].name, "b");
  EXPECT_EQ(shown[1].directory, "");
  EXPECT_EQ(shown[1].task, "t");
  EXPECT_EQ(shown[1].reason, "old");

  Intake::Inputs inputs;
  inputs.task = &guard;
  inputs.roots = &roots_;
  inputs.taken = &taken_;
  inputs.task_names = &names_;
  inputs.plan_dir = dir_.path();
  inputs.judged = &judged;
  intake_ = std::move(*Intake::create(inputs));
  ASSERT_EQ(say(root()).send(), "");
  EXPECT_NE(say(finding(0, "c")).send(), "") << "a guard proposed something";
  EXPECT_NE(say(wire::KeepEvent{2, "x"}).send(), "") << "beyond what it was shown";
  EXPECT_NE(say(wire::KeepEvent{1, "\xff"}).send(), "") << "not UTF-8";
  EXPECT_EQ(task_.vetoed, std::vector<std::uint64_t>());
  EXPECT_EQ(say(wire::KeepEvent{1, "mine"}).say(wire::KeepEvent{1, "again"}).send(), "");
  EXPECT_EQ(task_.vetoed, std::vector<std::uint64_t>{1});
  EXPECT_EQ(task_.shown.kept, (std::map<std::string, std::uint64_t>{{"kept by g: mine", 1}}));
  EXPECT_EQ(judged.kept(), 1U);
}

// It cannot judge what it may not see.
TEST_F(IntakeTest, WhatLiesBelowNoRootOfTheGuardStays) {
  ASSERT_EQ(say(root()).say(finding(0, "a")).send(), "");
  ASSERT_TRUE(intake_->finish());
  TaskPlan guard;
  guard.shown.name = "g";
  JudgedEntries judged({&task_}, guard, dir_.path());
  ASSERT_TRUE(judged.show([](const wire::Planned&) { ADD_FAILURE(); return true; }));
  EXPECT_EQ(task_.vetoed, std::vector<std::uint64_t>{0});
}

TEST_F(IntakeTest, TheQuarantineAndExcludedPlacesCannotBeProposed) {
  ASSERT_EQ(say(root()).send(), "");
  EXPECT_NE(say(finding(0, ".freshet", EntryType::directory)).send(), "");
  EXPECT_NE(say(finding(0, "live", EntryType::directory)).send(), "");
  EXPECT_NE(say(directory(1, 0, "live", 7)).send(), "");
  EXPECT_NE(say(directory(1, 0, ".freshet", 8)).send(), "");
}

TEST_F(IntakeTest, RepeatedFindingsAreDroppedAndCounted) {
  ASSERT_EQ(say(root()).say(finding(0, "a")).say(finding(0, "a")).say(finding(0, "a")).send(), "");
  EXPECT_EQ(intake_->accepted(), 1U);
  EXPECT_EQ(task_.shown.repeated, 2U);
}

TEST_F(IntakeTest, WhatAnEarlierTaskTookStaysItsOwn) {
  taken_.by_task.emplace(taken_.key(7, 100, "a"), 1);
  ASSERT_EQ(say(root()).say(finding(0, "a")).send(), "");
  EXPECT_EQ(intake_->accepted(), 0U);
  EXPECT_EQ(task_.shown.kept.at("taken by other"), 1U);
}

TEST_F(IntakeTest, DeviceNodesAreKept) {
  ASSERT_EQ(say(root()).say(finding(0, "a", EntryType::block_device)).send(), "");
  EXPECT_EQ(task_.shown.kept.at("a device node"), 1U);
}

TEST_F(IntakeTest, TheFloorOfAgeCannotBeUndercut) {
  task_.permission.floors.min_age_ns = 1000;
  wire::FindingEvent young = finding(0, "young");
  young.mtime_ns = young.identity.mtime_ns = 999'500;
  wire::FindingEvent old = finding(0, "older");
  old.mtime_ns = old.identity.mtime_ns = 900'000;
  ASSERT_EQ(say(root()).say(young).say(old).send(), "");
  EXPECT_EQ(intake_->accepted(), 1U);
}

TEST_F(IntakeTest, PinsHoldForAllBelowThem) {
  task_.permission.floors.pins = {"/root/keep"};
  ASSERT_EQ(say(root()).say(directory(1, 0, "keep", 4)).say(finding(1, "x")).say(finding(0, "keep", EntryType::directory)).send(), "");
  EXPECT_EQ(intake_->accepted(), 0U);
  EXPECT_EQ(task_.shown.kept.at("pinned"), 2U);
}

// ---- what goes all or not at all ----

constexpr wire::TogetherEvent kBegin{wire::TogetherStep::begin};
constexpr wire::TogetherEvent kCommit{wire::TogetherStep::commit};
constexpr wire::TogetherEvent kAbandon{wire::TogetherStep::abandon};

TEST_F(IntakeTest, AWholeStandsAsItWasProposed) {
  ASSERT_EQ(say(root()).say(finding(0, "before")).say(kBegin).say(finding(0, "a")).say(finding(0, "bb")).say(kCommit).send(), "");
  EXPECT_EQ(intake_->accepted(), 3U);
  EXPECT_EQ(task_.dropped, std::vector<std::uint64_t>{});
  EXPECT_EQ(task_.wholes, 1U);
}

TEST_F(IntakeTest, WhereOneEntryStaysTheWholeStays) {
  task_.permission.floors.pins = {"/root/pinned"};
  ASSERT_EQ(say(root()).say(finding(0, "before")).say(kBegin).say(finding(0, "a")).say(finding(0, "pinned")).say(finding(0, "ccc"))
                .say(kCommit).say(finding(0, "after")).send(), "");
  EXPECT_EQ(intake_->accepted(), 2U);
  EXPECT_EQ(task_.dropped, std::vector<std::uint64_t>{1});
  EXPECT_EQ(task_.shown.kept.at("pinned"), 1U);
  EXPECT_EQ(task_.shown.kept.at("belongs to a whole in which something stays (pinned)"), 2U);
}

TEST_F(IntakeTest, WhatIsWithdrawnIsNobodysAndMayBeProposedAgain) {
  ASSERT_EQ(say(root()).say(kBegin).say(finding(0, "a")).say(kAbandon).send(), "");
  EXPECT_EQ(intake_->accepted(), 0U);
  EXPECT_EQ(task_.dropped, std::vector<std::uint64_t>{0});
  EXPECT_TRUE(taken_.by_task.empty());
  EXPECT_TRUE(task_.shown.kept.empty());
  ASSERT_EQ(say(finding(0, "a")).send(), "");
  EXPECT_EQ(intake_->accepted(), 1U);
  EXPECT_EQ(task_.shown.repeated, 0U);
}

TEST_F(IntakeTest, WhatAScanLeavesOpenIsWithdrawn) {
  ASSERT_EQ(say(root()).say(kBegin).say(finding(0, "a")).send(), "");
  ASSERT_TRUE(intake_->finish());
  EXPECT_EQ(intake_->accepted(), 0U);
  EXPECT_EQ(task_.dropped, std::vector<std::uint64_t>{0});
}

TEST_F(IntakeTest, WholesOutOfOrderEndTheWorker) {
  ASSERT_EQ(say(root()).send(), "");
  EXPECT_NE(say(kCommit).send(), "");
  EXPECT_NE(say(kAbandon).send(), "");
  EXPECT_NE(say(wire::NeededEvent{0, "a", 5}).send(), "") << "outside of a whole";
  ASSERT_EQ(say(kBegin).send(), "");
  EXPECT_NE(say(kBegin).send(), "");
  EXPECT_NE(say(wire::NeededEvent{4, "a", 5}).send(), "");
  EXPECT_NE(say(wire::NeededEvent{0, "../a", 5}).send(), "");
}

TEST_F(IntakeTest, WithdrawingMakesNoRoomForMore) {
  task_.permission.budget.entries = 0;
  std::string last;
  for (int i = 0; i < 1000 && last.empty(); ++i) {
    if (i == 0) say(root());
    say(kBegin);
    for (int k = 0; k < 2000; ++k) say(finding(0, "n" + std::to_string(k)));
    say(kAbandon);
    last = send();
  }
  EXPECT_NE(last.find("over its budget"), std::string::npos) << last;
}

TEST_F(IntakeTest, SizesThatWouldWrapASumEndTheWorker) {
  wire::FindingEvent most = finding(0, "a");
  most.allocated = most.cost_bytes = 1ULL << 53;
  ASSERT_EQ(say(root()).say(most).send(), "");
  wire::FindingEvent one = finding(0, "b");
  one.allocated = 1;
  one.cost_bytes = 0;
  EXPECT_NE(say(one).send(), "");
  one.allocated = 0;
  one.cost_bytes = ~0ULL;
  EXPECT_NE(say(one).send(), "");
  one.cost_bytes = 0;
  EXPECT_EQ(say(one).send(), "");
}

TEST_F(IntakeTest, EveryTruncatedPacketIsRefusedOrTakesOnlyWholeEvents) {
  say(root()).say(finding(0, "a")).say(wire::DirectoryEndEvent{0, 4, true});
  std::string whole(1, static_cast<char>(wire::MessageType::events));
  whole.append(packet_.begin(), packet_.end());
  int accepted = 0;
  for (std::size_t length = 0; length < whole.size(); ++length) {
    TaskPlan task = task_;
    Intake::Inputs inputs;
    inputs.task = &task;
    inputs.roots = &roots_;
    TakenEntries taken;
    inputs.taken = &taken;
    inputs.task_names = &names_;
    inputs.plan_dir = dir_.path();
    auto intake = std::move(*Intake::create(inputs));
    if (intake->take(std::string_view(whole).substr(0, length))) ++accepted;
  }
  EXPECT_EQ(accepted, 3) << "the empty packet and the two that end on an event's border";
}

}  // namespace
}  // namespace freshet

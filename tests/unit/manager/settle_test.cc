#include "runtime/manager/settle.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>
#include <map>
#include <set>

#include "runtime/manager/directory_table.h"
#include "runtime/manager/entry_file.h"
#include "runtime/manager/open_roots.h"
#include "tests/unit/manager/temp_dir.h"

namespace freshet {
namespace {

// A plan of one task: root/{a, b, t/{x, y}}, each entry proposed by name, in the order of the calls.
class Settle : public testing::Test {
 public:
  Settle() {
    root_ = table_.add({.inode = 1, .seen = 3, .complete = true}, "");
    tree_ = table_.add({.parent = root_, .inode = 2, .seen = 2, .complete = true}, "t");
    task_.roots.resize(1);
    task_.shown.roots.resize(1);
    task_.shown.roots[0].path = "/r";
    task_.permission.quarantine_mode = config::QuarantineMode::keep;
    task_.permission.budget.share = 1.0;
    task_.shown.state = TaskState::planned;
    writer_ = std::move(*EntryWriter::create(entries_file(dir_.path(), 0)));
  }

  PlanEntry entry(std::uint32_t directory, const char* name, std::uint32_t whole) {
    PlanEntry out;
    out.directory = directory;
    out.name = name;
    out.identity.inode = directory == root_ && std::string_view(name) == "t" ? 2 : ++inode_;
    out.identity.type = out.identity.inode == 2 ? EntryType::directory : EntryType::file;
    out.mtime_ns = 100;
    out.allocated = 10;
    out.whole = whole;
    task_.wholes = std::max(task_.wholes, whole);
    return out;
  }
  Settle& say(const PlanEntry& entry) {
    if (entry.kind == wire::FindingKind::orphan) ++task_.orphans;
    EXPECT_TRUE(writer_->add(entry));
    names_.emplace_back(entry.name);
    return *this;
  }
  Settle& a(std::uint32_t whole = 0) { return say(entry(root_, "a", whole)); }
  Settle& b(std::uint32_t whole = 0) { return say(entry(root_, "b", whole)); }
  Settle& x(std::uint32_t whole) { return say(entry(tree_, "x", whole)); }
  Settle& y(std::uint32_t whole) { return say(entry(tree_, "y", whole)); }
  Settle& t(std::uint32_t whole) { return say(entry(root_, "t", whole)); }

  // The names of the entries that go.
  std::set<std::string> settled() {
    EXPECT_TRUE(writer_->finish());
    EXPECT_TRUE(table_.save(directories_file(dir_.path(), 0)));
    const Status done = settle_plan(task_, dir_.path(), 0);
    EXPECT_TRUE(done) << (done ? "" : done.error().what);
    std::set<std::string> out(names_.begin(), names_.end());
    for (const std::uint64_t ordinal : task_.dropped) out.erase(names_[ordinal]);
    EXPECT_EQ(task_.shown.entries, out.size());
    return out;
  }

  TempDir dir_;
  TaskPlan task_;
  DirectoryTable table_;
  std::uint32_t root_ = 0, tree_ = 0;
  std::uint64_t inode_ = 10;
  std::unique_ptr<EntryWriter> writer_;
  std::vector<std::string> names_;
};

using Names = std::set<std::string>;

TEST_F(Settle, AWholeThatMayGoGoes) {
  x(1).y(1).t(1).a();
  EXPECT_EQ(settled(), (Names{"x", "y", "t", "a"}));
  EXPECT_EQ(task_.shown.units, 2U);
}

TEST_F(Settle, AWholeWithAnEntryThatNobodyProposedStays) {
  x(1).t(1).a();
  EXPECT_EQ(settled(), Names{"a"}) << "y keeps t, and t keeps x";
  EXPECT_EQ(task_.shown.kept.at("belongs to a whole in which something stays"), 2U);
}

TEST_F(Settle, WithoutTheWholeItsEntriesWouldGoAlone) {
  x(0).a();
  EXPECT_EQ(settled(), (Names{"x", "a"}));
}

// Judged by what is there.
class SettleFloors : public Settle {
 public:
  SettleFloors() {
    config::RootConfig place;
    place.path = dir_ / "r";
    std::filesystem::create_directories(dir_ / "r/t");
    auto root = open_root(place);
    task_.roots[0] = *describe_root(*root, 0, config::QuarantineAt::in_root);
    stable_ = root->stable_birth;
    task_.permission.floors.keep_newest = 1;
  }
  PlanEntry made(std::uint32_t directory, const char* name, std::int64_t seconds, std::uint32_t whole = 0) {
    const std::string path = dir_ / ((directory == tree_ ? "r/t/" : "r/") + std::string(name));
    std::ofstream(path) << name;
    const timespec times[2] = {{seconds, 0}, {seconds, 0}};
    EXPECT_EQ(::utimensat(AT_FDCWD, path.c_str(), times, 0), 0);
    PlanEntry out = entry(directory, name, whole);
    out.identity = stat_entry(AT_FDCWD, path.c_str(), stable_)->identity;
    out.mtime_ns = out.identity.mtime_ns;
    return out;
  }
  bool stable_ = true;
};

TEST_F(SettleFloors, OneThatKeepsOneEntryKeepsTheWhole) {
  say(made(tree_, "x", 1000, 1)).say(made(tree_, "y", 2000, 1)).t(1);
  EXPECT_EQ(settled(), Names{});
}

TEST_F(SettleFloors, WhatIsNotThereIsNotOneOfTheNewest) {
  PlanEntry made_up = entry(root_, "c", 0);
  made_up.mtime_ns = made_up.identity.mtime_ns = 9'000'000'000'000'000;
  PlanEntry another = made(root_, "b", 2000);
  another.identity.inode += 1;  // and newer than it is
  another.mtime_ns = another.identity.mtime_ns = 9'000'000'000'000'000;
  say(made(root_, "a", 1000)).say(another).say(made_up).say(made(root_, "d", 3000));
  EXPECT_EQ(settled(), (Names{"a", "b", "c"})) << "what is not as it was said to be is the broker's to refuse";
}

TEST_F(SettleFloors, WhatCannotBeLookedAtStays) {
  std::filesystem::remove(dir_ / "r/t");
  x(0).a();
  EXPECT_EQ(settled(), Names{"a"});
}

TEST_F(Settle, AWholeIsTrimmedAsOne) {
  task_.permission.budget.over = config::OverBudget::trim;
  task_.permission.budget.entries = 2;
  x(1).y(1).t(1).a().b();
  EXPECT_EQ(settled(), (Names{"a", "b"}));
}

TEST_F(Settle, AWholeIsAsYoungAsItsNewestEntryWhenItIsTrimmed) {
  task_.permission.budget.over = config::OverBudget::trim;
  task_.permission.budget.entries = 3;
  PlanEntry young = entry(tree_, "y", 1);
  young.mtime_ns = 500;
  x(1).say(young).t(1).a();
  EXPECT_EQ(settled(), Names{"a"});
}

TEST_F(Settle, WhatKeepsAnotherWholeIsFoundInTheSecondLook) {
  // a belongs to the tree's whole and is dropped with it; b to another that is not concerned.
  x(1).t(1).a(1).b(2);
  EXPECT_EQ(settled(), Names{"b"});
}

TEST_F(Settle, OrphansStayWhereNotEverythingWasRead) {
  PlanEntry orphan = entry(root_, "a", 0);
  orphan.kind = wire::FindingKind::orphan;
  task_.saw_everything = false;
  say(orphan).b();
  EXPECT_EQ(settled(), Names{"b"});
  EXPECT_EQ(task_.shown.kept.at("perhaps no orphan: not everything was seen"), 1U);
}

TEST_F(Settle, AWholeWithAnUnprovedOrphanStays) {
  PlanEntry orphan = entry(root_, "a", 1);
  orphan.kind = wire::FindingKind::orphan;
  task_.saw_everything = false;
  say(orphan).b(1);
  EXPECT_EQ(settled(), Names{});
}

TEST_F(Settle, OrphansGoWhereEverythingWasRead) {
  PlanEntry orphan = entry(root_, "a", 0);
  orphan.kind = wire::FindingKind::orphan;
  say(orphan);
  EXPECT_EQ(settled(), Names{"a"});
}

TEST_F(Settle, WhatWasWithdrawnIsNotThere) {
  a(1).b();
  task_.dropped = {0};
  EXPECT_EQ(settled(), Names{"b"});
}

}  // namespace
}  // namespace freshet

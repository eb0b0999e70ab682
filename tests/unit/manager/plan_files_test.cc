#include <gtest/gtest.h>

#include <fstream>

#include "runtime/manager/entry_file.h"
#include "runtime/manager/directory_table.h"
#include "runtime/manager/outcome_log.h"
#include "runtime/manager/plan_container.h"
#include "runtime/manager/plan_files.h"
#include "tests/unit/manager/temp_dir.h"

namespace freshet {
namespace {

PlanEntry entry_named(const std::string& name, std::uint32_t directory, std::uint64_t inode) {
  PlanEntry entry;
  entry.directory = directory;
  entry.name = name;
  entry.identity = {inode, 5, EntryType::file, 1000, 77};
  entry.mtime_ns = 1000;
  entry.allocated = 4096;
  entry.reason = "mtime 41 d, limit 30 d";
  return entry;
}

void write_entries(const std::string& file, int count) {
  auto writer = EntryWriter::create(file);
  ASSERT_TRUE(writer);
  for (int i = 0; i < count; ++i)
    ASSERT_TRUE((*writer)->add(entry_named("file" + std::to_string(i), 0, static_cast<std::uint64_t>(i))));
  ASSERT_TRUE((*writer)->finish());
}

// Reads all; the number of entries, or -1 when the file was refused.
int count_entries(const std::string& file) {
  auto reader = EntryReader::open(file, 1);
  if (!reader) return -1;
  PlanEntry entry;
  for (int count = 0;; ++count) {
    const Result<bool> more = (*reader)->next(entry);
    if (!more) return -1;
    if (!*more) return count;
    EXPECT_EQ(entry.name, "file" + std::to_string(count));
    EXPECT_EQ(entry.identity.inode, static_cast<std::uint64_t>(count));
  }
}

TEST(EntryFile, WhatIsWrittenIsReadBackInOrder) {
  const TempDir dir;
  for (const int count : {0, 1, 10'000}) {
    write_entries(dir / "e", count);
    EXPECT_EQ(count_entries(dir / "e"), count);
  }
}

TEST(EntryFile, EveryTruncationIsRefused) {
  const TempDir dir;
  write_entries(dir / "e", 300);
  const std::string whole = *read_whole_file(dir / "e", 1U << 24);
  for (std::size_t length = 1; length < whole.size(); length += 7) {
    ASSERT_TRUE(write_whole_file(dir / "cut", std::string_view(whole).substr(0, length)));
    EXPECT_EQ(count_entries(dir / "cut"), -1) << length;
  }
}

TEST(EntryFile, AFlippedByteIsRefusedOrChangesNothing) {
  const TempDir dir;
  write_entries(dir / "e", 300);
  const std::string whole = *read_whole_file(dir / "e", 1U << 24);
  for (std::size_t at = 0; at < whole.size(); at += 3) {
    std::string bad = whole;
    bad[at] = static_cast<char>(bad[at] ^ 0x10);
    ASSERT_TRUE(write_whole_file(dir / "bad", bad));
    auto reader = EntryReader::open(dir / "bad", 1);
    ASSERT_TRUE(reader);
    PlanEntry entry;
    Result<bool> more = (*reader)->next(entry);
    int count = 0;
    for (; more && *more; more = (*reader)->next(entry)) {
      // The format has bits without a meaning: what is read in spite of a flipped one is what was written.
      EXPECT_EQ(entry.name, "file" + std::to_string(count)) << at;
      EXPECT_EQ(entry.identity.inode, static_cast<std::uint64_t>(count)) << at;
      EXPECT_EQ(entry.reason, "mtime 41 d, limit 30 d") << at;
      ++count;
    }
    EXPECT_TRUE(!more || count == 300) << at;
  }
}

TEST(DirectoryTable, PathsAndNodesSurviveTheFile) {
  const TempDir dir;
  DirectoryTable table;
  const auto root = table.add({.root = 1, .inode = 10}, "");
  const auto a = table.add({.parent = root, .root = 1, .inode = 11, .seen = 3, .complete = true}, "a\n");
  const auto b = table.add({.parent = a, .root = 1, .inode = 12}, std::string(255, 'b'));
  ASSERT_TRUE(table.save(dir / "d"));
  const Result<DirectoryTable> back = DirectoryTable::load(dir / "d", 2);
  ASSERT_TRUE(back);
  ASSERT_EQ(back->size(), 3U);
  EXPECT_EQ(back->path(root), "");
  EXPECT_EQ(back->path(b), "a\n/" + std::string(255, 'b'));
  EXPECT_EQ(back->path_length(b), back->path(b).size());
  EXPECT_EQ(back->node(a).seen, 3U);
  EXPECT_TRUE(back->node(a).complete);
  EXPECT_EQ(back->node(b).depth, 2U);
}

TEST(DirectoryTable, EveryTruncationAndAForeignRootAreRefused) {
  const TempDir dir;
  DirectoryTable table;
  const auto root = table.add({.root = 1, .inode = 10}, "");
  table.add({.parent = root, .root = 1, .inode = 11}, "name");
  ASSERT_TRUE(table.save(dir / "d"));
  EXPECT_FALSE(DirectoryTable::load(dir / "d", 1));
  const std::string whole = *read_whole_file(dir / "d", 1U << 20);
  for (std::size_t length = 0; length < whole.size(); ++length) {
    ASSERT_TRUE(write_whole_file(dir / "cut", std::string_view(whole).substr(0, length)));
    EXPECT_FALSE(DirectoryTable::load(dir / "cut", 2)) << length;
  }
}

TEST(OutcomeLog, SurvivesTheFileAndRefusesEveryTruncation) {
  const TempDir dir;
  OutcomeLog log;
  log.complete = true;
  log.not_removed = {{3, wire::OutcomeCode::gone}, {9, wire::OutcomeCode::denied}};
  log.expanded = {4};
  log.slot_of = {0, 1, 2};
  ASSERT_TRUE(log.save(dir / "o"));
  const Result<OutcomeLog> back = OutcomeLog::load(dir / "o");
  ASSERT_TRUE(back);
  EXPECT_EQ(back->not_removed, log.not_removed);
  EXPECT_EQ(back->expanded, log.expanded);
  EXPECT_EQ(back->slot_of, log.slot_of);
  EXPECT_TRUE(back->complete);
  const std::string whole = *read_whole_file(dir / "o", 1U << 20);
  for (std::size_t length = 0; length < whole.size(); ++length) {
    ASSERT_TRUE(write_whole_file(dir / "cut", std::string_view(whole).substr(0, length)));
    EXPECT_FALSE(OutcomeLog::load(dir / "cut")) << length;
  }
}

Plan small_plan() {
  Plan plan;
  plan.id = "20261124-000000-abcdef";
  plan.made_ns = 42;
  TaskPlan task;
  task.shown.name = "t";
  task.shown.channel = "c";
  task.shown.state = TaskState::admitted;
  task.shown.kept["in use"] = 2;
  task.shown.kept_examples.push_back({"/r/odd\xff", "in use"});
  task.plugin_file = "/p\n.so";
  task.permission.budget.bytes = 5;
  task.permission.floors.hours = {60, 120};
  PlanRoot root;
  root.config.path = "/r\xff";
  root.config.exclude = {"/r\xff/x"};
  root.area = ".freshet";
  root.inode = 99;
  root.fsid = ~0ULL;
  task.roots.push_back(root);
  task.shown.roots.push_back({.path = "/r\xff", .scanned = 9, .entries = 1, .bytes = 3, .oldest_mtime_ns = -5,
                              .largest = {{"/r\xff/d", 1, 3}}});
  task.key = TreeDigest::random_key();
  task.dropped = {1, 5};
  plan.tasks.push_back(task);
  return plan;
}

TEST(PlanJson, EveryFieldSurvives) {
  const Plan plan = small_plan();
  const std::string text = plan_to_json(plan);
  const Result<Plan> back = plan_from_json(text);
  ASSERT_TRUE(back) << back.error().what;
  EXPECT_EQ(plan_to_json(*back), text);
  EXPECT_EQ(back->tasks[0].roots[0].config.path, "/r\xff");
  EXPECT_EQ(back->tasks[0].key, plan.tasks[0].key);
}

TEST(PlanJson, AnAreaOrAnExcludeThatLeavesTheRootIsRefused) {
  Plan plan = small_plan();
  plan.tasks[0].roots[0].area = "..";
  EXPECT_FALSE(plan_from_json(plan_to_json(plan)));
  plan = small_plan();
  plan.tasks[0].roots[0].config.exclude = {"/etc"};
  EXPECT_FALSE(plan_from_json(plan_to_json(plan)));
}

TEST(PlanJson, ADroppedEntryBeyondAnyPlanIsRefused) {
  Plan plan = small_plan();
  plan.tasks[0].dropped = {1, 1ULL << 60};
  EXPECT_FALSE(plan_from_json(plan_to_json(plan)));
}

TEST(PlanContainer, TruncatedAndFlippedFilesAreRefusedByName) {
  const TempDir dir;
  const Plan plan = small_plan();
  std::filesystem::create_directory(dir / "from");
  std::filesystem::create_directory(dir / "to");
  DirectoryTable table;
  table.add({.inode = 99}, "");
  ASSERT_TRUE(table.save(directories_file(dir / "from", 0)));
  write_entries(entries_file(dir / "from", 0), 3);
  ASSERT_TRUE(write_plan_container(plan, dir / "from", dir / "plan"));
  const Result<Plan> back = read_plan_container(dir / "plan", dir / "to", "new-id");
  ASSERT_TRUE(back) << back.error().what;
  EXPECT_EQ(back->id, "new-id");
  EXPECT_EQ(count_entries(entries_file(dir / "to", 0)), 3);

  const std::string whole = *read_whole_file(dir / "plan", 1U << 20);
  for (std::size_t at = 0; at < whole.size(); at += 11) {
    ASSERT_TRUE(write_whole_file(dir / "cut", std::string_view(whole).substr(0, at)));
    const Result<Plan> cut = read_plan_container(dir / "cut", dir / "to", "x");
    ASSERT_FALSE(cut) << at;
    EXPECT_NE(cut.error().what.find(dir / "cut"), std::string::npos);
    std::string bad = whole;
    bad[at] = static_cast<char>(bad[at] ^ 1);
    ASSERT_TRUE(write_whole_file(dir / "bad", bad));
    EXPECT_FALSE(read_plan_container(dir / "bad", dir / "to", "x")) << at;
  }
}

}  // namespace
}  // namespace freshet

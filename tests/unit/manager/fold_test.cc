#include "runtime/manager/fold.h"

#include <gtest/gtest.h>

#include <map>

#include "tests/unit/manager/temp_dir.h"

namespace freshet {
namespace {

// root/{x, d/{a, e/{b}}}; the tests choose what is proposed.
struct Tree {
  TempDir dir;
  DirectoryTable table;
  std::uint32_t root = table.add({.inode = 1, .seen = 2, .complete = true}, "");
  std::uint32_t d = table.add({.parent = root, .inode = 2, .seen = 2, .complete = true}, "d");
  std::uint32_t e = table.add({.parent = d, .inode = 3, .seen = 1, .complete = true}, "e");
  TreeDigest::Key key = TreeDigest::random_key();

  struct Proposal {
    std::uint32_t directory;
    std::string name;
    std::uint64_t inode;
    EntryType type = EntryType::file;
  };
  Proposal file_x{root, "x", 10}, file_a{d, "a", 11}, file_b{e, "b", 12};
  Proposal dir_d{root, "d", 2, EntryType::directory}, dir_e{d, "e", 3, EntryType::directory};

  std::map<std::string, UnitKind> fold(const std::vector<Proposal>& proposals, const DropSet& drop = {}, bool whole = true,
                                       const std::function<void(Fold&)>& then = {}) {
    auto writer = EntryWriter::create(dir / "e");
    for (const Proposal& proposal : proposals) {
      PlanEntry entry;
      entry.directory = proposal.directory;
      entry.name = proposal.name;
      entry.identity.inode = proposal.inode;
      entry.identity.type = proposal.type;
      EXPECT_TRUE((*writer)->add(entry));
    }
    EXPECT_TRUE((*writer)->finish());
    Result<Fold> fold = Fold::compute(table, dir / "e", drop, key, whole);
    EXPECT_TRUE(fold);
    if (then) then(*fold);
    std::map<std::string, UnitKind> out;
    EXPECT_TRUE(fold->for_each([&](std::uint64_t, const PlanEntry& entry) {
      out[std::string(entry.name)] = fold->classify(entry);
      return true;
    }));
    return out;
  }
};

using Kinds = std::map<std::string, UnitKind>;

TEST(Fold, ATreeThatGoesWhollyIsOneUnitInAnyOrderOfProposals) {
  Tree t;
  const Kinds wanted{{"d", UnitKind::whole}, {"a", UnitKind::covered}, {"e", UnitKind::covered}, {"b", UnitKind::covered}};
  EXPECT_EQ(t.fold({t.file_a, t.file_b, t.dir_e, t.dir_d}), wanted);
  EXPECT_EQ(t.fold({t.dir_d, t.dir_e, t.file_b, t.file_a}), wanted);
}

TEST(Fold, OneEntryThatStaysKeepsEveryDirectoryAboveIt) {
  Tree t;
  EXPECT_EQ(t.fold({t.file_b, t.dir_e, t.dir_d}), (Kinds{{"b", UnitKind::covered}, {"e", UnitKind::whole}, {"d", UnitKind::blocked}}));
  EXPECT_EQ(t.fold({t.file_a, t.dir_e, t.dir_d}), (Kinds{{"a", UnitKind::single}, {"e", UnitKind::blocked}, {"d", UnitKind::blocked}}));
}

TEST(Fold, ADirectoryThatWasNotReadToItsEndIsNeverWhole) {
  Tree t;
  t.table.node(t.e).complete = false;
  EXPECT_EQ(t.fold({t.file_a, t.file_b, t.dir_e, t.dir_d}),
            (Kinds{{"a", UnitKind::single}, {"b", UnitKind::single}, {"e", UnitKind::blocked}, {"d", UnitKind::blocked}}));
}

TEST(Fold, AFullDirectoryThatWasNotProposedItselfStays) {
  Tree t;
  EXPECT_EQ(t.fold({t.file_a, t.file_b, t.dir_e}), (Kinds{{"a", UnitKind::single}, {"e", UnitKind::whole}, {"b", UnitKind::covered}}));
}

TEST(Fold, AnotherInodeUnderTheProposedNameIsNotTheDirectoryThatWasRead) {
  Tree t;
  Tree::Proposal other = t.dir_d;
  other.inode = 999;
  const Kinds kinds = t.fold({t.file_a, t.file_b, t.dir_e, other});
  EXPECT_EQ(kinds.at("d"), UnitKind::blocked);
}

TEST(Fold, DroppedEntriesCountAsStaying) {
  Tree t;
  DropSet drop;
  drop.add(1);  // b
  const Kinds kinds = t.fold({t.file_a, t.file_b, t.dir_e, t.dir_d}, drop);
  EXPECT_EQ(kinds, (Kinds{{"a", UnitKind::single}, {"e", UnitKind::blocked}, {"d", UnitKind::blocked}}));
}

TEST(Fold, WithoutQuarantineEveryEntryIsItsOwnUnit) {
  Tree t;
  EXPECT_EQ(t.fold({t.file_a, t.file_b, t.dir_e, t.dir_d}, {}, false),
            (Kinds{{"a", UnitKind::single}, {"b", UnitKind::single}, {"e", UnitKind::directory}, {"d", UnitKind::directory}}));
}

TEST(Fold, AnExpandedUnitGoesEntryByEntry) {
  Tree t;
  const Kinds kinds = t.fold({t.file_x, t.file_a, t.file_b, t.dir_e, t.dir_d}, {}, true, [&](Fold& fold) { fold.expand(t.d); });
  EXPECT_EQ(kinds, (Kinds{{"x", UnitKind::single}, {"a", UnitKind::single}, {"b", UnitKind::single}, {"e", UnitKind::directory}, {"d", UnitKind::directory}}));
}

TEST(Fold, TheDigestIsThatOfTheSameTreeListedInAnotherOrder) {
  Tree t;
  TreeDigest::Value first{};
  t.fold({t.file_a, t.file_b, t.dir_e, t.dir_d}, {}, true, [&](Fold& fold) { first = fold.node(t.d).digest.value(); });
  TreeDigest other;
  const auto add = [&](std::uint64_t parent, const char* name, std::uint64_t inode, EntryType type) {
    Identity identity;
    identity.inode = inode;
    identity.type = type;
    other.add(t.key, parent, name, identity);
  };
  add(3, "b", 12, EntryType::file);
  add(2, "e", 3, EntryType::directory);
  add(2, "a", 11, EntryType::file);
  EXPECT_EQ(other.value(), first);
  add(2, "late", 13, EntryType::file);
  EXPECT_NE(other.value(), first);
}

}  // namespace
}  // namespace freshet

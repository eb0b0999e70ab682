#include "runtime/worker/directory.h"

#include <gtest/gtest.h>
#include <sys/fsuid.h>
#include <sys/stat.h>

#include <algorithm>
#include <functional>
#include <set>

#include "heard_events.h"
#include "scratch_tree.h"

namespace freshet::worker::testing {
namespace {

freshet_entry empty_entry() {
  freshet_entry entry{};
  entry.size = sizeof entry;
  return entry;
}

std::string name_of(const freshet_entry& entry) { return {entry.name.data, entry.name.length}; }

class WalkerTest : public ::testing::Test {
 protected:
  void make(std::size_t max_fds = 48) {
    view_.path = tree_.path();
    view_.shown = tree_.path();
    writer_.emplace(heard_.socket());
    walker_.emplace(std::vector<RootView>{view_}, max_fds, *writer_);
    walker_->begin(true);
  }
  void finish() {
    walker_->end();
    writer_->flush();
    heard_.stop();
    EXPECT_EQ(heard_.wrong, "");
  }

  freshet_dir* open_root() {
    freshet_dir* out = nullptr;
    EXPECT_EQ(walker_->open(0, nullptr, {}, &out), FRESHET_OK);
    return out;
  }
  freshet_dir* open(freshet_dir* parent, std::string_view name) {
    freshet_dir* out = nullptr;
    EXPECT_EQ(walker_->open(0, parent, name, &out), FRESHET_OK) << name;
    return out;
  }
  freshet_status try_open(freshet_dir* parent, std::string_view name) {
    freshet_dir* out = nullptr;
    return walker_->open(0, parent, name, &out);
  }

  // Depth first, into each subdirectory the moment it is seen; entries by path, the last 80 bytes of it.
  void walk(freshet_dir* directory, const std::string& path, std::multiset<std::string>& seen) {
    freshet_entry entry = empty_entry();
    freshet_status status = FRESHET_OK;
    while ((status = walker_->next(directory, entry)) == FRESHET_OK) {
      std::string below = path + "/" + name_of(entry);
      if (below.size() > 80) below = below.substr(below.size() - 80);
      seen.insert(below);
      ++count_;
      if (entry.type != FRESHET_DIRECTORY || (entry.flags & FRESHET_ENTRY_MOUNT_POINT)) continue;
      freshet_dir* inner = nullptr;
      if (walker_->open(0, directory, name_of(entry), &inner) != FRESHET_OK) continue;
      walk(inner, below, seen);
      EXPECT_EQ(name_of(entry), below.substr(below.rfind('/') + 1));  // valid although the parent may be evicted
      walker_->close(inner);
    }
    EXPECT_EQ(status, FRESHET_END);
  }
  std::multiset<std::string> walk_all() {
    std::multiset<std::string> seen;
    freshet_dir* top = open_root();
    walk(top, "", seen);
    walker_->close(top);
    return seen;
  }
  static std::size_t open_fds() {
    std::size_t count = 0;
    for ([[maybe_unused]] const auto& fd : std::filesystem::directory_iterator("/proc/self/fd")) ++count;
    return count;
  }

  ScratchTree tree_;
  HeardEvents heard_;
  RootView view_;
  std::optional<EventWriter> writer_;
  std::optional<Walker> walker_;
  std::size_t count_ = 0;
};

TEST_F(WalkerTest, SeesEveryEntryOnceWithItsStat) {
  tree_.file("a");
  tree_.file("dir/b");
  tree_.directory("empty");
  ASSERT_EQ(::symlink("/etc", (tree_.path() + "/link").c_str()), 0);
  ASSERT_EQ(::mkfifo((tree_.path() + "/fifo").c_str(), 0600), 0);
  make();
  freshet_dir* top = open_root();
  freshet_entry entry = empty_entry();
  std::set<std::string> names;
  std::set<std::uint64_t> ordinals;
  while (walker_->next(top, entry) == FRESHET_OK) {
    struct stat info {};
    ASSERT_EQ(::lstat((tree_.path() + "/" + name_of(entry)).c_str(), &info), 0);
    EXPECT_TRUE(names.insert(name_of(entry)).second);
    EXPECT_TRUE(ordinals.insert(entry.ordinal).second);
    EXPECT_EQ(entry.inode, info.st_ino);
    EXPECT_EQ(entry.mtime, info.st_mtim.tv_sec * 1'000'000'000 + info.st_mtim.tv_nsec);
    EXPECT_EQ(entry.allocated, static_cast<std::uint64_t>(info.st_blocks) * 512);
    EXPECT_EQ(entry.links, info.st_nlink);
    EXPECT_EQ(entry.mode, info.st_mode & 07777);
    EXPECT_EQ(entry.flags, 0U);
    if (!S_ISDIR(info.st_mode)) {
      EXPECT_EQ(entry.bytes, static_cast<std::uint64_t>(info.st_size));
    }
  }
  EXPECT_EQ(names, (std::set<std::string>{"a", "dir", "empty", "fifo", "link"}));
  EXPECT_EQ(walker_->next(top, entry), FRESHET_END);
  EXPECT_EQ(try_open(top, "link"), FRESHET_INVALID);
  EXPECT_EQ(try_open(top, "a"), FRESHET_INVALID);
  EXPECT_EQ(try_open(top, "fifo"), FRESHET_INVALID);
  walker_->close(top);
  finish();
  ASSERT_EQ(heard_.directories.size(), 1U);
  EXPECT_EQ(heard_.directories[0].entries, 5U);
  EXPECT_TRUE(heard_.directories[0].complete);
}

TEST_F(WalkerTest, NamesAreBytes) {
  for (const char* name : {"new\nline", "tab\tbed", "\xff\xfe", "-rf", " ", "quote\"'", "back\\slash", "\x1b[31m"}) tree_.file(name);
  make();
  EXPECT_EQ(walk_all().size(), 8U);
  finish();
}

TEST_F(WalkerTest, OpensOnlyWhatANameCanBe) {
  tree_.file("dir/a");
  make();
  freshet_dir* top = open_root();
  for (const std::string_view name : {std::string_view(""), std::string_view("."), std::string_view(".."),
                                      std::string_view("dir/.."), std::string_view("/etc"), std::string_view("dir\0x", 5)})
    EXPECT_EQ(try_open(top, name), FRESHET_INVALID) << name;
  EXPECT_EQ(try_open(top, std::string(256, 'x')), FRESHET_INVALID);
  freshet_dir* out = nullptr;
  EXPECT_EQ(walker_->open(1, nullptr, {}, &out), FRESHET_INVALID);
  EXPECT_EQ(walker_->open(0, nullptr, "dir", &out), FRESHET_INVALID);
  EXPECT_EQ(walker_->open(0, top, "dir", nullptr), FRESHET_INVALID);
  freshet_dir stranger;
  freshet_entry entry = empty_entry();
  EXPECT_EQ(walker_->next(&stranger, entry), FRESHET_INVALID);
  EXPECT_EQ(try_open(&stranger, "dir"), FRESHET_INVALID);
  walker_->close(&stranger);
  walker_->close(nullptr);
  finish();
}

TEST_F(WalkerTest, AnEntryTooSmallForItsFieldsIsRefusedAndAnOlderOneFilledAsFarAsItGoes) {
  tree_.file("a");
  tree_.file("b");
  make();
  freshet_dir* top = open_root();
  freshet_entry entry{};
  EXPECT_EQ(walker_->next(top, entry), FRESHET_INVALID);
  entry.size = offsetof(freshet_entry, mode);
  entry.flags = 0x5A5A5A5A;
  EXPECT_EQ(walker_->next(top, entry), FRESHET_OK);
  EXPECT_EQ(entry.links, 1U);
  EXPECT_EQ(entry.flags, 0x5A5A5A5AU);
  EXPECT_EQ(entry.size, offsetof(freshet_entry, mode));
  finish();
}

TEST_F(WalkerTest, ExcludedAndAreasAreNeverShownOrOpened) {
  tree_.file("keep/out/a");
  tree_.file("keep/out2/a");
  tree_.file("out/b");           // the same name elsewhere is no exclude
  tree_.file("deep/down/here/c");
  tree_.file(".freshet/x");
  tree_.file(".freshet-1000/x");  // another user's
  tree_.file("dir/.freshet/x");   // of a root that was nested here once
  tree_.file("dir/.freshet-x/y"); // no area's name
  tree_.file("other/.freshet");   // a file is no area
  view_.excludes = {{"keep", "out"}, {"deep", "down", "here"}, {"not", "there"}};
  view_.area = ".freshet";
  make();
  const auto seen = walk_all();
  EXPECT_EQ(seen, (std::multiset<std::string>{"/deep", "/deep/down", "/dir", "/dir/.freshet-x", "/dir/.freshet-x/y",
                                              "/keep", "/keep/out2", "/keep/out2/a", "/other", "/other/.freshet",
                                              "/out", "/out/b"}));
  freshet_dir* top = open_root();
  EXPECT_EQ(try_open(top, ".freshet"), FRESHET_INVALID);
  EXPECT_EQ(try_open(top, ".freshet-1000"), FRESHET_INVALID);
  EXPECT_EQ(try_open(open(top, "keep"), "out"), FRESHET_INVALID);
  finish();
  // The root's own area is not counted, everything else is: a directory that holds it never looks empty.
  EXPECT_EQ(heard_.find("")->entries, 6U);
  EXPECT_EQ(heard_.find("keep")->entries, 2U);
  EXPECT_EQ(heard_.find("dir")->entries, 2U);
  EXPECT_EQ(heard_.find("deep/down")->entries, 1U);
  EXPECT_TRUE(heard_.find("deep/down")->complete);
}

TEST_F(WalkerTest, ADirectoryClosedEarlyIsNotComplete) {
  tree_.file("a");
  tree_.file("b");
  make();
  freshet_dir* top = open_root();
  freshet_entry entry = empty_entry();
  ASSERT_EQ(walker_->next(top, entry), FRESHET_OK);
  walker_->close(top);
  finish();
  EXPECT_FALSE(heard_.directories[0].complete);
}

TEST_F(WalkerTest, OneReadToItsLastEntryButNotToItsEndIsNotComplete) {
  tree_.file("a");
  make();
  freshet_dir* top = open_root();
  freshet_entry entry = empty_entry();
  ASSERT_EQ(walker_->next(top, entry), FRESHET_OK);
  walker_->close(top);
  finish();
  EXPECT_FALSE(heard_.directories[0].complete);
}

TEST_F(WalkerTest, ClosingAParentClosesItsChildren) {
  tree_.file("a/b/c/d");
  make();
  freshet_dir* top = open_root();
  freshet_dir* a = open(top, "a");
  freshet_dir* b = open(a, "b");
  open(b, "c");
  walker_->close(a);
  freshet_entry entry = empty_entry();
  EXPECT_FALSE(walker_->is_open(b));
  EXPECT_EQ(walker_->next(b, entry), FRESHET_INVALID);
  EXPECT_TRUE(walker_->is_open(top));
  finish();
  for (const auto& directory : heard_.directories) EXPECT_TRUE(directory.ended) << directory.path;
}

TEST_F(WalkerTest, WhatAPluginLeavesOpenIsClosedAtTheEnd) {
  tree_.file("a/b/c");
  make();
  const std::size_t before = open_fds();
  open(open(open_root(), "a"), "b");
  EXPECT_GT(open_fds(), before);
  walker_->end();
  EXPECT_EQ(open_fds(), before);
  finish();
}

// A chain that anybody may make must not end the worker of an honest plugin.
TEST_F(WalkerTest, IsNotLedDeeperThanAPathMayBeLong) {
  const std::string name(255, 'd');
  constexpr std::size_t kDeepest = (wire::kMaxPath + 1) / 256;
  tree_.chain(static_cast<int>(kDeepest) + 3, name);
  make(8);
  std::vector<freshet_dir*> open_ones{open_root()};
  freshet_dir* below = nullptr;
  freshet_status status = FRESHET_OK;
  while ((status = walker_->open(0, open_ones.back(), name, &below)) == FRESHET_OK) open_ones.push_back(below);
  EXPECT_EQ(status, FRESHET_UNREADABLE);
  EXPECT_EQ(open_ones.size(), kDeepest + 1);
  for (; !open_ones.empty(); open_ones.pop_back()) walker_->close(open_ones.back());
  finish();
  ASSERT_EQ(heard_.unread.size(), 1U);
  EXPECT_EQ(heard_.unread[0].second, ENAMETOOLONG);
}

TEST_F(WalkerTest, TenThousandLevelsNeedFewDescriptors) {
  constexpr int kLevels = 10'000;
  tree_.chain(kLevels);
  make(8);
  const std::size_t before = open_fds();
  // Down as far as it goes, by hand: the test's own stack should not be what is tested.
  std::vector<freshet_dir*> open_ones{open_root()};
  std::size_t files = 0;
  std::size_t most = 0;
  freshet_entry entry = empty_entry();
  while (!open_ones.empty()) {
    const freshet_status status = walker_->next(open_ones.back(), entry);
    if (status == FRESHET_OK && entry.type == FRESHET_DIRECTORY) {
      open_ones.push_back(open(open_ones.back(), "d"));
      if (open_ones.size() % 1000 == 0) most = std::max(most, open_fds() - before);
    } else if (status == FRESHET_OK) {
      ++files;
    } else {
      ASSERT_EQ(status, FRESHET_END);
      walker_->close(open_ones.back());
      open_ones.pop_back();
    }
  }
  EXPECT_EQ(files, static_cast<std::size_t>(kLevels));
  EXPECT_LE(most, 9U);
  finish();
  EXPECT_EQ(heard_.directories.size(), static_cast<std::size_t>(kLevels) + 1);
  for (const auto& directory : heard_.directories) EXPECT_TRUE(directory.complete);
  EXPECT_TRUE(heard_.unread.empty());
}

TEST_F(WalkerTest, EvictedDirectoriesGoOnWhereTheyWere) {
  // Wide directories, read a few entries at a time in turns, with room for two descriptors.
  constexpr int kDirectories = 6;
  constexpr int kFiles = 700;
  for (int d = 0; d < kDirectories; ++d)
    for (int f = 0; f < kFiles; ++f) tree_.file("d" + std::to_string(d) + "/file-with-a-rather-long-name-" + std::to_string(f));
  make(2);
  freshet_dir* top = open_root();
  std::vector<freshet_dir*> directories;
  for (int d = 0; d < kDirectories; ++d) directories.push_back(open(top, "d" + std::to_string(d)));
  std::vector<std::set<std::string>> seen(kDirectories);
  freshet_entry entry = empty_entry();
  for (bool more = true; more;) {
    more = false;
    for (std::size_t d = 0; d < directories.size(); ++d)
      for (int i = 0; i < 13; ++i)
        if (walker_->next(directories[d], entry) == FRESHET_OK) {
          EXPECT_TRUE(seen[d].insert(name_of(entry)).second) << "twice: " << name_of(entry);
          more = true;
        }
  }
  for (const auto& names : seen) EXPECT_EQ(names.size(), static_cast<std::size_t>(kFiles));
  for (freshet_dir* directory : directories) walker_->close(directory);
  finish();
  for (int d = 0; d < kDirectories; ++d) EXPECT_TRUE(heard_.find("d" + std::to_string(d))->complete);
}

TEST_F(WalkerTest, AnEvictedDirectoryThatWasReplacedIsNotTakenForTheOldOne) {
  tree_.file("a/b/c/d/e/f");
  tree_.file("a/one");
  make(2);
  freshet_dir* top = open_root();
  freshet_dir* a = open(top, "a");
  freshet_dir* inner = open(open(open(open(a, "b"), "c"), "d"), "e");
  ASSERT_EQ(::rename((tree_.path() + "/a").c_str(), (tree_.path() + "/old").c_str()), 0);
  tree_.file("a/impostor");
  freshet_entry entry = empty_entry();
  EXPECT_EQ(walker_->next(a, entry), FRESHET_UNREADABLE);
  EXPECT_EQ(walker_->next(a, entry), FRESHET_END);
  EXPECT_EQ(walker_->next(inner, entry), FRESHET_OK);
  finish();
  EXPECT_FALSE(heard_.find("a")->complete);
  ASSERT_EQ(heard_.unread.size(), 1U);
  EXPECT_EQ(heard_.unread[0], (std::pair<std::string, int>{"a", ESTALE}));
}

TEST_F(WalkerTest, ComesBackUpThroughAMovedTree) {
  // The chain is moved while it is walked: names no longer lead there, ".." does.
  tree_.chain(40);
  make(3);
  std::vector<freshet_dir*> open_ones{open_root()};
  freshet_entry entry = empty_entry();
  for (int i = 0; i < 40; ++i) {
    do {
      ASSERT_EQ(walker_->next(open_ones.back(), entry), FRESHET_OK);
    } while (entry.type != FRESHET_DIRECTORY);
    open_ones.push_back(open(open_ones.back(), "d"));
  }
  ASSERT_EQ(::rename((tree_.path() + "/d/d").c_str(), (tree_.path() + "/d/moved").c_str()), 0);
  while (open_ones.size() > 3) {
    while (walker_->next(open_ones.back(), entry) == FRESHET_OK) {
    }
    walker_->close(open_ones.back());
    open_ones.pop_back();
  }
  finish();
  EXPECT_TRUE(heard_.unread.empty());
}

TEST_F(WalkerTest, UnreadableDirectoriesAreNamed) {
  tree_.file("shut/a");
  ASSERT_EQ(::chmod((tree_.path() + "/shut").c_str(), 0), 0);
  ASSERT_EQ(::chmod(tree_.path().c_str(), 0755), 0);
  make();
  freshet_dir* top = open_root();
  const int before = ::setfsuid(::geteuid() == 0 ? 65534 : ::geteuid());  // root would read it
  EXPECT_EQ(try_open(top, "shut"), FRESHET_UNREADABLE);
  ::setfsuid(static_cast<uid_t>(before));
  walker_->close(top);
  finish();
  ASSERT_EQ(heard_.unread.size(), 1U);
  EXPECT_EQ(heard_.unread[0], (std::pair<std::string, int>{"shut", EACCES}));
}

TEST_F(WalkerTest, AVerifyReportsNoDirectories) {
  tree_.file("a/b");
  make();
  walker_->begin(false);
  EXPECT_EQ(walk_all().size(), 2U);
  finish();
  EXPECT_TRUE(heard_.directories.empty());
}

TEST_F(WalkerTest, ManyEntriesTravelInFewPackets) {
  for (int i = 0; i < 300; ++i) tree_.directory("directory-" + std::to_string(i));
  make();
  EXPECT_EQ(walk_all().size(), 300U);
  finish();
  EXPECT_EQ(heard_.directories.size(), 301U);
  EXPECT_LT(heard_.packets, 8U);
}

}  // namespace
}  // namespace freshet::worker::testing

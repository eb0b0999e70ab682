#include <freshet/tree.hpp>
#include <gtest/gtest.h>

#include <unistd.h>

#include <cstdio>
#include <fstream>

namespace {

using freshet::testing::BadTree;
using freshet::testing::Node;
using freshet::testing::Tree;

Tree sample() {
  Tree tree;
  tree.recorded = 77;
  Node& root = tree.add_root("/srv/a b");
  root.inode = 2;
  Node& d = root.directory("d\n\\\xff");
  d.breaks_off = true;
  Node& file = d.file("file");
  file.inode = UINT64_MAX;
  file.mtime = INT64_MIN;
  file.atime = INT64_MAX;
  file.btime = 0;
  file.uid = UINT32_MAX;
  file.mode = 04755;
  file.links = 3;
  root.symlink("link");
  root.mount_point("m").unreadable = true;
  root.add("fifo", FRESHET_FIFO, 1).vanishes = true;
  root.add("odd", FRESHET_TYPE_UNKNOWN, 1).excluded = true;
  tree.add_root("/other");
  return tree;
}

std::string refusal(const std::string& text) {
  try {
    (void)Tree::parse(text);
  } catch (const BadTree& error) {
    return error.what();
  }
  return "";
}

std::string with_entries(const std::string& lines, int count) {
  return "freshet-tree 1\nrecorded 0\n" + lines + "end " + std::to_string(count) + "\n";
}

constexpr const char* kRoot = "0 d 2 755 0 0 3 0 0 1 2 3 4 - /r\n";

TEST(Tree, WhatIsInFilesAndLinksMayStandBehindThem) {
  const std::string file = "1 f 3 644 0 0 1 2 0 1 2 3 4 - a\n", link = "1 l 4 777 0 0 1 2 0 1 2 3 4 - b\n";
  const std::string text = with_entries(std::string(kRoot) + file + "= two\\x0alines\n" + link + "= ../x\\x20y\n", 3);
  Tree read = Tree::parse(text);
  EXPECT_EQ(read.roots[0].find("a")->text, "two\nlines");
  EXPECT_EQ(read.roots[0].find("b")->target, "../x y");
  EXPECT_EQ(read.text(), text);
  for (const std::string& wrong : {std::string(kRoot) + "= x\n" + file, "= x\n" + std::string(kRoot) + file, kRoot + file + "= x\n= x\n",
                                   kRoot + file + "= \n", kRoot + file + "= a b\n", kRoot + file + "= \\x0\n"})
    EXPECT_NE(refusal(with_entries(wrong, 2)), "") << wrong;
}

TEST(Tree, WhatIsWrittenIsReadAgain) {
  const std::string text = sample().text();
  Tree read = Tree::parse(text);
  EXPECT_EQ(read.text(), text);
  EXPECT_EQ(read.recorded, 77);
  ASSERT_EQ(read.roots.size(), 2U);
  EXPECT_EQ(read.roots[0].name, "/srv/a b");
  Node* d = read.roots[0].find("d\n\\\xff");
  ASSERT_NE(d, nullptr);
  EXPECT_TRUE(d->breaks_off);
  Node* file = d->find("file");
  ASSERT_NE(file, nullptr);
  EXPECT_EQ(file->inode, UINT64_MAX);
  EXPECT_EQ(file->mtime, INT64_MIN);
  EXPECT_EQ(file->atime, INT64_MAX);
  EXPECT_EQ(file->mode, 04755U);
  EXPECT_EQ(read.roots[0].find("m")->flags, static_cast<std::uint32_t>(FRESHET_ENTRY_MOUNT_POINT));
  EXPECT_TRUE(read.roots[0].find("fifo")->vanishes);
  EXPECT_TRUE(read.roots[0].find("odd")->excluded);
}

TEST(Tree, EveryTruncatedTextIsRefused) {
  const std::string text = sample().text();
  for (std::size_t length = 0; length < text.size(); ++length) EXPECT_NE(refusal(text.substr(0, length)), "") << length;
  EXPECT_NE(refusal(text.substr(0, text.rfind("end"))).find("truncated"), std::string::npos);
}

TEST(Tree, ARefusalNamesTheLine) {
  EXPECT_EQ(refusal("hello\n"), "line 1: a recorded tree starts with `freshet-tree 1`");
  EXPECT_EQ(refusal("freshet-tree 1\nhello\n"), "line 2: the second line is `recorded NANOSECONDS`");
  EXPECT_NE(refusal(with_entries(std::string(kRoot) + "1 q 2 755 0 0 3 0 0 1 2 3 4 - x\n", 2)).find("line 4: the type"), std::string::npos);
}

TEST(Tree, WhatNoTreeCanHoldIsRefused) {
  const std::string root = kRoot;
  EXPECT_EQ(refusal(with_entries(root, 1)), "");
  EXPECT_EQ(refusal(with_entries("# a comment\n\n" + root, 1)), "");
  const std::pair<const char*, const char*> bad[] = {
      {"2 f 2 644 0 0 1 0 0 1 2 3 4 - x\n", "deeper than what comes before"},
      {"1 f 2 644 0 0 1 0 0 1 2 3 4 - a/b\n", "none that an entry can have"},
      {"1 f 2 644 0 0 1 0 0 1 2 3 4 - ..\n", "none that an entry can have"},
      {"1 f 2 644 0 0 1 0 0 1 2 3 4 - \n", "none that an entry can have"},
      {"1 f 2 644 0 0 1 0 0 1 2 3 4 - a\\x00\n", "none that an entry can have"},
      {"1 f 2 644 0 0 1 0 0 1 2 3 4 - a\\x4\n", "escaped"},
      {"1 f 2 644 0 0 1 0 0 1 2 3 4 - a b\n", "escaped"},
      {"1 f 2 644 0 0 1 0 0 1 2 3 4 z x\n", "flags"},
      {"1 f -2 644 0 0 1 0 0 1 2 3 4 - x\n", "inode"},
      {"1 f 99999999999999999999 644 0 0 1 0 0 1 2 3 4 - x\n", "inode"},
      {"1 f 2 648 0 0 1 0 0 1 2 3 4 - x\n", "mode"},
      {"0 f 2 644 0 0 1 0 0 1 2 3 4 - /x\n", "depth 0"},
      {"0 d 2 644 0 0 1 0 0 1 2 3 4 - x\n", "depth 0"},
  };
  for (const auto& [line, part] : bad) EXPECT_NE(refusal(with_entries(root + line, 2)).find(part), std::string::npos) << line;
  EXPECT_NE(refusal(with_entries(root + "1 f 2 644 0 0 1 0 0 1 2 3 4 - x\n2 f 2 644 0 0 1 0 0 1 2 3 4 - y\n", 3)).find("no directory"), std::string::npos);
  EXPECT_NE(refusal(with_entries(root, 2)).find("says otherwise"), std::string::npos);
  EXPECT_NE(refusal(with_entries(root, 1) + "more\n").find("behind the last line"), std::string::npos);
}

TEST(Tree, CapsHold) {
  std::string deep = kRoot;
  for (std::size_t depth = 1; depth <= freshet::testing::kMaxTreeDepth + 1; ++depth)
    deep += std::to_string(depth) + " d 2 755 0 0 3 0 0 1 2 3 4 - d\n";
  EXPECT_NE(refusal(with_entries(deep, freshet::testing::kMaxTreeDepth + 2)).find("deeper than a recorded tree"), std::string::npos);
  std::string roots;
  for (std::size_t i = 0; i <= freshet::testing::kMaxTreeRoots; ++i) roots += kRoot;
  EXPECT_NE(refusal(with_entries(roots, freshet::testing::kMaxTreeRoots + 1)).find("more roots"), std::string::npos);
  EXPECT_NE(refusal(with_entries(kRoot + std::string("1 f 2 644 0 0 1 0 0 1 2 3 4 - ") + std::string(30'000, 'x') + "\n", 2)).find("too long"), std::string::npos);
}

TEST(Tree, AFileIsReadAsItsText) {
  const std::string file = testing::TempDir() + "/freshet-tree-" + std::to_string(::getpid());
  std::ofstream(file, std::ios::binary) << sample().text();
  EXPECT_EQ(Tree::read(file).text(), sample().text());
  std::remove(file.c_str());
  EXPECT_THROW((void)Tree::read(file), BadTree);
}

}  // namespace

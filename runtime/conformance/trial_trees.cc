#include "runtime/conformance/trial_trees.h"

#include <freshet/tree.hpp>

namespace freshet::conformance {
namespace {

using freshet::testing::kDay;
using freshet::testing::kNow;
using freshet::testing::Node;
using freshet::testing::Tree;

constexpr int kDeepLevels = 2'000;
constexpr int kHugeDirectories = 100;
constexpr int kHugeInEach = 400;
constexpr int kHugeAtTop = 20'000;

// Every entry an inode of its own, as in a file system.
std::string finished(Tree tree) {
  std::uint64_t inode = 1;
  std::vector<Node*> waiting;
  for (Node& root : tree.roots) waiting.push_back(&root);
  while (!waiting.empty()) {
    Node& node = *waiting.back();
    waiting.pop_back();
    node.inode = ++inode;
    for (auto& child : node.children) waiting.push_back(child.get());
  }
  return tree.text();
}

Node& trial_root(Tree& tree) {
  Node& root = tree.add_root("/trial");
  root.aged(1);
  return root;
}

void fill_usual(Node& at) {
  constexpr std::int64_t kAges[] = {0, 1, 29, 31, 100, 400};
  constexpr const char* kNames[] = {"report.log", "report.log.1.gz", "core.1234", "upload.part", "cache.bin", "note", "x.tmp", "thumb.png"};
  for (const std::int64_t age : kAges) {
    for (const char* name : kNames) {
      Node& file = at.file(std::to_string(age) + "-" + name, age);
      file.bytes = 1000 + static_cast<std::uint64_t>(age) * 100;
      file.allocated = (file.bytes + 4095) / 4096 * 4096;
    }
    at.symlink("link-" + std::to_string(age), age);
    at.file("zero-" + std::to_string(age), age).bytes = 0;
  }
}

}  // namespace

std::int64_t time_of_trees() { return kNow; }

std::string ordinary_tree() {
  Tree tree;
  Node& root = trial_root(tree);
  fill_usual(root);
  for (const std::int64_t age : {2, 50, 500}) {
    Node& directory = root.directory("directory-" + std::to_string(age), age);
    fill_usual(directory);
    directory.directory("empty-" + std::to_string(age), age);
    Node& old = directory.directory("old", 400);
    for (int i = 0; i < 5; ++i) old.file("file-" + std::to_string(i), 400 + i);
  }
  Node& other = tree.add_root("/trial-other");
  fill_usual(other);
  return finished(std::move(tree));
}

std::string empty_tree() {
  Tree tree;
  trial_root(tree);
  return finished(std::move(tree));
}

std::string unreadable_tree() {
  Tree tree;
  Node& root = trial_root(tree);
  fill_usual(root);
  root.directory("closed", 400).unreadable = true;
  Node& broken = root.directory("broken", 400);
  fill_usual(broken);
  broken.breaks_off = true;
  tree.add_root("/trial-closed").unreadable = true;
  return finished(std::move(tree));
}

std::string vanishing_tree() {
  Tree tree;
  Node& root = trial_root(tree);
  fill_usual(root);
  for (int i = 0; i < 10; ++i) {
    root.directory("gone-" + std::to_string(i), 400).vanishes = true;
    root.file("gone-file-" + std::to_string(i), 400).vanishes = true;
    root.file("there-" + std::to_string(i), 400);
  }
  return finished(std::move(tree));
}

std::string odd_names_tree() {
  Tree tree;
  Node& root = trial_root(tree);
  const std::string names[] = {"new\nline",  "tab\there", "\xff\xfe\xfd", "\xc3\xa4\xe2\x82\xac", "-rf", " ", "...", "%s%n%s",
                               "\x1b[2J",    "back\\slash", "$(id)", "\"quoted\"", std::string(255, 'x'), std::string(255, '\xf0'), "*"};
  for (const std::string& name : names) root.file(name, 400);
  for (const std::string& name : names) root.directory("d" + name.substr(0, 200), 400).file(name, 400);
  return finished(std::move(tree));
}

std::string special_tree() {
  Tree tree;
  Node& root = trial_root(tree);
  fill_usual(root);
  root.mount_point("mounted", 400);
  root.directory("above", 400).mount_point("mounted", 400);
  constexpr std::pair<const char*, freshet_entry_type> kKinds[] = {{"fifo", FRESHET_FIFO}, {"socket", FRESHET_SOCKET}, {"char", FRESHET_CHAR_DEVICE}, {"block", FRESHET_BLOCK_DEVICE}, {"unknown", FRESHET_TYPE_UNKNOWN}};
  for (const auto& [name, type] : kKinds) root.add(name, type, 400);
  return finished(std::move(tree));
}

std::string odd_times_tree() {
  Tree tree;
  Node& root = trial_root(tree);
  constexpr std::int64_t kTimes[] = {INT64_MIN, -1, 0, 1, kNow - 1, kNow, kNow + 1, kNow + 400 * kDay, INT64_MAX};
  for (const std::int64_t time : kTimes) {
    Node& file = root.file("at" + std::to_string(time), 0);
    file.mtime = file.atime = file.ctime = file.btime = time;
    file.bytes = file.allocated = UINT64_MAX / 2;
    Node& directory = root.directory("d" + std::to_string(time), 0);
    directory.mtime = directory.atime = directory.ctime = directory.btime = time;
  }
  return finished(std::move(tree));
}

std::string deep_tree() {
  Tree tree;
  Node* at = &trial_root(tree);
  for (int i = 0; i < kDeepLevels; ++i) {
    at->file("file", 400);
    at = &at->directory("d", 400);
  }
  return finished(std::move(tree));
}

std::string wide_tree() {
  Tree tree;
  Node& root = trial_root(tree);
  for (int k = 0; k < 3'000; ++k) root.file("file-" + std::to_string(k), k % 200);
  for (int i = 0; i < 10; ++i) {
    Node& directory = root.directory("directory-" + std::to_string(i), 400);
    for (int k = 0; k < 200; ++k) directory.file("file-" + std::to_string(k), k % 200);
  }
  return finished(std::move(tree));
}

std::string huge_tree() {
  Tree tree;
  Node& root = trial_root(tree);
  for (int i = 0; i < kHugeAtTop; ++i) root.file("file-" + std::to_string(i), i % 200);
  for (int i = 0; i < kHugeDirectories; ++i) {
    Node& directory = root.directory("directory-" + std::to_string(i), 400);
    for (int k = 0; k < kHugeInEach; ++k) directory.file("file-" + std::to_string(k), k % 200);
  }
  return finished(std::move(tree));
}

}  // namespace freshet::conformance

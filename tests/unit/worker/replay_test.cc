// One plugin, three hosts: a real directory walked by the worker's host, a recording of it replayed by that host, and the
// test kit's host in this process. What they show, answer and count has to be the same.
#include "runtime/worker/replay.h"

#include <freshet/contents.h>
#include <freshet/links.h>
#include <freshet/testing.hpp>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <algorithm>
#include <optional>

#include "heard_events.h"
#include "runtime/worker/host.h"
#include "scratch_tree.h"

namespace freshet::worker::testing {
namespace {

using freshet::testing::FakeHost;
using freshet::testing::Node;
using freshet::testing::Tree;

// What a plugin sees and is answered, line by line, sorted: directories have no order.
std::vector<std::string> see_everything(const freshet_host* host) {
  std::vector<std::string> seen;
  struct Level {
    freshet_dir* directory;
    std::string path;
  };
  std::vector<Level> levels;
  freshet_root root{};
  root.size = sizeof root;
  for (std::uint32_t i = 0; host->root(host, i, &root) == FRESHET_OK; ++i) {
    freshet_dir* top = nullptr;
    const freshet_status opened = host->dir_open(host, i, nullptr, {nullptr, 0}, &top);
    seen.push_back("root " + std::to_string(i) + " " + std::to_string(opened));
    if (opened == FRESHET_OK) levels.push_back({top, ""});
    while (!levels.empty()) {
      freshet_entry entry{};
      entry.size = sizeof entry;
      const freshet_status next = host->dir_next(host, levels.back().directory, &entry);
      if (next != FRESHET_OK) {
        seen.push_back(levels.back().path + " ends " + std::to_string(next));
        freshet_entry after{};
        after.size = sizeof after;
        seen.push_back(levels.back().path + " after " + std::to_string(host->dir_next(host, levels.back().directory, &after)));
        host->dir_close(host, levels.back().directory);
        levels.pop_back();
        continue;
      }
      const std::string path = levels.back().path + "/" + std::string(entry.name.data, entry.name.length);
      std::string line = path;
      for (const auto value : {std::uint64_t{entry.type}, entry.inode, entry.bytes, entry.allocated, std::uint64_t{entry.links},
                               std::uint64_t{entry.uid}, std::uint64_t{entry.gid}, std::uint64_t{entry.mode}, std::uint64_t{entry.flags}})
        line += " " + std::to_string(value);
      for (const std::int64_t time : {entry.mtime, entry.ctime, entry.btime}) line += " " + std::to_string(time);
      seen.push_back(line);
      const std::string reason = "seen";
      freshet_finding finding{};
      finding.size = sizeof finding;
      finding.kind = FRESHET_AGED;
      finding.directory = levels.back().directory;
      finding.entry = &entry;
      finding.reason = {reason.data(), reason.size()};
      if (entry.type != FRESHET_DIRECTORY) seen.push_back(path + " emitted " + std::to_string(host->emit_finding(host, &finding)));
      freshet_dir* inner = nullptr;
      const std::string name(entry.name.data, entry.name.length);
      const freshet_status inside = host->dir_open(host, i, levels.back().directory, {name.data(), name.size()}, &inner);
      seen.push_back(path + " opened " + std::to_string(inside));
      if (inside == FRESHET_OK) levels.push_back({inner, path});
    }
  }
  std::ranges::sort(seen);
  return seen;
}

// The recording that `freshet plugins record` would make of a directory of these tests, without its layer.
void record(Node& into, const std::string& path) {
  for (const auto& entry : std::filesystem::directory_iterator(path)) {
    const auto stat = stat_entry(AT_FDCWD, entry.path().c_str(), file_system_has_stable_birth(Fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC)).get()));
    ASSERT_TRUE(stat);
    Node node;
    node.name = entry.path().filename().string();
    node.type = static_cast<freshet_entry_type>(stat->identity.type);
    node.inode = stat->identity.inode;
    node.mode = stat->mode & 07777;
    node.uid = stat->uid;
    node.gid = stat->gid;
    node.links = stat->links;
    node.bytes = stat->identity.size;
    node.allocated = stat->allocated;
    node.mtime = stat->mtime_ns;
    node.atime = stat->atime_ns;
    node.ctime = stat->ctime_ns;
    node.btime = stat->identity.birth_ns;
    Node& added = into.add(std::move(node));
    if (stat->identity.type == EntryType::directory) record(added, entry.path().string());
  }
}

class ThreeHosts : public ::testing::Test {
 protected:
  std::vector<std::string> seen_by_worker(std::optional<Tree> tree, const std::string& path) {
    HeardEvents heard;
    RootView view;
    view.path = path;
    view.shown = "/shown";
    view.stable_birth = file_system_has_stable_birth(Fd(::open("/tmp", O_RDONLY | O_CLOEXEC)).get());
    Host host(heard.socket(), tree ? std::vector<RootView>{} : std::vector<RootView>{view}, 16);
    if (tree) host.replay(std::move(*tree));
    host.begin(false, 42);
    const std::vector<std::string> out = see_everything(host.table());
    host.end();
    entries_ = host.entries();
    heard.stop();
    EXPECT_EQ(heard.wrong, "");
    directories_ = heard.directories.size();
    return out;
  }
  std::vector<std::string> seen_by_kit(Tree tree) {
    FakeHost host(std::move(tree));
    host.begin(false);
    std::vector<std::string> out = see_everything(host.table());
    host.end();
    kit_entries_ = host.entries;
    return out;
  }
  std::uint64_t entries_ = 0, kit_entries_ = 0;
  std::size_t directories_ = 0;
};

TEST_F(ThreeHosts, ShowTheSameOfARealTree) {
  const ScratchTree scratch;
  scratch.file("a");
  scratch.file("d/b");
  scratch.file("d/deep/deeper/c");
  scratch.directory("empty");
  scratch.directory(".freshet-7");
  scratch.file(std::string("odd\n\xff"));
  std::filesystem::create_symlink("a", scratch.path() + "/link");
  std::filesystem::create_directory_symlink("d", scratch.path() + "/link-to-directory");
  ASSERT_EQ(::mkfifo((scratch.path() + "/fifo").c_str(), 0600), 0);
  std::filesystem::create_hard_link(scratch.path() + "/a", scratch.path() + "/same");
  Tree tree;
  Node& root = tree.add_root("/shown");
  record(root, scratch.path());
  const std::string text = tree.text();

  const auto real = seen_by_worker(std::nullopt, scratch.path());
  const std::uint64_t real_entries = entries_;
  const std::size_t real_directories = directories_;
  EXPECT_EQ(seen_by_worker(Tree::parse(text), ""), real);
  EXPECT_EQ(entries_, real_entries);
  EXPECT_EQ(directories_, real_directories);
  EXPECT_EQ(seen_by_kit(Tree::parse(text)), real);
  EXPECT_EQ(kit_entries_, real_entries);
  EXPECT_GT(real.size(), 20U);
}

TEST_F(ThreeHosts, AnswerTheSameWhereATreeCannotBeRead) {
  Tree tree;
  Node& root = tree.add_root("/shown");
  root.directory("closed").unreadable = true;
  Node& broken = root.directory("broken");
  broken.file("f");
  broken.breaks_off = true;
  root.directory("gone").vanishes = true;
  root.file("gone-file").vanishes = true;
  root.mount_point("mounted");
  root.file("hidden").excluded = true;
  tree.add_root("/closed").unreadable = true;
  std::uint64_t inode = 10;
  for (auto& child : root.children) child->inode = ++inode;
  broken.children.front()->inode = 99;
  const std::string text = tree.text();
  const auto replayed = seen_by_worker(Tree::parse(text), "");
  EXPECT_EQ(seen_by_kit(Tree::parse(text)), replayed);
  EXPECT_EQ(kit_entries_, entries_);
  const auto has = [&](const std::string& line) { return std::ranges::find(replayed, line) != replayed.end(); };
  EXPECT_TRUE(has("/closed opened " + std::to_string(FRESHET_UNREADABLE)));
  EXPECT_TRUE(has("/broken ends " + std::to_string(FRESHET_UNREADABLE)));
  EXPECT_TRUE(has("/broken after " + std::to_string(FRESHET_END)));
  EXPECT_TRUE(has("/mounted opened " + std::to_string(FRESHET_INVALID)));
  EXPECT_TRUE(has("root 1 " + std::to_string(FRESHET_UNREADABLE)));
}

TEST_F(ThreeHosts, RefuseTheSameMisuse) {
  Tree tree;
  tree.add_root("/shown").file("f");
  const auto misuse = [](const freshet_host* host) {
    std::vector<freshet_status> out;
    freshet_dir* top = nullptr;
    freshet_dir* other = nullptr;
    freshet_entry entry{};
    out.push_back(host->dir_open(host, 7, nullptr, {nullptr, 0}, &top));
    out.push_back(host->dir_open(host, 0, nullptr, {"x", 1}, &top));
    out.push_back(host->dir_open(host, 0, nullptr, {nullptr, 0}, nullptr));
    out.push_back(host->dir_open(host, 0, nullptr, {nullptr, 0}, &top));
    out.push_back(host->dir_open(host, 0, top, {"..", 2}, &other));
    out.push_back(host->dir_open(host, 0, top, {"a/b", 3}, &other));
    out.push_back(host->dir_open(host, 0, top, {"f", 1}, &other));
    out.push_back(host->dir_open(host, 0, top, {"none", 4}, &other));
    out.push_back(host->dir_next(host, top, &entry));  // no size
    entry.size = sizeof entry;
    out.push_back(host->dir_next(host, nullptr, &entry));
    out.push_back(host->dir_next(host, top, &entry));
    out.push_back(host->emit_finding(host, nullptr));
    freshet_finding finding{};
    finding.size = sizeof finding;
    finding.directory = top;
    finding.entry = &entry;
    out.push_back(host->emit_finding(host, &finding));  // no kind
    finding.kind = FRESHET_AGED;
    finding.reason = {"\xff", 1};
    out.push_back(host->emit_finding(host, &finding));
    finding.reason = {"old", 3};
    out.push_back(host->emit_finding(host, &finding));
    host->dir_close(host, top);
    out.push_back(host->dir_next(host, top, &entry));
    out.push_back(host->emit_finding(host, &finding));
    return out;
  };
  HeardEvents heard;
  Host host(heard.socket(), {}, 16);
  host.replay(Tree::parse(tree.text()));
  host.begin(false, 42);
  const auto real = misuse(host.table());
  host.end();
  heard.stop();
  FakeHost kit(Tree::parse(tree.text()));
  kit.begin(false);
  EXPECT_EQ(misuse(kit.table()), real);
  kit.end();
  EXPECT_GT(kit.broken_rules.size(), 10U) << "and the kit knows them all";
}

TEST(ReplayContents, AreWhatTheRecordingSays) {
  Tree tree;
  Node& root = tree.add_root("/r");
  root.file("text").text = "hello";
  root.file("unknown");
  root.symlink("link", 1, "../blobs/x");
  root.symlink("nowhere");
  HeardEvents heard;
  Host host(heard.socket(), {}, 16);
  host.replay(std::move(tree));
  host.offer({FRESHET_CONTENTS_ID, FRESHET_LINKS_ID});
  const freshet_host* const table = host.table();
  const auto* contents = static_cast<const freshet_contents*>(table->feature(table, FRESHET_CONTENTS_ID, 1));
  const auto* links = static_cast<const freshet_links*>(table->feature(table, FRESHET_LINKS_ID, 1));
  ASSERT_TRUE(contents != nullptr && links != nullptr);
  host.begin(false, 42);
  freshet_dir* directory = nullptr;
  ASSERT_EQ(table->dir_open(table, 0, nullptr, {nullptr, 0}, &directory), FRESHET_OK);
  freshet_file* file = nullptr;
  ASSERT_EQ(contents->open(table, directory, {"text", 4}, &file), FRESHET_OK);
  char to[32];
  std::size_t got = 0;
  EXPECT_EQ(contents->read(table, file, 1, to, sizeof to, &got), FRESHET_OK);
  EXPECT_EQ(std::string_view(to, got), "ello");
  EXPECT_EQ(contents->read(table, file, 5, to, sizeof to, &got), FRESHET_END);
  contents->close(table, file);
  EXPECT_EQ(contents->read(table, file, 0, to, sizeof to, &got), FRESHET_INVALID) << "it is closed";
  EXPECT_EQ(contents->open(table, directory, {"unknown", 7}, &file), FRESHET_UNREADABLE);
  EXPECT_EQ(contents->open(table, directory, {"link", 4}, &file), FRESHET_INVALID);
  EXPECT_EQ(links->target(table, directory, {"link", 4}, to, sizeof to, &got), FRESHET_OK);
  EXPECT_EQ(std::string_view(to, got), "../blobs/x");
  EXPECT_EQ(links->target(table, directory, {"link", 4}, to, 10, &got), FRESHET_INVALID) << "it may be longer";
  EXPECT_EQ(links->target(table, directory, {"nowhere", 7}, to, sizeof to, &got), FRESHET_UNREADABLE);
  EXPECT_EQ(links->target(table, directory, {"text", 4}, to, sizeof to, &got), FRESHET_INVALID);
  table->dir_close(table, directory);
  host.end();
  heard.stop();
}

}  // namespace
}  // namespace freshet::worker::testing

#include <dlfcn.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>
#include <sstream>

#include "runtime/manifest/reader.h"
#include "tests/unit/plugins/fake_host.h"

namespace freshet_test {
namespace {

using Entry = freshet_status (*)(const freshet_host*, freshet_plugin*);
using Paths = std::vector<std::string>;

std::string read_file(const char* path) {
  std::ifstream file(path, std::ios::binary);
  std::stringstream out;
  out << file.rdbuf();
  return out.str();
}

// The built .so, as a host loads it.
class LoadedPlugin {
 public:
  explicit LoadedPlugin(const char* path) : handle_(dlopen(path, RTLD_NOW | RTLD_LOCAL)) {
    EXPECT_NE(handle_, nullptr) << dlerror();
  }
  LoadedPlugin(const LoadedPlugin&) = delete;
  LoadedPlugin& operator=(const LoadedPlugin&) = delete;
  ~LoadedPlugin() {
    if (handle_) dlclose(handle_);
  }
  [[nodiscard]] Entry entry() const { return reinterpret_cast<Entry>(dlsym(handle_, "freshet_plugin_entry")); }

 private:
  void* handle_;
};

std::size_t lines_of(const char* path) {
  const std::string text = read_file(path);
  return static_cast<std::size_t>(std::count(text.begin(), text.end(), '\n'));
}

freshet::manifest::Manifest manifest_of(const char* path) {
  const std::string bytes = read_file(path);
  const auto facts = freshet::manifest::read_elf(bytes);
  EXPECT_TRUE(facts) << facts.error().what;
  const auto manifest = freshet::manifest::parse_manifest(facts ? facts->manifest_text : "");
  EXPECT_TRUE(manifest) << manifest.error().what << "\n" << manifest.error().detail;
  return manifest.value_or(freshet::manifest::Manifest{});
}

TEST(Examples, AreAsShortAsPromised) {
  EXPECT_GT(lines_of(SDK_DIR "/examples/old-links.c"), 0U);
  EXPECT_LT(lines_of(SDK_DIR "/examples/old-links.c"), 60U);
  EXPECT_GT(lines_of(SDK_DIR "/examples/part-files.cc"), 0U);
  EXPECT_LT(lines_of(SDK_DIR "/examples/part-files.cc"), 40U);
}

TEST(Examples, PassEveryCheckOfTheFile) {
  EXPECT_EQ(manifest_of(OLD_LINKS_SO).id, "org.freshet.example.old-links");
  EXPECT_EQ(manifest_of(PART_FILES_SO).id, "org.freshet.example.part-files");
  EXPECT_EQ(manifest_of(LOOKS_AGAIN_SO).id, "org.freshet.example.looks-again");
  EXPECT_TRUE(manifest_of(KEEP_MARKED_SO).kinds.at(0).guard);
  EXPECT_EQ(manifest_of(TWO_STEPS_SO).kinds.at(1).requires_, Paths{"given-up"});
}

TEST(Examples, KeepMarkedKeepsWhatIsBelowAMark) {
  const LoadedPlugin plugin(KEEP_MARKED_SO);
  FakeHost host;
  FakeEntry& root = host.add_root("/r");
  FakeEntry& marked = root.directory("a").directory("marked");
  marked.file(".keep", 1);
  marked.directory("below").file("x", 99);
  host.planned = {{.directory = "a", .name = "x"},
                  {.directory = "a/marked/below", .name = "x"},
                  {.directory = "a/marked", .name = "below", .type = FRESHET_DIRECTORY},
                  {.directory = "a", .name = "marked", .type = FRESHET_DIRECTORY},
                  {.directory = "a", .name = "marked-too"},
                  {.directory = "", .name = "a", .type = FRESHET_DIRECTORY}};
  RunningTask task(host, plugin.entry(), "keep-marked", FakeSettings().string("mark", ".keep"));
  ASSERT_EQ(task.configured, FRESHET_OK);
  EXPECT_EQ(task.scan(), FRESHET_OK);
  const std::string why = "marked by a/marked/.keep";
  EXPECT_EQ(host.kept, (std::map<std::uint64_t, std::string>{{1, why}, {2, why}, {3, why}}));
  EXPECT_EQ(host.broken_rules, Paths{});
}

TEST(Examples, OldLinksProposesOldLinks) {
  const LoadedPlugin plugin(OLD_LINKS_SO);
  FakeHost host;
  FakeEntry& root = host.add_root("/r");
  root.file("old", 31).type = FRESHET_SYMLINK;
  root.file("young", 1).type = FRESHET_SYMLINK;
  root.file("file", 31);
  RunningTask task(host, plugin.entry(), "old-links", FakeSettings().duration("older-than", 30 * kDay));
  ASSERT_EQ(task.configured, FRESHET_OK);
  EXPECT_EQ(task.scan(), FRESHET_OK);
  EXPECT_EQ(host.proposed(), (Paths{"/r/old"}));
  EXPECT_EQ(host.broken_rules, Paths{});
  EXPECT_EQ(host.open_directories, 0U);
}

TEST(Examples, PartFilesProposesUnfinishedDownloadsAtAnyDepth) {
  const LoadedPlugin plugin(PART_FILES_SO);
  FakeHost host;
  FakeEntry& root = host.add_root("/r");
  root.file("a.part");
  root.directory("d").file("b.part");
  root.file("young.part", 1);
  root.file("done");
  RunningTask task(host, plugin.entry(), "part-files",
                   FakeSettings().string("ending", ".part").duration("older-than", 2 * kDay));
  ASSERT_EQ(task.configured, FRESHET_OK);
  EXPECT_EQ(task.scan(), FRESHET_OK);
  EXPECT_EQ(host.proposed(), (Paths{"/r/a.part", "/r/d/b.part"}));
  EXPECT_EQ(host.broken_rules, Paths{});
}

TEST(Examples, TwoStepsTakesWhatWasGivenUpAndThenEmptyFolders) {
  const LoadedPlugin plugin(TWO_STEPS_SO);
  FakeHost host;
  FakeEntry& root = host.add_root("/r");
  root.file("a.part");
  root.file("a.given-up");
  root.file("b.part");
  root.file("c.given-up");
  root.directory("empty");
  root.directory("full").file("x");
  root.directory("shut").unreadable = true;
  {
    RunningTask task(host, plugin.entry(), "given-up", {});
    ASSERT_EQ(task.configured, FRESHET_OK);
    EXPECT_EQ(task.scan(), FRESHET_OK);
    EXPECT_EQ(host.proposed(), (Paths{"/r/a.part"}));
  }
  host.findings.clear();
  RunningTask task(host, plugin.entry(), "folders", {});
  ASSERT_EQ(task.configured, FRESHET_OK);
  EXPECT_EQ(task.scan(), FRESHET_UNREADABLE);
  EXPECT_EQ(host.proposed(), (Paths{"/r/empty"}));
  EXPECT_EQ(host.broken_rules, Paths{});
}

TEST(Examples, LooksAgainCountsWhatIsLeft) {
  const LoadedPlugin plugin(LOOKS_AGAIN_SO);
  FakeHost host;
  FakeEntry& root = host.add_root("/r");
  root.file("old", 31).type = FRESHET_SOCKET;
  root.directory("d").file("old", 31).type = FRESHET_SOCKET;
  root.file("young", 1).type = FRESHET_SOCKET;
  for (const std::int64_t most : {0, 2}) {
    RunningTask task(host, plugin.entry(), "sockets", FakeSettings().duration("older-than", 7 * kDay).integer("most", most));
    ASSERT_EQ(task.configured, FRESHET_OK);
    ASSERT_TRUE(task.has_verify());
    host.findings.clear();
    EXPECT_EQ(task.scan(), FRESHET_OK);
    EXPECT_EQ(host.proposed(), (Paths{"/r/d/old", "/r/old"}));
    host.findings.clear();
    EXPECT_EQ(task.verify(), most == 0 ? FRESHET_FAILED : FRESHET_OK);
    EXPECT_EQ(host.proposed(), Paths{});
  }
  EXPECT_EQ(host.broken_rules, Paths{});
}

}  // namespace
}  // namespace freshet_test

#include <gtest/gtest.h>

#include <freshet/together.h>

#include "plugins/build-trees/markers.h"
#include "tests/unit/plugins/fake_host.h"
#include "tests/unit/plugins/manifest_defaults.h"

namespace freshet_test {
namespace {

using Paths = std::vector<std::string>;

// The manifest's defaults (a test below holds them against the manifest), with a limit of 30 days.
FakeSettings defaults() {
  FakeSettings out;
  out.duration("older-than", 30 * kDay)
      .strings("tools", {"cargo", "cmake", "gradle", "maven", "node", "python"})
      .strings("age-by", {"mtime", "atime", "btime"})
      .size("min-size", 0)
      .boolean("hidden", false);
  return out;
}

// Projects as the tools leave them, with their markers and no more than they need.
FakeEntry& cargo(FakeEntry& in, const std::string& name) {
  FakeEntry& project = in.directory(name);
  project.file("Cargo.toml");
  project.directory("src").file("main.rs");
  FakeEntry& target = project.directory("target");
  target.file("CACHEDIR.TAG");
  target.file(".rustc_info.json");
  FakeEntry& debug = target.directory("debug");
  debug.file(".cargo-lock");
  debug.file("app");
  return target;
}
FakeEntry& cmake(FakeEntry& in, const std::string& name) {
  FakeEntry& project = in.directory(name);
  project.file("CMakeLists.txt");
  FakeEntry& build = project.directory("out");
  build.file("CMakeCache.txt");
  build.directory("CMakeFiles").file("rules.ninja");
  build.file("app");
  return build;
}
FakeEntry& node(FakeEntry& in, const std::string& name) {
  FakeEntry& project = in.directory(name);
  project.file("package.json");
  project.file("package-lock.json");
  FakeEntry& modules = project.directory("node_modules");
  modules.file(".package-lock.json");
  modules.directory("left-pad").file("index.js");
  return modules;
}
FakeEntry& gradle(FakeEntry& in, const std::string& name) {
  FakeEntry& project = in.directory(name);
  project.file("build.gradle.kts");
  FakeEntry& build = project.directory("build");
  build.directory("tmp").directory("compileJava").file("previous-compilation-data.bin");
  build.directory("classes").file("App.class");
  return build;
}
FakeEntry& maven(FakeEntry& in, const std::string& name) {
  FakeEntry& project = in.directory(name);
  project.file("pom.xml");
  FakeEntry& target = project.directory("target");
  target.directory("maven-status").file("createdFiles.lst");
  target.directory("classes").file("App.class");
  return target;
}
FakeEntry& python(FakeEntry& in, const std::string& name) {
  FakeEntry& project = in.directory(name);
  project.file("app.py");
  FakeEntry& cache = project.directory("__pycache__");
  cache.file("app.cpython-311.pyc");
  cache.file("app.cpython-311.opt-1.pyc");
  return cache;
}

class BuildTrees : public testing::Test {
 public:
  void TearDown() override {
    EXPECT_EQ(host_.broken_rules, Paths{});
    EXPECT_EQ(host_.open_directories, 0U);
  }

  freshet_status scan(const FakeSettings& settings = defaults()) {
    host_.findings.clear();
    RunningTask task(host_, freshet_plugin_entry, "build-trees", settings);
    EXPECT_EQ(task.configured, FRESHET_OK);
    return task.configured == FRESHET_OK ? task.scan() : task.configured;
  }
  Paths tops() { return freshet_test::tops(host_); }

  FakeHost host_;
  FakeEntry& root_ = host_.add_root("/r");
};

TEST_F(BuildTrees, TreesOfEveryToolGoWholeAndNothingElseDoes) {
  cargo(root_, "rust");
  cmake(root_, "cpp");
  node(root_, "web");
  gradle(root_, "java");
  maven(root_, "maven");
  python(root_, "py");
  EXPECT_EQ(scan(), FRESHET_OK);
  EXPECT_EQ(tops(), (Paths{"/r/cpp/out", "/r/java/build", "/r/maven/target", "/r/py/__pycache__", "/r/rust/target",
                           "/r/web/node_modules"}));
  EXPECT_EQ(host_.reason_of("/r/rust/target/debug/app"), "cargo target, newest entry 100 d, limit 30 d");
  EXPECT_EQ(host_.reason_of("/r/cpp/out"), "CMake build directory, newest entry 100 d, limit 30 d");
  for (const FakeFinding& finding : host_.findings) {
    EXPECT_EQ(finding.kind, FRESHET_AGED);
    EXPECT_EQ(finding.cost, FRESHET_REGENERABLE);
  }
}

TEST_F(BuildTrees, TheOrderOfTheListingSaysNothing) {
  cargo(root_, "rust");
  node(root_, "web");
  host_.backwards = true;
  EXPECT_EQ(scan(), FRESHET_OK);
  EXPECT_EQ(tops(), (Paths{"/r/rust/target", "/r/web/node_modules"}));
}

// Without any one of its markers a tree stays, whatever its name is.
TEST_F(BuildTrees, ANameAloneProvesNothing) {
  struct Tool {
    FakeEntry& (*make)(FakeEntry&, const std::string&);
    Paths inside, beside;
  };
  const std::vector<Tool> tools = {
      {cargo, {"CACHEDIR.TAG", ".rustc_info.json"}, {"Cargo.toml"}},
      {cmake, {"CMakeCache.txt", "CMakeFiles"}, {}},
      {node, {".package-lock.json"}, {"package.json", "package-lock.json"}},
      {gradle, {"tmp", "classes"}, {"build.gradle.kts"}},
      {maven, {"maven-status"}, {"pom.xml"}},
  };
  int number = 0;
  for (const Tool& tool : tools) {
    const auto without = [&](const std::string& marker, bool inside) {
      const std::string name = "p" + std::to_string(++number);
      FakeEntry& tree = tool.make(root_, name);
      FakeEntry& holder = inside ? tree : *root_.find(name);
      holder.find(marker)->name = "other";
      return name;
    };
    for (const std::string& marker : tool.inside) without(marker, true);
    for (const std::string& marker : tool.beside) without(marker, false);
  }
  EXPECT_EQ(number, 13);
  EXPECT_EQ(scan(), FRESHET_OK);
  EXPECT_EQ(tops(), Paths{});
}

TEST_F(BuildTrees, AMarkerOfAnotherTypeProvesNothing) {
  cargo(root_, "a").find("CACHEDIR.TAG")->type = FRESHET_SYMLINK;
  cmake(root_, "b").find("CMakeCache.txt")->type = FRESHET_FIFO;
  node(root_, "c");
  root_.find("c")->find("package.json")->type = FRESHET_SYMLINK;
  EXPECT_EQ(scan(), FRESHET_OK);
  EXPECT_EQ(tops(), Paths{});
}

TEST_F(BuildTrees, BytecodeIsNothingButWhatPythonWrites) {
  python(root_, "a").file("notes.txt");
  python(root_, "b").directory("more");
  python(root_, "c").find("app.cpython-311.pyc")->name = "app.pyc";
  root_.directory("d").directory("__pycache__");
  python(root_, "e").name = "pycache";
  EXPECT_EQ(scan(), FRESHET_OK);
  EXPECT_EQ(tops(), Paths{});
}

TEST_F(BuildTrees, TheAgeIsThatOfTheNewestEntry) {
  const auto young = [&](const std::string& name, std::int64_t FakeEntry::*stamp) {
    (cargo(root_, name).find("debug")->find("app")->*stamp) = kNow - 29 * kDay;
  };
  young("m", &FakeEntry::mtime);
  young("a", &FakeEntry::atime);
  young("b", &FakeEntry::btime);
  young("c", &FakeEntry::ctime);
  cargo(root_, "future").find("debug")->find("app")->mtime = kNow + kSecond;
  EXPECT_EQ(scan(), FRESHET_OK);
  EXPECT_EQ(tops(), (Paths{"/r/c/target"}));
  EXPECT_EQ(scan(defaults().strings("age-by", {"ctime"})), FRESHET_OK);
  EXPECT_EQ(tops(), (Paths{"/r/a/target", "/r/b/target", "/r/future/target", "/r/m/target"})) << "the others do not count";
}

TEST_F(BuildTrees, LookingIntoADirectoryDoesNotMakeATreeYoung) {
  cargo(root_, "p").find("debug")->atime = kNow;
  cargo(root_, "q").atime = kNow;
  cargo(root_, "young").mtime = kNow;
  EXPECT_EQ(scan(), FRESHET_OK);
  EXPECT_EQ(tops(), (Paths{"/r/p/target", "/r/q/target"}));
}

TEST_F(BuildTrees, WhatIsInUseKeepsTheWholeTree) {
  cargo(root_, "locked").find("debug")->find(".cargo-lock")->held = true;
  cmake(root_, "cwd").find("CMakeFiles")->held = true;
  cargo(root_, "free");
  EXPECT_EQ(scan(), FRESHET_OK);
  EXPECT_EQ(tops(), (Paths{"/r/free/target"}));
  EXPECT_EQ(host_.spared.size(), 2U);
}

TEST_F(BuildTrees, SourcesInATreeKeepIt) {
  cmake(root_, "in-source").file("CMakeLists.txt");
  cmake(root_, "around").directory("src").file("CMakeLists.txt");  // cmake -S src -B .
  cmake(root_, "repository").directory(".git").file("HEAD");
  cargo(root_, "clone").directory("checkout").directory("repo").directory(".git").file("HEAD");
  node(root_, "submodule").directory("mine").file(".git");
  cargo(root_, "package").file("Cargo.toml");
  EXPECT_EQ(scan(), FRESHET_OK);
  EXPECT_EQ(tops(), Paths{});
}

TEST_F(BuildTrees, WhatCMakeItselfFetchesIsNoSourceOfAnybodys) {
  FakeEntry& fetched = cmake(root_, "fetch");
  FakeEntry& sources = fetched.directory("_deps").directory("zlib-src");
  sources.file("CMakeLists.txt");
  sources.directory(".git").file("HEAD");
  fetched.directory("zstd-prefix").directory("src").directory("zstd").file("CMakeLists.txt");
  fetched.find("CMakeFiles")->directory("CMakeScratch").file("CMakeLists.txt");
  // Only at the tree's own top, where CMake puts it.
  cmake(root_, "deep").directory("mine").directory("_deps").file("CMakeLists.txt");
  EXPECT_EQ(scan(), FRESHET_OK);
  EXPECT_EQ(tops(), (Paths{"/r/fetch/out"}));
}

TEST_F(BuildTrees, ATreeThatCannotBeReadWhollyStays) {
  cargo(root_, "closed").find("debug")->unreadable = true;
  cargo(root_, "broken").find("debug")->breaks_off = true;
  cargo(root_, "mount").mount_point("m");
  cargo(root_, "free");
  EXPECT_EQ(scan(), FRESHET_UNREADABLE);
  EXPECT_EQ(tops(), (Paths{"/r/free/target"}));
}

// Somebody begins to build between the look and the proposal.
TEST_F(BuildTrees, ATreeThatGrowsYoungDuringTheScanStays) {
  FakeEntry& target = cargo(root_, "p");
  int opened = 0;
  host_.on_open = [&](const std::string& path) {
    if (path == "/r/p/target/debug" && ++opened == 2) target.find("debug")->file("new", 0);
  };
  EXPECT_EQ(scan(), FRESHET_OK);
  EXPECT_EQ(opened, 2);
  EXPECT_EQ(host_.proposed(), Paths{}) << "not a part of it either";
}

TEST_F(BuildTrees, ATreeInATreeIsAPartOfIt) {
  FakeEntry& outer = cmake(root_, "p");
  cargo(outer, "inner");
  EXPECT_EQ(scan(), FRESHET_OK);
  EXPECT_EQ(tops(), (Paths{"/r/p/out"}));
  outer.find("app")->aged(1);
  EXPECT_EQ(scan(), FRESHET_OK);
  EXPECT_EQ(tops(), Paths{}) << "the outer one stays, with all that is in it";
}

TEST_F(BuildTrees, ToolsSizesAndHiddenDirectoriesAreTheOperators) {
  cargo(root_, "rust").find("debug")->find("app")->allocated = 1 << 20;
  node(root_, "web");
  node(root_, ".editor");
  EXPECT_EQ(scan(defaults().strings("tools", {"node"})), FRESHET_OK);
  EXPECT_EQ(tops(), (Paths{"/r/web/node_modules"}));
  EXPECT_EQ(scan(defaults().size("min-size", 1 << 20)), FRESHET_OK);
  EXPECT_EQ(tops(), (Paths{"/r/rust/target"}));
  EXPECT_EQ(scan(defaults().boolean("hidden", true).strings("tools", {"node"})), FRESHET_OK);
  EXPECT_EQ(tops(), (Paths{"/r/.editor/node_modules", "/r/web/node_modules"}));
}

TEST_F(BuildTrees, AgeByNothingIsRefused) {
  RunningTask task(host_, freshet_plugin_entry, "build-trees", defaults().strings("age-by", {}));
  EXPECT_EQ(task.configured, FRESHET_INVALID);
}

TEST_F(BuildTrees, AHostThatCannotTakeFindingsTogetherIsToldSo) {
  cargo(root_, "rust");
  host_.features.erase(FRESHET_TOGETHER_ID);
  EXPECT_EQ(scan(), FRESHET_FAILED);
  EXPECT_EQ(host_.proposed(), Paths{});
  EXPECT_NE(host_.log.back().find("org.freshet.together"), std::string::npos);
}

TEST_F(BuildTrees, CancellingMidwayLeavesNoPartOfATree) {
  for (int i = 0; i < 5; ++i) cargo(root_, "p" + std::to_string(i));
  host_.cancel_after_findings = 7;
  EXPECT_EQ(scan(), FRESHET_CANCELLED);
  EXPECT_EQ(host_.findings.size(), 6U) << "one whole tree, and nothing of the second";
}

TEST(BuildTreesMarkers, BytecodeNames) {
  for (const char* name : {"a.cpython-311.pyc", "a.b.cpython-39.opt-2.pyc", "a.pypy39.pyc"})
    EXPECT_TRUE(build_trees::is_bytecode(name)) << name;
  for (const char* name : {".cpython-311.pyc", "a.pyc", "a.cpython-311.py", "cpython-311.pyc", ".pyc", "", "a.cpython-311.pyc.txt"})
    EXPECT_FALSE(build_trees::is_bytecode(name)) << name;
}

TEST(BuildTreesManifest, ReadsFromTheFileAndHasTheDefaultsOfTheseTests) {
  expect_the_manifests_defaults(BUILD_TREES_SO, "org.freshet.build-trees", "build-trees", defaults(), {"older-than"});
}

}  // namespace
}  // namespace freshet_test

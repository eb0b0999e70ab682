#include <gtest/gtest.h>

#include <map>

#include "tests/unit/plugins/fake_host.h"
#include "tests/unit/plugins/manifest_defaults.h"

namespace freshet_test {
namespace {

using Paths = std::vector<std::string>;

// The manifest's defaults; a test below holds them against the manifest.
FakeSettings defaults() {
  FakeSettings out;
  out.integer("keep-versions", 1).duration("min-age", kDay);
  return out;
}

class PackageCache : public testing::Test {
 public:
  PackageCache() {
    host_.grant_read();
    apt_.file("lock");
    apt_.directory("partial").file("gone_1_amd64.deb");
    apt_.file("pkgcache.bin");
    dpkg_.directory("updates");
    dpkg_.file("status");
    installed({{"hello", "2.10-3"}});
  }
  void TearDown() override {
    EXPECT_EQ(host_.broken_rules, Paths{});
    EXPECT_EQ(host_.open_directories, 0U);
  }

  void installed(const std::map<std::string, std::string>& versions) {
    std::string& text = dpkg_.find("status")->text;
    text.clear();
    for (const auto& [package, version] : versions)
      text += "Package: " + package + "\nStatus: install ok installed\nArchitecture: amd64\nVersion: " + version + "\n\n";
  }
  void archives(const Paths& names, std::int64_t age = 100) {
    for (const std::string& name : names) apt_.file(name, age).bytes = 1000;
  }
  freshet_status scan(const FakeSettings& settings = defaults()) {
    host_.findings.clear();
    RunningTask task(host_, freshet_plugin_entry, "package-cache", settings);
    EXPECT_EQ(task.configured, FRESHET_OK);
    return task.configured == FRESHET_OK ? task.scan() : task.configured;
  }
  void expect_failure(const std::string& words, freshet_status status = FRESHET_FAILED) {
    archives({"gone_1_amd64.deb"});
    EXPECT_EQ(scan(), status);
    EXPECT_EQ(host_.proposed(), Paths{});
    ASSERT_FALSE(host_.log.empty());
    EXPECT_NE(host_.log.back().find(words), std::string::npos) << host_.log.back();
  }

  FakeHost host_;
  FakeEntry& apt_ = host_.add_root("/apt");
  FakeEntry& dpkg_ = host_.add_root("/dpkg");
};

TEST_F(PackageCache, KeepsWhatIsInstalledWhatIsNewerAndTheNewestOfTheOlderOnes) {
  archives({"hello_2.10-3_amd64.deb", "hello_2.10-10_amd64.deb", "hello_2.10-2_amd64.deb", "hello_2.9_amd64.deb", "hello_2.8_amd64.deb"});
  EXPECT_EQ(scan(), FRESHET_OK);
  EXPECT_EQ(host_.proposed(), (Paths{"/apt/hello_2.8_amd64.deb", "/apt/hello_2.9_amd64.deb"}));
  EXPECT_EQ(host_.reason_of("/apt/hello_2.9_amd64.deb"), "hello 2.9 is older than what is installed, of such stay: 1");
  for (const FakeFinding& finding : host_.findings) {
    EXPECT_EQ(finding.kind, FRESHET_OVER_QUOTA);
    EXPECT_EQ(finding.cost, FRESHET_REDOWNLOADABLE);
    EXPECT_EQ(finding.cost_bytes, 1000U);
  }
  EXPECT_EQ(scan(defaults().integer("keep-versions", 0)), FRESHET_OK);
  EXPECT_EQ(host_.proposed().size(), 3U);
  EXPECT_EQ(scan(defaults().integer("keep-versions", 3)), FRESHET_OK);
  EXPECT_EQ(host_.proposed(), Paths{});
}

TEST_F(PackageCache, WhatIsNotInstalledGoes) {
  archives({"other_1_amd64.deb", "hello_2.10-3_i386.deb"});
  EXPECT_EQ(scan(), FRESHET_OK);
  EXPECT_EQ(host_.proposed(), (Paths{"/apt/hello_2.10-3_i386.deb", "/apt/other_1_amd64.deb"}));
  EXPECT_EQ(host_.reason_of("/apt/other_1_amd64.deb"), "other 1 is not installed");
  EXPECT_EQ(host_.findings[0].kind, FRESHET_LEFTOVER);
}

TEST_F(PackageCache, EpochsAndArchitecturesAreWhatTheyAreForDpkg) {
  installed({{"a", "1:1.0"}});
  archives({"a_1%3a1.0_all.deb", "a_2.0_amd64.deb", "a_1.9_amd64.deb"});
  EXPECT_EQ(scan(), FRESHET_OK);
  EXPECT_EQ(host_.proposed(), Paths{"/apt/a_1.9_amd64.deb"});
}

TEST_F(PackageCache, WhatWasDownloadedLatelyStays) {
  archives({"other_1_amd64.deb"}, 0);
  archives({"future_1_amd64.deb"}, -2);
  EXPECT_EQ(scan(), FRESHET_OK);
  EXPECT_EQ(host_.proposed(), Paths{});
}

TEST_F(PackageCache, NothingButArchivesOfAptsFolderGoes) {
  archives({"notes.txt", "other_1_amd64.deb.FAILED"});
  apt_.symlink("link_1_amd64.deb");
  apt_.directory("dir_1_amd64.deb");
  dpkg_.file("other_1_amd64.deb");
  host_.add_root("/elsewhere").file("other_1_amd64.deb");
  EXPECT_EQ(scan(), FRESHET_OK);
  EXPECT_EQ(host_.proposed(), Paths{});
}

TEST_F(PackageCache, AFolderThatWasNotReadToItsEndIsNotApts) {
  archives({"other_1_amd64.deb"});
  apt_.breaks_off = true;
  EXPECT_EQ(scan(), FRESHET_UNREADABLE);
  EXPECT_EQ(host_.proposed(), Paths{});
}

TEST_F(PackageCache, ABrokenStatusFileEndsTheScan) {
  dpkg_.find("status")->text.pop_back();
  expect_failure("not whole");
}

TEST_F(PackageCache, AnEmptyStatusFileEndsTheScan) {
  dpkg_.find("status")->text.clear();
  expect_failure("not whole");
}

TEST_F(PackageCache, AStatusFileThatCannotBeReadEndsTheScan) {
  dpkg_.find("status")->unreadable = true;
  expect_failure("cannot be read");
}

TEST_F(PackageCache, WithoutReadItSaysWhatToGrant) {
  host_.features.clear();
  expect_failure("grant `read`");
}

TEST_F(PackageCache, AnInterruptedDpkgEndsTheScan) {
  dpkg_.find("updates")->file("0001");
  expect_failure("dpkg --configure -a");
}

TEST_F(PackageCache, WithoutDpkgsFolderNothingIsJudged) {
  dpkg_.find("updates")->name = "other";
  expect_failure("/var/lib/dpkg", FRESHET_OK);
}

TEST_F(PackageCache, TwoOfThemAreOneTooMany) {
  FakeEntry& second = host_.add_root("/dpkg2");
  second.directory("updates");
  second.file("status").text = dpkg_.find("status")->text;
  expect_failure("two roots");
}

TEST(PackageCacheManifest, ReadsFromTheFileAndHasTheDefaultsOfTheseTests) {
  expect_the_manifests_defaults(PACKAGE_CACHE_SO, "org.freshet.package-cache", "package-cache", defaults(), {});
}

}  // namespace
}  // namespace freshet_test

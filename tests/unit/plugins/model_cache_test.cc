#include <gtest/gtest.h>

#include <map>

#include "plugins/model-cache/repository.h"
#include "tests/unit/plugins/fake_host.h"
#include "tests/unit/plugins/manifest_defaults.h"

namespace freshet_test {
namespace {

using Paths = std::vector<std::string>;

// The manifest's defaults (a test below holds them against the manifest), with a limit of 30 days.
FakeSettings defaults() {
  FakeSettings out;
  out.duration("older-than", 30 * kDay).duration("stale-after", kDay).strings("age-by", {"mtime", "atime", "btime"});
  return out;
}

class ModelCache : public testing::Test {
 public:
  ModelCache() { host_.grant_read(); }
  void TearDown() override {
    EXPECT_EQ(host_.broken_rules, Paths{});
    EXPECT_EQ(host_.open_directories, 0U);
  }

  freshet_status scan(const FakeSettings& settings = defaults()) {
    host_.findings.clear();
    RunningTask task(host_, freshet_plugin_entry, "model-cache", settings);
    EXPECT_EQ(task.configured, FRESHET_OK);
    return task.configured == FRESHET_OK ? task.scan() : task.configured;
  }

  // A repository with these revisions, each of these blobs, as huggingface_hub lays it out.
  FakeEntry& repository(const std::string& name, const std::map<std::string, std::vector<std::string>>& revisions,
                        std::int64_t age = 100) {
    FakeEntry& repository = root_.directory(name, age);
    FakeEntry& blobs = repository.directory("blobs", age);
    FakeEntry& snapshots = repository.directory("snapshots", age);
    repository.directory("refs", age);
    for (const auto& [revision, hashes] : revisions) {
      FakeEntry& snapshot = snapshots.directory(revision, age);
      for (const std::string& hash : hashes) {
        if (blobs.find(hash) == nullptr) blobs.file(hash, age).bytes = 1'000'000;
        snapshot.symlink(hash + ".bin", age, "../../blobs/" + hash);
      }
    }
    return repository;
  }
  FakeEntry& blob(FakeEntry& repository, const std::string& name) { return *repository.find("blobs")->find(name); }
  Paths tops() { return freshet_test::tops(host_); }

  FakeHost host_;
  FakeEntry& root_ = host_.add_root("/hub");
};

TEST_F(ModelCache, ARepositoryThatNobodyUsedGoesWhole) {
  FakeEntry& repo = repository("models--org--old", {{"r1", {"a", "b"}}, {"r2", {"b"}}});
  repo.find("refs")->file("main");
  repo.directory(".no_exist").directory("r1").file("adapter.json");
  repository("models--org--young", {{"r1", {"c"}}}, 3);
  EXPECT_EQ(scan(), FRESHET_OK);
  EXPECT_EQ(tops(), (Paths{"/hub/models--org--old"}));
  EXPECT_EQ(host_.reason_of("/hub/models--org--old/blobs/a"), "org/old, last used 100 d ago, limit 30 d");
  for (const FakeFinding& finding : host_.findings) {
    EXPECT_EQ(finding.cost, FRESHET_REDOWNLOADABLE);
    const bool blob = finding.path.find("/blobs/") != std::string::npos;
    EXPECT_EQ(finding.kind, blob ? FRESHET_ORPHAN : FRESHET_AGED) << finding.path;
    if (blob) {
      EXPECT_EQ(finding.cost_bytes, 1'000'000U);
    }
  }
}

TEST_F(ModelCache, TheLastUseOfAnyFileDecides) {
  blob(repository("models--a--blob", {{"r1", {"a", "b"}}}), "b").atime = kNow - 29 * kDay;
  repository("models--a--link", {{"r1", {"a"}}}).find("snapshots")->find("r1")->find("a.bin")->mtime = kNow;
  repository("models--a--file", {{"r1", {"a"}}}).find("snapshots")->find("r1")->file("copied.bin", 2);
  repository("models--a--future", {{"r1", {"a"}}}).find("blobs")->find("a")->mtime = kNow + kSecond;
  repository("models--a--ref", {{"r1", {"a"}}}).find("refs")->file("main", 1);
  EXPECT_EQ(scan(), FRESHET_OK);
  EXPECT_EQ(tops(), Paths{});
}

TEST_F(ModelCache, OneOldRevisionGoesWithItsRefsAndItsOwnBlobsOnly) {
  FakeEntry& repo = repository("models--org--m", {{"old", {"shared", "mine"}}, {"new", {"shared", "other"}}});
  blob(repo, "other").aged(1);
  repo.find("refs")->file("v1").text = "old";
  repo.find("refs")->file("main").text = "new\n";
  EXPECT_EQ(scan(), FRESHET_OK);
  EXPECT_EQ(tops(), (Paths{"/hub/models--org--m/blobs/mine", "/hub/models--org--m/refs/v1", "/hub/models--org--m/snapshots/old"}));
  EXPECT_EQ(host_.reason_of("/hub/models--org--m/refs/v1"), "revision old of org/m, last used 100 d ago, limit 30 d");
  EXPECT_EQ(host_.findings.back().path, "/hub/models--org--m/blobs/mine") << "blobs last";
  EXPECT_EQ(host_.findings.back().kind, FRESHET_ORPHAN);
}

TEST_F(ModelCache, WithoutReadingRefsASingleRevisionStays) {
  FakeEntry& repo = repository("models--org--m", {{"old", {"mine"}}, {"new", {"other"}}});
  blob(repo, "other").aged(1);
  FakeEntry& ref = repo.find("refs")->file("main");
  EXPECT_EQ(scan(), FRESHET_OK);
  EXPECT_EQ(tops(), Paths{}) << "an empty ref may name it";
  ref.unreadable = true;
  EXPECT_EQ(scan(), FRESHET_OK);
  EXPECT_EQ(host_.unread, Paths{"/hub/models--org--m/refs/main"});
  EXPECT_EQ(tops(), Paths{}) << "so may one that cannot be read";
}

TEST_F(ModelCache, ARefInAFolderOfItsOwnKeepsItsRevision) {
  FakeEntry& repo = repository("models--org--m", {{"old", {"mine"}}, {"new", {"other"}}});
  blob(repo, "other").aged(1);
  repo.find("refs")->directory("pr").file("1").text = "old";
  EXPECT_EQ(scan(), FRESHET_OK);
  EXPECT_EQ(tops(), Paths{});
}

TEST_F(ModelCache, ABlobOfTwoOldRevisionsGoesWhenBothAreGone) {
  FakeEntry& repo = repository("models--org--m", {{"o1", {"shared"}}, {"o2", {"shared"}}, {"new", {"other"}}});
  blob(repo, "other").aged(1);
  EXPECT_EQ(scan(), FRESHET_OK);
  EXPECT_EQ(tops(), (Paths{"/hub/models--org--m/snapshots/o1", "/hub/models--org--m/snapshots/o2"}));
}

TEST_F(ModelCache, ABlobThatNoSnapshotRefersToIsAnOrphan) {
  FakeEntry& repo = repository("models--org--m", {{"r", {"a"}}}, 3);
  repo.find("blobs")->file("lost", 3);
  repo.find("blobs")->file("arriving", 0);
  EXPECT_EQ(scan(), FRESHET_OK);
  EXPECT_EQ(tops(), (Paths{"/hub/models--org--m/blobs/lost"}));
  EXPECT_EQ(host_.findings[0].kind, FRESHET_ORPHAN);
  EXPECT_EQ(host_.findings[0].reason, "no snapshot of org/m refers to it");
}

TEST_F(ModelCache, LinksThatLeadElsewhereReferToNothing) {
  FakeEntry& repo = repository("models--org--m", {{"r", {"a"}}}, 3);
  FakeEntry& snapshot = *repo.find("snapshots")->find("r");
  int number = 0;
  for (const char* target : {"../../other/x", "../../blobs/", "../../blobs/x/y", "x", "/x", ""})
    snapshot.symlink("l" + std::to_string(++number), 3, target);
  repo.find("blobs")->file("x", 3);
  snapshot.symlink("absolute", 3, "/home/me/hub/models--org--m/blobs/y");
  repo.find("blobs")->file("y", 3);
  snapshot.directory("deep", 3).symlink("z", 3, "../../../blobs/z");
  repo.find("blobs")->file("z", 3);
  EXPECT_EQ(scan(), FRESHET_OK);
  EXPECT_EQ(tops(), (Paths{"/hub/models--org--m/blobs/x"})) << "y is referred to by its whole path, z from a folder";
}

TEST_F(ModelCache, PartialDownloadsGoOnlyWhenStaleAndUnlocked) {
  FakeEntry& repo = repository("models--org--m", {{"r", {"a"}}}, 3);
  FakeEntry& blobs = *repo.find("blobs");
  for (const char* name : {"free.incomplete", "locked.1a2b.incomplete", "open.incomplete"}) blobs.file(name, 2);
  blobs.file("fresh.incomplete", 0);
  blobs.find("open.incomplete")->held = true;
  FakeEntry& locks = root_.directory(".locks").directory("models--org--m");
  locks.file("free.lock");
  locks.file("locked.lock").held = true;
  EXPECT_EQ(scan(), FRESHET_OK);
  EXPECT_EQ(tops(), (Paths{"/hub/models--org--m/blobs/free.incomplete"}));
  EXPECT_EQ(host_.findings[0].kind, FRESHET_LEFTOVER);
  EXPECT_EQ(host_.findings[0].reason, "partial download of org/m, untouched for 2 d");
}

TEST_F(ModelCache, ALockOfAnyFileKeepsTheRepository) {
  repository("models--org--m", {{"r", {"a"}}});
  root_.directory(".locks").directory("models--org--m").file("b.lock").held = true;
  EXPECT_EQ(scan(), FRESHET_OK);
  EXPECT_EQ(tops(), Paths{});
}

TEST_F(ModelCache, WhatIsNoHubCacheIsLeftAlone) {
  repository("models--org--stranger", {{"r", {"a"}}}).file("notes.txt");
  repository("models--org--dirs", {{"r", {"a"}}}).find("blobs")->directory("d");
  repository("models--org--files", {{"r", {"a"}}}).find("snapshots")->file("f");
  root_.directory("models--org--half").directory("blobs").file("a");
  repository("other--org--m", {{"r", {"a"}}});
  EXPECT_EQ(scan(), FRESHET_OK);
  EXPECT_EQ(tops(), Paths{});
}

TEST_F(ModelCache, WhatCouldNotBeReadIsNotJudged) {
  repository("models--a--blobs", {{"r", {"a"}}}).find("blobs")->breaks_off = true;
  repository("models--a--snapshots", {{"r", {"a"}}}).find("snapshots")->unreadable = true;
  repository("models--a--revision", {{"r", {"a"}}, {"s", {"b"}}}).find("snapshots")->find("s")->unreadable = true;
  repository("models--a--link", {{"r", {"a"}}});
  root_.find("models--a--link")->find("snapshots")->find("r")->find("a.bin")->unreadable = true;
  EXPECT_EQ(scan(), FRESHET_UNREADABLE);
  EXPECT_EQ(tops(), Paths{});
}

TEST_F(ModelCache, HubsAreFoundAtAnyDepthAndDataSetsToo) {
  FakeEntry& hub = root_.directory("huggingface").directory("hub");
  for (const char* name : {"datasets--org--d", "spaces--org--s", "models--gpt2"}) {
    repository(name, {{"r", {"a"}}});
    hub.add(std::move(*root_.find(name)));
    root_.children.pop_back();
  }
  EXPECT_EQ(scan(), FRESHET_OK);
  EXPECT_EQ(tops().size(), 3U);
  EXPECT_EQ(host_.reason_of("/hub/huggingface/hub/models--gpt2"), "gpt2, last used 100 d ago, limit 30 d");
}

TEST_F(ModelCache, WithoutTheRightToReadNothingIsJudged) {
  repository("models--org--m", {{"r", {"a"}}});
  host_.features.erase(FRESHET_LINKS_ID);
  EXPECT_EQ(scan(), FRESHET_FAILED);
  EXPECT_EQ(tops(), Paths{});
}

TEST(ModelCacheNames, PartialDownloadsAreNamedByTheirHash) {
  using model_cache::Repository;
  EXPECT_EQ(Repository::partial_of("abc.incomplete"), "abc");
  EXPECT_EQ(Repository::partial_of("abc.1f2e.incomplete"), "abc");
  EXPECT_EQ(Repository::partial_of("abc"), std::nullopt);
  EXPECT_EQ(Repository::partial_of(".incomplete"), std::nullopt);
  EXPECT_EQ(Repository::title("models--org--name--x"), "org/name--x");
  EXPECT_EQ(Repository::title("models--"), std::nullopt);
  EXPECT_EQ(Repository::title("models-org"), std::nullopt);
}

TEST(ModelCacheManifest, ReadsFromTheFileAndHasTheDefaultsOfTheseTests) {
  expect_the_manifests_defaults(MODEL_CACHE_SO, "org.freshet.model-cache", "model-cache", defaults(), {"older-than"});
}

}  // namespace
}  // namespace freshet_test

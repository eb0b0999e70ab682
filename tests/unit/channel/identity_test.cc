// Who a worker is, and what that alone is worth: with every other layer off, its ids and its one capability open nothing
// that was not granted.
#include <gtest/gtest.h>
#include <linux/capability.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <fstream>

#include "live_worker.h"
#include "mounted.h"
#include "runtime/sandbox/owner_view.h"

namespace freshet::channel::testing {
namespace {

bool root_user() { return ::geteuid() == 0; }

class Identity : public ::testing::Test {
 protected:
  void SetUp() override {
    if (!root_user()) GTEST_SKIP() << "an ordinary user's worker is that user";
    ::chmod(tree_.path().c_str(), 0755);
  }

  // A directory that only `uid` may look into, with a file in it.
  static void shut(const std::string& root, const std::string& name, std::uint32_t uid) {
    const std::string directory = root + "/" + name;
    ASSERT_EQ(::mkdir(directory.c_str(), 0700), 0);
    std::ofstream(directory + "/file") << "x";
    ASSERT_EQ(::lchown((directory + "/file").c_str(), uid, uid), 0);
    ASSERT_EQ(::lchown(directory.c_str(), uid, uid), 0);
  }

  static WorkerOptions identity_alone() {
    WorkerOptions options;
    options.limits = {.no_seccomp = true, .landlock_abi_at_most = 0, .no_mdwe = true};
    options.strict = false;
    options.left_out = "private-root";
    return options;
  }

  static std::string said(const OpenRoot& root, const char* act, const WorkerOptions& options) {
    const Outcome outcome = run_plugin("hostile", act, {&root}, options);
    return outcome.scanned.log.empty() ? outcome.end.what : outcome.scanned.log.back();
  }

  TempTree tree_;
};

TEST_F(Identity, AloneItOpensNothingThatIsPrivateOnTheHost) {
  const OpenRoot root = open_root(tree_.path());
  const WorkerOptions options = identity_alone();
  EXPECT_EQ(said(root, "stat-outside", options), "worked");  // nothing else stands in the way
  EXPECT_EQ(said(root, "open-outside", options), "worked");
  EXPECT_EQ(said(root, "open-private", options), "errno " + std::to_string(EACCES));
  EXPECT_EQ(said(root, "list-private", options), "errno " + std::to_string(EACCES));
  WorkerOptions nobody = options;
  nobody.uid = 0;
  nobody.left_out += "+ids+capabilities";
  EXPECT_EQ(said(root, "open-private", nobody), "worked");
}

TEST_F(Identity, EveryOwnersDirectoriesAreListedAndTheirOwnersToldWhereAMountCanBeMapped) {
  const auto support = sandbox::find_host_support();
  const std::uint32_t owners[] = {0, 33, 65533, 100'000, 1'200'000, 0x6FFFFFFF};
  for (const std::uint32_t uid : owners) shut(tree_.path(), "of-" + std::to_string(uid), uid);
  const OpenRoot root = open_root(tree_.path());
  if (!support.owner_view || !sandbox::clone_mapped(root.directory.get(), support.owner_view->get()))
    GTEST_SKIP() << "no mapped mounts on " << tree_.path();
  const Outcome outcome = run_plugin("lister", "", {&root});
  ASSERT_EQ(outcome.end.reason, EndReason::none) << outcome.end.what;
  EXPECT_TRUE(outcome.scanned.unread.empty()) << outcome.scanned.unread.front();
  EXPECT_EQ(outcome.scanned.findings.size(), std::size(owners));
  for (const std::uint32_t uid : owners) EXPECT_EQ(std::ranges::count(outcome.scanned.owners, uid), 1) << uid;
}

// An id from there on has no name in a worker's namespace.
TEST_F(Identity, AnOwnerBeyondTheMapIsReportedUnread) {
  shut(tree_.path(), "far", sandbox::kViewCount + 70'000);
  const OpenRoot root = open_root(tree_.path());
  const Outcome outcome = run_plugin("lister", "", {&root});
  ASSERT_EQ(outcome.end.reason, EndReason::none) << outcome.end.what;
  EXPECT_EQ(outcome.scanned.unread, std::vector<std::string>{"0:far 13"});
}

// There it has no capability, sees what everybody may see, and knows whose it is.
TEST_F(Identity, WhereNoMountCanBeMappedItIsAPlainUser) {
  const std::string place = tree_.directory("ramfs");
  const Mounted mounted(place, "ramfs");
  if (!mounted.good()) GTEST_SKIP() << "this user may not mount";
  ::chmod(place.c_str(), 0755);
  shut(place, "private", 33);
  std::ofstream(place + "/file") << "x";
  ASSERT_EQ(::lchown((place + "/file").c_str(), 33, 33), 0);
  const OpenRoot root = open_root(place);
  auto bytes = read_plugin_file(plugin_path("lister"));
  ASSERT_TRUE(bytes.has_value());
  auto worker = start_worker(*bytes, {&root}, {});
  ASSERT_TRUE(worker.has_value()) << worker.error().what;
  std::ifstream status("/proc/" + std::to_string((*worker)->pid()) + "/status");
  const std::string text((std::istreambuf_iterator<char>(status)), {});
  EXPECT_NE(text.find("CapPrm:\t0000000000000000\n"), std::string::npos);
  EXPECT_NE(text.find("Uid:\t1879048192\t1879048192\t1879048192\t1879048192\n"), std::string::npos);
  Scanned scanned;
  ASSERT_TRUE(load(**worker, ""));
  ASSERT_TRUE(read_scan(**worker, scanned)) << (*worker)->finish().what;
  EXPECT_EQ(scanned.unread, std::vector<std::string>{"0:private 13"});
  EXPECT_EQ(scanned.findings, std::vector<std::string>{"0:file"});
  EXPECT_EQ(scanned.owners, std::vector<std::uint32_t>{33});
  // With a root that can be mapped beside it too: owners are told rightly in both, or in none.
  const std::string beside = tree_.directory("beside");
  shut(beside, "private", 33);
  const OpenRoot second = open_root(beside);
  const Outcome both = run_plugin("lister", "", {&root, &second});
  ASSERT_EQ(both.end.reason, EndReason::none) << both.end.what;
  EXPECT_EQ(both.scanned.unread, (std::vector<std::string>{"0:private 13", "1:private 13"}));
}

TEST_F(Identity, WithoutMappedMountsItHasNoCapability) {
  shut(tree_.path(), "private", 33);
  const OpenRoot root = open_root(tree_.path());
  WorkerOptions options;
  options.limits.no_idmapped_mounts = true;
  const Outcome outcome = run_plugin("lister", "", {&root}, options);
  ASSERT_EQ(outcome.end.reason, EndReason::none) << outcome.end.what;
  EXPECT_EQ(outcome.scanned.unread, std::vector<std::string>{"0:private 13"});
}

}  // namespace
}  // namespace freshet::channel::testing

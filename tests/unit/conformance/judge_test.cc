#include "runtime/conformance/judge.h"

#include <freshet/contents.h>
#include <freshet/ipc.h>
#include <freshet/plugin.h>
#include <gtest/gtest.h>

#include <algorithm>

namespace freshet::conformance {
namespace {

class JudgeTest : public ::testing::Test {
 protected:
  const Verdict& verdict(std::string_view name) { return *std::ranges::find(verdicts_, name, &Verdict::name); }
  void expect_failed(std::string_view name, std::string_view seen) {
    EXPECT_EQ(verdict(name).outcome, Outcome::failed);
    EXPECT_TRUE(verdict(name).seen.contains(seen)) << verdict(name).seen;
  }
  static TrialResult scanned(std::int32_t status) {
    TrialResult out;
    out.loaded = out.scanned = true;
    out.status = status;
    return out;
  }
  static TrialResult crashed() {
    TrialResult out;
    out.loaded = true;
    out.end = {channel::EndReason::signal, "SIGSEGV", ""};
    return out;
  }

  manifest::Manifest manifest_;
  std::vector<Verdict> verdicts_;
  VerdictBook book_{verdicts_};
  Judge judge_{manifest_, book_};
};

TEST_F(JudgeTest, EachPermissionHasToBeUsed) {
  for (const char* permission : {"remove", "lock", "hook", "read", "ipc"}) {
    manifest_.required_permissions = {permission};
    std::vector<Verdict> verdicts;
    VerdictBook book(verdicts);
    Judge(manifest_, book).judge_permissions();
    const Verdict& one = *std::ranges::find(verdicts, "permission-used", &Verdict::name);
    EXPECT_EQ(one.outcome, Outcome::failed);
    EXPECT_TRUE(one.seen.contains(permission)) << one.seen;
  }
}

TEST_F(JudgeTest, UsedPermissionsAreGood) {
  manifest_.required_permissions = {"remove", "lock", "hook"};
  manifest_.optional_permissions = {"read", "ipc"};
  TrialResult result = scanned(FRESHET_OK);
  result.findings_count = 1;
  result.notes = {{wire::NoteKind::used_feature, FRESHET_CONTENTS_ID}, {wire::NoteKind::used_feature, FRESHET_IPC_ID}};
  judge_.examine(result, "here");
  judge_.judge_permissions();
  EXPECT_EQ(verdict("permission-used").outcome, Outcome::passed);
}

TEST_F(JudgeTest, AskingForAFeatureIsNotUsingIt) {
  manifest_.optional_permissions = {"read"};
  TrialResult result = scanned(FRESHET_OK);
  result.notes = {{wire::NoteKind::feature, FRESHET_CONTENTS_ID}};
  judge_.examine(result, "here");
  judge_.judge_permissions();
  expect_failed("permission-used", "opened a file");
}

TEST_F(JudgeTest, WithoutAnOptionalPermissionAScanHasToGoOn) {
  judge_.judge_denied(scanned(FRESHET_OK), false, "here");
  EXPECT_EQ(verdict("permission-denied").outcome, Outcome::passed);
  judge_.judge_denied(scanned(FRESHET_FAILED), false, "here");
  expect_failed("permission-denied", "FRESHET_FAILED");
}

TEST_F(JudgeTest, WithoutARequiredOneItMayFailButNotCrash) {
  judge_.judge_denied(scanned(FRESHET_FAILED), true, "here");
  TrialResult refused;
  refused.end = {channel::EndReason::plugin, "no contents, no task", "F2012"};
  judge_.judge_denied(refused, true, "here");
  EXPECT_EQ(verdict("permission-denied").outcome, Outcome::passed);
  judge_.judge_denied(crashed(), true, "here");
  expect_failed("permission-denied", "SIGSEGV");
}

TEST_F(JudgeTest, TheFirstFaultIsTheOneThatIsTold) {
  judge_.judge_end("empty-tree", scanned(FRESHET_FAILED), "first", {FRESHET_OK});
  judge_.judge_end("empty-tree", crashed(), "second", {FRESHET_OK});
  EXPECT_EQ(verdict("empty-tree").where, "first");
}

TEST_F(JudgeTest, ABreachIsToldOnceAndUnderItsOwnName) {
  TrialResult result = crashed();
  result.end = {channel::EndReason::breach, "called socket(2)", ""};
  judge_.judge_end("empty-tree", result, "here", {FRESHET_OK});
  expect_failed("system-calls", "socket");
  EXPECT_EQ(verdict("empty-tree").outcome, Outcome::passed);
}

TEST_F(JudgeTest, AScanThatReadsContentsMayCallARecordedTreeUnreadable) {
  judge_.judge_end("odd-names", scanned(FRESHET_UNREADABLE), "here", {FRESHET_OK});
  EXPECT_EQ(verdict("odd-names").outcome, Outcome::failed);
  manifest_.required_permissions = {"read"};
  judge_.judge_end("odd-times", scanned(FRESHET_UNREADABLE), "here", {FRESHET_OK});
  EXPECT_EQ(verdict("odd-times").outcome, Outcome::passed);
}

TEST_F(JudgeTest, APluginMayRefuseATreeItIsNotMadeForWhereItSaysWhy) {
  TrialResult refused = scanned(FRESHET_FAILED);
  judge_.judge_strange(refused, "here");
  expect_failed("scan-status", "FRESHET_FAILED");
  refused.log = {"this is no package cache"};
  judge_.judge_strange(refused, "here");
  judge_.judge_end("empty-tree", refused, "here", {FRESHET_OK});
  judge_.judge_unreadable(refused, "here");
  EXPECT_EQ(verdict("empty-tree").outcome, Outcome::passed);
  EXPECT_EQ(verdict("unreadable-tree").outcome, Outcome::passed);
  judge_.judge_end("odd-times", crashed(), "here", {FRESHET_OK});
  expect_failed("odd-times", "SIGSEGV");
}

TEST_F(JudgeTest, ReasonsNeedALetterAndNoControlCharacter) {
  TrialResult result = scanned(FRESHET_OK);
  result.findings = {{"/a", "1 d", 0, 0, 0}};
  judge_.examine(result, "here");
  EXPECT_NE(verdict("reasons-readable").outcome, Outcome::failed);
  result.findings = {{"/a", "123", 0, 0, 0}};
  judge_.examine(result, "here");
  expect_failed("reasons-readable", "/a");
}

}  // namespace
}  // namespace freshet::conformance

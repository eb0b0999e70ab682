// What must work under every lock: a plugin that does no harm.
#include <gtest/gtest.h>

#include <algorithm>

#include "live_worker.h"

namespace freshet::channel::testing {
namespace {

TEST(Control, AGoodPluginListsItsGrantAndProposes) {
  TempTree tree;
  tree.file("a");
  tree.file("b/c");
  const OpenRoot root = open_root(tree.path());
  Outcome outcome = run_plugin("lister", "", {&root});
  ASSERT_EQ(outcome.end.reason, EndReason::none) << outcome.end.what;
  ASSERT_TRUE(outcome.scanned.end.has_value());
  EXPECT_EQ(outcome.scanned.end->status, FRESHET_OK);
  std::sort(outcome.scanned.findings.begin(), outcome.scanned.findings.end());
  EXPECT_EQ(outcome.scanned.findings, (std::vector<std::string>{"0:a", "0:b/c"}));
  EXPECT_EQ(outcome.scanned.incomplete, 0U);
}

}  // namespace
}  // namespace freshet::channel::testing

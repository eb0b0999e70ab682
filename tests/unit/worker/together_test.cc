// Findings that go all or not at all, as a worker says them.
#include <freshet/together.h>
#include <gtest/gtest.h>

#include <optional>

#include "heard_events.h"
#include "runtime/worker/host.h"
#include "scratch_tree.h"

namespace freshet::worker::testing {
namespace {

class TogetherTest : public ::testing::Test {
 protected:
  void SetUp() override {
    tree_.file("file");
    RootView view;
    view.path = view.shown = tree_.path();
    host_.emplace(heard_.socket(), std::vector<RootView>{view}, 16);
    table_ = host_->table();
    together_ = static_cast<const freshet_together*>(table_->feature(table_, FRESHET_TOGETHER_ID, 1));
    ASSERT_NE(together_, nullptr);
    host_->begin(false, 42);
    ASSERT_EQ(table_->dir_open(table_, 0, nullptr, {nullptr, 0}, &directory_), FRESHET_OK);
    entry_.size = sizeof entry_;
    ASSERT_EQ(table_->dir_next(table_, directory_, &entry_), FRESHET_OK);
  }
  void finish() {
    host_->end();
    heard_.stop();
    EXPECT_EQ(heard_.wrong, "");
  }
  freshet_status needs() { return together_->needs_free(table_, directory_, &entry_); }

  ScratchTree tree_;
  HeardEvents heard_;
  std::optional<Host> host_;
  const freshet_host* table_ = nullptr;
  const freshet_together* together_ = nullptr;
  freshet_dir* directory_ = nullptr;
  freshet_entry entry_{};
};

TEST_F(TogetherTest, StepsTravelInTheirOrder) {
  EXPECT_EQ(together_->begin(table_), FRESHET_OK);
  EXPECT_EQ(needs(), FRESHET_OK);
  EXPECT_EQ(together_->commit(table_), FRESHET_OK);
  EXPECT_EQ(together_->begin(table_), FRESHET_OK);
  EXPECT_EQ(together_->abandon(table_), FRESHET_OK);
  finish();
  EXPECT_EQ(heard_.together, (std::vector<std::string>{"begin", "needs file of " + std::to_string(entry_.inode), "commit",
                                                       "begin", "abandon"}));
}

TEST_F(TogetherTest, StepsOutOfOrderAreRefusedAndSayNothing) {
  EXPECT_EQ(together_->commit(table_), FRESHET_INVALID);
  EXPECT_EQ(together_->abandon(table_), FRESHET_INVALID);
  EXPECT_EQ(needs(), FRESHET_INVALID);
  EXPECT_EQ(together_->begin(table_), FRESHET_OK);
  EXPECT_EQ(together_->begin(table_), FRESHET_INVALID);
  EXPECT_EQ(together_->commit(table_), FRESHET_OK);
  finish();
  EXPECT_EQ(heard_.together, (std::vector<std::string>{"begin", "commit"}));
  EXPECT_EQ(together_->begin(table_), FRESHET_INVALID) << "no scan";
}

TEST_F(TogetherTest, VerifyProposesNothingAndAScanStartsWithoutAWhole) {
  ASSERT_EQ(together_->begin(table_), FRESHET_OK);
  host_->end();
  host_->begin(true, 43);
  EXPECT_EQ(together_->begin(table_), FRESHET_INVALID);
  host_->end();
  host_->begin(false, 44);
  EXPECT_EQ(together_->begin(table_), FRESHET_OK);
  finish();
}

TEST_F(TogetherTest, WhatCannotBeNeededIsRefused) {
  ASSERT_EQ(together_->begin(table_), FRESHET_OK);
  const freshet_entry good = entry_;
  entry_.name = {"../file", 7};
  EXPECT_EQ(needs(), FRESHET_INVALID);
  entry_ = good;
  entry_.ordinal = 9;
  EXPECT_EQ(needs(), FRESHET_INVALID);
  entry_ = good;
  entry_.size = 8;
  EXPECT_EQ(needs(), FRESHET_INVALID);
  EXPECT_EQ(together_->needs_free(table_, directory_, nullptr), FRESHET_INVALID);
  entry_ = good;
  table_->dir_close(table_, directory_);
  EXPECT_EQ(needs(), FRESHET_INVALID);
  finish();
}

TEST_F(TogetherTest, ALaterRevisionIsNotThere) {
  EXPECT_EQ(table_->feature(table_, FRESHET_TOGETHER_ID, FRESHET_TOGETHER_REVISION + 1), nullptr);
  finish();
}

}  // namespace
}  // namespace freshet::worker::testing

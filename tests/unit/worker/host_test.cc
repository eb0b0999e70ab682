#include "runtime/worker/host.h"

#include <gtest/gtest.h>

#include "heard_events.h"
#include "scratch_tree.h"

namespace freshet::worker::testing {
namespace {

class HostTest : public ::testing::Test {
 protected:
  void SetUp() override {
    tree_.file("file");
    RootView view;
    view.path = tree_.path();
    view.shown = "/as/the/operator/wrote/it";
    host_.emplace(heard_.socket(), std::vector<RootView>{view}, 16);
    table_ = host_->table();
  }
  void begin() {
    host_->begin(false, 42);
    ASSERT_EQ(table_->dir_open(table_, 0, nullptr, {nullptr, 0}, &directory_), FRESHET_OK);
    entry_.size = sizeof entry_;
    ASSERT_EQ(table_->dir_next(table_, directory_, &entry_), FRESHET_OK);
    finding_.size = sizeof finding_;
    finding_.kind = FRESHET_AGED;
    finding_.directory = directory_;
    finding_.entry = &entry_;
    finding_.reason = {"old", 3};
  }
  void finish() {
    host_->end();
    heard_.stop();
    EXPECT_EQ(heard_.wrong, "");
  }
  freshet_status emit() { return table_->emit_finding(table_, &finding_); }

  ScratchTree tree_;
  HeardEvents heard_;
  std::optional<Host> host_;
  const freshet_host* table_ = nullptr;
  freshet_dir* directory_ = nullptr;
  freshet_entry entry_{};
  freshet_finding finding_{};
};

TEST_F(HostTest, GivesAllTwelveFunctionsAndItsAbi) {
  EXPECT_EQ(table_->size, sizeof(freshet_host));
  EXPECT_EQ(table_->abi.major, static_cast<std::uint32_t>(FRESHET_ABI_MAJOR));
  EXPECT_EQ(table_->abi.minor, static_cast<std::uint32_t>(FRESHET_ABI_MINOR));
  EXPECT_TRUE(table_->feature && table_->log && table_->now && table_->cancelled && table_->progress && table_->root &&
              table_->dir_open && table_->dir_next && table_->dir_close && table_->emit_finding &&
              table_->buffer_get && table_->buffer_put);
  EXPECT_EQ(table_->feature(table_, "org.freshet.unknown", 1), nullptr);
}

TEST_F(HostTest, NamesTheRootsAsTheOperatorWroteThem) {
  freshet_root root{};
  EXPECT_EQ(table_->root(table_, 0, &root), FRESHET_INVALID);  // no size
  root.size = sizeof root;
  ASSERT_EQ(table_->root(table_, 0, &root), FRESHET_OK);
  EXPECT_EQ(std::string(root.path.data, root.path.length), "/as/the/operator/wrote/it");
  EXPECT_EQ(table_->root(table_, 1, &root), FRESHET_END);
}

TEST_F(HostTest, AFindingTravels) {
  begin();
  EXPECT_EQ(emit(), FRESHET_OK);
  EXPECT_EQ(table_->now(table_), 42);
  finish();
  EXPECT_EQ(heard_.findings, std::vector<std::string>{"file"});
}

TEST_F(HostTest, AFindingThatCannotBeIsRefused) {
  begin();
  const freshet_finding good = finding_;
  const freshet_entry good_entry = entry_;
  const auto refused = [&](auto&& bend) {
    finding_ = good;
    entry_ = good_entry;
    bend();
    return emit() == FRESHET_INVALID;
  };
  freshet_dir stranger;
  const std::string long_reason(513, 'x');
  EXPECT_TRUE(refused([&] { finding_.size = 8; }));
  EXPECT_TRUE(refused([&] { finding_.directory = nullptr; }));
  EXPECT_TRUE(refused([&] { finding_.directory = &stranger; }));
  EXPECT_TRUE(refused([&] { finding_.entry = nullptr; }));
  EXPECT_TRUE(refused([&] { entry_.size = 8; }));
  EXPECT_TRUE(refused([&] { entry_.name = {"a/b", 3}; }));
  EXPECT_TRUE(refused([&] { entry_.name = {"..", 2}; }));
  EXPECT_TRUE(refused([&] { entry_.name = {nullptr, 3}; }));
  EXPECT_TRUE(refused([&] { entry_.ordinal = 99; }));
  EXPECT_TRUE(refused([&] { entry_.type = 99; }));
  EXPECT_TRUE(refused([&] { entry_.flags = FRESHET_ENTRY_MOUNT_POINT; }));
  EXPECT_TRUE(refused([&] { finding_.kind = 0; }));
  EXPECT_TRUE(refused([&] { finding_.kind = 99; }));
  EXPECT_TRUE(refused([&] { finding_.cost = 99; }));
  EXPECT_TRUE(refused([&] { finding_.reason = {long_reason.data(), long_reason.size()}; }));
  EXPECT_TRUE(refused([&] { finding_.reason = {"\xff", 1}; }));
  EXPECT_TRUE(refused([&] { finding_.reason = {nullptr, 1}; }));
  EXPECT_FALSE(refused([] {}));
  table_->dir_close(table_, directory_);
  EXPECT_TRUE(refused([] {}));
  finish();
  EXPECT_EQ(heard_.findings.size(), 1U);
}

TEST_F(HostTest, NothingIsOpenedOrProposedOutsideAScan) {
  begin();
  host_->end();
  freshet_dir* out = nullptr;
  EXPECT_EQ(table_->dir_open(table_, 0, nullptr, {nullptr, 0}, &out), FRESHET_INVALID);
  EXPECT_EQ(emit(), FRESHET_INVALID);
  host_->begin(true, 1);  // verify: looks, and proposes nothing
  EXPECT_EQ(table_->dir_open(table_, 0, nullptr, {nullptr, 0}, &directory_), FRESHET_OK);
  finding_.directory = directory_;
  EXPECT_EQ(table_->dir_next(table_, directory_, &entry_), FRESHET_OK);
  EXPECT_EQ(emit(), FRESHET_INVALID);
  finish();
  EXPECT_EQ(heard_.directories.size(), 1U);
}

TEST_F(HostTest, LogLinesAreCutAndCounted) {
  begin();
  const std::string longest(5000, 'x');
  table_->log(table_, FRESHET_LOG_WARNING, longest.data(), longest.size());
  table_->log(table_, 77, nullptr, 3);
  for (int i = 0; i < 300; ++i) table_->log(table_, FRESHET_LOG_INFO, "y", 1);
  EXPECT_EQ(host_->dropped_log_lines(), 101U);
  EXPECT_EQ(host_->last_complaint().size(), 1024U);
  finish();
  EXPECT_EQ(heard_.log.size(), 200U);
  EXPECT_EQ(heard_.log[0].size(), 1024U);
}

TEST_F(HostTest, CancelIsSeenWithinAFewHundredQuestions) {
  begin();
  for (int i = 0; i < 1000; ++i) ASSERT_EQ(table_->cancelled(table_), 0);
  heard_.say(wire::Cancel{});
  int asked = 0;
  while (table_->cancelled(table_) == 0) ASSERT_LE(++asked, 256);
  EXPECT_EQ(emit(), FRESHET_CANCELLED);
  finish();
}

TEST_F(HostTest, BuffersAreLentAndCounted) {
  void* buffer = table_->buffer_get(table_, 100);
  ASSERT_NE(buffer, nullptr);
  EXPECT_EQ(host_->borrowed_buffers(), 1U);
  table_->buffer_put(table_, buffer);
  table_->buffer_put(table_, nullptr);
  EXPECT_EQ(host_->borrowed_buffers(), 0U);
  EXPECT_EQ(table_->buffer_get(table_, ~std::size_t{0}), nullptr);
}

}  // namespace
}  // namespace freshet::worker::testing

#include "runtime/conformance/trial_events.h"

#include <gtest/gtest.h>

#include "runtime/wire/messages.h"

namespace freshet::conformance {
namespace {

TrialRequest in_data() {
  TrialRequest out;
  out.roots = {"/data"};
  return out;
}

class TrialEventsTest : public ::testing::Test {
 protected:
  template <class E>
  void add(const E& event) {
    wire::Encoder out(packet_);
    out.enumeration(E::kEvent, E::kEvent);
    visit(out, event);
  }
  bool take() {
    const std::string packet(packet_.begin(), packet_.end());
    return events_.take(packet);
  }

  std::vector<std::uint8_t> packet_{static_cast<std::uint8_t>(wire::MessageType::events)};
  TrialRequest request_ = in_data();
  TrialResult result_;
  TrialEvents events_{request_, result_};
};

TEST_F(TrialEventsTest, AFindingHasThePathOfItsDirectory) {
  add(wire::DirectoryEvent{0, wire::kNoDirectory, 0, "", 1, 0, 0});
  add(wire::DirectoryEvent{1, 0, 0, "a", 2, 0, 0});
  wire::FindingEvent finding;
  finding.directory = 1;
  finding.name = "old";
  finding.reason = "too old";
  add(finding);
  ASSERT_TRUE(take());
  ASSERT_EQ(result_.findings.size(), 1U);
  EXPECT_EQ(result_.findings.front().path, "/data/a/old");
}

TEST_F(TrialEventsTest, WhatNoHostSendsIsForged) {
  const auto forged = [&](auto&& event) {
    TrialResult result;
    TrialEvents events(request_, result);
    packet_.resize(1);
    add(wire::DirectoryEvent{0, wire::kNoDirectory, 0, "", 1, 0, 0});
    add(event);
    const bool taken = events.take(std::string(packet_.begin(), packet_.end()));
    return !taken && !result.forged.empty();
  };
  wire::FindingEvent nowhere;
  nowhere.directory = 7;
  nowhere.name = "x";
  EXPECT_TRUE(forged(nowhere));
  wire::FindingEvent upwards;
  upwards.name = "..";
  EXPECT_TRUE(forged(upwards));
  EXPECT_TRUE(forged(wire::DirectoryEvent{5, 0, 0, "gap", 1, 0, 0}));
  EXPECT_TRUE(forged(wire::DirectoryEvent{1, 0, 0, "a/b", 1, 0, 0}));
  EXPECT_TRUE(forged(wire::DirectoryEndEvent{3, 0, true}));
  EXPECT_TRUE(forged(wire::IpcEvent{kIpcObjects, wire::FindingKind::leftover, "nobody"}));
}

TEST_F(TrialEventsTest, EveryTruncatedPacketIsForged) {
  add(wire::DirectoryEvent{0, wire::kNoDirectory, 0, "", 1, 0, 0});
  add(wire::UnreadEvent{0, 0, "closed", EACCES});
  const std::string whole(packet_.begin(), packet_.end());
  std::size_t good = 0;
  for (std::size_t length = 0; length <= whole.size(); ++length) {
    TrialResult result;
    TrialEvents events(request_, result);
    if (events.take(whole.substr(0, length))) ++good;
    else EXPECT_FALSE(result.forged.empty());
  }
  EXPECT_EQ(good, 3U) << "empty, up to the first event's end, and whole";
}

TEST_F(TrialEventsTest, CallsGoToWhoeverAskedForThem) {
  std::vector<std::string> calls;
  request_.on_call = [&](std::string_view call) { calls.emplace_back(call); };
  add(wire::NoteEvent{wire::NoteKind::call, "dir_open(/) = OK"});
  add(wire::NoteEvent{wire::NoteKind::left_open, "/a"});
  ASSERT_TRUE(take());
  EXPECT_EQ(calls, std::vector<std::string>{"dir_open(/) = OK"});
  ASSERT_EQ(result_.notes.size(), 1U);
  EXPECT_EQ(result_.notes.front().text, "/a");
}

}  // namespace
}  // namespace freshet::conformance

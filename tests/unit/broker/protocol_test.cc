#include <sys/socket.h>
#include <unistd.h>

#include <random>

#include "runtime/broker/session.h"
#include "tests/unit/broker/broker_harness.h"

namespace freshet::broker::test {
namespace {

using wire::BrokerPhase;

class Protocol : public testing::Test {
 protected:
  void SetUp() override {
    make_dir(root_);
    make_dir(root_ + "/a");
    write_file(root_ + "/a/file");
    make_dir(root_ + "/live");
    write_file(root_ + "/live/file");
    age(root_);
    before_ = snapshot(root_, "");
    options_.roots = {root_};
    options_.excludes = {"live/", "a/deep/shut"};
  }
  // The broker ends with `code` and has changed nothing.
  void expect_refusal(Broker& broker, const char* code) {
    const std::string packet = broker.receive();
    wire::Failed failed;
    ASSERT_TRUE(wire::decode_message(packet, failed)) << "it was accepted";
    EXPECT_EQ(failed.code, code) << failed.what;
    EXPECT_EQ(broker.wait(), 1);
    EXPECT_TRUE(same(before_, snapshot(root_)));
  }
  // A task has one table: every removal in one test is another run.
  std::function<void(wire::Begin&)> another_run() {
    return [this](wire::Begin& begin) { begin.run = "r" + std::to_string(++runs_); };
  }
  Plan plan() { return std::move(Plan(root_).add("a/file")); }

  TempDir dir_;
  std::string root_ = dir_.path() + "/root";
  Options options_;
  Snapshot before_;
  int runs_ = 0;
};

TEST_F(Protocol, NothingIsPermittedBeforeBegin) {
  const std::vector<std::function<void(Broker&)>> sends = {
      [](Broker& b) { b.send(wire::Finish{}); },      [](Broker& b) { b.send(wire::Restore{}); },
      [](Broker& b) { b.send(wire::Purge{}); },       [](Broker& b) { b.send(wire::Trial{}); },
      [&](Broker& b) { b.send(wire::Slots{plan().slots, true}); }, [&](Broker& b) { b.send(wire::Units{plan().units}); },
      [](Broker& b) { b.send(wire::InUse{}); }};
  for (const auto& send : sends) {
    Broker broker(options_);
    send(broker);
    expect_refusal(broker, kOutOfOrder);
  }
}

TEST_F(Protocol, APhasePermitsItsOwnRequestsOnly) {
  const std::vector<std::function<void(Broker&)>> sends = {
      [](Broker& b) { b.send(wire::Restore{}); }, [](Broker& b) { b.send(wire::Purge{}); },
      [](Broker& b) { b.send(wire::Trial{}); },   [](Broker& b) { b.send(wire::Finish{}); }};
  const BrokerPhase phases[] = {BrokerPhase::restore, BrokerPhase::purge, BrokerPhase::trial, BrokerPhase::remove};
  for (std::size_t phase = 0; phase < 4; ++phase) {
    for (std::size_t request = 0; request < 4; ++request) {
      if (request == phase) continue;
      Broker broker(options_);
      broker.send(begin_of(phases[phase]));
      sends[request](broker);
      expect_refusal(broker, kOutOfOrder);
    }
  }
}

TEST_F(Protocol, BeginComesOnce) {
  Broker broker(options_);
  broker.send(begin_of(BrokerPhase::remove));
  broker.send(begin_of(BrokerPhase::purge));
  expect_refusal(broker, kOutOfOrder);
}

TEST_F(Protocol, UnitsComeOnlyBehindReadySlots) {
  {
    Broker broker(options_);
    broker.send(begin_of(BrokerPhase::remove));
    broker.send(wire::Units{plan().units});
    expect_refusal(broker, kOutOfOrder);
  }
  Broker broker(options_);
  broker.send(begin_of(BrokerPhase::remove));
  broker.send(wire::Slots{plan().slots, false});
  broker.send(wire::Units{plan().units});
  expect_refusal(broker, kOutOfOrder);
}

TEST_F(Protocol, InUseComesOnlyBeforeSlots) {
  Broker broker(options_);
  begin_removal(broker, plan());
  broker.send(wire::InUse{});
  expect_refusal(broker, kOutOfOrder);
}

TEST_F(Protocol, AFinishInTheMiddleOfABatchOfSlotsIsOutOfOrder) {
  Broker broker(options_);
  broker.send(begin_of(BrokerPhase::remove));
  broker.send(wire::Slots{plan().slots, false});
  broker.send(wire::Finish{});
  expect_refusal(broker, kOutOfOrder);
}

TEST_F(Protocol, ARunWithNothingToDoFinishes) {
  Broker broker(options_);
  broker.send(begin_of(BrokerPhase::remove));
  broker.send(wire::Finish{});
  EXPECT_EQ(broker.expect<wire::Finished>().units, 0U);
  EXPECT_EQ(broker.wait(), 0);
  EXPECT_TRUE(same(before_, snapshot(root_, "")));
}

TEST_F(Protocol, NumbersWithAGapOrARepeatEndIt) {
  for (const std::uint32_t number : {0U, 2U, 5U}) {
    Broker broker(options_);
    broker.send(begin_of(BrokerPhase::remove));
    Plan bad = plan();
    bad.slots[0].number = number;
    broker.send(wire::Slots{bad.slots, true});
    expect_refusal(broker, kOutOfOrder);
  }
  for (const std::uint64_t sequence : {1ULL, 7ULL}) {
    Broker broker(options_);
    begin_removal(broker, plan(), another_run());
    Plan bad = plan();
    bad.units[0].sequence = sequence;
    broker.send(wire::Units{bad.units});
    expect_refusal(broker, kOutOfOrder);
  }
  for (const std::uint32_t slot : {0U, 2U}) {
    Broker broker(options_);
    begin_removal(broker, plan(), another_run());
    Plan bad = plan();
    bad.units[0].slot = slot;
    broker.send(wire::Units{bad.units});
    expect_refusal(broker, kOutOfOrder);
  }
}

TEST_F(Protocol, SlotsOutsideTheGrantEndIt) {
  const std::vector<std::function<void(wire::Slot&)>> changes = {
      [](wire::Slot& s) { s.root = 1; },        [](wire::Slot& s) { s.path = ".."; },
      [](wire::Slot& s) { s.path = "a/../.."; }, [](wire::Slot& s) { s.path = "/etc"; },
      [](wire::Slot& s) { s.path = "a//b"; },    [](wire::Slot& s) { s.path = "./a"; },
      [](wire::Slot& s) { s.path = "live"; },    [](wire::Slot& s) { s.path = "live/sub"; },
      [](wire::Slot& s) { s.path = "a/deep/shut"; }, [](wire::Slot& s) { s.path = ".freshet"; },
      [](wire::Slot& s) { s.path = ".freshet/web"; }, [](wire::Slot& s) { s.path = std::string("a\0b", 3); }};
  for (const auto& change : changes) {
    Broker broker(options_);
    broker.send(begin_of(BrokerPhase::remove));
    Plan bad = plan();
    change(bad.slots[0]);
    broker.send(wire::Slots{bad.slots, true});
    expect_refusal(broker, kNotPermitted);
  }
}

// Of the channel's roots a broker has those of its task, and of these only what the task itself may.
TEST_F(Protocol, ARootThatTheTaskMayOnlyListIsNotItsToTakeFrom) {
  for (const bool unlink : {false, true}) {
    options_.not_to_remove = {0};
    Broker broker(options_);
    wire::Begin begin = begin_of(BrokerPhase::remove);
    begin.unlink = unlink;
    broker.send(begin);
    broker.send(wire::Slots{plan().slots, true});
    expect_refusal(broker, kNotPermitted);
  }
}

TEST_F(Protocol, UnitsOutsideTheGrantEndIt) {
  for (const std::string& name : {std::string(".."), std::string("."), std::string(), std::string("a/file"), std::string("live"),
                                  std::string(".freshet"), std::string("a\0b", 3)}) {
    Broker broker(options_);
    Plan bad(root_);
    bad.add("a");
    bad.units[0].name = name;
    begin_removal(broker, bad, another_run());
    broker.send(wire::Units{bad.units});
    expect_refusal(broker, kNotPermitted);
  }
}

TEST_F(Protocol, ANeighbourWhoseNameBeginsLikeAnExcludeIsNotExcluded) {
  write_file(root_ + "/live2");
  Plan good(root_);
  good.add("live2");
  EXPECT_EQ(remove_plan(options_, good).code(0), wire::OutcomeCode::removed);
}

TEST_F(Protocol, ADirectoryThatHoldsAnExcludedPlaceStays) {
  make_dir(root_ + "/a/deep");
  make_dir(root_ + "/a/deep/shut");
  Plan whole(root_);
  whole.add_whole("a");
  EXPECT_EQ(remove_plan(options_, whole).code(0), wire::OutcomeCode::not_empty);
  EXPECT_TRUE(exists(root_ + "/a/deep/shut"));
}

TEST_F(Protocol, AWholeUnitIsADirectoryAndNeverUnlinked) {
  {
    Broker broker(options_);
    begin_removal(broker, plan());
    Plan bad = plan();
    bad.units[0].whole = true;
    broker.send(wire::Units{bad.units});
    expect_refusal(broker, kNotPermitted);
  }
  Broker broker(options_);
  Plan whole(root_);
  whole.add_whole("a");
  begin_removal(broker, whole, [](wire::Begin& begin) { begin.unlink = true; });
  broker.send(wire::Units{whole.units});
  expect_refusal(broker, kNotPermitted);
}

TEST_F(Protocol, FolderNamesThatLeaveTheAreaEndIt) {
  for (const std::string& name : {std::string(".."), std::string("."), std::string(), std::string("a/b"), std::string(".trial"),
                                  std::string(".freshet-area")}) {
    for (const bool run : {false, true}) {
      Broker broker(options_);
      wire::Begin begin = begin_of(BrokerPhase::remove);
      (run ? begin.run : begin.channel) = name;
      broker.send(begin);
      expect_refusal(broker, kNotPermitted);
    }
  }
}

TEST_F(Protocol, UnlinkingIsForTheRemovalOnly) {
  for (const BrokerPhase phase : {BrokerPhase::restore, BrokerPhase::purge, BrokerPhase::trial}) {
    Broker broker(options_);
    wire::Begin begin = begin_of(phase);
    begin.unlink = true;
    broker.send(begin);
    expect_refusal(broker, kNotPermitted);
  }
}

TEST_F(Protocol, UnknownAndTruncatedMessagesEndIt) {
  std::vector<std::uint8_t> good;
  wire::encode_message(wire::Slots{plan().slots, true}, good);
  for (std::size_t length = 1; length < good.size(); ++length) {
    Broker broker(options_);
    broker.send(begin_of(BrokerPhase::remove));
    ASSERT_TRUE(wire::send_packet(broker.socket(), {good.data(), length}));
    expect_refusal(broker, kOutOfOrder);
  }
  for (const int number : {0, 1, 200, 255}) {
    const auto type = static_cast<std::uint8_t>(number);
    Broker broker(options_);
    broker.send(begin_of(BrokerPhase::remove));
    ASSERT_TRUE(wire::send_packet(broker.socket(), {&type, 1}));
    expect_refusal(broker, kOutOfOrder);
  }
}

TEST_F(Protocol, NoiseNeverHasAnEffect) {
  std::mt19937_64 random(20261124);
  for (int round = 0; round < 60; ++round) {
    Broker broker(options_);
    broker.send(begin_of(BrokerPhase::remove));
    for (int packet = 0; packet < 5; ++packet) {
      std::vector<std::uint8_t> bytes(1 + random() % 300);
      for (std::uint8_t& byte : bytes) byte = static_cast<std::uint8_t>(random());
      bytes[0] = static_cast<std::uint8_t>(32 + random() % 12);
      if (!wire::send_packet(broker.socket(), bytes)) break;
    }
    ::shutdown(broker.socket(), SHUT_WR);
    while (!broker.receive().empty()) {
    }
    broker.wait();
    ASSERT_TRUE(same(before_, snapshot(root_)));
  }
}

TEST_F(Protocol, ADescriptorWithARequestEndsIt) {
  Broker broker(options_);
  std::vector<std::uint8_t> bytes;
  wire::encode_message(begin_of(BrokerPhase::remove), bytes);
  const int fd = 0;
  ASSERT_TRUE(wire::send_packet(broker.socket(), bytes, {&fd, 1}));
  expect_refusal(broker, kOutOfOrder);
}

TEST_F(Protocol, AnotherRootThanTheManagerSawEndsIt) {
  // The path is given to another directory between the manager's look and the start: here by lying about the inode.
  Options options = options_;
  options.lie_about_root = true;
  Broker broker(options);
  expect_refusal(broker, kRootChanged);
}

TEST_F(Protocol, TheEndOfTheManagerEndsTheBroker) {
  Broker broker(options_);
  begin_removal(broker, plan());
  ::shutdown(broker.socket(), SHUT_WR);
  EXPECT_EQ(broker.wait(), 1);
}

}  // namespace
}  // namespace freshet::broker::test

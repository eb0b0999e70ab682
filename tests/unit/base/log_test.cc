#include "runtime/base/log.h"

#include <gtest/gtest.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <barrier>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <string>
#include <thread>
#include <vector>

namespace freshet {
namespace {

class Log : public testing::Test {
 protected:
  void SetUp() override {
    std::string name = (std::filesystem::temp_directory_path() / "freshet-log-XXXXXX").string();
    ASSERT_NE(::mkdtemp(name.data()), nullptr);
    directory_ = name;
  }
  void TearDown() override {
    EXPECT_TRUE(setup_logging({}));  // closes the file
    std::filesystem::remove_all(directory_);
  }

  [[nodiscard]] std::string file() const { return directory_ + "/log"; }
  void start(const std::string& level, bool json) {
    const Status status = setup_logging({.level = level, .file = file(), .json = json});
    ASSERT_TRUE(status) << status.error().what;
  }
  [[nodiscard]] std::vector<std::string> lines() const {
    std::vector<std::string> out;
    std::ifstream stream(file());
    for (std::string line; std::getline(stream, line);) out.push_back(line);
    return out;
  }

  std::string directory_;
};

bool ends_with(const std::string& text, std::string_view end) {
  return text.ends_with(end);
}

TEST_F(Log, EveryLineCarriesRunChannelAndTask) {
  start("debug", false);
  log_info({.run = "r1", .channel = "web", .task = "old"}, "three entries");
  log_warn({.run = "r1"}, "no task");
  log_error({}, "nothing known");
  const auto all = lines();
  ASSERT_EQ(all.size(), 3U);
  EXPECT_TRUE(ends_with(all[0], "Z info run=r1 channel=web task=old three entries")) << all[0];
  EXPECT_TRUE(ends_with(all[1], "Z warning run=r1 channel=- task=- no task")) << all[1];
  EXPECT_TRUE(ends_with(all[2], "Z error run=- channel=- task=- nothing known")) << all[2];
}

TEST_F(Log, LinesBelowTheLevelAreLeftOut) {
  start("warn", false);
  log_debug({}, "a");
  log_info({}, "b");
  log_warn({}, "c");
  log_error({}, "d");
  EXPECT_EQ(lines().size(), 2U);
  start("off", false);
  log_error({}, "e");
  EXPECT_EQ(lines().size(), 2U);
}

TEST_F(Log, ATextCannotForgeALineOrMoveTheCursor) {
  start("info", false);
  log_info({.task = "a\nb"}, "one\ntwo\x1b[2J \xE2\x80\xAE end");
  log_plugin({}, LogLevel::info, "x\ny\\n");
  const auto all = lines();
  ASSERT_EQ(all.size(), 2U);
  EXPECT_TRUE(ends_with(all[0], "task=a\\nb one\\ntwo\\x1b[2J \\xe2\\x80\\xae end")) << all[0];
  EXPECT_TRUE(ends_with(all[1], "plugin says: x\\ny\\\\n")) << all[1];
}

TEST_F(Log, WhatTheCallerHasEscapedIsNotEscapedTwice) {
  start("info", false);
  log_info({}, "removed \\xff\\n");
  EXPECT_TRUE(ends_with(lines().at(0), "removed \\xff\\n"));
}

TEST_F(Log, BracesAreNoFormat) {
  start("info", false);
  log_info({}, "{} {0} {:x} %v %n");
  EXPECT_TRUE(ends_with(lines().at(0), "{} {0} {:x} %v %n"));
}

TEST_F(Log, JsonLinesAreValidForEveryByte) {
  start("debug", true);
  std::string bytes;
  for (int i = 0; i < 256; ++i) bytes += static_cast<char>(i);
  log_info({.run = bytes, .channel = "web", .task = "\"quoted\""}, bytes);
  log_plugin({.task = "t"}, LogLevel::error, bytes);
  const auto all = lines();
  ASSERT_EQ(all.size(), 2U);
  const auto first = nlohmann::json::parse(all[0]);
  EXPECT_EQ(first.at("level"), "info");
  EXPECT_EQ(first.at("channel"), "web");
  EXPECT_EQ(first.at("task"), "\"quoted\"");
  EXPECT_EQ(first.at("run"), first.at("text"));
  EXPECT_FALSE(first.contains("plugin"));
  EXPECT_EQ(first.at("time").get<std::string>().size(), std::string("2026-11-24T20:55:29.123Z").size());
  const auto second = nlohmann::json::parse(all[1]);
  EXPECT_EQ(second.at("plugin"), true);
  EXPECT_EQ(second.at("run"), "");
}

TEST_F(Log, APluginsTextIsCutAndSoMarked) {
  start("info", false);
  log_plugin({}, LogLevel::info, std::string(kMaxPluginText, 'a'));
  log_plugin({}, LogLevel::info, std::string(100'000, 'a'));
  const auto all = lines();
  EXPECT_TRUE(ends_with(all.at(0), std::string(kMaxPluginText, 'a')));
  EXPECT_TRUE(ends_with(all.at(1), std::string(kMaxPluginText, 'a') + "…"));
  EXPECT_LT(all.at(1).size(), kMaxPluginText + 100);
}

TEST_F(Log, AFileThatCannotBeOpenedIsNamed) {
  const Status status = setup_logging({.level = "info", .file = directory_ + "/missing/../\n/log"});
  ASSERT_FALSE(status);
  EXPECT_EQ(status.error().kind, ErrorKind::system);
  EXPECT_NE(status.error().what.find(directory_ + "/missing/../\\n/log"), std::string::npos)
      << status.error().what;
}

TEST_F(Log, WhoeverOwnsTheTerminalGetsWholeLines) {
  std::vector<std::string> got;
  ASSERT_TRUE(setup_logging({.level = "info", .write = [&got](std::string_view line) { got.emplace_back(line); }}));
  log_info({.task = "t"}, "one");
  log_debug({}, "below the level");
  ASSERT_TRUE(setup_logging({.level = "off"}));
  log_error({}, "after it was let go");
  ASSERT_EQ(got.size(), 1U);
  EXPECT_TRUE(ends_with(got[0], "Z info run=- channel=- task=t one\n")) << got[0];
}

TEST_F(Log, ThatLinesAreLostIsSaidOnce) {
  std::vector<std::string> got;
  ASSERT_TRUE(setup_logging({.level = "info", .file = "/dev/full", .write = [&got](std::string_view line) { got.emplace_back(line); }}));
  for (int i = 0; i < 3; ++i) log_info({}, "one");
  ASSERT_EQ(got.size(), 1U);
  EXPECT_TRUE(got[0].starts_with("warning: lines of the log are lost: ") && got[0].find("/dev/full") != std::string::npos) << got[0];
}

TEST_F(Log, AnUnknownLevelIsRefused) {
  const Status status = setup_logging({.level = "loud"});
  ASSERT_FALSE(status);
  EXPECT_EQ(status.error().kind, ErrorKind::invalid);
  EXPECT_NE(status.error().what.find("loud"), std::string::npos);
}

TEST_F(Log, LinesOfManyThreadsStayWhole) {
  start("info", true);
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([t] {
      for (int i = 0; i < 250; ++i) log_info({.task = std::to_string(t)}, std::string(200, 'x'));
    });
  }
  for (auto& thread : threads) thread.join();
  const auto all = lines();
  EXPECT_EQ(all.size(), 1000U);
  for (const auto& line : all) EXPECT_TRUE(nlohmann::json::accept(line)) << line;
}

// Nobody has set it up: whoever comes first does, and no line of the others is lost meanwhile.
TEST_F(Log, TheFirstLinesOfManyThreadsAreAllWritten) {
  constexpr int kThreads = 8;
  for (int round = 0; round < 200; ++round) {
    spdlog::drop("freshet");
    testing::internal::CaptureStderr();
    std::barrier together(kThreads);
    std::vector<std::thread> threads;
    for (int t = 0; t < kThreads; ++t)
      threads.emplace_back([&] {
        together.arrive_and_wait();
        log_error({}, "one of them");
      });
    for (auto& thread : threads) thread.join();
    const std::string text = testing::internal::GetCapturedStderr();
    ASSERT_EQ(std::ranges::count(text, '\n'), kThreads) << text;
  }
}

}  // namespace
}  // namespace freshet

#include "runtime/config/complete.h"

#include <gtest/gtest.h>

#include <functional>
#include <limits>

namespace freshet::config {
namespace {

// As small as a program can write it.
Config sound() {
  Config config;
  config.channels["cache"].roots.push_back({.path = "/srv/cache", .exclude = {"/srv/cache/live"}, .position = {}});
  config.tasks["old"].plugin = "org.freshet.expired-files";
  config.tasks["old"].channel = "cache";
  return config;
}

TEST(Complete, GivesNamesByTheirKeys) {
  Config config = sound();
  EXPECT_TRUE(complete(config).empty());
  EXPECT_EQ(config.channels["cache"].name, "cache");
  EXPECT_EQ(config.tasks["old"].name, "old");
}

TEST(Complete, AcceptsWhatWasRead) {
  auto config = load_texts({{"x.toml", R"(
[task.a]
plugin = "org.freshet.expired-files"
roots = [{ path = "/srv/a" }, { path = "/srv/b", exclude = ["/srv/b/c"] }]
[task.b]
plugin = "org.freshet.expired-files"
roots = [{ path = "/srv/b", exclude = ["/srv/b/c"] }]
after = ["a"]
[channel.native-only]
)"}});
  ASSERT_TRUE(config);
  EXPECT_TRUE(complete(*config).empty());
}

struct Fault {
  const char* what;  // part of the message
  std::function<void(Config&)> plant;
};

TEST(Complete, NamesEachFault) {
  const auto channel = [](Config& config) -> ChannelConfig& { return config.channels["cache"]; };
  const Fault faults[] = {
      {"`srv` is not absolute", [&](Config& c) { channel(c).roots[0].path = "srv"; }},
      {"holds a `.` or `..` part", [&](Config& c) { channel(c).roots[0].path = "/srv/../etc"; }},
      {"is not below its root", [&](Config& c) { channel(c).roots[0].exclude = {"/etc"}; }},
      {"lies below root `/srv/cache`", [&](Config& c) { channel(c).roots.push_back({.path = "/srv/cache/x", .exclude = {}, .position = {}}); }},
      {"must be more than zero", [&](Config& c) { channel(c).limits.wall_ns = 0; }},
      {"`threads` must be", [&](Config& c) { channel(c).limits.threads = 0; }},
      {"`fds` must be", [&](Config& c) { channel(c).limits.fds = 1U << 20; }},
      {"`budget.share`", [&](Config& c) { channel(c).budget.share = std::numeric_limits<double>::quiet_NaN(); }},
      {"`budget.entries`", [&](Config& c) { channel(c).budget.entries = UINT64_MAX; }},
      {"`quarantine.keep`", [&](Config& c) { channel(c).quarantine.keep_ns = -1; }},
      {"`floors.min_age`", [&](Config& c) { channel(c).floors.min_age_ns = -1; }},
      {"`floors.keep_newest`", [&](Config& c) { channel(c).floors.keep_newest = UINT64_MAX; }},
      {"the pin `x` is not absolute", [&](Config& c) { channel(c).floors.pins = {"x"}; }},
      {"`floors.hours`", [&](Config& c) { channel(c).floors.hours = {5, 5}; }},
      {"it calls itself `other`", [&](Config& c) { channel(c).name = "other"; }},
      {"the name is bad", [](Config& c) { c.channels["a/b"]; }},
      {"the name is bad", [](Config& c) { c.tasks["a b"] = c.tasks["old"]; }},
      {"is no plugin id", [](Config& c) { c.tasks["old"].plugin = "../x"; }},
      {"there is no channel `cashe`", [](Config& c) { c.tasks["old"].channel = "cashe"; }},
      {"has no roots", [&](Config& c) { channel(c).roots.clear(); }},
      {"is none of its channel's", [](Config& c) { c.tasks["old"].roots.push_back({.path = "/etc", .exclude = {}, .position = {}}); }},
      {"`after` names the task itself", [](Config& c) { c.tasks["old"].after = {"old"}; }},
      {"`requires` names `x` twice", [](Config& c) { c.tasks["old"].requires_ = {"x", "x"}; }},
      {"`requires` cannot hold", [](Config& c) { c.tasks["old"].requires_ = {"a/b"}; }},
      {"`uid_base` must be", [](Config& c) { c.uid_base = 1000; }},
  };
  for (const Fault& fault : faults) {
    Config config = sound();
    fault.plant(config);
    const std::vector<Diagnostic> found = complete(config);
    bool named = false;
    for (const Diagnostic& one : found) named = named || one.what.find(fault.what) != std::string::npos;
    EXPECT_TRUE(named) << fault.what;
  }
}

TEST(Complete, TellsAllFaultsAtOnce) {
  Config config = sound();
  config.channels["cache"].limits.threads = 0;
  config.channels["cache"].limits.fds = 0;
  config.tasks["old"].plugin.clear();
  EXPECT_EQ(complete(config).size(), 3U);
}

}  // namespace
}  // namespace freshet::config

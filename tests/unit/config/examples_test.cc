// Every file of config/ is read here, so that what people copy is never wrong.
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <sstream>

#include "config_files.h"
#include "runtime/config/config.h"

namespace freshet::config {
namespace {

const std::filesystem::path kFolder = FRESHET_SOURCE_DIR "/config";

std::string read(const std::filesystem::path& path) {
  std::ifstream stream(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(stream), {}};
}

// Takes the sign off lines that are a key or a table and no prose: "#key = 1", "#[table]".
std::string uncommented(const std::string& text) {
  std::istringstream lines(text);
  std::string out;
  for (std::string line; std::getline(lines, line);) {
    if (line.size() > 1 && line[0] == '#' && line[1] != ' ') line.erase(0, 1);
    out += line + "\n";
  }
  return out;
}

TEST(Examples, EveryExampleLoadsAndPassesAnywhere) {
  std::size_t count = 0;
  for (const auto& entry : std::filesystem::directory_iterator(kFolder / "examples")) {
    ASSERT_EQ(entry.path().extension(), ".toml");
    const Config config = good(read(entry.path()));
    EXPECT_FALSE(config.tasks.empty()) << entry.path();
    for (const auto& [name, channel] : config.channels) {
      for (const RootConfig& root : channel.roots)
        EXPECT_TRUE(root.optional) << root.path << " in " << entry.path();
    }
    ++count;
  }
  EXPECT_GE(count, 4U);
}

TEST(Examples, TheSmallestHasFourLines) {
  std::istringstream lines(read(kFolder / "examples/minimal.toml"));
  int count = 0;
  for (std::string line; std::getline(lines, line);) count += !line.empty() && line[0] != '#';
  EXPECT_EQ(count, 4);
}

TEST(Examples, TheUsersTasksShareOneChannel) {
  const Config config = good(read(kFolder / "examples/user-cache.toml"));
  EXPECT_EQ(config.channels.size(), 1U);
  EXPECT_TRUE(config.channels.contains("browser"));
}

TEST(Examples, TheDefaultFileConfiguresNothing) {
  const Config config = good(read(kFolder / "freshet.toml"));
  EXPECT_TRUE(config.tasks.empty());
  EXPECT_TRUE(config.channels.empty());
}

TEST(Examples, TheDefaultFilesKeysAreTheProgramsDefaults) {
  const Config config = good(uncommented(read(kFolder / "freshet.toml")));
  const Config defaults = good("[channel.example]\nroots = [{ path = \"/srv/example\", optional = true }]\n");
  ASSERT_TRUE(config.channels.contains("example"));
  const ChannelConfig& channel = config.channels.at("example");
  EXPECT_EQ(channel.roots, defaults.channels.at("example").roots);
  EXPECT_EQ(channel.limits, LimitsConfig{});
  EXPECT_EQ(channel.budget, BudgetConfig{});
  EXPECT_EQ(channel.quarantine, QuarantineConfig{});
  EXPECT_EQ(channel.floors, FloorsConfig{});
  EXPECT_EQ(channel.isolation, defaults.isolation);
  EXPECT_FALSE(channel.irreversible_allowed);
  EXPECT_EQ(config.isolation, defaults.isolation);
  EXPECT_EQ(config.uid_base, defaults.uid_base);
  EXPECT_EQ(config.policy.lockfile, defaults.policy.lockfile);
  EXPECT_EQ(config.policy.signatures, defaults.policy.signatures);
  EXPECT_EQ(config.policy.native_tasks, defaults.policy.native_tasks);
  EXPECT_EQ(config.log.level, defaults.log.level);
  EXPECT_EQ(config.log.json, defaults.log.json);
  ASSERT_TRUE(config.tasks.contains("example"));
  const TaskConfig& task = config.tasks.at("example");
  EXPECT_EQ(task.enabled, TaskConfig{}.enabled);
  EXPECT_EQ(task.on_failure, TaskConfig{}.on_failure);
}

// A key that the program knows and the file does not explain would be found by nobody.
TEST(Examples, TheDefaultFileNamesEveryKey) {
  const std::string text = read(kFolder / "freshet.toml");
  for (const std::string_view key :
       {"roots",        "path",         "access",   "exclude",    "optional",     "i-know-what-this-is",
        "irreversible", "limits",       "memory",   "cpu",        "wall",         "threads",
        "fds",          "budget",       "entries",  "bytes",      "share",        "over",
        "quarantine",   "mode",         "keep",     "max",        "at",           "floors",
        "min-age",      "keep-newest",  "pins",     "hours",      "spare-in-use", "isolation",
        "sandbox",      "uid-base",     "plugin",   "task",       "channel",      "enabled",
        "after",        "requires",     "settings", "on-failure", "policy",       "lockfile",
        "signatures",   "native-tasks", "log",      "level",      "file",         "json"}) {
    EXPECT_TRUE(has(text, "#" + std::string(key) + " =") || has(text, "#   " + std::string(key) + " ") ||
                has(text, "." + std::string(key) + "]") || has(text, "[" + std::string(key)))
        << key << " is not explained";
  }
}

}  // namespace
}  // namespace freshet::config

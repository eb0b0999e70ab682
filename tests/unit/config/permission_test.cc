// What is granted beyond roots: locks, and hooks with their programs.
#include <gtest/gtest.h>

#include "config_files.h"

namespace freshet::config {
namespace {

std::string channel_with(const std::string& line) { return "[channel.c]\nroots = [{ path = \"/a\" }]\n" + line + "\n"; }
std::string hook_with(const std::string& line) { return "[hook.h]\n" + line + "\n"; }

TEST(Permissions, NothingIsGrantedByDefault) {
  const Config config = good(channel_with(""));
  EXPECT_TRUE(config.channels.at("c").locks.empty());
  EXPECT_TRUE(config.channels.at("c").hooks.empty());
  EXPECT_TRUE(config.hooks.empty());
}

TEST(Permissions, LocksAreRead) {
  const Config config = good(channel_with("locks = [{ path = \"/var/lib/dpkg/lock\", kind = \"posix\" }, { path = \"/run/x\", optional = true }]"));
  const auto& locks = config.channels.at("c").locks;
  ASSERT_EQ(locks.size(), 2U);
  EXPECT_EQ(locks[0], (LockConfig{"/var/lib/dpkg/lock", LockKind::posix, false, {}}));
  EXPECT_EQ(locks[1], (LockConfig{"/run/x", LockKind::flock, true, {}}));
  EXPECT_EQ(locks[0].position.line, 3U);
}

TEST(Permissions, WrongLocksAreRefused) {
  const std::pair<const char*, const char*> wrong[] = {
      {"locks = { path = \"/x\" }", "must be a list"},
      {"locks = [\"/x\"]", "must hold tables"},
      {"locks = [{ kind = \"flock\" }]", "has no `path`"},
      {"locks = [{ path = \"x\" }]", "is wrong"},
      {"locks = [{ path = \"/x/../y\" }]", "is wrong"},
      {"locks = [{ path = \"/x\", kind = \"lockf\" }]", "kind"},
      {"locks = [{ path = \"/x\", wait = true }]", "unknown key"},
      {"locks = [{ path = \"/x\" }, { path = \"/x\" }]", "listed twice"},
  };
  for (const auto& [line, words] : wrong) EXPECT_TRUE(has(error(channel_with(line)).what, words)) << line << ": " << error(channel_with(line)).what;
  std::string many = "locks = [";
  for (std::size_t i = 0; i <= kMaxLocks; ++i) many += "{ path = \"/x" + std::to_string(i) + "\" }, ";
  EXPECT_TRUE(has(error(channel_with(many + "]")).what, "more than"));
}

TEST(Permissions, HooksAreDefinedGrantedAndNamed) {
  const Config config = good(hook_with("run = [\"/usr/bin/systemctl\", \"stop\", \"$HOME *\"]\ndeadline = \"10s\"") + channel_with("hooks = [\"h\"]") +
                             "[task.t]\nplugin = \"org.example.x\"\nchannel = \"c\"\nrun-hooks = { before = [\"h\"], on-failure = [\"h\"] }\n");
  const HookConfig& hook = config.hooks.at("h");
  EXPECT_EQ(hook.name, "h");
  EXPECT_EQ(hook.run, (std::vector<std::string>{"/usr/bin/systemctl", "stop", "$HOME *"}));
  EXPECT_EQ(hook.deadline_ns, 10'000'000'000);
  EXPECT_EQ(config.channels.at("c").hooks, std::vector<std::string>{"h"});
  EXPECT_EQ(config.tasks.at("t").hooks.before, std::vector<std::string>{"h"});
  EXPECT_TRUE(config.tasks.at("t").hooks.after.empty());
  EXPECT_EQ(config.tasks.at("t").hooks.on_failure, std::vector<std::string>{"h"});
}

TEST(Permissions, WrongHooksAreRefused) {
  const std::pair<const char*, const char*> wrong[] = {
      {"deadline = \"1s\"", "has no `run`"},
      {"run = []", "names no program"},
      {"run = \"/bin/true\"", "run"},
      {"run = [\"true\"]", "is wrong"},
      {"run = [\"/bin/../x\"]", "is wrong"},
      {"run = [\"/bin/true\", 1]", "run"},
      {"run = [\"/bin/true\", \"a\\u0000b\"]", ""},
      {"run = [\"/bin/true\"]\ndeadline = \"0s\"", "deadline"},
      {"run = [\"/bin/true\"]\ndeadline = \"2h\"", "longer than an hour"},
      {"run = [\"/bin/true\"]\nshell = true", "unknown key"},
  };
  for (const auto& [line, words] : wrong) {
    const auto all = errors(hook_with(line));
    EXPECT_TRUE(!all.empty() && has(all.front().what, words)) << line << ": " << describe(all);
  }
  std::string many = "run = [\"/bin/true\"";
  for (std::size_t i = 0; i < kMaxHookArguments; ++i) many += ", \"x\"";
  EXPECT_TRUE(has(error(hook_with(many + "]")).what, "arguments"));
  EXPECT_TRUE(has(error(channel_with("hooks = [\"a\", \"a\"]")).what, "twice"));
  EXPECT_TRUE(has(error(channel_with("hooks = [\"a b\"]")).what, "cannot hold"));
}

TEST(Permissions, OwnersOfIpcObjectsAreRead) {
  const Config config = good("[channel.c]\nipc = [{ owner = \"www-data\", kinds = [\"sem\", \"posix-shm\"] }, { owner = \"1000\" }, { owner = \"mail\", kinds = [\"posix-msg\"] }]\n[task.t]\nplugin = \"org.example.x\"\nchannel = \"c\"\n");
  const auto& ipc = config.channels.at("c").ipc;
  ASSERT_EQ(ipc.size(), 3U);
  EXPECT_EQ(ipc[0].owner, "www-data");
  EXPECT_EQ(ipc[0].kinds, 0b01010);
  EXPECT_EQ(ipc[1].kinds, 0b111111) << "all of them";
  EXPECT_EQ(ipc[2].kinds, 0b100000);
  const std::pair<const char*, const char*> wrong[] = {
      {"ipc = { owner = \"x\" }", "must be a list"},       {"ipc = [\"x\"]", "must hold tables"},
      {"ipc = [{ kinds = [\"shm\"] }]", "has no `owner`"}, {"ipc = [{ owner = \"x\", kinds = [\"pipe\"] }]", "cannot hold"},
      {"ipc = [{ owner = 33 }]", "owner"},                 {"ipc = [{ owner = \"x\", all = true }]", "unknown key"},
  };
  for (const auto& [line, words] : wrong) {
    const auto all = errors(channel_with(line));
    EXPECT_TRUE(!all.empty() && has(all.front().what, words)) << line << ": " << describe(all);
  }
}

TEST(Permissions, ATaskGrantsItselfNothing) {
  for (const char* line : {"locks = [{ path = \"/x\" }]", "hooks = [\"h\"]", "ipc = [{ owner = \"x\" }]"})
    EXPECT_TRUE(has(error(channel_with("") + "[task.t]\nplugin = \"org.example.x\"\nchannel = \"c\"\n" + line + "\n").what, "belongs to its channel")) << line;
}

TEST(Permissions, TasksThatShareAChannelAgreeOnThem) {
  const auto all = errors("[task.a]\nplugin = \"org.example.x\"\nroots = [{ path = \"/a\" }]\nlocks = [{ path = \"/l\" }]\nhooks = [\"h\"]\n"
                          "[task.b]\nplugin = \"org.example.x\"\nroots = [{ path = \"/a\" }]\n");
  ASSERT_EQ(all.size(), 2U) << describe(all);
  EXPECT_TRUE(has(all[0].what, "`locks`")) << all[0].what;
  EXPECT_TRUE(has(all[1].what, "`hooks`")) << all[1].what;
}

}  // namespace
}  // namespace freshet::config

#include "runtime/policy/permission.h"

#include <gtest/gtest.h>

namespace freshet::policy {
namespace {

config::RootConfig root(std::string path, bool read, bool remove) {
  config::RootConfig out;
  out.path = std::move(path);
  out.access = {.list = true, .read = read, .remove = remove};
  return out;
}

struct Given {
  manifest::Manifest manifest;
  config::TaskConfig task;
  config::ChannelConfig channel;

  Given() {
    manifest.id = "org.example.x";
    manifest.required_permissions = {"remove"};
    task.name = "t";
    task.channel = "c";
    channel.name = "c";
    channel.roots = {root("/a", false, true)};
  }
  [[nodiscard]] PermissionResult result() const { return effective_permission(manifest, task, channel); }
};

std::vector<std::string> codes(const PermissionResult& result) {
  std::vector<std::string> out;
  for (const Violation& v : result.violations) out.push_back(v.code);
  return out;
}

TEST(Permission, WhatIsAskedAndGrantedIsEffective) {
  const PermissionResult result = Given().result();
  EXPECT_TRUE(result.violations.empty());
  ASSERT_EQ(result.permission.roots.size(), 1U);
  EXPECT_EQ(result.permission.roots[0].access, (config::Access{.list = true, .read = false, .remove = true}));
}

TEST(Permission, WhatIsGrantedButNotAskedIsCut) {
  Given given;
  given.manifest.required_permissions = {};
  given.channel.roots = {root("/a", true, true), root("/b", true, false)};
  const PermissionResult result = given.result();
  EXPECT_TRUE(result.violations.empty());
  for (const auto& r : result.permission.roots) {
    EXPECT_EQ(r.access, (config::Access{.list = true, .read = false, .remove = false}));
  }
}

TEST(Permission, WhatIsAskedButNotGrantedNeverArrives) {
  for (const bool required : {true, false}) {
    Given given;
    given.manifest.required_permissions = {};
    (required ? given.manifest.required_permissions : given.manifest.optional_permissions) = {"read",
                                                                                              "remove"};
    given.channel.roots = {root("/a", false, false)};
    const PermissionResult result = given.result();
    EXPECT_FALSE(result.permission.roots[0].access.read);
    EXPECT_FALSE(result.permission.roots[0].access.remove);
    EXPECT_TRUE(result.permission.roots[0].access.list);
  }
}

// The intersection, for every combination of one root.
TEST(Permission, TheIntersectionHoldsForEveryCombination) {
  for (int bits = 0; bits < 64; ++bits) {
    const bool grant_read = bits & 1, grant_remove = bits & 2;
    const bool need_read = bits & 4, need_remove = bits & 8, want_read = bits & 16, want_remove = bits & 32;
    Given given;
    given.manifest.required_permissions = {};
    if (need_read) given.manifest.required_permissions.push_back("read");
    if (need_remove) given.manifest.required_permissions.push_back("remove");
    if (want_read) given.manifest.optional_permissions.push_back("read");
    if (want_remove) given.manifest.optional_permissions.push_back("remove");
    given.channel.roots = {root("/a", grant_read, grant_remove)};
    const PermissionResult result = given.result();
    const auto& access = result.permission.roots[0].access;
    EXPECT_EQ(access.read, grant_read && (need_read || want_read)) << bits;
    EXPECT_EQ(access.remove, grant_remove && (need_remove || want_remove)) << bits;
    EXPECT_EQ(result.violations.size(),
              static_cast<std::size_t>((need_read && !grant_read) + (need_remove && !grant_remove)))
        << bits;
    EXPECT_EQ(result.permission.dropped_optional.size(),
              static_cast<std::size_t>((want_read && !grant_read) + (want_remove && !grant_remove)))
        << bits;
  }
}

TEST(Permission, OneRootThatGrantsIsEnough) {
  Given given;
  given.channel.roots = {root("/a", false, false), root("/b", false, true)};
  const PermissionResult result = given.result();
  EXPECT_TRUE(result.violations.empty());
  EXPECT_FALSE(result.permission.roots[0].access.remove);
  EXPECT_TRUE(result.permission.roots[1].access.remove);
}

TEST(Permission, EveryMissingRequiredPermissionIsAViolationThatNamesIt) {
  Given given;
  given.manifest.required_permissions = {"remove", "read", "teleport"};
  given.channel.roots = {root("/a", false, false)};
  const PermissionResult result = given.result();
  EXPECT_EQ(codes(result), (std::vector<std::string>{"F1001", "F1001", "F1001"}));
  EXPECT_NE(result.violations[2].what.find("`teleport`"), std::string::npos);
  EXPECT_NE(result.violations[2].what.find("`c`"), std::string::npos);
  EXPECT_FALSE(result.violations[2].remedy.empty());
}

TEST(Permission, TheSmallerLimitHoldsInBothDirections) {
  Given given;
  given.manifest.limits = {
      .memory_bytes = 64U << 20, .cpu_ns = 0, .wall_ns = INT64_MAX, .threads = 1, .fds = 1000};
  const auto& limits = given.result().permission.limits;
  EXPECT_EQ(limits.memory_bytes, 64U << 20);
  EXPECT_EQ(limits.cpu_ns, given.channel.limits.cpu_ns);
  EXPECT_EQ(limits.wall_ns, given.channel.limits.wall_ns);
  EXPECT_EQ(limits.threads, 1U);
  EXPECT_EQ(limits.fds, 64U);
}

TEST(Permission, ATaskWithRootsOfItsOwnGetsThoseOnly) {
  Given given;
  given.channel.roots = {root("/a", true, true), root("/a/b", false, true)};
  given.task.roots = {root("/a/b", false, true)};
  const PermissionResult result = given.result();
  ASSERT_EQ(result.permission.roots.size(), 1U);
  EXPECT_EQ(result.permission.roots[0].path, "/a/b");
  given.manifest.required_permissions = {"read"};
  EXPECT_EQ(codes(given.result()), std::vector<std::string>{"F1001"})
      << "another task's root grants it nothing";
}

TEST(Permission, QuarantineModeNoneNeedsTheOperatorsWord) {
  Given given;
  given.channel.quarantine.mode = config::QuarantineMode::none;
  EXPECT_EQ(codes(given.result()), std::vector<std::string>{"F1002"});
  given.task.quarantine_mode = config::QuarantineMode::keep;
  EXPECT_TRUE(given.result().violations.empty());
  EXPECT_EQ(given.result().permission.quarantine_mode, config::QuarantineMode::keep);
  given.channel.quarantine.mode = config::QuarantineMode::keep;
  given.task.quarantine_mode = config::QuarantineMode::none;
  EXPECT_EQ(codes(given.result()), std::vector<std::string>{"F1002"});
  given.channel.irreversible_allowed = true;
  const PermissionResult allowed = given.result();
  EXPECT_TRUE(allowed.violations.empty());
  EXPECT_TRUE(allowed.permission.irreversible_allowed);
  EXPECT_EQ(allowed.permission.quarantine_mode, config::QuarantineMode::none);
}

config::LockConfig lock(const char* path, config::LockKind kind) { return {path, kind, false, {}}; }

// For every combination of asked, required and granted.
TEST(Permission, LocksAreHeldWhereTheyAreAskedForAndGranted) {
  using config::LockKind;
  for (int bits = 0; bits < 8; ++bits) {
    const bool asked = bits & 1, required = bits & 2, granted = bits & 4;
    Given given;
    if (asked) (required ? given.manifest.required_permissions : given.manifest.optional_permissions).push_back("lock");
    if (granted) given.channel.locks = {lock("/l", LockKind::posix), lock("/m", LockKind::flock)};
    const PermissionResult result = given.result();
    EXPECT_EQ(result.permission.locks.size(), asked && granted ? 2U : 0U) << bits;
    EXPECT_EQ(codes(result), asked && required && !granted ? std::vector<std::string>{"F1001"} : std::vector<std::string>{}) << bits;
    EXPECT_EQ(result.permission.dropped_optional.size(), asked && !required && !granted ? 1U : 0U) << bits;
  }
}

TEST(Permission, ALockThatIsNamedIsGrantedByPathAndKind) {
  using config::LockKind;
  for (const bool required : {true, false}) {
    Given given;
    (required ? given.manifest.required_permissions : given.manifest.optional_permissions).push_back("lock");
    given.manifest.locks = {{"/l", true}, {"/m", false}};
    given.channel.locks = {lock("/l", LockKind::posix), lock("/m", LockKind::posix), lock("/n", LockKind::flock)};
    const PermissionResult result = given.result();
    EXPECT_EQ(result.permission.locks, std::vector{lock("/l", LockKind::posix)}) << "granted and not asked for is cut";
    EXPECT_EQ(codes(result), required ? std::vector<std::string>{"F1003"} : std::vector<std::string>{});
    EXPECT_EQ(result.permission.dropped_optional, required ? std::vector<std::string>{} : std::vector<std::string>{"lock /m (flock)"});
  }
}

TEST(Permission, IpcObjectsGoWhereTheyAreAskedForGrantedAndAllowed) {
  for (int bits = 0; bits < 16; ++bits) {
    const bool asked = bits & 1, required = bits & 2, granted = bits & 4, allowed = bits & 8;
    Given given;
    if (asked) (required ? given.manifest.required_permissions : given.manifest.optional_permissions).push_back("ipc");
    if (granted) given.channel.ipc = {{"www-data", 1, 33, {}}};
    given.channel.irreversible_allowed = allowed;
    const PermissionResult result = given.result();
    std::vector<std::string> expected;
    if (asked && required && !granted) expected = {"F1001"};
    if (asked && granted && !allowed) expected = {"F1006"};
    EXPECT_EQ(codes(result), expected) << bits;
    EXPECT_EQ(result.permission.ipc.size(), asked && granted ? 1U : 0U) << bits;
  }
}

TEST(Permission, AHookRunsWhereItIsDefinedAskedForGrantedAndNamed) {
  const std::map<std::string, config::HookConfig> hooks{{"h", {"h", {"/bin/true"}, 1, {}}}};
  for (int bits = 0; bits < 16; ++bits) {
    const bool defined = bits & 1, asked = bits & 2, granted = bits & 4, named = bits & 8;
    Given given;
    if (asked) given.manifest.optional_permissions.push_back("hook");
    if (granted) given.channel.hooks = {"h"};
    if (named) given.task.hooks = {{"h"}, {"h"}, {"h"}};
    const PermissionResult result = effective_permission(given.manifest, given.task, given.channel,
                                                         defined ? hooks : std::map<std::string, config::HookConfig>{});
    const bool runs = defined && asked && granted && named;
    for (const auto* moment : {&result.permission.hooks.before, &result.permission.hooks.after, &result.permission.hooks.on_failure})
      EXPECT_EQ(moment->size(), runs ? 1U : 0U) << bits;
    EXPECT_EQ(codes(result), named && !runs ? std::vector<std::string>(3, "F1004") : std::vector<std::string>{}) << bits;
  }
}

TEST(Permission, BudgetAndFloorsAreTheChannels) {
  Given given;
  given.channel.budget.entries = 5;
  given.channel.floors.keep_newest = 3;
  const PermissionResult result = given.result();
  EXPECT_EQ(result.permission.budget, given.channel.budget);
  EXPECT_EQ(result.permission.floors, given.channel.floors);
}

}  // namespace
}  // namespace freshet::policy

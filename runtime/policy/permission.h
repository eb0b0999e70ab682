#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "runtime/config/config.h"
#include "runtime/manifest/manifest.h"

namespace freshet::policy {

// One boundary found broken, before anything ran.
struct Violation {
  std::string code;     // "F1001"; `freshet explain` has a page
  std::string what;     // names the offending value
  std::string remedy;   // what to write or do
  config::Position position;
};

// A task's hooks with their programs, by moment.
struct EffectiveHooks {
  std::vector<config::HookConfig> before, after, on_failure;
  bool operator==(const EffectiveHooks&) const = default;
};

// What one task may do: the intersection of what its manifest requests and what its channel grants.
struct EffectivePermission {
  std::vector<config::RootConfig> roots;  // access already cut to what the manifest asked for
  config::LimitsConfig limits;            // the smaller of asked and granted
  config::BudgetConfig budget;
  config::QuarantineMode quarantine_mode = config::QuarantineMode::keep;
  bool irreversible_allowed = false;
  config::FloorsConfig floors;
  std::vector<config::IpcConfig> ipc;         // whose objects may go, for good
  std::vector<config::LockConfig> locks;      // held by the manager while it acts
  EffectiveHooks hooks;                       // run by the manager
  std::vector<std::string> dropped_optional;  // optional permissions that were not granted
};

struct PermissionResult {
  EffectivePermission permission;
  std::vector<Violation> violations;
};

// Intersection, and a violation (F1001) for each required permission that the channel does not grant, (F1002) for
// quarantine mode `none` without `irreversible = "allowed"`, (F1003) for a required lock that is not granted, (F1004) for a
// hook that the task names and that is not granted, not asked for or not among `hooks`, (F1006) for `ipc` without
// `irreversible = "allowed"`. Limits are never a violation.
PermissionResult effective_permission(const manifest::Manifest& manifest, const config::TaskConfig& task,
                                      const config::ChannelConfig& channel,
                                      const std::map<std::string, config::HookConfig>& hooks = {});

// "/var/lib/dpkg/lock (posix)", for people.
std::string lock_text(const config::LockConfig& lock);
// "stop-web: /usr/bin/systemctl stop web.service", for people; its bytes are escaped.
std::string hook_text(const config::HookConfig& hook);
// "www-data (shm, sem)", likewise.
std::string ipc_grant_text(const config::IpcConfig& grant);

}  // namespace freshet::policy

#pragma once

#include <cstdint>
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

// What one task may do: the intersection of what its manifest requests and what its channel grants.
struct EffectivePermission {
  std::vector<config::RootConfig> roots;  // access already cut to what the manifest asked for
  config::LimitsConfig limits;            // the smaller of asked and granted
  config::BudgetConfig budget;
  config::QuarantineMode quarantine_mode = config::QuarantineMode::keep;
  bool irreversible_allowed = false;
  config::FloorsConfig floors;
  std::vector<std::string> dropped_optional;  // optional permissions that were not granted
};

struct PermissionResult {
  EffectivePermission permission;
  std::vector<Violation> violations;
};

// Intersection, and a violation (F1001) for each required permission that no root of the channel grants, (F1002) for
// quarantine mode `none` without `irreversible = "allowed"`. Limits are never a violation.
PermissionResult effective_permission(const manifest::Manifest& manifest, const config::TaskConfig& task,
                                      const config::ChannelConfig& channel);

}  // namespace freshet::policy

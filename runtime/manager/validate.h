#pragma once

#include <memory>
#include <string>
#include <vector>

#include "runtime/manager/core.h"
#include "runtime/manager/plugin_catalog.h"
#include "runtime/manager/plugin_lock.h"
#include "runtime/manager/registry.h"
#include "runtime/policy/boundaries.h"

namespace freshet {

// What validation without plugin code finds out about one task.
struct Validated {
  std::vector<BoundaryViolation> violations;  // all of them, not only the first
  std::shared_ptr<const Plugin> plugin;       // null when none was found, and for a native task
  const manifest::TaskKind* kind = nullptr;   // into the plugin
  manifest::TypedSettings settings;
  policy::EffectivePermission permission;
  bool strict = true;
};

// Every boundary that is known without plugin code. Codes beside those of the policy layer:
//   F1019 the quarantine cannot be at the top of the mount
//   F1040 no such plugin   F1041 the plugin offers several kinds   F1042 a guard, or none   F1050 a layer that strict isolation needs is missing
//   F1060 the plugin is blocked after a breach    F1061 to F1067 it is not what was approved or signed
//   F1070 native tasks are denied                 F1080 the clock is before the last run
Validated validate_task(const Core& core, PluginCatalog& catalog, PluginLock& lock, const policy::HostFacts& host, const Registered& task);

BoundaryViolation to_public(const policy::Violation& violation);
// With the place, and the line that stands there.
BoundaryViolation violation_at(const config::Position& position, std::string code, std::string what, std::string remedy);
// Where the task wrote `key`; the task itself where it did not.
const config::Position& position_of_key(const config::TaskConfig& task, const std::string& key);

}  // namespace freshet

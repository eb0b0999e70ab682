#pragma once

#include <stop_token>

#include "runtime/manager/core.h"
#include "runtime/manager/intake.h"
#include "runtime/manager/judged_entries.h"
#include "runtime/manager/plugin_catalog.h"

namespace freshet {

struct ScanInputs {
  const Plugin* plugin = nullptr;                         // not owned, like all below
  const manifest::TypedSettings* settings = nullptr;
  const std::vector<channel::OpenRoot>* roots = nullptr;  // as task->roots
  const std::vector<wire::IpcObject>* objects = nullptr;  // to show it; null: none
  JudgedEntries* judged = nullptr;                        // of a guard: to show it; null: it is none
  std::uint32_t channel_index = 0;
};

// What the worker is told to load: the kind, its settings by the types of its schema, and the features that the task's
// permission allows.
wire::Load make_load(const manifest::Manifest& manifest, const std::string& kind, const manifest::TypedSettings& settings,
                     const policy::EffectivePermission& permission);

// Runs the plugin of one task in a fresh worker and takes its findings into the plan. Fills task->shown.state (planned,
// or failed with end and note) and task->metrics; only errors of our own are returned. A breach or a protocol error shows in shown.end.
Status scan_task(const Core& core, TaskPlan& task, const ScanInputs& inputs, Intake& intake, std::stop_token stop);

}  // namespace freshet

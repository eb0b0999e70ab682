#pragma once

#include <stop_token>

#include "runtime/manager/core.h"
#include "runtime/manager/intake.h"
#include "runtime/manager/plugin_catalog.h"

namespace freshet {

struct ScanFigures {
  std::int64_t start_ns = 0;
  std::int64_t scan_ns = 0;
  std::int64_t cpu_ns = 0;
  std::uint64_t peak_rss_bytes = 0;
};

struct ScanInputs {
  const Plugin* plugin = nullptr;                         // not owned, like all below
  const manifest::TypedSettings* settings = nullptr;
  const std::vector<channel::OpenRoot>* roots = nullptr;  // as task->roots
  std::uint32_t channel_index = 0;
};

// What the worker is told to load: the kind, and its settings by the types of its schema.
wire::Load make_load(const manifest::Manifest& manifest, const std::string& kind, const manifest::TypedSettings& settings);

// Runs the plugin of one task in a fresh worker and takes its findings into the plan. Fills task->shown.state (planned,
// or failed with end and note); only errors of our own are returned. A breach or a protocol error shows in shown.end.
Status scan_task(const Core& core, TaskPlan& task, const ScanInputs& inputs, Intake& intake, std::stop_token stop,
                 ScanFigures& figures);

}  // namespace freshet

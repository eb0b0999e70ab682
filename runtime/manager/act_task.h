#pragma once

#include <stop_token>
#include <string>

#include "runtime/manager/core.h"
#include "runtime/manager/outcome_log.h"

namespace freshet {

struct ActInputs {
  std::string run_id;
  std::string dir;  // where the task's entries and directories are
  std::uint32_t channel_index = 0;
};

// Has a fresh broker carry out one admitted task, and fills the result and the metrics: state `executed`, or `failed` with how the
// broker ended. Units that a stop request left out are `refused` by the reason "not attempted". Only errors of our own
// are returned. The outcomes are saved beside the plan.
Status act_task(const Core& core, const TaskPlan& task, const ActInputs& inputs, std::stop_token stop, CleanupResult& result,
                CleanupMetrics& metrics);

}  // namespace freshet

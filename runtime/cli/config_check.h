#pragma once

#include "runtime/cli/session.h"
#include "runtime/report/check_report.h"

namespace freshet::cli {

// Asks the manager about every task: dependencies, violations. Unknown names and circles become diagnostics, with their
// places in `config`.
void check_tasks(report::CheckReport& report, Manager& manager, const config::Config& config);

// Everything that is wrong in a configuration that does not hold: what its reader found and, of the tasks that could be
// read, settings that do not fit their plugin and the like, so that nobody meets one error only after mending another.
report::CheckReport explain_failure(Session& session, config::LoadFailure failure);

}  // namespace freshet::cli

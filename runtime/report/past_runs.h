#pragma once

#include <vector>

#include "runtime/manager/history.h"

namespace freshet::report {

// Runs whose process ended before they did: they need a decision.
bool is_unfinished(const RunSummary& run);

// Runs of which something waits in the quarantine.
bool waits_in_quarantine(const RunSummary& run);

}  // namespace freshet::report

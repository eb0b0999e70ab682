#pragma once

#include "runtime/manager/quarantine.h"
#include "runtime/manager/runs.h"

namespace freshet::cli {

// What the program answers; in the help, in the design, and part of the contract with scripts.
inline constexpr int kDone = 0;
inline constexpr int kFailed = 1;      // also: an error in the configuration
inline constexpr int kHasChanges = 2;  // only `plan --detailed-exitcode`
inline constexpr int kPartly = 3;
inline constexpr int kRefused = 4;  // by a boundary or a budget
inline constexpr int kUsage = 64;
inline constexpr int kInterrupted = 130;

int exit_code_of(const Error& error);
int exit_code_of(const RunResult& run);
// 4 if nothing can be done because of a refusal, 3 if only some tasks can, 1 if none can and one failed, else
// 0.
int exit_code_of(const PlanSummary& plan);

}  // namespace freshet::cli

#pragma once

#include <string>
#include <vector>

#include "runtime/manager/plan_model.h"
#include "runtime/manager/runs.h"
#include "runtime/store/history.h"

namespace freshet {

// The history's row of one task of a run.
store::TaskRow row_of(const std::string& run_id, const TaskPlan& task, const CleanupResult& result);

// The resource checks that a row keeps; none where it keeps none or is damaged.
std::vector<ResourceCheck> resources_of(const store::TaskRow& row);

// The acts beyond removal that a row keeps, likewise.
std::vector<ExtraAct> extra_of(const store::TaskRow& row);
// The missing layers that a row keeps.
std::vector<std::string> missing_layers_of(const store::TaskRow& row);

// Each check once, failed if any part of the task failed it.
void merge_checks(std::vector<ResourceCheck>& all, const std::vector<ResourceCheck>& news);

// What is known of a task's result before anything was done.
CleanupResult result_of_plan(const Plan& plan, const TaskPlan& task);

// States that a task's dependents by `requires` do not accept.
[[nodiscard]] bool is_bad(TaskState state);

// The state of a run by those of its tasks.
[[nodiscard]] RunState run_state_of(const std::vector<CleanupResult>& tasks, bool stopped);

// The first resource check that failed, as an error.
std::optional<CompletionError> leak_of(const std::string& task, const std::vector<ResourceCheck>& resources);

// Why a task did not succeed, as an error of its class; nothing for one that did. For those that were kept from
// beginning (busy, interrupted) whoever kept them knows better.
std::optional<CleanupError> error_of(const CleanupResult& result, const std::vector<BoundaryViolation>& violations);

}  // namespace freshet

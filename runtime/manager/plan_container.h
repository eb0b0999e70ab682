#pragma once

#include <string>

#include "runtime/manager/plan_model.h"

namespace freshet {

// A plan as one file; PLAN.md beside this file has the layout. `dir` holds the plan's own files.
Status write_plan_container(const Plan& plan, const std::string& dir, const std::string& file);

// Takes a container in as the plan `new_id` in `dir`, which exists and is empty. Every part is checked (sizes, checksum,
// JSON); its entries are checked when they are read. Error kind `invalid` names what is wrong.
Result<Plan> read_plan_container(const std::string& file, const std::string& dir, const std::string& new_id);

}  // namespace freshet

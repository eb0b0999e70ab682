#pragma once

#include <cstdint>
#include <string_view>

#include "runtime/manager/plan_model.h"
#include "runtime/wire/messages.h"

namespace freshet {

// Takes out of the plan every task that requires one that is refused, skipped or failed, with the reason. Tasks stand
// in order, so one pass does.
void carry_requirements(Plan& plan);

// Minutes since local midnight.
std::uint32_t local_minutes(std::int64_t now_ns);

std::string_view kind_name(wire::FindingKind kind);
std::string_view cost_name(wire::CostClass cost);

}  // namespace freshet

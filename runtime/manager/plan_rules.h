#pragma once

#include <cstdint>
#include <string_view>
#include <utility>

#include "runtime/manager/plan_model.h"
#include "runtime/wire/messages.h"

namespace freshet {

// Takes out of the plan every task that requires one that is refused, skipped or failed, with the reason. Tasks stand
// in order, so one pass does.
void carry_requirements(Plan& plan);

// Minutes since local midnight.
std::uint32_t local_minutes(std::int64_t now_ns);
// The moment at which a window of local minutes, which `now_ns` is in, is over; 0 for one that never is.
std::int64_t end_of_hours(std::int64_t now_ns, std::pair<std::uint32_t, std::uint32_t> hours);

std::string_view kind_name(wire::FindingKind kind);
std::string_view cost_name(wire::CostClass cost);

}  // namespace freshet

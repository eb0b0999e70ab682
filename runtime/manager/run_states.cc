#include "runtime/manager/run_states.h"

#include <array>

namespace freshet {
namespace {

constexpr std::array<std::string_view, 11> kNames = {"planning",    "executing",    "done",        "partly",  "failed", "refused",
                                                     "interrupted", "rolling-back", "rolled-back", "purging", "purged"};

}  // namespace

std::string_view to_string(RunState state) {
  const auto index = static_cast<std::size_t>(state);
  return index < kNames.size() ? kNames[index] : "unknown";
}

std::optional<RunState> run_state_named(std::string_view name) {
  for (std::size_t i = 0; i < kNames.size(); ++i)
    if (kNames[i] == name) return static_cast<RunState>(i);
  return std::nullopt;
}

}  // namespace freshet

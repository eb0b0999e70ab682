#pragma once

#include <cstdint>
#include <string>
#include <unordered_map>
#include <vector>

#include "runtime/base/error.h"
#include "runtime/wire/messages.h"

namespace freshet {

// What became of a task's units, where it was not `removed`; kept beside the plan as `<number>.outcomes`, so that a
// later `verify` knows what had been refused by name.
struct OutcomeLog {
  std::unordered_map<std::uint64_t, wire::OutcomeCode> not_removed;  // by ordinal of the unit's entry
  std::vector<std::uint32_t> expanded;                               // directories that went entry by entry
  std::vector<std::uint32_t> slot_of;                                // by directory; 0: it needed none
  bool complete = false;                                             // every unit was answered

  Status save(const std::string& file) const;
  static Result<OutcomeLog> load(const std::string& file);
};

std::string outcomes_file(const std::string& dir, std::uint32_t number);

// A refusal that is somebody else's change, never a failure: caches live.
bool is_change_by_others(wire::OutcomeCode code);
// A refusal that leaves the task only partly done.
bool is_hard_refusal(wire::OutcomeCode code);

}  // namespace freshet

#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "runtime/manager/core.h"

namespace freshet {

// Names what one task of one run left in the quarantine.
struct QuarantineRef {
  std::string run_id;
  std::uint32_t task_number = 0;
  std::string channel;
  std::vector<PlanRoot> roots;
  bool strict = true;
  std::uint32_t channel_index = 0;
};

// How far a job has come: units put back or entries unlinked, and the bytes that came free. Called by the job's thread.
using Told = std::function<void(std::uint64_t done, std::uint64_t bytes)>;

struct RestoreOutcome {
  std::optional<Error> error;   // the broker could not be had, or ended; what came back until then is counted
  std::uint64_t units = 0;
  std::vector<Refusal> conflicts;
  std::uint64_t conflict_count = 0;
  std::vector<channel::RoleUsage> brokers;  // what each of them used
  [[nodiscard]] bool complete() const { return !error && conflict_count == 0; }
};

// Has a fresh broker put everything back, and another one, started meanwhile, remove what is empty then. Never overwrites. Safe twice.
RestoreOutcome restore_quarantine(const Core& core, const QuarantineRef& ref, const Told& told = {});

// Removes the folders and tables of it that hold nothing; the root's area with them when it is empty then.
Status tidy_quarantine(const Core& core, const QuarantineRef& ref);

struct PurgeOutcome {
  std::optional<Error> error;
  std::uint64_t entries = 0;
  std::uint64_t bytes = 0;  // on disk, that came free
  std::uint64_t left = 0;   // could not be unlinked
  std::vector<channel::RoleUsage> brokers;
};

// Unlinks everything of it. The caller has marked the run as no longer restorable, durably.
PurgeOutcome purge_quarantine(const Core& core, const QuarantineRef& ref, const Told& told);

// A real trial rename inside each root's own area, or from the root into it and back where it is at the top of the mount;
// the area is gone again afterwards.
Status try_quarantine(const Core& core, const QuarantineRef& ref);

}  // namespace freshet

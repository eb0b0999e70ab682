#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "runtime/base/error.h"
#include "runtime/manager/cleanup_manager.h"
#include "runtime/manager/runs.h"

#pragma GCC visibility push(default)
namespace freshet {

struct RollbackReport {
  std::optional<Error> error;
  bool complete = false;       // everything came back
  std::uint64_t entries = 0;   // units put back
  std::vector<Refusal> conflicts;     // of each task the first thousand
  std::uint64_t conflict_count = 0;   // all of them
};

struct PurgeReport {
  std::optional<Error> error;
  std::vector<RunResult::Purged> runs;
  std::uint64_t left = 0;      // entries that could not be unlinked
};

// What waits in the quarantines, by run. Thread-safe; a run that another process holds is an error of kind `busy`.
class IQuarantine {
 public:
  virtual ~IQuarantine() = default;

  // rollback_cleanup on each task of the run, dependents first, with the report.
  virtual RollbackReport rollback(const std::string& run_id) = 0;
  // One run; or with nothing given all whose `keep` is over.
  virtual PurgeReport purge(const std::optional<std::string>& run_id) = 0;

  // A real trial rename in every root of every enabled task (by a broker); what does not work, by root.
  virtual std::vector<BoundaryViolation> trial() = 0;
};

}  // namespace freshet
#pragma GCC visibility pop

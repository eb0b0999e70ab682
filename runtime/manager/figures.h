#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "runtime/channel/role_process.h"
#include "runtime/manager/measured_times.h"
#include "runtime/manager/results.h"
#include "runtime/metrics/book.h"
#include "runtime/metrics/histogram.h"

namespace freshet {

// What a manager has measured since it was made. Thread-safe; one short lock guards all of it (metrics::Book), a leaf
// that is never held across I/O or a call out. So what was written together is seen together: the runs of all tasks are
// the total of task runs and the count of the histogram of executions, always.
class Figures {
 public:
  enum class Spread : std::uint8_t { execution, scan, remove, verify, rollback, queue_wait, state_transition, bytes };
  static constexpr std::array<const char*, 8> kSpreads = {"execution",  "scan",       "remove",           "verify",
                                                          "rollback",   "queue_wait", "state_transition", "bytes"};

  struct Totals {
    std::uint64_t runs = 0;
    std::uint64_t task_runs = 0;
    std::uint64_t task_runs_failed = 0;
    std::uint64_t entries_removed = 0;
    std::uint64_t bytes_now = 0;
    std::uint64_t bytes_at_purge = 0;
    std::uint64_t entries_purged = 0;
    std::uint64_t bytes_purged = 0;
    std::uint64_t breaches = 0;
    std::uint64_t limit_breaches = 0;
  };
  struct Channel {
    std::uint64_t runs = 0;  // of tasks
    std::uint64_t entries = 0;
    std::uint64_t bytes_now = 0;
    std::uint64_t bytes_at_purge = 0;
    std::uint64_t bytes_purged = 0;
    std::uint64_t breaches = 0;
    std::int64_t isolation_check_ns = -1;  // the latest
  };
  struct Task {
    TaskState state = TaskState::registered;
    std::string channel;
    std::uint64_t runs = 0;
    std::uint64_t limit_breaches = 0;
    std::shared_ptr<const CleanupMetrics> last;  // of the last run; null before it
    MeasuredTimes measured;                      // in the last run and since
  };
  struct All {
    Totals totals;
    std::map<std::string, Channel> channels;
    std::map<std::string, Task> tasks;
    std::array<metrics::Histogram, kSpreads.size()> spreads;
  };

  explicit Figures(const std::vector<std::string>& channels);

  void add_task(const std::string& name, const std::string& channel);
  // Names that are not registered are ignored, here and below: past runs have such tasks.
  void set_state(const std::string& name, TaskState state);
  [[nodiscard]] TaskState state_of(const std::string& name) const;

  // A task has been carried out. `metrics` has its phases; the totals among its fields are filled here. `since_ns`: when
  // the caller began to put the figures together (monotonic), which is part of what measuring costs.
  void end_task(const CleanupResult& result, const std::string& channel, CleanupMetrics metrics, const MeasuredTimes& measured,
                std::int64_t since_ns);
  void end_run();
  // What a call for the task took, beside its runs.
  void add_call(const std::string& name, metrics::Limited what, std::int64_t ns, std::uint64_t size);
  // What the brokers used that took its last run back.
  void add_rollback(const std::string& name, const std::vector<channel::RoleUsage>& brokers);
  void add_isolation_check(const std::string& channel, std::int64_t ns);
  void add_transition(std::int64_t ns);
  void add_breach(const std::string& channel);
  void add_purge(const std::string& channel, std::uint64_t entries, std::uint64_t bytes);

  // Of one task, as track_cleanup_performance answers it; error and state apart all zero before its first run.
  [[nodiscard]] CleanupMetrics metrics_of(const std::string& name) const;
  // A consistent copy. Holds the lock meanwhile: about 40 us for 1,000 tasks.
  [[nodiscard]] All copy() const { return book_.copy(); }

 private:
  metrics::Book<All> book_;
};

}  // namespace freshet

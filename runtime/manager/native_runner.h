#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include "runtime/base/error.h"
#include "runtime/manager/errors.h"
#include "runtime/manager/results.h"
#include "runtime/manager/task.h"

namespace freshet {

// How long a native function has to return once its stop token is requested. Threads cannot be ended from outside; so
// what has not returned by then goes on by itself while its run is reported.
inline constexpr std::int64_t kNativeGraceNs = 500'000'000;

struct NativeRequest {
  std::size_t threads = 1;              // of its pool, brought into 1 to 64
  std::int64_t deadline_ns = 0;         // from now; 0 or less: none
  std::int64_t grace_ns = kNativeGraceNs;  // 0 or less: none
  std::stop_token stop = {};            // the manager's
  std::vector<std::string> callers = {};  // what calling_tasks() is in the function and in its pool: its task last
  // What the function lives in. Kept until the function has returned, be it after the caller got its outcome. Without
  // an owner the run makes a copy of the function, and what a `mutable` one changes in itself is lost.
  std::shared_ptr<const void> owner = {};
};

struct NativeOutcome;

// A run whose function did not return in time: it goes on, on a thread of its own, and its task must not be started
// again before it has ended. Dropping this ends nothing and waits for nothing; only the end of the process ends it
// midway. Thread-safe.
class NativeRun {
 public:
  virtual ~NativeRun() = default;
  [[nodiscard]] virtual bool ended() const = 0;
  // True once it has ended.
  virtual bool wait_for(std::chrono::nanoseconds time) const = 0;
  // As far as it is known now; final, checks included, once it has ended. `still_running` is empty in it.
  [[nodiscard]] virtual NativeOutcome outcome() const = 0;
};

// Times in ns, sizes in bytes.
struct NativeOutcome {
  // `task_failed`: the function returned an error or threw, or a piece of work in its pool threw. `timed_out`: its
  // deadline came before it returned, whatever it returned after. `interrupted`: likewise the manager's stop, or it was
  // requested before the run began. `setup_failed`: its thread could not be started.
  std::optional<ExecutionError> error;
  bool began = false;
  std::shared_ptr<NativeRun> still_running;  // set when it has not ended

  std::uint64_t entries = 0;  // as the function counted them
  std::uint64_t bytes = 0;
  std::int64_t wall_ns = 0;      // of the function
  std::int64_t overhead_ns = 0;  // of run_native_function beside the function: thread, checks, clean-up
  std::int64_t release_ns = 0;   // of that, from the function's return until nothing of its context is left
  // Of its thread until the function returned and of its pool's threads; zero until it has ended.
  std::int64_t cpu_ns = 0;
  std::uint64_t context_switches = 0;
  std::uint64_t read_bytes = 0;
  std::uint64_t written_bytes = 0;
  std::int64_t measuring_ns = 0;        // of finding these out
  std::uint64_t peak_memory_bytes = 0;  // of TaskContext::memory()

  std::vector<ResourceCheck> resources;  // the four, see NativeContext; empty when it never began
};

// Runs the function on a thread of its own in a context of its own, and returns when it has ended or is given up. The
// stop is requested at the deadline and at the manager's stop, from the caller's thread, which therefore also runs
// std::stop_callbacks of the task: one that blocks blocks the caller. `grace_ns` later the run is given up. That holds
// also for work that the function left in its pool: it is asked to stop when the function returns.
// Whatever the function throws is an error in the outcome; nothing is thrown but std::bad_alloc. A function that ends
// its thread (pthread_exit) ends the process. Thread-safe; the caller holds no lock.
NativeOutcome run_native_function(const std::function<Status(TaskContext&)>& function, const NativeRequest& request);

}  // namespace freshet

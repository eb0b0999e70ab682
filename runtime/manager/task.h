#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory_resource>
#include <span>
#include <stop_token>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "runtime/base/error.h"

#pragma GCC visibility push(default)
namespace freshet {

// A plain value that names a registered task (or, from IRuns::open, a task of a past run). Cheap to copy; dropping
// every copy unregisters nothing. A handle of another manager, or a made-up one, is an error, never a crash.
struct CleanupHandle {
  std::uint64_t manager = 0;
  std::uint64_t task = 0;
  std::uint64_t run = 0;  // 0: the task's last run

  bool operator==(const CleanupHandle&) const = default;
};

// States of a (task, run).
enum class TaskState : std::uint8_t {
  registered = 0,
  validated,
  planned,
  admitted,
  executing,
  executed,
  verified,
  committed,
  refused,
  skipped,
  failed,
  rolling_back,
  rolled_back,
};
std::string_view to_string(TaskState state);

// How a worker or broker ended, when it was not as asked.
enum class EndReason : std::uint8_t { none = 0, setup, breach, signal, timeout, limit, protocol, plugin };
std::string_view to_string(EndReason reason);

// Threads a native task may use: at most size() of them, made on first use, joined when the run of the task is over.
// Thread-safe.
class ThreadPool {
 public:
  virtual ~ThreadPool() = default;
  virtual void submit(std::function<void()> work) = 0;  // what it throws fails the task
  virtual void wait() = 0;                              // until every submitted piece of work has ended
  [[nodiscard]] virtual std::size_t size() const = 0;
};

// Bytes on loan from a pool. Valid until given back, at the latest at the end of the call that asked for them.
struct Buffer {
  std::span<std::byte> bytes;
  std::uint64_t number = 0;
};

// Buffers for a native task. One that is not returned, or written after its return, fails the resource check.
// Thread-safe.
class BufferPool {
 public:
  virtual ~BufferPool() = default;
  virtual Buffer take(std::size_t bytes) = 0;  // throws std::bad_alloc
  virtual void give_back(const Buffer& buffer) = 0;
};

// What a native task's functions get. Valid during the call. Thread-safe.
// A function, and work in its pool, may call the manager that runs it. What could only wait for the task itself is refused
// as `busy` instead: the task once more, another one of its channel, roots and rollbacks that a run holds.
class TaskContext {
 public:
  virtual ~TaskContext() = default;
  // Requested at the manager's stop and at the task's deadline.
  [[nodiscard]] virtual std::stop_token stop() const = 0;
  // Adds to what the result reports.
  virtual void count(std::uint64_t entries, std::uint64_t bytes) = 0;
  // Memory that is accounted to this task; what is not deallocated when the function returns is reported as a leak.
  [[nodiscard]] virtual std::pmr::memory_resource& memory() = 0;
  [[nodiscard]] virtual ThreadPool& threads() = 0;
  [[nodiscard]] virtual BufferPool& buffers() = 0;
};

// A task that runs in this process: trusted host code. Results say `trusted in process`, never `isolated`.
struct NativeTask {
  std::function<Status(TaskContext&)> run;         // required
  std::function<Status(TaskContext&)> verify;      // optional: looks again
  std::function<Status(TaskContext&)> compensate;  // optional: takes it back; without it the task is irreversible
  std::size_t threads = 1;                         // size of its pool, 1 to 64
};

// A task that a plugin of the configuration carries out in its channel. Only the configuration makes these.
struct PluginTask {
  std::string plugin_id;
  std::string kind;  // empty: the plugin's only kind
};

// What a second caller gets while the task runs.
enum class OnBusy : std::uint8_t { share, refuse };

struct CleanupTask {
  std::variant<NativeTask, PluginTask> body;
  std::vector<std::string> after;      // by name; a failed one lets this run; may be registered later
  std::vector<std::string> requires_;  // by name; a failed one does not
  // Of one run of a native task, in ns; 0: none. At the deadline its stop token is requested and the run ends as timed
  // out. (A plugin task has the wall clock limit of its channel.)
  std::int64_t deadline_ns = 0;
  OnBusy on_busy = OnBusy::share;
  // False: what it does cannot be taken back, though it may have a `compensate` for a part. A plugin task's answer is
  // that of its channel's quarantine mode.
  bool reversible = true;
  // True: runs again as a dependency although it has completed here and was not rolled back.
  bool rerun_as_dependency = false;
};

}  // namespace freshet
#pragma GCC visibility pop

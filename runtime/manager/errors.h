#pragma once

#include <cstdint>
#include <string_view>
#include <utility>
#include <variant>

#include "runtime/base/error.h"

#pragma GCC visibility push(default)
namespace freshet {

// Errors of the interface come in six classes, one a type. Each is an Error (what, detail, stable code) and has a cause;
// advice(cause) says in one line what the caller does now. After any of them the manager goes on working.
enum class RegistrationCause : std::uint8_t {
  bad_name,         // empty, too long, or a character outside the set
  duplicate_name,
  unknown_channel,
  no_run_function,  // a native task without `run`, or with a null body
  self_dependency,
  not_configured,   // a plugin task that the configuration does not have
};

enum class ExecutionCause : std::uint8_t {
  unknown_handle,  // made up, foreign, or of a past run where a registered task is needed
  busy,            // it runs already and its `on_busy` is `refuse`, or another process holds its roots
  timed_out,       // over its deadline or the wall clock limit of its channel
  interrupted,     // by the manager's stop
  task_failed,     // its code said so, threw, crashed or ran over a limit
  setup_failed,    // worker or broker could not be started
  not_recorded,    // the history or the plan's files could not be written
  locked_out,      // a lock that it must hold is held by another program, or its file is missing
  hook_failed,     // a program that the operator had it run
};

enum class DependencyCause : std::uint8_t {
  unknown_handle,
  cycle,
  missing,   // a name that nobody registered
  disabled,  // a task it `requires` is switched off by the configuration
  failed,    // a task it `requires` did not succeed in this run
};

enum class CompletionCause : std::uint8_t {
  unknown_handle,
  never_ran,
  still_running,
  nothing_left,    // rolled back or purged: there is nothing to verify
  record_damaged,  // the run's own files cannot be read
  root_gone,       // a root cannot be opened, or is another directory now
  incomplete,      // the world is not as the run said
  leaked,          // a resource check failed
};

enum class SecurityCause : std::uint8_t {
  unknown_handle,
  violation,  // boundaries say no; nothing ran
  blocked,    // the plugin broke out earlier
};

enum class IsolationCause : std::uint8_t {
  unknown_channel,
  layer_missing,  // strict isolation cannot be had here
  probe_failed,   // the proof itself could not be carried out
  breach,         // a worker or broker did what it may not: its channel is closed, its plugin blocked
};

std::string_view advice(RegistrationCause cause);
std::string_view advice(ExecutionCause cause);
std::string_view advice(DependencyCause cause);
std::string_view advice(CompletionCause cause);
std::string_view advice(SecurityCause cause);
std::string_view advice(IsolationCause cause);

template <class Cause>
struct ClassifiedError : Error {
  Cause cause{};

  ClassifiedError(Cause why, Error error) : Error(std::move(error)), cause(why) {}
  bool operator==(const ClassifiedError&) const = default;
};

using RegistrationError = ClassifiedError<RegistrationCause>;
using ExecutionError = ClassifiedError<ExecutionCause>;
using DependencyError = ClassifiedError<DependencyCause>;
using CompletionError = ClassifiedError<CompletionCause>;
using SecurityError = ClassifiedError<SecurityCause>;
using IsolationError = ClassifiedError<IsolationCause>;

// Any of the six, for calls that can fail in more than one way.
struct CleanupError : Error {
  using Cause = std::variant<RegistrationCause, ExecutionCause, DependencyCause, CompletionCause, SecurityCause, IsolationCause>;
  Cause cause;

  template <class C>
  CleanupError(ClassifiedError<C> error) : Error(std::move(error)), cause(error.cause) {}  // NOLINT: any of the six is one

  // The class, by its type: `if (error.is(ExecutionCause::busy)) ..`.
  template <class C>
  [[nodiscard]] bool is(C wanted) const {
    const C* own = std::get_if<C>(&cause);
    return own != nullptr && *own == wanted;
  }
  [[nodiscard]] std::string_view advice() const;
  // "registration", "execution", "dependency", "completion", "security", "isolation".
  [[nodiscard]] std::string_view class_name() const;
};

}  // namespace freshet
#pragma GCC visibility pop

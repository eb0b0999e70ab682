#include "runtime/manager/errors.h"

namespace freshet {

std::string_view advice(RegistrationCause cause) {
  switch (cause) {
    case RegistrationCause::bad_name: return "register it again under another name";
    case RegistrationCause::duplicate_name: return "use the handle of the task that has the name, or choose another";
    case RegistrationCause::unknown_channel: return "name a channel of the configuration, or leave it out";
    case RegistrationCause::no_run_function: return "give the task a `run` function and register it again";
    case RegistrationCause::self_dependency: return "take its own name out of `after` and `requires`";
    case RegistrationCause::not_configured: return "write the task into the configuration: plugin tasks come from there";
  }
  return "";
}

std::string_view advice(ExecutionCause cause) {
  switch (cause) {
    case ExecutionCause::unknown_handle: return "use the handle that its registration returned";
    case ExecutionCause::busy: return "try again when the other run has ended";
    case ExecutionCause::timed_out: return "look at why it takes so long, or raise its deadline; then run it again";
    case ExecutionCause::interrupted: return "run it again to go on, or roll back what it did";
    case ExecutionCause::task_failed: return "read the note; mend its cause and run it again, or roll back what is named as left";
    case ExecutionCause::setup_failed: return "see `freshet doctor`; nothing was done, so run it again";
    case ExecutionCause::locked_out: return "nothing was done; run it again when the one that is named has let go";
    case ExecutionCause::hook_failed: return "read the hook's output in the result; mend it, then run the task again";
    case ExecutionCause::not_recorded: return "make room in the state directory and run it again";
  }
  return "";
}

std::string_view advice(DependencyCause cause) {
  switch (cause) {
    case DependencyCause::unknown_handle: return "use the handle that its registration returned";
    case DependencyCause::cycle: return "remove one of the edges of the circle";
    case DependencyCause::missing: return "register the missing task, or take its name out";
    case DependencyCause::disabled: return "enable the task it requires, or drop the edge";
    case DependencyCause::failed: return "mend and run the task that failed; then run this one again";
  }
  return "";
}

std::string_view advice(CompletionCause cause) {
  switch (cause) {
    case CompletionCause::unknown_handle: return "use the handle of a task, or one of IRuns::open";
    case CompletionCause::never_ran: return "run it first";
    case CompletionCause::still_running: return "look again when the run has ended";
    case CompletionCause::nothing_left: return "nothing: what it did was rolled back or purged";
    case CompletionCause::record_damaged: return "roll back: the quarantine's own table does not need the record";
    case CompletionCause::root_gone: return "mount or restore the root, then verify again";
    case CompletionCause::incomplete: return "look at the entries named, then roll back or run it again";
    case CompletionCause::leaked: return "report the leak to the task's author; what it removed is not affected";
  }
  return "";
}

std::string_view advice(SecurityCause cause) {
  switch (cause) {
    case SecurityCause::unknown_handle: return "use the handle that its registration returned";
    case SecurityCause::violation: return "follow the remedy of each violation, then run it again";
    case SecurityCause::blocked: return "find out why it broke out; then `freshet plugins unblock`, or replace it";
  }
  return "";
}

std::string_view advice(IsolationCause cause) {
  switch (cause) {
    case IsolationCause::unknown_channel: return "name a channel of the configuration";
    case IsolationCause::layer_missing: return "see `freshet doctor`; enable what is missing, or set `isolation = \"best-effort\"`";
    case IsolationCause::probe_failed: return "see `freshet doctor`, then try again";
    case IsolationCause::breach: return "what it did in this run was taken back; find out why, then `freshet plugins unblock`";
  }
  return "";
}

std::string_view CleanupError::advice() const {
  return std::visit([](auto own) { return freshet::advice(own); }, cause);
}

std::string_view CleanupError::class_name() const {
  constexpr std::string_view kNames[] = {"registration", "execution", "dependency", "completion", "security", "isolation"};
  return kNames[cause.index()];
}

}  // namespace freshet

#include "runtime/channel/end_reason.h"

#include <signal.h>
#include <sys/syscall.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "runtime/base/bytes.h"
#include "runtime/base/units.h"
#include "runtime/sandbox/filter_compiler.h"

namespace freshet::channel {
namespace {

// What of an otherwise allowed call was outside.
std::string_view misuse(int number) {
  switch (number) {
    case SYS_openat: return " to write or create";
    case SYS_mmap:
    case SYS_mprotect: return " to make memory executable";
    case SYS_clone: return " to make a process";
    case SYS_tgkill: return " to another process";
    default: return "";
  }
}

}  // namespace

std::string_view to_string(EndReason reason) {
  switch (reason) {
    case EndReason::none: return "none";
    case EndReason::setup: return "setup";
    case EndReason::breach: return "breach";
    case EndReason::signal: return "signal";
    case EndReason::timeout: return "timeout";
    case EndReason::limit: return "limit";
    case EndReason::protocol: return "protocol";
    case EndReason::plugin: return "plugin";
  }
  return "unknown";
}

std::optional<std::size_t> path_argument(const sandbox::Notification& call) {
  if (call.architecture != sandbox::kNativeArchitecture) return std::nullopt;
  switch (call.number) {
    case SYS_open:
    case SYS_creat:
    case SYS_stat:
    case SYS_lstat:
    case SYS_access:
    case SYS_execve:
    case SYS_chdir:
    case SYS_chmod:
    case SYS_chown:
    case SYS_link:
    case SYS_mkdir:
    case SYS_rename:
    case SYS_rmdir:
    case SYS_symlink:
    case SYS_truncate:
    case SYS_unlink: return 0;
    case SYS_openat:
    case SYS_openat2:
    case SYS_execveat:
    case SYS_faccessat:
    case SYS_faccessat2:
    case SYS_fchmodat:
    case SYS_fchownat:
    case SYS_linkat:
    case SYS_mkdirat:
    case SYS_readlinkat:
    case SYS_renameat:
    case SYS_renameat2:
    case SYS_unlinkat:
    case SYS_utimensat: return 1;
    default: return std::nullopt;
  }
}

CallVerdict judge_call(const sandbox::Notification& call, int self) {
  if (call.architecture == sandbox::kNativeArchitecture) {
    if (call.number == SYS_exit_group) return {true, {}};
    // abort() of its own; as pid 1 of its namespace it would be reported as SIGSEGV if it were let go on.
    if (call.number == SYS_tgkill && call.arguments[0] == static_cast<std::uint64_t>(self) &&
        call.arguments[2] == SIGABRT)
      return {false, {EndReason::signal, "SIGABRT (abort, a failed assertion or an uncaught exception)", {}}};
  }
  std::string what = "called " + sandbox::call_name(call.architecture, call.number);
  if (call.architecture == sandbox::kNativeArchitecture) what += misuse(call.number);
  return {false, {EndReason::breach, std::move(what), {}}};
}

End judge_exit(const ExitStatus& status, wire::Role role, std::int64_t cpu_ns, std::uint64_t cpu_seconds) {
  if (!status.known) return {EndReason::signal, "its process ended and its status was taken by other code", {}};
  if (!status.signalled) {
    if (role != wire::Role::worker && status.number == 0) return {};
    if (role == wire::Role::worker) return {EndReason::plugin, "it ended its own process", {}};
    return {EndReason::setup, "exit code " + std::to_string(status.number), {}};
  }
  if (status.number == SIGXFSZ) return {EndReason::limit, "its file size limit", {}};
  // The kernel judges the limit by ticks, and tells us afterwards what it measured: on a busy machine the two differ.
  const bool cpu_over = cpu_seconds != 0 && cpu_ns >= static_cast<std::int64_t>(cpu_seconds) * 500'000'000;
  if (status.number == SIGXCPU || (status.number == SIGKILL && cpu_over))
    return {EndReason::limit,
            "its cpu limit of " + format_duration(static_cast<std::int64_t>(cpu_seconds) * 1'000'000'000), {}};
  if (status.number == SIGKILL) return {EndReason::signal, "SIGKILL from outside (by hand, or memory ran out)", {}};
  const char* name = ::sigabbrev_np(status.number);
  return {EndReason::signal, name != nullptr ? std::string("SIG") + name : "signal " + std::to_string(status.number), {}};
}

End judge_failed(const wire::Failed& failed, wire::Role role) {
  End end;
  end.what = escape_bytes(failed.what);
  if (std::all_of(failed.code.begin(), failed.code.end(),
                  [](char c) { return (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9'); }))
    end.code = failed.code;
  if (failed.error_number == ENOMEM) end.reason = EndReason::limit;
  else end.reason = role == wire::Role::broker ? EndReason::setup : EndReason::plugin;
  return end;
}

}  // namespace freshet::channel

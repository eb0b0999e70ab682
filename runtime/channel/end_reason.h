#pragma once

#include <cstddef>
#include <optional>

#include "runtime/channel/child_process.h"
#include "runtime/sandbox/notifier.h"

namespace freshet::channel {

std::string_view to_string(EndReason reason);

// What a call outside the filter means. `exits` is the one that is no breach: the role ends itself, and what it said
// before still counts.
struct CallVerdict {
  bool exits = false;
  End end;
};
// Which argument of a call is a path; none: it takes none.
std::optional<std::size_t> path_argument(const sandbox::Notification& call);

CallVerdict judge_call(const sandbox::Notification& call, int self);

// What it means that a role's process ended without the manager's doing. `cpu_seconds` 0: it had no such limit.
End judge_exit(const ExitStatus& status, wire::Role role, std::int64_t cpu_ns, std::uint64_t cpu_seconds);

// What a Failed message means; its text is the role's own and is escaped.
End judge_failed(const wire::Failed& failed, wire::Role role);

}  // namespace freshet::channel

#pragma once

#include <cstdint>
#include <stop_token>
#include <string>

#include "runtime/config/config.h"

namespace freshet {

// Of a hook's output that is kept; what comes after is read and dropped.
inline constexpr std::size_t kMaxHookOutput = 8 * 1024;

struct HookOutcome {
  bool succeeded = false;    // it ended with exit code 0
  std::string how;           // "exit code 3", "killed by SIGTERM", "not ended within 10s", "cannot be started: .."
  std::string output;        // both streams, its own bytes: escape them
  std::uint64_t output_bytes = 0;  // all of them
  std::int64_t took_ns = 0;
};

// Runs a hook's program and waits for it: no shell, an empty environment, "/" as its directory, /dev/null as its input, a
// session of its own. At its deadline, and when `stop` is requested, its whole process group is killed; what is left of the
// group when it ends is killed too. A descendant that made a session of its own is not reached, and not waited for.
HookOutcome run_hook(const config::HookConfig& hook, const std::stop_token& stop);

}  // namespace freshet

#pragma once

#include <sys/types.h>

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "runtime/base/error.h"
#include "runtime/channel/role_lock.h"
#include "runtime/sandbox/notifier.h"
#include "runtime/wire/proof_message.h"

namespace freshet::channel {

// One point of a channel's isolation.
struct CheckedPoint {
  std::string name;
  std::string expected;
  std::string seen;
  bool passed = false;
};

// What a probe tried, and what of it arrived at the manager.
struct Proof {
  wire::Proved said;
  std::vector<sandbox::Notification> calls;  // in their order, each answered with EPERM
};

// Judges a proof: a call outside the filter must have been refused *and* have arrived here; what the kernel answers
// must be the one answer that only the right layer gives. `roots`: as the operator wrote them.
std::vector<CheckedPoint> judge_proof(const Proof& proof, const std::vector<std::string>& roots);

// Looks at a role through its folder in /proc and compares with how it must look: no_new_privs, seccomp, capabilities,
// ids, threads, namespaces, mounts, descriptors, limits, dumpable. Empty when the process ended meanwhile. Source:
// proc(5). About 0.2 ms.
std::vector<CheckedPoint> look_from_outside(int proc, const RoleLock& lock);

// The links below ns/ of a process: name -> "net:[4026531840]". What may not be read is left out.
std::map<std::string, std::string> read_namespaces(int proc);

}  // namespace freshet::channel

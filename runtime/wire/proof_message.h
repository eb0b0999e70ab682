#pragma once

#include "runtime/wire/messages.h"

// The proof of a channel's isolation: a worker that is locked like every other loads no plugin and tries what it may
// not do. What it says it saw is compared by the manager with what arrived on the listener.
namespace freshet::wire {

// Things to try. The first group is for the kernel to answer, the others are calls outside the filter, which the
// manager answers with EPERM and records. Each is harmless should it work.
enum class Attempt : std::uint8_t {
  open_outside = 0,
  look_outside,
  list_top,
  read_beside_grant,
  read_contents,   // of a root
  list_excluded,   // of a root
  list_quarantine, // of a root
  write_grant,     // of a root
  write_outside,
  write_existing,
  make_directory,
  remove,
  rename,
  link,
  change_mode,
  change_owner,
  truncate,
  set_times,
  set_attribute,
  connect,
  socket_internet,
  socket_unix,
  socket_raw,
  socket_netlink,
  execute,
  fork,
  signal,
  signal_by_pidfd,
  trace,
  read_memory,
  mount,
  mount_by_descriptor,
  change_root,
  enter_namespace,
  make_namespace,
  open_by_handle,
  executable_memory,
  memory_file,
  shared_memory,
  keyring,
  load_bpf,
  watch_performance,
  asynchronous_io,
  page_faults,
  watch_files,
  change_ids,
  change_capabilities,
  change_own_lock,
  set_clock,
  load_module,
  foreign_call,
};
inline constexpr auto kLastAttempt = Attempt::foreign_call;
inline constexpr std::size_t kMaxTried = 512;

// Manager to a worker, instead of Load: try everything. Answer: Proved. The worker then waits for its end.
struct Prove {
  static constexpr auto kType = MessageType::prove;
};
template <class A, Is<Prove> M>
void visit(A&, M&) {}

struct Tried {
  Attempt attempt = Attempt::open_outside;
  std::uint32_t root = kNoDirectory;  // index, where it was of one root
  std::int32_t error_number = 0;      // 0: it worked
};
template <class A, Is<Tried> M>
void visit(A& a, M& m) {
  a.enumeration(m.attempt, kLastAttempt);
  a.number(m.root);
  a.number(m.error_number);
}

struct Proved {
  static constexpr auto kType = MessageType::proved;
  std::vector<Tried> tried;
  std::uint32_t descriptors = 0;  // open ones
};
template <class A, Is<Proved> M>
void visit(A& a, M& m) {
  a.list(m.tried, kMaxTried, [](auto& x, auto& t) { visit(x, t); });
  a.number(m.descriptors);
}

}  // namespace freshet::wire

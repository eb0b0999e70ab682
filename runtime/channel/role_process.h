#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <stop_token>
#include <string>
#include <vector>

#include "runtime/base/error.h"
#include "runtime/base/fd.h"
#include "runtime/channel/back_trace.h"
#include "runtime/channel/inventory.h"
#include "runtime/channel/isolation_check.h"
#include "runtime/config/config.h"
#include "runtime/manifest/manifest.h"
#include "runtime/sandbox/filter_book.h"
#include "runtime/sandbox/host_support.h"
#include "runtime/sandbox/spawner.h"
#include "runtime/wire/packet.h"

namespace freshet::channel {

// How a role ended. `reason` none: as asked.
enum class EndReason : std::uint8_t { none = 0, setup, breach, signal, timeout, limit, protocol, plugin };

struct End {
  EndReason reason = EndReason::none;
  std::string what;  // "called socket(2)", "SIGSEGV", "wall clock limit of 2m", ..; for people
  std::string code;  // of a Failed message: "F2010"; F2013 when a worker was lost while it loaded its plugin
  std::vector<Frame> frames{};  // where its thread was, when it crashed or called what is forbidden; as read_back_trace
  std::string path{};  // of a forbidden call: what it named, escaped; the plugin's own word, and only where the kernel shows it
};

// What the kernel counted for the process (wait4), plus what the manager's watch saw.
struct RoleUsage {
  std::int64_t wall_ns = 0;
  std::int64_t start_ns = 0;  // spawn until locked
  std::int64_t cpu_ns = 0;
  std::int64_t start_cpu_ns = 0;  // of it, until locked
  std::int64_t look_ns = 0;       // what the manager's looks at it took
  std::uint64_t peak_rss_bytes = 0;
  std::uint64_t context_switches = 0;
  std::uint64_t blocks_in = 0, blocks_out = 0;
};

// A live role as the kernel shows it from outside; what a worker says of itself proves nothing.
struct ProcessLook {
  std::uint32_t threads = 0;
  std::uint32_t fds = 0;        // 0 where /proc does not let us count them
  std::uint64_t rss_bytes = 0;
};

class LiveRoles;

// A granted root, opened by the manager: O_PATH, no link on the way. Shared by worker and broker of a task.
struct OpenRoot {
  config::RootConfig config;
  Fd directory;
  std::uint64_t dev = 0;
  Identity identity;
  bool stable_birth = true;
};

struct RoleRequest {
  wire::Role role = wire::Role::worker;
  wire::BrokerPhase phase = wire::BrokerPhase::remove;  // broker: picks the filter
  bool unlink = false;                                  // broker, phase remove: quarantine mode `none`
  std::vector<const OpenRoot*> roots;                   // not owned
  std::vector<std::string> areas;                       // per root; "" for none
  std::vector<const OpenRoot*> tops;                    // broker: other directories with areas; not owned
  std::vector<std::uint32_t> top_of;                    // per root: in tops, from 1; 0, or no member: in the root itself
  config::LimitsConfig limits;
  int plugin_memfd = -1;                                // worker, probe; not owned
  manifest::LibrarySet libraries = 0;                   // worker: that its plugin needs
  bool strict = true;
  std::optional<std::uint32_t> ipc_owner;               // broker, phase ipc: runs as this user, without a capability
  const OpenRoot* shm = nullptr;                        // likewise: where POSIX shared memory and semaphores are files
  const OpenRoot* queues = nullptr;                     // likewise: POSIX message queues. Not owned
  std::uint32_t uid = 0;                                // sandbox uid for this channel and role, when support allows
  std::uint64_t table_bytes = 0;                        // broker: the file size limit is this plus 64 KiB
  bool watch_crashes = false;                           // worker: a crash gets a back trace (CrashWatch)
  std::string label;                                    // "task expired-web-cache" for log lines
  std::string channel;                                  // under which `live` lists it
  LiveRoles* live = nullptr;                            // not owned, outlives the process; null: it is not listed
  sandbox::FilterBook* filters = nullptr;               // not owned; null: the filter is compiled anew
};

// One live worker, broker or probe, seen from the manager. Used by one thread at a time. The destructor kills and
// reaps: no process outlives it. A Failed message is taken here and becomes the End: receive() never shows it. While a
// role is idle its deadline is looked at only by the next call.
class RoleProcess {
 public:
  // Spawns, sends Setup, takes Locked and the listener, answers and checks the canary. When it returns a process, the
  // process is locked. Error kind `peer` (the role ended during setup; the text says why) or `system`.
  static Result<std::unique_ptr<RoleProcess>> start(sandbox::Spawner& spawner, const sandbox::HostSupport& support,
                                                    const RoleRequest& request);
  virtual ~RoleProcess() = default;

  // Sends a packet; false when the peer is gone (then `end` says why). Never blocks forever: it goes on answering the
  // listener and the deadline while the socket is full.
  virtual bool send(std::span<const std::uint8_t> packet) = 0;
  template <class M>
  bool send_message(const M& message) {
    std::vector<std::uint8_t> bytes;
    wire::encode_message(message, bytes);
    return send(bytes);
  }

  // The next packet (valid until the next call), or nothing when the role ended, broke out, ran over its deadline or
  // memory, or `stop` was requested (then open() is still true, and waiting packets stay for the next call). Watches socket, listener, pidfd
  // and clock together.
  virtual std::optional<std::string_view> receive(std::stop_token stop) = 0;
  // Like receive, but returns at once with nothing when no packet waits; `open()` tells the two cases apart.
  virtual std::optional<std::string_view> try_receive() = 0;
  [[nodiscard]] virtual bool open() const = 0;

  // The wall clock limit counts anew from now: before a Verify that follows a pause the role had no part in.
  virtual void restart_deadline() = 0;
  virtual Result<ProcessLook> look() = 0;
  // All that it holds now. Error kind `peer` when it has ended.
  virtual Result<Inventory> inventory() = 0;
  // Ended and reaped, with nothing of it left here but its figures.
  [[nodiscard]] virtual bool gone() const = 0;

  // Of a worker that was started without a plugin: has it try everything it may not do, answers each call outside the
  // filter with EPERM and keeps it. A breach in any other process ends it; here it is the point. Error kind `bug` for a
  // process that could ever load foreign code.
  virtual Result<Proof> prove() = 0;
  // Looks at it from outside, as look_from_outside does. Empty when it has ended.
  virtual std::vector<CheckedPoint> check() = 0;

  // Ends it for a reason the caller found (a packet that does not decode, a message out of order).
  virtual void close_for(EndReason reason, std::string what) = 0;

  // What a worker with a plugin wrote to its standard error until it ended: raw bytes, 8 KiB at most. Before: empty.
  [[nodiscard]] virtual const std::string& errors() const = 0;

  // Kills if needed, reaps, returns how it ended. Idempotent.
  virtual End finish() = 0;
  [[nodiscard]] virtual RoleUsage usage() const = 0;
  [[nodiscard]] virtual const std::vector<std::string>& missing_layers() const = 0;
  // Of root's worker: the root whose mount cannot be mapped for it, and why; it reads no private directory of another
  // owner then. Else empty.
  [[nodiscard]] virtual const std::string& unmapped_root() const = 0;
  [[nodiscard]] virtual int pid() const = 0;
};

}  // namespace freshet::channel

#include <algorithm>
#include <freshet/ipc.hpp>
#include <stdexcept>

#include "plugins/parts/reason.h"
#include "plugins/parts/stamps.h"

FRESHET_MANIFEST(R"toml(
id = "org.freshet.orphaned-ipc"
version = "1.0.0"
license = "MIT"
doc = "Removes shared memory and POSIX message queues that nobody uses and whose owners are gone; this cannot be taken back"
abi = { min = "1.0", below = "2.0" }
permissions = { required = ["ipc"] }
irreversible = true
limits = { memory = "64MiB", threads = 1 }

[task.orphaned-ipc]
doc = "Removes, for good, System V segments, POSIX shared memory and POSIX message queues that no process uses and nobody is left to use"

[task.orphaned-ipc.settings]
min-age = { type = "duration", range = ["0s", "100y"], doc = "Only what was not made, changed, attached, detached, sent to or received from for at least this time goes" }
unread-messages = { type = "boolean", default = false, doc = "Message queues go too that hold messages which nobody has received; false: only empty ones" }
owner-gone = { type = "boolean", default = true, doc = "Only what belongs to users of whom no process runs goes; false: that the processes which made and last used it are gone is enough" }
)toml");

namespace orphaned_ipc {
namespace {

class OrphanedIpc final : public freshet::Task {
 public:
  explicit OrphanedIpc(const freshet::Settings& settings)
      : min_age_(settings.duration("min-age")),
        unread_messages_(settings.boolean("unread-messages")),
        owner_gone_(settings.boolean("owner-gone")) {}

  void scan(freshet::Host& host) override {
    const auto ipc = freshet::Ipc::of(host);
    if (!ipc) throw std::runtime_error("no IPC objects are granted: write `ipc` on the channel");
    freshet::IpcObject object{};
    for (std::uint64_t i = 0; ipc->object(i, object); ++i) {
      host.stop_if_cancelled();
      const bool queue = object.kind == FRESHET_IPC_POSIX_MSG;
      if (object.kind != FRESHET_IPC_SHM && object.kind != FRESHET_IPC_POSIX_SHM && !queue) continue;
      if ((object.alive & FRESHET_IPC_PROCESS_LIVES) != 0) continue;
      if (object.count > 0 && !(queue && unread_messages_)) continue;  // attached, or unread
      if (owner_gone_ && (object.alive & FRESHET_IPC_OWNER_LIVES) != 0) continue;
      const std::int64_t age = parts::age(std::max(object.changed, object.used), host.now());
      if (age < 0 || age < min_age_) continue;
      parts::Reason reason;
      reason.add(owner_gone_ ? "owner and creator are gone" : "its processes are gone");
      reason.add(", unused for ");
      reason.add_age(static_cast<std::uint64_t>(age));
      reason.add(", limit ");
      reason.add_limit(static_cast<std::uint64_t>(min_age_));
      if (queue && object.count > 0) reason.add(", with unread messages");
      ipc->propose(i, FRESHET_ORPHAN, reason.text());
    }
  }

 private:
  std::int64_t min_age_;
  bool unread_messages_;
  bool owner_gone_;
};

}  // namespace
}  // namespace orphaned_ipc

FRESHET_PLUGIN(freshet::kind<orphaned_ipc::OrphanedIpc>("orphaned-ipc"))

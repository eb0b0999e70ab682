#include "runtime/manager/act_ipc.h"

#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <map>
#include <optional>
#include <set>

#include "runtime/base/bytes.h"
#include "runtime/manager/in_use.h"
#include "runtime/manager/ipc_objects.h"
#include "runtime/manager/open_roots.h"
#include "runtime/manager/queue_directory.h"
#include "runtime/manager/role_figures.h"

namespace freshet {
namespace {

using Objects = std::vector<const PlannedIpc*>;

void tell(CleanupResult& result, const PlannedIpc& planned, wire::IpcCode code, int error_number) {
  std::string outcome(wire::to_string(code));
  if (error_number != 0) outcome += " (" + errno_text(error_number) + ")";
  result.extra.push_back({"ipc", escape_bytes(ipc_text(planned.object)), code == wire::IpcCode::removed, outcome, {}});
  if (code == wire::IpcCode::removed) return;
  if (code == wire::IpcCode::gone || code == wire::IpcCode::changed || code == wire::IpcCode::in_use) {
    ++result.changed_by_others;
  } else {
    ++result.entries_refused;
    ++result.refusal_counts["IPC object: " + outcome];
  }
}

bool lost(channel::RoleProcess& broker, CleanupResult& result, const char* why) {
  const channel::End end = broker.finish();
  result.end = to_public(end.reason == channel::EndReason::none ? channel::EndReason::protocol : end.reason);
  result.note = "the broker of IPC objects ended: " + (end.what.empty() ? std::string(why) : escape_bytes(end.what));
  return false;
}

// Where POSIX objects are files, as far as there is one of that kind to remove, and as far as it can be had.
struct Places {
  std::optional<channel::OpenRoot> shm;
  std::optional<channel::OpenRoot> queues;

  [[nodiscard]] const std::optional<channel::OpenRoot>& of(wire::IpcKind kind) const { return kind == wire::IpcKind::posix_msg ? queues : shm; }
};

Places open_places(const TaskPlan& task) {
  Places out;
  for (const PlannedIpc& planned : task.ipc) {
    const wire::IpcKind kind = planned.object.kind;
    if (!wire::is_posix(kind) || out.of(kind)) continue;
    config::RootConfig shm;
    shm.path = "/dev/shm";
    Result<channel::OpenRoot> place = kind == wire::IpcKind::posix_msg ? open_queue_directory() : open_root(shm);
    if (place) (kind == wire::IpcKind::posix_msg ? out.queues : out.shm) = std::move(*place);
  }
  return out;
}

// One owner's.
bool remove_all(const Core& core, const TaskPlan& task, const std::string& run_id, std::uint32_t owner, const Objects& objects,
                const Places& places, CleanupResult& result) {
  channel::RoleRequest request;
  request.role = wire::Role::broker;
  request.phase = wire::BrokerPhase::ipc;
  request.ipc_owner = owner;
  request.limits.wall_ns = task.permission.limits.wall_ns;
  request.strict = task.strict;
  request.label = "task " + task.shown.name;
  request.channel = task.shown.channel;
  request.live = core.live.get();
  request.filters = core.filters.get();
  for (const PlannedIpc* planned : objects) {
    const wire::IpcKind kind = planned->object.kind;
    if (wire::is_posix(kind)) (kind == wire::IpcKind::posix_msg ? request.queues : request.shm) = &*places.of(kind);
  }
  Result<std::unique_ptr<channel::RoleProcess>> started = channel::RoleProcess::start(*core.spawner, core.support, request);
  if (!started) {
    result.end = EndReason::setup;
    result.note = started.error().what;
    return false;
  }
  channel::RoleProcess& broker = **started;
  add_missing_layers(result, broker);
  wire::Begin begin;
  begin.phase = wire::BrokerPhase::ipc;
  begin.channel = task.shown.channel;
  begin.run = run_id;
  begin.task = task.number;
  if (!broker.send_message(begin)) return lost(broker, result, "too early");
  for (std::size_t from = 0; from < objects.size(); from += wire::kMaxIpcInPacket) {
    const std::size_t to = std::min(objects.size(), from + wire::kMaxIpcInPacket);
    wire::IpcRemove part;
    for (std::size_t i = from; i < to; ++i) part.objects.push_back(objects[i]->object);
    if (!broker.send_message(part)) return lost(broker, result, "too early");
    const std::optional<std::string_view> packet = broker.receive({});
    wire::IpcOutcomes outcomes;
    if (!packet) return lost(broker, result, "too early");
    if (!wire::decode_message(*packet, outcomes) || outcomes.outcomes.size() != part.objects.size()) {
      broker.close_for(channel::EndReason::protocol, "sent a message out of order");
      return lost(broker, result, "");
    }
    for (std::size_t i = from; i < to; ++i) tell(result, *objects[i], outcomes.outcomes[i - from].code, outcomes.outcomes[i - from].error_number);
  }
  wire::Finished finished;
  const bool asked = broker.send_message(wire::Finish{});
  const std::optional<std::string_view> packet = asked ? broker.receive({}) : std::nullopt;
  if (!packet || !wire::decode_message(*packet, finished)) return lost(broker, result, "too early");
  if (broker.finish().reason != channel::EndReason::none) return lost(broker, result, "");
  return true;
}

}  // namespace

bool act_ipc(const Core& core, const TaskPlan& task, const std::string& run_id, const std::stop_token& stop, CleanupResult& result) {
  if (stop.stop_requested()) {
    result.entries_refused += task.ipc.size();
    result.refusal_counts["not attempted (interrupted)"] += task.ipc.size();
    return true;
  }
  const Places places = open_places(task);
  std::set<std::uint64_t> devices;
  for (const auto* place : {&places.shm, &places.queues})
    if (*place) devices.insert((*place)->dev);
  const InUseOracle in_use = devices.empty() ? InUseOracle() : InUseOracle::look(devices, true);
  std::map<std::uint32_t, Objects> by_owner;
  for (const PlannedIpc& planned : task.ipc) {
    const wire::IpcObject& object = planned.object;
    const bool reachable = ::geteuid() == object.uid || (::geteuid() == 0 && core.support.change_ids && core.support.own_ids.contains(object.uid));
    const bool posix = wire::is_posix(object.kind);
    const auto& place = places.of(object.kind);
    if (posix && !place) tell(result, planned, wire::IpcCode::failed, ENOENT);
    else if (posix && place->dev != object.dev) tell(result, planned, wire::IpcCode::changed, 0);  // another host's or boot's plan
    else if (posix && in_use.find(object.dev, object.inode) != nullptr) tell(result, planned, wire::IpcCode::in_use, 0);
    else if (!reachable) tell(result, planned, wire::IpcCode::denied, EPERM);
    else by_owner[object.uid].push_back(&planned);
  }
  for (const auto& [owner, objects] : by_owner)
    if (!remove_all(core, task, run_id, owner, objects, places, result)) return false;
  return true;
}

}  // namespace freshet

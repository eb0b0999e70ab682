#include "runtime/manager/quarantine_jobs.h"

#include <system_error>
#include <thread>

#include "runtime/base/bytes.h"
#include "runtime/base/units.h"
#include "runtime/manager/area_access.h"
#include "runtime/manager/open_roots.h"
#include "runtime/manager/root_times.h"

namespace freshet {
namespace {

constexpr std::size_t kMaxConflicts = 1000;
constexpr std::int64_t kLongest = 24LL * 3600 * 1'000'000'000;  // of one job, whatever its broker tells

// The roots of a past run that are still the same directories, with the times that an interrupted run did not give back;
// one that is gone or replaced, or whose area cannot be reached, is the caller's to name.
struct Reachable {
  std::vector<channel::OpenRoot> open;
  std::vector<PlanRoot> planned;
  std::vector<Refusal> lost;
};

Reachable reach(const std::vector<PlanRoot>& roots) {
  Reachable out;
  for (const PlanRoot& root : roots) {
    Result<std::vector<channel::OpenRoot>> opened = open_planned_roots({root});
    const Result<AreaAccess> area = opened ? AreaAccess::look(*opened, {root}) : std::unexpected(opened.error());
    if (!area) {
      out.lost.push_back({root.config.path, area.error().what});
      continue;
    }
    mend_root_times(area->directory_of(0), root);
    out.open.push_back(std::move(opened->front()));
    out.planned.push_back(root);
  }
  return out;
}

using Broker = Result<std::unique_ptr<channel::RoleProcess>>;

Broker start_broker(const Core& core, const QuarantineRef& ref, const AreaAccess& areas, wire::BrokerPhase phase) {
  channel::RoleRequest request;
  request.role = wire::Role::broker;
  request.phase = phase;
  areas.fill(request);
  request.limits.wall_ns = core.options.broker_patience_ns;  // anew whenever it tells of its work
  request.limits.cpu_ns = kLongest;
  request.strict = ref.strict;
  request.uid = role_uid(core, ref.channel_index, wire::Role::broker);
  request.label = "run " + ref.run_id;
  request.channel = ref.channel;
  request.live = core.live.get();
  request.filters = core.filters.get();
  return channel::RoleProcess::start(*core.spawner, core.support, request);
}

void begin(channel::RoleProcess& broker, const QuarantineRef& ref, wire::BrokerPhase phase) {
  broker.restart_deadline();  // the one that tidies up may have waited long
  wire::Begin begin;
  begin.phase = phase;
  begin.channel = ref.channel;
  begin.run = ref.run_id;
  begin.task = ref.task_number;
  broker.send_message(begin);
}

// The broker that tidies up, made while another one still puts entries back: one that could do both would hold rights that
// putting back does not need.
class Tidier {
 public:
  Tidier(const Core& core, const QuarantineRef& ref, const AreaAccess& areas) {
    try {
      thread_ = std::thread([&, this] { broker_ = start_broker(core, ref, areas, wire::BrokerPhase::purge); });
    } catch (const std::system_error&) {
      broker_ = start_broker(core, ref, areas, wire::BrokerPhase::purge);
    }
  }
  ~Tidier() { wait(); }
  Tidier(const Tidier&) = delete;
  Tidier& operator=(const Tidier&) = delete;

  Broker take() {
    wait();
    return std::move(broker_);
  }

 private:
  void wait() {
    if (thread_.joinable()) thread_.join();
  }

  Broker broker_;
  std::thread thread_;
};

Error ended(channel::RoleProcess& broker, std::int64_t patience_ns) {
  const channel::End end = broker.finish();
  if (end.reason == channel::EndReason::timeout)
    return {ErrorKind::peer, {}, "the broker was ended: it said nothing for " + format_duration(patience_ns), {}};
  return {ErrorKind::peer, {}, "the broker ended: " + (end.what.empty() ? "too early" : escape_bytes(end.what)), {}};
}

// Waits for Finished; anything but it and `Failed` goes to `other`, which says whether it belonged there.
template <class F>
std::optional<Error> await_finished(const Core& core, channel::RoleProcess& broker, wire::Finished& finished, F&& other) {
  const std::int64_t patience = core.options.broker_patience_ns;
  const std::int64_t last_restart = core.clock.monotonic() + kLongest - patience;
  while (true) {
    const std::optional<std::string_view> packet = broker.receive({});
    if (!packet) return ended(broker, patience);
    if (core.clock.monotonic() < last_restart) broker.restart_deadline();
    wire::Failed failed;
    if (wire::decode_message(*packet, finished)) {
      broker.finish();
      return std::nullopt;
    }
    if (wire::decode_message(*packet, failed)) {
      broker.finish();
      std::string what = escape_bytes(failed.what);
      if (failed.error_number != 0) what += ": " + errno_text(failed.error_number);
      return Error{ErrorKind::peer, {}, "the broker: " + what, {}};
    }
    if (!other(*packet)) {
      broker.close_for(channel::EndReason::protocol, "sent a message out of order");
      return ended(broker, patience);
    }
  }
}

bool took_step(std::string_view packet, const Told& told) {
  wire::Working step;
  if (!wire::decode_message(packet, step)) return false;
  if (told) told(step.done, step.bytes);
  return true;
}

// The broker that is to tidy up; null when it did not come to its end, and `out` says why.
Broker restore(const Core& core, const QuarantineRef& ref, const Reachable& roots, const Told& told, RestoreOutcome& out) {
  const Result<AreaAccess> areas = AreaAccess::open(core, roots.open, roots.planned, AreaAccess::Use::restore);
  if (!areas) {
    out.error = areas.error();
    return nullptr;
  }
  Tidier tidier(core, ref, *areas);
  const Broker broker = start_broker(core, ref, *areas, wire::BrokerPhase::restore);
  if (!broker) {
    out.error = broker.error();
    return nullptr;
  }
  begin(**broker, ref, wire::BrokerPhase::restore);
  (*broker)->send_message(wire::Restore{});
  wire::Finished finished;
  out.error = await_finished(core, **broker, finished, [&](std::string_view packet) {
    if (took_step(packet, told)) return true;
    wire::Restored restored;
    if (!wire::decode_message(packet, restored)) return false;
    for (const wire::RestoreConflict& conflict : restored.conflicts) {
      if (conflict.root >= roots.planned.size()) return false;
      ++out.conflict_count;
      if (out.conflicts.size() >= kMaxConflicts) continue;
      std::string reason(wire::to_string(conflict.code));
      if (conflict.error_number != 0) reason += " (" + errno_text(conflict.error_number) + ")";
      const PlanRoot& root = roots.planned[conflict.root];
      const std::string& below = conflict.code == wire::RestoreCode::bad_table ? area_directory(root) : root.config.path;
      out.conflicts.push_back({(below == "/" ? "" : below) + "/" + conflict.path, reason});
    }
    return true;
  });
  out.brokers.push_back((*broker)->usage());
  out.units = finished.units;
  return out.error ? nullptr : tidier.take();
}

PurgeOutcome purge(const Core& core, const QuarantineRef& ref, const Reachable& roots, const AreaAccess& areas, const Broker& broker,
                   bool tidy, const Told& told = {}) {
  PurgeOutcome out;
  if (!broker) {
    out.error = broker.error();
    return out;
  }
  const RootTimesWatch times(areas, roots.planned);
  begin(**broker, ref, wire::BrokerPhase::purge);
  (*broker)->send_message(wire::Purge{.tidy = tidy, .keep = areas.kept()});
  wire::Finished finished;
  out.error = await_finished(core, **broker, finished, [&](std::string_view packet) { return took_step(packet, told); });
  if (out.error) times.broker_died();
  out.brokers.push_back((*broker)->usage());
  out.entries = finished.entries;
  out.bytes = finished.bytes;
  out.left = finished.left;
  return out;
}

// An area at a mount's top goes in a step of its own, for which alone it is locked: a purge takes as long as it takes, and
// other channels' runs need not wait for it.
std::optional<Error> remove_unused_tops(const Core& core, const QuarantineRef& ref, const Reachable& roots) {
  const Result<AreaAccess> areas = AreaAccess::open(core, roots.open, roots.planned, AreaAccess::Use::remove);
  if (!areas) return areas.error();
  if (areas->kept().size() == roots.open.size()) return std::nullopt;
  return purge(core, ref, roots, *areas, start_broker(core, ref, *areas, wire::BrokerPhase::purge), true).error;
}

// `ready`: a broker for it that waits already, or null.
PurgeOutcome purge(const Core& core, const QuarantineRef& ref, const Reachable& roots, bool tidy, Broker ready = nullptr,
                   const Told& told = {}) {
  PurgeOutcome out;
  if (roots.open.empty()) return out;
  bool at_top = false;
  {
    const Result<AreaAccess> areas = AreaAccess::open(core, roots.open, roots.planned, AreaAccess::Use::purge);
    if (!areas) {
      out.error = areas.error();
      return out;
    }
    at_top = areas->any_at_top();
    if (ready && !*ready) ready = start_broker(core, ref, *areas, wire::BrokerPhase::purge);
    out = purge(core, ref, roots, *areas, ready, tidy, told);
  }
  if (at_top && !out.error) out.error = remove_unused_tops(core, ref, roots);
  return out;
}

}  // namespace

RestoreOutcome restore_quarantine(const Core& core, const QuarantineRef& ref, const Told& told) {
  RestoreOutcome out;
  const Reachable roots = reach(ref.roots);
  out.conflicts = roots.lost;
  out.conflict_count = roots.lost.size();
  if (roots.open.empty()) return out;
  Broker tidier = restore(core, ref, roots, told, out);
  if (out.error) return out;
  const PurgeOutcome tidied = purge(core, ref, roots, true, std::move(tidier));
  out.brokers.insert(out.brokers.end(), tidied.brokers.begin(), tidied.brokers.end());
  if (tidied.error) out.error = tidied.error;
  return out;
}

Status tidy_quarantine(const Core& core, const QuarantineRef& ref) {
  PurgeOutcome tidied = purge(core, ref, reach(ref.roots), true);
  if (tidied.error) return std::unexpected(std::move(*tidied.error));
  return {};
}

PurgeOutcome purge_quarantine(const Core& core, const QuarantineRef& ref, const Told& told) {
  const Reachable roots = reach(ref.roots);
  PurgeOutcome out = purge(core, ref, roots, false, nullptr, told);
  if (!roots.lost.empty() && !out.error)
    out.error = Error{ErrorKind::refused, {}, roots.lost.front().reason, {}};
  return out;
}

Status try_quarantine(const Core& core, const QuarantineRef& ref) {
  const Reachable roots = reach(ref.roots);
  if (!roots.lost.empty()) return fail(ErrorKind::refused, roots.lost.front().reason);
  std::optional<Error> error;
  bool at_top = false;
  {
    const Result<AreaAccess> areas = AreaAccess::open(core, roots.open, roots.planned, AreaAccess::Use::move);
    if (!areas) return std::unexpected(areas.error());
    at_top = areas->any_at_top();
    const RootTimesWatch times(*areas, roots.planned);
    const Broker broker = start_broker(core, ref, *areas, wire::BrokerPhase::trial);
    if (!broker) return std::unexpected(broker.error());
    begin(**broker, ref, wire::BrokerPhase::trial);
    (*broker)->send_message(wire::Trial{});
    wire::Finished finished;
    error = await_finished(core, **broker, finished, [](std::string_view) { return false; });
    if (error) times.broker_died();
  }
  if (at_top)
    if (std::optional<Error> left = remove_unused_tops(core, ref, roots); left && !error) error = std::move(left);
  if (error) return std::unexpected(std::move(*error));
  return {};
}

}  // namespace freshet

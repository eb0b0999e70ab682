#include "runtime/base/bytes.h"
#include "runtime/manager/manager_impl.h"
#include "runtime/manager/open_roots.h"

namespace freshet {
namespace {

void add(CleanupIsolationResult& out, const char* on, std::vector<channel::CheckedPoint> points) {
  for (channel::CheckedPoint& point : points)
    out.checks.push_back({std::move(point.name), on, std::move(point.expected), std::move(point.seen), point.passed});
}

IsolationError probe_failed(Error error) { return {IsolationCause::probe_failed, std::move(error)}; }

}  // namespace

// The probe is a worker as the channel's tasks get them, with the channel's whole grant, but for the plugin: there is
// none. Live roles are only looked at: what they say of themselves would prove nothing.
CleanupIsolationResult CleanupManager::verify_cleanup_isolation(const std::string& channel_id) {
  CleanupIsolationResult out;
  const auto channel = core_.config.channels.find(channel_id);
  if (channel == core_.config.channels.end()) {
    out.error = IsolationError(IsolationCause::unknown_channel,
                               {ErrorKind::missing, {}, "no channel is called " + escape_bytes(channel_id), {}});
    return out;
  }
  std::vector<channel::OpenRoot> roots;
  channel::RoleRequest request;
  std::vector<PlanRoot> planned;
  std::vector<std::string> shown;
  for (const config::RootConfig& config : channel->second.roots) {
    Result<channel::OpenRoot> root = open_root(config);
    if (!root && root.error().kind == ErrorKind::missing && config.optional) continue;
    const Result<PlanRoot> described = root ? describe_root(*root, host_.uid, channel->second.quarantine.at) : std::unexpected(root.error());
    if (!described) {
      out.error = probe_failed(described.error());
      return out;
    }
    planned.push_back(*described);
    shown.push_back(config.path);
    roots.push_back(std::move(*root));
  }
  request.role = wire::Role::worker;
  request.roots = pointers(roots);
  request.areas = areas(planned);
  request.limits = channel->second.limits;
  request.strict = channel->second.isolation.value_or(core_.config.isolation) == config::Isolation::strict;
  request.uid = role_uid(core_, channel_index(channel_id), wire::Role::worker);
  request.filters = core_.filters.get();
  request.label = "probe of channel " + channel_id;
  const std::int64_t began = core_.clock.monotonic();
  const Result<std::unique_ptr<channel::RoleProcess>> probe = channel::RoleProcess::start(*core_.spawner, core_.support, request);
  out.start_ns = core_.clock.monotonic() - began;
  if (!probe) {
    const IsolationCause cause = probe.error().kind == ErrorKind::refused ? IsolationCause::layer_missing : IsolationCause::probe_failed;
    out.error = IsolationError(cause, probe.error());
    return out;
  }
  const std::int64_t started = core_.clock.monotonic();
  for (const std::string& layer : (*probe)->missing_layers()) out.checks.push_back({"layer", "probe", "present", layer, false});
  const Result<channel::Proof> proof = (*probe)->prove();
  if (!proof) {
    out.error = probe_failed(proof.error());
    return out;
  }
  add(out, "probe", judge_proof(*proof, shown));
  std::vector<channel::CheckedPoint> seen = (*probe)->check();
  if (seen.empty()) {
    out.error = probe_failed({ErrorKind::peer, {}, "the probe ended before it could be looked at", {}});
    return out;
  }
  add(out, "probe", std::move(seen));
  for (const std::shared_ptr<const channel::LiveRole>& role : core_.live->of(channel_id))
    add(out, role->lock.role == wire::Role::broker ? "live broker" : "live worker",
        channel::look_from_outside(role->proc.get(), role->lock));
  out.checks_ns = core_.clock.monotonic() - started;
  figures_.add_isolation_check(channel_id, out.start_ns + out.checks_ns);
  out.isolated = true;
  for (const IsolationCheck& check : out.checks) out.isolated = out.isolated && check.passed;
  return out;
}

}  // namespace freshet

#include <unistd.h>

#include <filesystem>

#include "runtime/base/bytes.h"
#include "runtime/base/units.h"
#include "runtime/manager/manager_impl.h"
#include "runtime/manager/open_roots.h"
#include "runtime/manager/outside_look.h"
#include "runtime/manager/plan_container.h"
#include "runtime/manager/plan_files.h"

namespace freshet {
namespace {

std::string text_of(const manifest::TypedValue& value, manifest::SettingType type) {
  if (const auto* flag = std::get_if<bool>(&value)) return *flag ? "true" : "false";
  if (const auto* integer = std::get_if<std::int64_t>(&value)) {
    if (type == manifest::SettingType::duration) return "\"" + format_duration(*integer) + "\"";
    if (type == manifest::SettingType::size) return "\"" + std::to_string(*integer) + "B\"";
    return std::to_string(*integer);
  }
  if (const auto* real = std::get_if<double>(&value)) return std::to_string(*real);
  if (const auto* text = std::get_if<std::string>(&value)) return "\"" + escape_bytes(*text) + "\"";
  std::string out = "[";
  for (const std::string& item : std::get<std::vector<std::string>>(value)) out += (out.size() > 1 ? ", \"" : "\"") + escape_bytes(item) + "\"";
  return out + "]";
}

std::string range_text(const std::pair<double, double>& range, manifest::SettingType type) {
  const auto one = [&](double value) {
    if (type == manifest::SettingType::duration) return format_duration(static_cast<std::int64_t>(value));
    if (type == manifest::SettingType::size) return format_size(static_cast<std::uint64_t>(value));
    if (type == manifest::SettingType::integer) return std::to_string(static_cast<std::int64_t>(value));
    return std::to_string(value);
  };
  return one(range.first) + " to " + one(range.second);
}

PluginFacts facts_of(const Plugin& plugin) {
  PluginFacts out;
  out.file = plugin.file;
  out.sha256 = plugin.sha256;
  out.error = plugin.error;
  const manifest::Manifest& manifest = plugin.manifest;
  out.id = manifest.id;
  out.version = manifest.version;
  out.license = manifest.license;
  out.doc = manifest.doc;
  const auto version = [](const manifest::AbiVersion& v) { return std::to_string(v.major) + "." + std::to_string(v.minor); };
  out.abi = version(manifest.abi_min) + " <= abi < " + version(manifest.abi_below);
  out.stripped = plugin.stripped;
  out.required_permissions = manifest.required_permissions;
  out.optional_permissions = manifest.optional_permissions;
  for (const manifest::TaskKind& kind : manifest.kinds) {
    PluginFacts::Kind shown{kind.name, kind.doc, {}};
    for (const manifest::SettingSchema& schema : kind.settings) {
      PluginFacts::Setting setting;
      setting.name = schema.name;
      setting.type = manifest::to_string(schema.type);
      setting.doc = schema.doc;
      setting.required = !schema.default_value.has_value();
      if (schema.default_value) setting.default_text = text_of(*schema.default_value, schema.type);
      if (schema.range) setting.range = range_text(*schema.range, schema.type);
      setting.values = schema.values;
      shown.settings.push_back(std::move(setting));
    }
    out.kinds.push_back(std::move(shown));
  }
  return out;
}

MetricValue number(std::uint64_t value) { return {static_cast<double>(value)}; }

}  // namespace

CleanupMetrics CleanupManager::track_cleanup_performance(CleanupHandle handle) {
  CleanupMetrics out;
  const Result<Target> target = find(handle);
  if (!target) {
    out.error = target.error();
    return out;
  }
  const std::lock_guard lock(mutex_);
  const auto record = records_.find(target->name);
  if (record != records_.end()) out = record->second.metrics;
  out.task = target->name;
  if (record != records_.end()) out.state = record->second.state;
  out.wall_ns = out.validate_ns + out.start_ns + out.scan_ns + out.remove_ns + out.verify_ns;
  return out;
}

std::map<std::string, MetricValue> CleanupManager::get_cleanup_metrics() {
  const std::lock_guard lock(mutex_);
  std::map<std::string, MetricValue> out;
  out["tasks_registered"] = number(tasks_.size());
  out["runs"] = number(runs_done_);
  out["entries_removed"] = number(entries_removed_);
  out["bytes_reclaimed_now"] = number(bytes_now_);
  out["bytes_reclaimable_at_purge"] = number(bytes_at_purge_);
  MetricValue::Map tasks;
  for (const auto& [name, record] : records_) {
    MetricValue::Map task;
    task["state"] = MetricValue{std::string(to_string(record.state))};
    task["runs"] = number(record.metrics.runs);
    task["entries"] = number(record.metrics.entries);
    task["bytes"] = number(record.metrics.bytes);
    tasks[name] = MetricValue{std::move(task)};
  }
  out["tasks"] = MetricValue{std::move(tasks)};
  return out;
}

CleanupIsolationResult CleanupManager::verify_cleanup_isolation(const std::string& channel_id) {
  CleanupIsolationResult out;
  const auto channel = core_.config.channels.find(channel_id);
  if (channel == core_.config.channels.end()) {
    out.error = Error{ErrorKind::missing, {}, "no channel is called " + escape_bytes(channel_id), {}};
    return out;
  }
  std::vector<channel::OpenRoot> roots;
  for (const config::RootConfig& config : channel->second.roots) {
    Result<channel::OpenRoot> root = open_root(config);
    if (root) {
      roots.push_back(std::move(*root));
    } else if (root.error().kind != ErrorKind::missing || !config.optional) {
      out.error = root.error();
      return out;
    }
  }
  channel::RoleRequest request;
  request.role = wire::Role::probe;
  request.roots = pointers(roots);
  request.areas.resize(roots.size());
  request.limits = channel->second.limits;
  request.strict = channel->second.isolation.value_or(core_.config.isolation) == config::Isolation::strict;
  request.uid = role_uid(core_, channel_index(channel_id), wire::Role::probe);
  request.label = "probe of channel " + channel_id;
  const std::int64_t began = core_.clock.monotonic();
  Result<std::unique_ptr<channel::RoleProcess>> probe = channel::RoleProcess::start(*core_.spawner, core_.support, request);
  out.start_ns = core_.clock.monotonic() - began;
  if (!probe) {
    out.error = probe.error();
    return out;
  }
  // The start itself proves the lock: the role tried to leave its root and to write, and its forbidden call arrived at
  // this manager with the number that only this manager knew.
  out.checks.push_back({"self-test and canary", "refused and reported", "refused and reported", true});
  for (const std::string& layer : (*probe)->missing_layers()) out.checks.push_back({"layer", "present", layer, false});
  const std::int64_t checked = core_.clock.monotonic();
  for (IsolationCheck& check : look_from_outside((*probe)->pid())) out.checks.push_back(std::move(check));
  out.checks_ns = core_.clock.monotonic() - checked;
  out.isolated = true;
  for (const IsolationCheck& check : out.checks) out.isolated = out.isolated && check.passed;
  return out;
}

Status CleanupManager::save(const PlanId& id, const std::string& file) {
  const std::string dir = core_.plan_dir(id.id);
  const Result<Plan> plan = read_plan(dir);
  if (!plan) return std::unexpected(plan.error());
  return write_plan_container(*plan, dir, file);
}

std::expected<PlanId, Error> CleanupManager::load(const std::string& file) {
  const std::string id = new_run_id(core_.clock.now());
  const std::string dir = core_.plan_dir(id);
  if (const Status made = make_private_directory(dir); !made) return std::unexpected(made.error());
  const Result<Plan> plan = read_plan_container(file, dir, id);
  if (plan) return PlanId{id};
  remove_flat_directory(dir);
  return std::unexpected(plan.error());
}

std::vector<PluginFacts> CleanupManager::plugins() {
  std::vector<PluginFacts> out;
  const std::map<std::string, Registered> tasks = registered();
  for (const std::shared_ptr<const Plugin>& plugin : catalog_.all()) {
    PluginFacts facts = facts_of(*plugin);
    for (const auto& [name, task] : tasks)
      if (task.plugin() != nullptr && task.plugin()->plugin_id == facts.id) facts.used_by.push_back(name);
    out.push_back(std::move(facts));
  }
  return out;
}

PluginFacts CleanupManager::inspect(const std::string& file) { return facts_of(*catalog_.read(file)); }

std::vector<BoundaryViolation> CleanupManager::trial() {
  std::vector<BoundaryViolation> out;
  const std::map<std::string, Registered> tasks = registered();
  std::set<std::string> used;
  for (const auto& [name, task] : tasks)
    if (task.enabled && task.channel && task.plugin() != nullptr) used.insert(*task.channel);
  for (const std::string& name : used) {
    const config::ChannelConfig& channel = core_.config.channels.at(name);
    if (channel.quarantine.mode == config::QuarantineMode::none) continue;
    for (const config::RootConfig& config : channel.roots) {
      if (!config.access.remove) continue;
      const Result<channel::OpenRoot> root = open_root(config);
      if (!root) continue;  // validation has named it, or it is optional
      const Result<PlanRoot> planned = describe_root(*root, host_.uid);
      QuarantineRef ref{new_run_id(core_.clock.now()), 0, name, {}, true, channel_index(name)};
      ref.strict = channel.isolation.value_or(core_.config.isolation) == config::Isolation::strict;
      if (planned) ref.roots.push_back(*planned);
      const Status tried = planned ? try_quarantine(core_, ref) : std::unexpected(planned.error());
      if (!tried)
        out.push_back(violation_at(config.position, "F1017", "the quarantine of " + config.path + " does not work: " + tried.error().what,
                                   "the root must be on a file system that can rename, and writable for this user"));
    }
  }
  return out;
}

}  // namespace freshet

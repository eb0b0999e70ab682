#include <unistd.h>

#include <filesystem>

#include "runtime/base/bytes.h"
#include "runtime/base/units.h"
#include "runtime/manager/manager_impl.h"
#include "runtime/manager/open_roots.h"
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

std::string why_blocked(const Core& core, const PluginFacts& plugin) {
  const Result<std::optional<std::string>> why = core.history->why_blocked(plugin.sha256);
  return why && *why ? **why : std::string();
}

PluginFacts facts_of(const Plugin& plugin) {
  PluginFacts out;
  out.file = plugin.file;
  out.sha256 = plugin.sha256;
  out.hidden_by = plugin.hidden_by;
  out.error = plugin.error;
  const manifest::Manifest& manifest = plugin.manifest;
  out.id = manifest.id;
  out.version = manifest.version;
  out.license = manifest.license;
  out.doc = manifest.doc;
  const auto version = [](const manifest::AbiVersion& v) { return std::to_string(v.major) + "." + std::to_string(v.minor); };
  out.abi = version(manifest.abi_min) + " <= abi < " + version(manifest.abi_below);
  out.stripped = plugin.stripped;
  out.signature = plugin.signature;
  out.signer = plugin.signer;
  if (plugin.distrust) out.distrust = plugin.distrust->what;
  out.required_permissions = manifest.required_permissions;
  out.optional_permissions = manifest.optional_permissions;
  for (const manifest::TaskKind& kind : manifest.kinds) {
    PluginFacts::Kind shown{kind.name, kind.doc, {}, kind.guard};
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

}  // namespace

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
  const std::shared_ptr<const TaskMap> tasks = registered();
  for (const std::shared_ptr<const Plugin>& plugin : catalog_.all()) {
    PluginFacts facts = facts_of(*plugin);
    for (const auto& [name, task] : *tasks)
      if (facts.hidden_by.empty() && task->plugin() != nullptr && task->plugin()->plugin_id == facts.id) facts.used_by.push_back(name);
    facts.blocked = why_blocked(core_, facts);
    add_approval(facts, *plugin);
    out.push_back(std::move(facts));
  }
  return out;
}

PluginFacts CleanupManager::inspect(const std::string& file) {
  const std::shared_ptr<const Plugin> plugin = catalog_.read(file);
  PluginFacts out = facts_of(*plugin);
  out.blocked = why_blocked(core_, out);
  add_approval(out, *plugin);
  return out;
}

std::vector<BoundaryViolation> CleanupManager::trial() {
  std::vector<BoundaryViolation> out;
  const std::shared_ptr<const TaskMap> tasks = registered();
  std::set<std::string> used;
  for (const auto& [name, task] : *tasks)
    if (task->enabled && task->channel && task->plugin() != nullptr) used.insert(*task->channel);
  for (const std::string& name : used) {
    if (core_.options.stop.stop_requested()) return out;
    const config::ChannelConfig& channel = core_.config.channels.at(name);
    if (channel.quarantine.mode == config::QuarantineMode::none) continue;
    for (const config::RootConfig& config : channel.roots) {
      if (!config.access.remove) continue;
      const Result<channel::OpenRoot> root = open_root(config);
      if (!root) continue;  // validation has named it, or it is optional
      const Result<PlanRoot> planned = describe_root(*root, host_.uid, channel.quarantine.at);
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

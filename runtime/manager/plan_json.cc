#include <algorithm>
#include <nlohmann/json.hpp>

#include "runtime/base/bytes.h"
#include "runtime/manager/ipc_objects.h"
#include "runtime/manager/plan_model.h"
#include "runtime/manager/plan_rules.h"
#include "runtime/manager/state_machine.h"

namespace freshet {
namespace {

using nlohmann::json;

constexpr int kVersion = 5;
constexpr std::size_t kMaxTasks = 10'000;
constexpr std::int64_t kMaxTimeNs = std::int64_t{366} * 86'400 * 1'000'000'000;  // a year
constexpr std::uint64_t kMaxOrdinal = 0xFFFFFFFF;  // of an entry; a bit is kept for each up to the last dropped one

json refusals_out(const std::vector<Refusal>& list) {
  json out = json::array();
  for (const Refusal& refusal : list) out.push_back({escape_bytes(refusal.path), escape_bytes(refusal.reason)});
  return out;
}

// Thrown inside this file only: what a damaged plan runs into.
struct Damaged {
  std::string what;
};

std::string text_in(const json& value) {
  std::string out;
  if (!unescape_bytes(value.get_ref<const std::string&>(), out)) throw Damaged{"a text is not escaped as it should be"};
  return out;
}

std::vector<std::string> texts_in(const json& value) {
  std::vector<std::string> out;
  for (const json& item : value) out.push_back(text_in(item));
  return out;
}

json texts_out(const std::vector<std::string>& list) {
  json out = json::array();
  for (const std::string& text : list) out.push_back(escape_bytes(text));
  return out;
}

json costs_out(const std::map<std::string, PlannedCost>& costs) {
  json out = json::object();
  for (const auto& [name, cost] : costs) out[name] = {cost.entries, cost.bytes, cost.fetch_bytes};
  return out;
}

std::map<std::string, PlannedCost> costs_in(const json& in) {
  std::map<std::string, PlannedCost> out;
  for (std::size_t i = 0; i < wire::kCostClasses; ++i) {
    const std::string name(cost_name(static_cast<wire::CostClass>(i)));
    if (!in.contains(name)) continue;
    const json& cost = in.at(name);
    out[name] = {cost.at(0).get<std::uint64_t>(), cost.at(1).get<std::uint64_t>(), cost.at(2).get<std::uint64_t>()};
  }
  return out;
}

std::vector<Refusal> refusals_in(const json& value) {
  std::vector<Refusal> out;
  for (const json& item : value) out.push_back({text_in(item.at(0)), text_in(item.at(1))});
  return out;
}

json root_out(const PlanRoot& root) {
  json out = {{"path", escape_bytes(root.config.path)},
          {"read", root.config.access.read},
          {"remove", root.config.access.remove},
          {"exclude", texts_out(root.config.exclude)},
          {"optional", root.config.optional},
          {"protected", root.config.i_know_what_this_is},
          {"area", escape_bytes(root.area)},
          {"fsid", root.fsid},
          {"inode", root.inode},
          {"birth", root.birth_ns},
          {"stable_birth", root.stable_birth}};
  if (root.top) out["top"] = {{"path", escape_bytes(root.top->path)}, {"inode", root.top->inode}, {"birth", root.top->birth_ns}};
  if (root.times_before) out["times_before"] = {root.times_before->mtime_ns, root.times_before->atime_ns};
  return out;
}

PlanRoot root_in(const json& in) {
  PlanRoot out;
  out.config.path = text_in(in.at("path"));
  if (out.config.path.empty() || out.config.path[0] != '/') throw Damaged{"a root is not absolute"};
  out.config.access = {.list = true, .read = in.at("read").get<bool>(), .remove = in.at("remove").get<bool>()};
  out.config.exclude = texts_in(in.at("exclude"));
  for (const std::string& exclude : out.config.exclude)
    if (!exclude.starts_with(out.config.path + "/")) throw Damaged{"an exclude is not below its root"};
  out.config.optional = in.at("optional").get<bool>();
  out.config.i_know_what_this_is = in.at("protected").get<bool>();
  out.area = text_in(in.at("area"));
  if (!is_entry_name(out.area) || !out.area.starts_with(".freshet")) throw Damaged{"a quarantine area has no proper name"};
  out.fsid = in.at("fsid").get<std::uint64_t>();
  out.inode = in.at("inode").get<std::uint64_t>();
  out.birth_ns = in.at("birth").get<std::int64_t>();
  out.stable_birth = in.at("stable_birth").get<bool>();
  if (in.contains("top")) {
    const json& top = in.at("top");
    out.top = {text_in(top.at("path")), top.at("inode").get<std::uint64_t>(), top.at("birth").get<std::int64_t>()};
    const std::string& path = out.top->path;
    if (path.empty() || path[0] != '/' || (path != "/" && out.config.path != path && !out.config.path.starts_with(path + "/")))
      throw Damaged{"the top of a mount is not above its root"};
  }
  if (in.contains("times_before"))
    out.times_before = {in.at("times_before").at(0).get<std::int64_t>(), in.at("times_before").at(1).get<std::int64_t>()};
  return out;
}

json changes_out(const std::vector<StateChange>& changes) {
  json out = json::array();
  for (const StateChange& change : changes) out.push_back({to_string(change.state), change.at_ns});
  return out;
}

std::vector<StateChange> changes_in(const json& in) {
  std::vector<StateChange> out;
  for (const json& change : in) {
    const std::optional<TaskState> state = task_state_named(change.at(0).get<std::string>());
    if (!state) throw Damaged{"a task's state is unknown"};
    out.push_back({*state, change.at(1).get<std::int64_t>()});
  }
  return out;
}

json metrics_out(const TaskPlan& task) {
  const CleanupMetrics& m = task.metrics;
  return {{"wall", m.wall_ns},
          {"validate", {m.validate_ns, m.validate_cpu_ns}},
          {"start", {m.start_ns, m.start_cpu_ns}},
          {"scan", {m.scan_ns, m.scan_cpu_ns}},
          {"queue", m.queue_ns},
          {"overhead", m.overhead_ns},
          {"peak_rss", m.peak_rss_bytes},
          {"switches", m.context_switches},
          {"read", m.read_bytes},
          {"written", m.written_bytes},
          {"dependencies", task.measured.ns(metrics::Limited::dependency_validation)}};
}

void metrics_in(const json& in, TaskPlan& task) {
  // A time from a file may be anything; one that no run can have would spoil sums. -1: not measured.
  const auto time_or_none = [](const json& value) { return std::clamp<std::int64_t>(value.get<std::int64_t>(), -1, kMaxTimeNs); };
  const auto time = [&](const json& value) { return std::max<std::int64_t>(time_or_none(value), 0); };
  CleanupMetrics& m = task.metrics;
  m.wall_ns = time(in.at("wall"));
  m.validate_ns = time(in.at("validate").at(0));
  m.validate_cpu_ns = time(in.at("validate").at(1));
  m.start_ns = time(in.at("start").at(0));
  m.start_cpu_ns = time(in.at("start").at(1));
  m.scan_ns = time(in.at("scan").at(0));
  m.scan_cpu_ns = time(in.at("scan").at(1));
  m.queue_ns = time(in.at("queue"));
  m.overhead_ns = time(in.at("overhead"));
  m.peak_rss_bytes = in.at("peak_rss").get<std::uint64_t>();
  m.context_switches = in.at("switches").get<std::uint64_t>();
  m.read_bytes = in.at("read").get<std::uint64_t>();
  m.written_bytes = in.at("written").get<std::uint64_t>();
  task.measured.set(metrics::Limited::dependency_validation, time_or_none(in.at("dependencies")));
  if (m.validate_ns > 0) task.measured.set(metrics::Limited::security_validation, m.validate_ns);
}

json resources_out(const std::vector<ResourceCheck>& resources) {
  json out = json::array();
  for (const ResourceCheck& check : resources)
    out.push_back({check.name, check.passed, check.before, check.after, check.unit, escape_bytes(check.detail)});
  return out;
}

std::vector<ResourceCheck> resources_in(const json& in) {
  std::vector<ResourceCheck> out;
  for (const json& check : in)
    out.push_back({check.at(0).get<std::string>(), check.at(1).get<bool>(), check.at(2).get<std::uint64_t>(),
                   check.at(3).get<std::uint64_t>(), check.at(4).get<std::string>(), text_in(check.at(5))});
  return out;
}

json shown_root_out(const PlannedRoot& root) {
  json largest = json::array();
  for (const PlannedDirectory& directory : root.largest)
    largest.push_back({escape_bytes(directory.path), directory.entries, directory.bytes});
  return {{"path", escape_bytes(root.path)}, {"scanned", root.scanned},         {"entries", root.entries},
          {"bytes", root.bytes},             {"oldest", root.oldest_mtime_ns}, {"largest", largest}};
}

PlannedRoot shown_root_in(const json& in) {
  PlannedRoot out;
  out.path = text_in(in.at("path"));
  out.scanned = in.at("scanned").get<std::uint64_t>();
  out.entries = in.at("entries").get<std::uint64_t>();
  out.bytes = in.at("bytes").get<std::uint64_t>();
  out.oldest_mtime_ns = in.at("oldest").get<std::int64_t>();
  for (const json& item : in.at("largest"))
    out.largest.push_back({text_in(item.at(0)), item.at(1).get<std::uint64_t>(), item.at(2).get<std::uint64_t>()});
  return out;
}

json hooks_out(const std::vector<config::HookConfig>& hooks) {
  json out = json::array();
  for (const config::HookConfig& hook : hooks) out.push_back({hook.name, texts_out(hook.run), hook.deadline_ns});
  return out;
}

// Shown and compared, never run: what is run comes from the configuration of the day.
std::vector<config::HookConfig> hooks_in(const json& in) {
  std::vector<config::HookConfig> out;
  for (const json& item : in)
    out.push_back({item.at(0).get<std::string>(), texts_in(item.at(1)), item.at(2).get<std::int64_t>(), {}});
  return out;
}

json permission_out(const policy::EffectivePermission& in) {
  json out = {{"memory", in.limits.memory_bytes},
              {"cpu", in.limits.cpu_ns},
              {"wall", in.limits.wall_ns},
              {"threads", in.limits.threads},
              {"fds", in.limits.fds},
              {"entries", in.budget.entries},
              {"share", in.budget.share},
              {"trim", in.budget.over == config::OverBudget::trim},
              {"unlink", in.quarantine_mode == config::QuarantineMode::none},
              {"irreversible", in.irreversible_allowed},
              {"min_age", in.floors.min_age_ns},
              {"keep_newest", in.floors.keep_newest},
              {"pins", texts_out(in.floors.pins)},
              {"spare_in_use", in.floors.spare_in_use},
              {"dropped_optional", texts_out(in.dropped_optional)}};
  json ipc = json::array();
  for (const config::IpcConfig& grant : in.ipc) ipc.push_back({escape_bytes(grant.owner), grant.kinds, grant.uid});
  out["ipc"] = std::move(ipc);
  json locks = json::array();
  for (const config::LockConfig& lock : in.locks)
    locks.push_back({escape_bytes(lock.path), lock.kind == config::LockKind::posix, lock.optional});
  out["locks"] = std::move(locks);
  out["hooks"] = {{"before", hooks_out(in.hooks.before)}, {"after", hooks_out(in.hooks.after)}, {"on_failure", hooks_out(in.hooks.on_failure)}};
  if (in.budget.bytes) out["bytes"] = *in.budget.bytes;
  if (in.floors.hours) out["hours"] = {in.floors.hours->first, in.floors.hours->second};
  return out;
}

std::vector<config::LockConfig> locks_in(const json& in) {
  std::vector<config::LockConfig> out;
  for (const json& lock : in)
    out.push_back({text_in(lock.at(0)), lock.at(1).get<bool>() ? config::LockKind::posix : config::LockKind::flock,
                   lock.at(2).get<bool>(), {}});
  return out;
}

policy::EffectivePermission permission_in(const json& in) {
  policy::EffectivePermission out;
  out.limits.memory_bytes = in.at("memory").get<std::uint64_t>();
  out.limits.cpu_ns = in.at("cpu").get<std::int64_t>();
  out.limits.wall_ns = in.at("wall").get<std::int64_t>();
  out.limits.threads = in.at("threads").get<std::uint32_t>();
  out.limits.fds = in.at("fds").get<std::uint32_t>();
  out.budget.entries = in.at("entries").get<std::uint64_t>();
  out.budget.share = in.at("share").get<double>();
  out.budget.over = in.at("trim").get<bool>() ? config::OverBudget::trim : config::OverBudget::refuse;
  out.quarantine_mode = in.at("unlink").get<bool>() ? config::QuarantineMode::none : config::QuarantineMode::keep;
  out.irreversible_allowed = in.at("irreversible").get<bool>();
  out.floors.min_age_ns = in.at("min_age").get<std::int64_t>();
  out.floors.keep_newest = in.at("keep_newest").get<std::uint64_t>();
  out.floors.pins = texts_in(in.at("pins"));
  out.floors.spare_in_use = in.at("spare_in_use").get<bool>();
  out.dropped_optional = texts_in(in.at("dropped_optional"));
  for (const json& grant : in.at("ipc"))
    out.ipc.push_back({text_in(grant.at(0)), grant.at(1).get<std::uint8_t>(), grant.at(2).get<std::uint32_t>(), {}});
  out.locks = locks_in(in.at("locks"));
  out.hooks = {hooks_in(in.at("hooks").at("before")), hooks_in(in.at("hooks").at("after")), hooks_in(in.at("hooks").at("on_failure"))};
  if (in.contains("bytes")) out.budget.bytes = in.at("bytes").get<std::uint64_t>();
  if (in.contains("hours"))
    out.floors.hours = {in.at("hours").at(0).get<std::uint32_t>(), in.at("hours").at(1).get<std::uint32_t>()};
  return out;
}

json ipc_out(const std::vector<PlannedIpc>& list) {
  json out = json::array();
  for (const PlannedIpc& planned : list) {
    const wire::IpcObject& o = planned.object;
    out.push_back({static_cast<unsigned>(o.kind), escape_bytes(o.name), o.id, o.key, o.uid, o.creator, o.dev, o.inode, o.birth_ns, o.changed_ns,
                   o.used_ns, o.bytes, o.count, escape_bytes(planned.reason)});
  }
  return out;
}

std::vector<PlannedIpc> ipc_in(const json& in) {
  if (in.size() > kMaxIpcObjects) throw Damaged{"too many IPC objects"};
  std::vector<PlannedIpc> out;
  for (const json& item : in) {
    wire::IpcObject o;
    const auto kind = item.at(0).get<unsigned>();
    if (kind > static_cast<unsigned>(wire::IpcKind::posix_msg)) throw Damaged{"an IPC object's kind is unknown"};
    o.kind = static_cast<wire::IpcKind>(kind);
    o.name = text_in(item.at(1));
    const bool posix = wire::is_posix(o.kind);
    if (posix ? !is_entry_name(o.name) : !o.name.empty()) throw Damaged{"an IPC object has no proper name"};
    o.id = item.at(2).get<std::int32_t>();
    o.key = item.at(3).get<std::int32_t>();
    o.uid = item.at(4).get<std::uint32_t>();
    o.creator = item.at(5).get<std::uint32_t>();
    o.dev = item.at(6).get<std::uint64_t>();
    o.inode = item.at(7).get<std::uint64_t>();
    if ((o.inode != 0) != posix) throw Damaged{"an IPC object has no proper inode"};
    o.birth_ns = item.at(8).get<std::int64_t>();
    o.changed_ns = item.at(9).get<std::int64_t>();
    o.used_ns = item.at(10).get<std::int64_t>();
    o.bytes = item.at(11).get<std::uint64_t>();
    o.count = item.at(12).get<std::uint64_t>();
    out.push_back({std::move(o), text_in(item.at(13))});
  }
  return out;
}

json task_out(const TaskPlan& task) {
  const PlannedTask& shown = task.shown;
  json violations = json::array();
  for (const BoundaryViolation& v : shown.violations)
    violations.push_back({v.code, escape_bytes(v.what), escape_bytes(v.remedy), escape_bytes(v.where), escape_bytes(v.excerpt)});
  json roots = json::array();
  for (const PlanRoot& root : task.roots) roots.push_back(root_out(root));
  json shown_roots = json::array();
  for (const PlannedRoot& root : shown.roots) shown_roots.push_back(shown_root_out(root));
  return {{"name", shown.name},
          {"number", task.number},
          {"channel", shown.channel},
          {"plugin", escape_bytes(shown.plugin)},
          {"plugin_file", escape_bytes(task.plugin_file)},
          {"plugin_sha256", task.plugin_sha256},
          {"kind", escape_bytes(task.kind)},
          {"native", task.native},
          {"state", to_string(shown.state)},
          {"dependency", task.dependency},
          {"changes", changes_out(task.changes)},
          {"metrics", metrics_out(task)},
          {"resources", resources_out(task.resources)},
          {"end", static_cast<unsigned>(shown.end)},
          {"note", escape_bytes(shown.note)},
          {"violations", violations},
          {"missing_layers", texts_out(shown.missing_layers)},
          {"permissions", texts_out(shown.permissions)},
          {"quarantine", escape_bytes(shown.quarantine)},
          {"entries", shown.entries},
          {"units", shown.units},
          {"bytes", shown.bytes},
          {"costs", costs_out(shown.costs)},
          {"shown_roots", shown_roots},
          {"kept", shown.kept},
          {"kept_examples", refusals_out(shown.kept_examples)},
          {"unread", refusals_out(shown.unread)},
          {"unread_count", shown.unread_count},
          {"repeated", shown.repeated},
          {"permission", permission_out(task.permission)},
          {"keep", task.keep_ns},
          {"max_quarantine", task.max_quarantine_bytes},
          {"on_failure_keep", task.on_failure == config::OnFailure::keep},
          {"after", texts_out(task.after)},
          {"requires", texts_out(task.requires_)},
          {"roots", roots},
          {"ipc", ipc_out(task.ipc)},
          {"key", task.key},
          {"dropped", task.dropped},
          {"strict", task.strict}};
}

TaskPlan task_in(const json& in) {
  TaskPlan out;
  PlannedTask& shown = out.shown;
  shown.name = in.at("name").get<std::string>();
  out.number = in.at("number").get<std::uint32_t>();
  if (out.number >= kMaxTasks) throw Damaged{"a task's number is too large"};
  shown.channel = in.at("channel").get<std::string>();
  if (!shown.channel.empty() && !is_entry_name(shown.channel)) throw Damaged{"a channel has no proper name"};
  shown.plugin = text_in(in.at("plugin"));
  out.plugin_file = text_in(in.at("plugin_file"));
  out.plugin_sha256 = in.at("plugin_sha256").get<std::string>();
  out.kind = text_in(in.at("kind"));
  out.native = in.at("native").get<bool>();
  const std::optional<TaskState> state = task_state_named(in.at("state").get<std::string>());
  if (!state) throw Damaged{"a task's state is unknown"};
  shown.state = *state;
  out.dependency = in.at("dependency").get<bool>();
  out.changes = changes_in(in.at("changes"));
  metrics_in(in.at("metrics"), out);
  out.resources = resources_in(in.at("resources"));
  const auto end = in.at("end").get<unsigned>();
  if (end > static_cast<unsigned>(EndReason::plugin)) throw Damaged{"a task's end is unknown"};
  shown.end = static_cast<EndReason>(end);
  shown.note = text_in(in.at("note"));
  for (const json& v : in.at("violations"))
    shown.violations.push_back({v.at(0).get<std::string>(), text_in(v.at(1)), text_in(v.at(2)), text_in(v.at(3)), text_in(v.at(4))});
  shown.missing_layers = texts_in(in.at("missing_layers"));
  shown.permissions = texts_in(in.at("permissions"));
  shown.quarantine = text_in(in.at("quarantine"));
  shown.entries = in.at("entries").get<std::uint64_t>();
  shown.units = in.at("units").get<std::uint64_t>();
  shown.bytes = in.at("bytes").get<std::uint64_t>();
  shown.costs = costs_in(in.at("costs"));
  for (const json& root : in.at("shown_roots")) shown.roots.push_back(shown_root_in(root));
  shown.kept = in.at("kept").get<std::map<std::string, std::uint64_t>>();
  shown.kept_examples = refusals_in(in.at("kept_examples"));
  shown.unread = refusals_in(in.at("unread"));
  shown.unread_count = in.at("unread_count").get<std::uint64_t>();
  shown.repeated = in.at("repeated").get<std::uint64_t>();
  out.permission = permission_in(in.at("permission"));
  shown.not_granted = out.permission.dropped_optional;
  out.keep_ns = in.at("keep").get<std::int64_t>();
  out.max_quarantine_bytes = in.at("max_quarantine").get<std::uint64_t>();
  out.on_failure = in.at("on_failure_keep").get<bool>() ? config::OnFailure::keep : config::OnFailure::rollback;
  out.after = texts_in(in.at("after"));
  out.requires_ = texts_in(in.at("requires"));
  for (const json& root : in.at("roots")) out.roots.push_back(root_in(root));
  if (out.roots.size() != shown.roots.size() && is_going(out)) throw Damaged{"a task's roots do not match"};
  out.ipc = ipc_in(in.at("ipc"));
  for (const PlannedIpc& planned : out.ipc) shown.ipc.push_back({ipc_text(planned.object), planned.reason});
  out.key = in.at("key").get<TreeDigest::Key>();
  out.dropped = in.at("dropped").get<std::vector<std::uint64_t>>();
  for (const std::uint64_t ordinal : out.dropped)
    if (ordinal > kMaxOrdinal) throw Damaged{"it drops an entry that no plan can have"};
  out.strict = in.at("strict").get<bool>();
  for (const PlanRoot& root : out.roots) out.permission.roots.push_back(root.config);
  return out;
}

}  // namespace

std::string entries_file(const std::string& plan_dir, std::uint32_t number) {
  return plan_dir + "/" + std::to_string(number) + ".entries";
}

std::string directories_file(const std::string& plan_dir, std::uint32_t number) {
  return plan_dir + "/" + std::to_string(number) + ".dirs";
}

std::string plan_to_json(const Plan& plan) {
  json tasks = json::array();
  for (const TaskPlan& task : plan.tasks) tasks.push_back(task_out(task));
  const json out = {{"freshet_plan", kVersion}, {"id", plan.id}, {"made", plan.made_ns}, {"tasks", tasks}};
  return out.dump(1);
}

Result<Plan> plan_from_json(std::string_view text) {
  try {
    const json in = json::parse(text);
    if (in.at("freshet_plan").get<int>() != kVersion)
      return fail(ErrorKind::invalid, "the plan was made by another version of Freshet");
    Plan out;
    out.id = in.at("id").get<std::string>();
    if (!is_entry_name(out.id)) throw Damaged{"its id has no proper form"};
    out.made_ns = in.at("made").get<std::int64_t>();
    if (in.at("tasks").size() > kMaxTasks) throw Damaged{"too many tasks"};
    for (const json& task : in.at("tasks")) {
      out.tasks.push_back(task_in(task));
      if (out.tasks.back().number != out.tasks.size() - 1) throw Damaged{"its tasks are not in order"};
    }
    return out;
  } catch (const Damaged& damaged) {
    return fail(ErrorKind::invalid, "the plan is damaged: " + damaged.what);
  } catch (const json::exception& error) {
    return fail(ErrorKind::invalid, std::string("the plan is damaged: ") + escape_bytes(error.what()));
  }
}

std::string grant_to_json(const TaskPlan& task) {
  json roots = json::array();
  for (const PlanRoot& root : task.roots) roots.push_back(root_out(root));
  return json{{"roots", roots}, {"permission", permission_out(task.permission)}}.dump();
}

namespace {

// What `read` makes of the JSON of a grant.
template <class F>
auto from_grant(std::string_view text, F&& read) -> Result<decltype(read(json()))> {
  try {
    return read(json::parse(text));
  } catch (const Damaged& damaged) {
    return fail(ErrorKind::invalid, "the history's grant is damaged: " + damaged.what);
  } catch (const json::exception& error) {
    return fail(ErrorKind::invalid, std::string("the history's grant is damaged: ") + escape_bytes(error.what()));
  }
}

}  // namespace

Result<std::vector<PlanRoot>> roots_from_grant_json(std::string_view text) {
  return from_grant(text, [](const json& in) {
    std::vector<PlanRoot> out;
    for (const json& root : in.at("roots")) out.push_back(root_in(root));
    return out;
  });
}

Result<std::vector<config::LockConfig>> locks_from_grant_json(std::string_view text) {
  return from_grant(text, [](const json& in) { return locks_in(in.at("permission").at("locks")); });
}

}  // namespace freshet

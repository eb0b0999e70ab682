#include "runtime/manager/result_rows.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "runtime/base/bytes.h"

namespace freshet {
namespace {

nlohmann::json resources_out(const std::vector<ResourceCheck>& resources) {
  nlohmann::json out = nlohmann::json::array();
  for (const ResourceCheck& check : resources)
    out.push_back({check.name, check.passed, check.before, check.after, check.unit, escape_bytes(check.detail)});
  return out;
}

nlohmann::json extra_out(const std::vector<ExtraAct>& acts) {
  nlohmann::json out = nlohmann::json::array();
  for (const ExtraAct& act : acts)
    out.push_back({{"permission", act.permission},
                   {"subject", escape_bytes(act.subject)},
                   {"done", act.done},
                   {"outcome", escape_bytes(act.outcome)},
                   {"output", escape_bytes(act.output)}});
  return out;
}

std::string result_to_json(const CleanupResult& result) {
  nlohmann::json counts = nlohmann::json::object();
  for (const auto& [reason, count] : result.refusal_counts) counts[escape_bytes(reason)] = count;
  nlohmann::json refusals = nlohmann::json::array();
  for (const Refusal& refusal : result.refusals) refusals.push_back({escape_bytes(refusal.path), escape_bytes(refusal.reason)});
  return nlohmann::json{{"kept", result.entries_kept},
                        {"changed_by_others", result.changed_by_others},
                        {"end", to_string(result.end)},
                        {"refusal_counts", counts},
                        {"refusals", refusals},
                        {"missing_layers", result.missing_layers},
                        {"resources", resources_out(result.resources)},
                        {"extra", extra_out(result.extra)}}
      .dump();
}

}  // namespace

store::TaskRow row_of(const std::string& run_id, const TaskPlan& task, const CleanupResult& result) {
  store::TaskRow row;
  row.run_id = run_id;
  row.number = task.number;
  row.name = task.shown.name;
  row.channel = task.shown.channel;
  row.plugin = task.shown.plugin;
  row.plugin_sha256 = task.plugin_sha256;
  row.state = to_string(result.state);
  row.note = result.note;
  row.unlink = task.permission.quarantine_mode == config::QuarantineMode::none;
  row.entries_found = result.entries_found;
  row.entries_removed = result.entries_removed;
  row.entries_refused = result.entries_refused;
  row.bytes_now = result.bytes_reclaimed_now;
  row.bytes_at_purge = result.bytes_reclaimable_at_purge;
  row.grant_json = grant_to_json(task);
  row.result_json = result_to_json(result);
  return row;
}

std::vector<ResourceCheck> resources_of(const store::TaskRow& row) {
  std::vector<ResourceCheck> out;
  const nlohmann::json in = nlohmann::json::parse(row.result_json, nullptr, false);
  if (!in.is_object() || !in.contains("resources")) return out;
  try {
    for (const nlohmann::json& check : in.at("resources"))
      out.push_back({check.at(0).get<std::string>(), check.at(1).get<bool>(), check.at(2).get<std::uint64_t>(),
                     check.at(3).get<std::uint64_t>(), check.at(4).get<std::string>(), check.at(5).get<std::string>()});
  } catch (const nlohmann::json::exception&) {
    out.clear();
  }
  return out;
}

std::vector<ExtraAct> extra_of(const store::TaskRow& row) {
  std::vector<ExtraAct> out;
  const nlohmann::json in = nlohmann::json::parse(row.result_json, nullptr, false);
  if (!in.is_object() || !in.contains("extra")) return out;
  try {
    for (const nlohmann::json& act : in.at("extra")) {
      ExtraAct& one = out.emplace_back();
      one.permission = act.at("permission").get<std::string>();
      one.done = act.at("done").get<bool>();
      const std::pair<const char*, std::string*> texts[] = {{"subject", &one.subject}, {"outcome", &one.outcome}, {"output", &one.output}};
      for (const auto& [key, text] : texts)
        if (!unescape_bytes(act.at(key).get_ref<const std::string&>(), *text)) text->clear();
    }
  } catch (const nlohmann::json::exception&) {
    out.clear();
  }
  return out;
}

std::vector<std::string> missing_layers_of(const store::TaskRow& row) {
  std::vector<std::string> out;
  const nlohmann::json in = nlohmann::json::parse(row.result_json, nullptr, false);
  if (!in.is_object() || !in.contains("missing_layers") || !in.at("missing_layers").is_array()) return out;
  for (const nlohmann::json& layer : in.at("missing_layers"))
    if (layer.is_string()) out.push_back(layer.get<std::string>());
  return out;
}

CleanupResult result_of_plan(const Plan& plan, const TaskPlan& task) {
  CleanupResult out;
  out.run_id = plan.id;
  out.task = task.shown.name;
  out.state = task.shown.state;
  out.trusted_in_process = task.native;
  out.entries_found = task.shown.entries;
  for (const auto& [reason, count] : task.shown.kept) out.entries_kept += count;
  out.end = task.shown.end;
  out.note = task.shown.note;
  out.missing_layers = task.shown.missing_layers;
  out.resources = task.resources;
  return out;
}

void merge_checks(std::vector<ResourceCheck>& all, const std::vector<ResourceCheck>& news) {
  for (const ResourceCheck& check : news) {
    const auto same = std::ranges::find(all, check.name, &ResourceCheck::name);
    if (same == all.end()) {
      all.push_back(check);
    } else if (!check.passed) {
      *same = check;
    }
  }
}

bool is_bad(TaskState state) {
  return state == TaskState::refused || state == TaskState::skipped || state == TaskState::failed || state == TaskState::rolled_back;
}

RunState run_state_of(const std::vector<CleanupResult>& tasks, bool stopped) {
  bool refused = false;
  bool failed = false;
  bool good = false;
  bool partly = false;
  for (const CleanupResult& task : tasks) {
    refused = refused || task.state == TaskState::refused;
    failed = failed || task.state == TaskState::failed || task.state == TaskState::rolled_back || task.state == TaskState::skipped;
    good = good || task.state == TaskState::committed;
    const bool missed = std::ranges::any_of(task.extra, [](const ExtraAct& act) { return act.permission == "hook" && !act.done; });
    partly = partly || (task.state == TaskState::committed && (task.entries_refused > 0 || missed)) ||
             (task.state == TaskState::failed && task.entries_removed > 0);
  }
  if (stopped) return RunState::interrupted;
  if (!refused && !failed) return partly ? RunState::partly : RunState::done;
  if (good || partly) return RunState::partly;
  return refused ? RunState::refused : RunState::failed;
}

std::optional<CompletionError> leak_of(const std::string& task, const std::vector<ResourceCheck>& resources) {
  for (const ResourceCheck& check : resources)
    if (!check.passed)
      return CompletionError(CompletionCause::leaked, {ErrorKind::peer, {}, task + ": " + check.name + ": " + check.detail, {}});
  return std::nullopt;
}

std::optional<CleanupError> error_of(const CleanupResult& result, const std::vector<BoundaryViolation>& violations) {
  const auto error = [&](auto cause, ErrorKind kind) {
    return CleanupError(ClassifiedError(cause, {kind, {}, result.task + ": " + result.note, {}}));
  };
  switch (result.state) {
    case TaskState::committed:
      if (const std::optional<CompletionError> leak = leak_of(result.task, result.resources)) return CleanupError(*leak);
      return std::nullopt;
    case TaskState::refused: {
      if (violations.empty()) return error(SecurityCause::violation, ErrorKind::refused);
      const BoundaryViolation& first = violations.front();
      const SecurityCause cause = first.code == "F1060" ? SecurityCause::blocked : SecurityCause::violation;
      return CleanupError(SecurityError(cause, {ErrorKind::refused, first.code, first.what, first.remedy}));
    }
    case TaskState::skipped: return error(DependencyCause::failed, ErrorKind::peer);
    default: break;
  }
  if (const auto off = std::ranges::find(violations, "F1092", &BoundaryViolation::code); off != violations.end())
    return CleanupError(DependencyError(DependencyCause::disabled, {ErrorKind::invalid, off->code, off->what, off->remedy}));
  switch (result.end) {
    case EndReason::breach:
    case EndReason::protocol: return error(IsolationCause::breach, ErrorKind::peer);
    case EndReason::setup: return error(ExecutionCause::setup_failed, ErrorKind::system);
    case EndReason::timeout: return error(ExecutionCause::timed_out, ErrorKind::peer);
    default: return error(ExecutionCause::task_failed, ErrorKind::peer);
  }
}

}  // namespace freshet

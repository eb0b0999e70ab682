#include "runtime/report/json.h"

#include <algorithm>
#include <cstdio>
#include <string>

#include "runtime/base/bytes.h"
#include "runtime/base/units.h"
#include "runtime/report/past_runs.h"

namespace freshet::report {
namespace {

std::string base64(std::string_view bytes) {
  constexpr std::string_view kDigits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string out;
  for (std::size_t i = 0; i < bytes.size(); i += 3) {
    const std::size_t have = std::min<std::size_t>(3, bytes.size() - i);
    std::uint32_t group = 0;
    for (std::size_t k = 0; k < 3; ++k) {
      group = (group << 8) | (k < have ? static_cast<unsigned char>(bytes[i + k]) : 0U);
    }
    for (std::size_t k = 0; k < 4; ++k) out += k <= have ? kDigits[(group >> (18 - 6 * k)) & 63] : '=';
  }
  return out;
}

// For members of lists and keys of maps, which have no room for a second member.
std::string utf8_of(std::string_view bytes) {
  return is_utf8(bytes) ? std::string(bytes) : escape_bytes(bytes);
}

Json list_of(const std::vector<std::string>& texts) {
  Json list = Json::array();
  for (const std::string& text : texts) list.push_back(utf8_of(text));
  return list;
}

Json counts_of(const std::map<std::string, std::uint64_t>& counts) {
  Json object = Json::object();
  for (const auto& [reason, count] : counts) object[utf8_of(reason)] = count;
  return object;
}

Json refusals_of(const std::vector<Refusal>& refusals) {
  Json list = Json::array();
  for (const Refusal& refusal : refusals) {
    Json object;
    put_bytes(object, "path", refusal.path);
    put_bytes(object, "reason", refusal.reason);
    list.push_back(std::move(object));
  }
  return list;
}

// Null for "never": 0 would read as 1970.
Json time_of(std::int64_t nanoseconds) {
  return nanoseconds == 0 ? Json(nullptr) : Json(format_time(nanoseconds));
}

void put_error(Json& object, const std::optional<Error>& error) {
  if (error) object["error"] = error_json(*error);
}

Json purged_of(const std::vector<RunResult::Purged>& runs) {
  Json list = Json::array();
  for (const RunResult::Purged& run : runs) {
    Json object;
    object["run_id"] = utf8_of(run.run_id);
    object["entries"] = run.entries;
    object["bytes"] = run.bytes;
    put_bytes(object, "why", run.why);
    list.push_back(std::move(object));
  }
  return list;
}

Json planned_root_json(const PlannedRoot& root) {
  Json object;
  put_bytes(object, "path", root.path);
  object["scanned"] = root.scanned;
  object["entries"] = root.entries;
  object["bytes"] = root.bytes;
  object["oldest"] = time_of(root.oldest_mtime_ns);
  object["largest"] = Json::array();
  for (const PlannedDirectory& directory : root.largest) {
    Json row;
    put_bytes(row, "path", directory.path);
    row["entries"] = directory.entries;
    row["bytes"] = directory.bytes;
    object["largest"].push_back(std::move(row));
  }
  return object;
}

Json planned_task_json(const PlannedTask& task) {
  Json object;
  object["name"] = utf8_of(task.name);
  object["channel"] = utf8_of(task.channel);
  object["plugin"] = utf8_of(task.plugin);
  object["status"] = to_string(task.state);
  object["ended"] = to_string(task.end);
  put_bytes(object, "note", task.note);
  object["entries"] = task.entries;
  object["units"] = task.units;
  object["bytes"] = task.bytes;
  object["costs"] = Json::object();
  for (const auto& [name, cost] : task.costs)
    object["costs"][name] = {{"entries", cost.entries}, {"bytes", cost.bytes}, {"fetch_bytes", cost.fetch_bytes}};
  put_bytes(object, "quarantine", task.quarantine);
  object["permissions"] = list_of(task.permissions);
  object["not_granted"] = list_of(task.not_granted);
  object["ipc"] = refusals_of(task.ipc);
  object["missing_layers"] = list_of(task.missing_layers);
  object["violations"] = violations_json(task.violations);
  object["roots"] = Json::array();
  for (const PlannedRoot& root : task.roots) object["roots"].push_back(planned_root_json(root));
  object["kept"] = counts_of(task.kept);
  object["kept_examples"] = refusals_of(task.kept_examples);
  object["unread_count"] = task.unread_count;
  object["unread"] = refusals_of(task.unread);
  object["repeated"] = task.repeated;
  return object;
}

Json resources_json(const std::vector<ResourceCheck>& checks) {
  Json list = Json::array();
  for (const ResourceCheck& check : checks) {
    Json row;
    row["name"] = check.name;
    row["passed"] = check.passed;
    row["before"] = check.before;
    row["after"] = check.after;
    row["unit"] = check.unit;
    put_bytes(row, "detail", check.detail);
    list.push_back(std::move(row));
  }
  return list;
}

Json extra_json(const std::vector<ExtraAct>& acts) {
  Json out = Json::array();
  for (const ExtraAct& act : acts) {
    Json row;
    row["permission"] = utf8_of(act.permission);
    put_bytes(row, "subject", act.subject);
    row["done"] = act.done;
    put_bytes(row, "outcome", act.outcome);
    put_bytes(row, "output", act.output);
    out.push_back(std::move(row));
  }
  return out;
}

Json task_result_json(const CleanupResult& task) {
  Json object;
  object["name"] = utf8_of(task.task);
  object["status"] = to_string(task.state);
  object["ended"] = to_string(task.end);
  put_bytes(object, "note", task.note);
  put_error(object, task.error);
  object["violations"] = violations_json(task.violations);
  object["trusted_in_process"] = task.trusted_in_process;
  object["entries_found"] = task.entries_found;
  object["entries_removed"] = task.entries_removed;
  object["entries_refused"] = task.entries_refused;
  object["refusal_counts"] = counts_of(task.refusal_counts);
  object["refusals"] = refusals_of(task.refusals);
  object["entries_kept"] = task.entries_kept;
  object["changed_by_others"] = task.changed_by_others;
  object["bytes_reclaimed_now"] = task.bytes_reclaimed_now;
  object["bytes_reclaimable_at_purge"] = task.bytes_reclaimable_at_purge;
  object["missing_layers"] = list_of(task.missing_layers);
  object["resources"] = resources_json(task.resources);
  object["extra"] = extra_json(task.extra);
  return object;
}

}  // namespace

void put_bytes(Json& object, const char* key, std::string_view bytes) {
  object[key] = utf8_of(bytes);
  if (!is_utf8(bytes)) object[std::string(key) + "_bytes"] = base64(bytes);
}

Json error_json(const Error& error) {
  Json object;
  object["kind"] = to_string(error.kind);
  object["code"] = utf8_of(error.code);
  put_bytes(object, "what", error.what);
  put_bytes(object, "detail", error.detail);
  return object;
}

Json finding_json(const PlannedEntry& entry) {
  Json object;
  object["object"] = "finding";
  object["task"] = utf8_of(entry.task);
  put_bytes(object, "path", entry.path);
  object["type"] = utf8_of(entry.type);
  object["size"] = entry.size;
  object["allocated"] = entry.allocated;
  object["mtime_ns"] = entry.mtime_ns;
  put_bytes(object, "reason", entry.reason);
  object["kind"] = utf8_of(entry.kind);
  object["cost"] = utf8_of(entry.cost);
  put_bytes(object, "root", entry.root);
  return object;
}

Json plan_json(const PlanSummary& plan) {
  Json object;
  object["object"] = "summary";
  object["plan_id"] = utf8_of(plan.id);
  object["made"] = time_of(plan.made_ns);
  object["admitted"] = plan.admitted;
  object["entries"] = plan.entries;
  object["bytes"] = plan.bytes;
  object["tasks"] = Json::array();
  for (const PlannedTask& task : plan.tasks) object["tasks"].push_back(planned_task_json(task));
  return object;
}

Json run_json(const RunResult& run) {
  Json object;
  object["object"] = "run";
  object["run_id"] = utf8_of(run.run_id);
  object["status"] = to_string(run.state);
  put_error(object, run.error);
  object["entries_removed"] = run.entries_removed;
  object["bytes_reclaimed_now"] = run.bytes_reclaimed_now;
  object["bytes_reclaimable_at_purge"] = run.bytes_reclaimable_at_purge;
  object["tasks"] = Json::array();
  for (const CleanupResult& task : run.tasks) object["tasks"].push_back(task_result_json(task));
  object["purged"] = purged_of(run.purged);
  return object;
}

Json rollback_json(const std::string& run_id, const RollbackReport& report) {
  Json object;
  object["object"] = "rollback";
  object["run_id"] = utf8_of(run_id);
  object["complete"] = report.complete;
  put_error(object, report.error);
  object["units_restored"] = report.entries;
  object["conflict_count"] = std::max<std::uint64_t>(report.conflict_count, report.conflicts.size());
  object["conflicts"] = refusals_of(report.conflicts);
  return object;
}

Json purge_json(const PurgeReport& report) {
  Json object;
  object["object"] = "purge";
  put_error(object, report.error);
  object["purged"] = purged_of(report.runs);
  object["entries_left"] = report.left;
  return object;
}

Json verify_json(const std::string& run_id, const std::vector<VerifiedTask>& tasks) {
  Json object;
  object["object"] = "verify";
  object["run_id"] = utf8_of(run_id);
  object["complete"] = std::ranges::all_of(
      tasks, [](const VerifiedTask& task) { return task.status.complete && !task.status.error; });
  object["tasks"] = Json::array();
  for (const VerifiedTask& task : tasks) {
    Json row;
    row["name"] = utf8_of(task.name);
    row["complete"] = task.status.complete;
    put_error(row, task.status.error);
    row["units_checked"] = task.status.units_checked;
    row["units_in_place"] = task.status.units_in_place;
    row["units_refused"] = task.status.units_refused;
    row["changed_by_others"] = task.status.changed_by_others;
    row["wrong"] = refusals_of(task.status.wrong);
    object["tasks"].push_back(std::move(row));
  }
  return object;
}

Json past_run_json(const RunSummary& run) {
  Json object;
  object["object"] = "past_run";
  object["run_id"] = utf8_of(run.id);
  object["status"] = to_string(run.state);
  object["alive"] = run.alive;
  object["unfinished"] = is_unfinished(run);
  object["in_quarantine"] = waits_in_quarantine(run);
  object["started"] = time_of(run.started_ns);
  object["ended"] = time_of(run.ended_ns);
  object["keep_until"] = time_of(run.keep_until_ns);
  object["entries_removed"] = run.entries_removed;
  object["bytes_reclaimed_now"] = run.bytes_reclaimed_now;
  object["bytes_reclaimable_at_purge"] = run.bytes_reclaimable_at_purge;
  put_bytes(object, "note", run.note);
  object["tasks"] = Json::array();
  for (const RunSummary::Task& task : run.tasks) {
    Json row;
    row["name"] = utf8_of(task.name);
    row["channel"] = utf8_of(task.channel);
    row["plugin"] = utf8_of(task.plugin);
    row["status"] = to_string(task.state);
    row["entries_found"] = task.entries_found;
    row["entries_removed"] = task.entries_removed;
    row["entries_refused"] = task.entries_refused;
    row["bytes"] = task.bytes;
    put_bytes(row, "note", task.note);
    row["roots"] = list_of(task.roots);
    row["extra"] = extra_json(task.extra);
    row["missing_layers"] = list_of(task.missing_layers);
    object["tasks"].push_back(std::move(row));
  }
  return object;
}

Json blocked_json(const BlockedPlugin& plugin, std::string_view object_name) {
  Json object;
  object["object"] = std::string(object_name);
  object["sha256"] = utf8_of(plugin.sha256);
  put_bytes(object, "why", plugin.why);
  object["at"] = time_of(plugin.at_ns);
  return object;
}

Json plugin_json(const PluginFacts& plugin) {
  Json object;
  object["object"] = "plugin";
  put_bytes(object, "file", plugin.file);
  object["sha256"] = utf8_of(plugin.sha256);
  object["usable"] = !plugin.error.has_value();
  put_error(object, plugin.error);
  put_bytes(object, "blocked", plugin.blocked);
  if (plugin.error) return object;
  object["id"] = utf8_of(plugin.id);
  object["version"] = utf8_of(plugin.version);
  object["license"] = utf8_of(plugin.license);
  put_bytes(object, "doc", plugin.doc);
  object["abi"] = utf8_of(plugin.abi);
  object["stripped"] = plugin.stripped;
  object["signature"] = plugin.signature;
  put_bytes(object, "signer", plugin.signer);
  put_bytes(object, "hidden_by", plugin.hidden_by);
  put_bytes(object, "distrust", plugin.distrust);
  object["approval"] = plugin.approval;
  object["drift"] = list_of(plugin.drift);
  object["required_permissions"] = list_of(plugin.required_permissions);
  object["optional_permissions"] = list_of(plugin.optional_permissions);
  object["used_by"] = list_of(plugin.used_by);
  object["kinds"] = Json::array();
  for (const PluginFacts::Kind& kind : plugin.kinds) {
    Json row;
    row["name"] = utf8_of(kind.name);
    put_bytes(row, "doc", kind.doc);
    row["guard"] = kind.guard;
    row["settings"] = Json::array();
    for (const PluginFacts::Setting& setting : kind.settings) {
      Json cell;
      cell["name"] = utf8_of(setting.name);
      cell["type"] = utf8_of(setting.type);
      cell["required"] = setting.required;
      put_bytes(cell, "default", setting.default_text);
      put_bytes(cell, "range", setting.range);
      cell["values"] = list_of(setting.values);
      put_bytes(cell, "doc", setting.doc);
      row["settings"].push_back(std::move(cell));
    }
    object["kinds"].push_back(std::move(row));
  }
  return object;
}

Json approval_json(const PluginApproval& approval, bool done) {
  Json object;
  object["object"] = "approval";
  object["id"] = utf8_of(approval.plugin.id);
  object["version"] = utf8_of(approval.plugin.version);
  object["sha256"] = utf8_of(approval.plugin.sha256);
  put_bytes(object, "file", approval.plugin.file);
  put_bytes(object, "lockfile", approval.lockfile);
  object["approved_before"] = approval.approved;
  object["drift"] = list_of(approval.plugin.drift);
  object["written"] = done;
  return object;
}

Json upgrade_entry_json(const std::string& task, std::string_view change, const UpgradeTrial::Entry& entry) {
  Json object;
  object["object"] = "upgrade_entry";
  object["task"] = utf8_of(task);
  object["change"] = change;
  put_bytes(object, "path", entry.path);
  put_bytes(object, "reason", entry.reason);
  object["allocated"] = entry.allocated;
  return object;
}

Json upgrade_json(const UpgradeTrial& trial) {
  Json object;
  object["object"] = "upgrade";
  object["id"] = utf8_of(trial.now.id);
  object["before"] = utf8_of(trial.before.version);
  object["now"] = utf8_of(trial.now.version);
  object["differences"] = list_of(trial.differences);
  object["tasks"] = Json::array();
  for (const auto& [name, task] : trial.tasks) {
    Json row;
    row["name"] = utf8_of(name);
    row["same"] = task.same;
    row["more"] = task.more.size();
    row["fewer"] = task.fewer.size();
    row["notes"] = list_of(task.notes);
    object["tasks"].push_back(std::move(row));
  }
  return object;
}

Json verified_plugin_json(const std::string& id, const PluginFacts* plugin) {
  Json object;
  object["object"] = "verified_plugin";
  object["id"] = utf8_of(id);
  object["installed"] = plugin != nullptr;
  object["holds"] = plugin != nullptr && plugin->drift.empty();
  if (plugin == nullptr) return object;
  put_bytes(object, "file", plugin->file);
  object["drift"] = list_of(plugin->drift);
  return object;
}

Json violations_json(const std::vector<BoundaryViolation>& violations) {
  Json list = Json::array();
  for (const BoundaryViolation& violation : violations) {
    Json object;
    object["code"] = utf8_of(violation.code);
    put_bytes(object, "what", violation.what);
    put_bytes(object, "remedy", violation.remedy);
    put_bytes(object, "where", violation.where);
    list.push_back(std::move(object));
  }
  return list;
}

Json diagnostics_json(const std::vector<config::Diagnostic>& diagnostics) {
  Json list = Json::array();
  for (const config::Diagnostic& diagnostic : diagnostics) {
    Json object;
    put_bytes(object, "file", diagnostic.position.file);
    object["line"] = diagnostic.position.line;
    object["column"] = diagnostic.position.column;
    put_bytes(object, "what", diagnostic.what);
    put_bytes(object, "suggestion", diagnostic.suggestion);
    list.push_back(std::move(object));
  }
  return list;
}

Json doctor_json(const std::vector<DoctorRow>& rows) {
  Json object;
  object["object"] = "doctor";
  object["strict"] = std::ranges::none_of(
      rows, [](const DoctorRow& row) { return row.needed_for_strict && !row.available; });
  object["mechanisms"] = Json::array();
  for (const DoctorRow& row : rows) {
    Json cell;
    put_bytes(cell, "mechanism", row.mechanism);
    cell["available"] = row.available;
    cell["needed_for_strict"] = row.needed_for_strict;
    put_bytes(cell, "seen", row.seen);
    put_bytes(cell, "without_it", row.without_it);
    put_bytes(cell, "remedy", row.remedy);
    object["mechanisms"].push_back(std::move(cell));
  }
  return object;
}

// What JSON may hold as it is and a terminal obeys goes as \uNNNN, which is the same to a program.
std::string line_of(const Json& object) {
  const std::string text = object.dump();
  std::string out;
  out.reserve(text.size() + 1);
  for (std::size_t i = 0; i < text.size();) {
    const std::size_t harmful = text[i] == '\x7f' ? 1 : harmful_length(std::string_view(text).substr(i));
    if (harmful == 0) {
      out += text[i++];
      continue;
    }
    unsigned code = static_cast<unsigned char>(text[i]) & (harmful == 1 ? 0x7FU : 0xFFU >> (harmful + 1));
    for (std::size_t k = 1; k < harmful; ++k) code = (code << 6) | (static_cast<unsigned char>(text[i + k]) & 0x3FU);
    char escaped[8];
    std::snprintf(escaped, sizeof escaped, "\\u%04x", code);
    out += escaped;
    i += harmful;
  }
  return out + "\n";
}

}  // namespace freshet::report

#pragma once

#include <nlohmann/json.hpp>
#include <string_view>
#include <vector>

#include "runtime/config/config.h"
#include "runtime/manager/examine_host.h"
#include "runtime/manager/history.h"
#include "runtime/manager/plugin_inspection.h"
#include "runtime/manager/quarantine.h"
#include "runtime/manager/runs.h"
#include "runtime/report/text.h"

// What machines read; JSON.md is its page. Members keep the order in which they are written. Pure functions.
namespace freshet::report {

using Json = nlohmann::ordered_json;

// Sets `object[key]` to a text that may hold any bytes: as it is where it is UTF-8, else escape_bytes of it,
// and
// `<key>_bytes` to the base64 of the raw bytes.
void put_bytes(Json& object, const char* key, std::string_view bytes);

Json error_json(const Error& error);

// `plan --json`: one object a finding, then the summary.
Json finding_json(const PlannedEntry& entry);
Json plan_json(const PlanSummary& plan);

Json run_json(const RunResult& run);
Json rollback_json(const std::string& run_id, const RollbackReport& report);
Json purge_json(const PurgeReport& report);
Json verify_json(const std::string& run_id, const std::vector<VerifiedTask>& tasks);
Json past_run_json(const RunSummary& run);
Json plugin_json(const PluginFacts& plugin);
// `object_name`: "blocked", or "unblocked" for one that no longer is.
Json blocked_json(const BlockedPlugin& plugin, std::string_view object_name);
// `done`: it was written.
Json approval_json(const PluginApproval& approval, bool done);
// `change`: "more" or "fewer".
Json upgrade_entry_json(const std::string& task, std::string_view change, const UpgradeTrial::Entry& entry);
Json upgrade_json(const UpgradeTrial& trial);
// Null: no installed plugin has the id.
Json verified_plugin_json(const std::string& id, const PluginFacts* plugin);
Json violations_json(const std::vector<BoundaryViolation>& violations);
Json diagnostics_json(const std::vector<config::Diagnostic>& diagnostics);
Json doctor_json(const std::vector<DoctorRow>& rows);

// One line, with a newline.
std::string line_of(const Json& object);

}  // namespace freshet::report

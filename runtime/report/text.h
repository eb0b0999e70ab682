#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "runtime/manager/examine_host.h"
#include "runtime/manager/history.h"
#include "runtime/manager/plugin_inspection.h"
#include "runtime/manager/quarantine.h"
#include "runtime/manager/runs.h"
#include "runtime/report/style.h"

// What people read. Every function is pure: data and a Style in, text that ends with a newline (or is empty)
// out. Foreign bytes (names, reasons, a plugin's words) are escaped on the way.
namespace freshet::report {

// One line, "error: what", then the detail, indented.
std::string error_text(const Error& error, const Style& style);

// ---- plan ----
// Per task and root: entries, bytes, oldest, the largest directories as bars; what stays and why; violations.
// `details` adds every example instead of the first few.
std::string plan_text(const PlanSummary& plan, const Style& style, bool details);
// One planned entry, for `--full`; ages are against `now_ns`.
std::string entry_text(const PlannedEntry& entry, std::int64_t now_ns, const Style& style);

// ---- runs ----
// What was done, with "reclaimed now" and "reclaimable at purge" apart.
std::string run_text(const RunResult& run, const Style& style, bool details);
std::string rollback_text(const std::string& run_id, const RollbackReport& report, const Style& style);
std::string purge_text(const PurgeReport& report, const Style& style);

struct VerifiedTask {
  std::string name;
  CompletionStatus status;
};
std::string verify_text(const std::string& run_id, const std::vector<VerifiedTask>& tasks,
                        const Style& style);

// ---- past runs ----
std::string history_text(const std::vector<RunSummary>& runs, const Style& style);
// Unfinished runs with the commands that help, and what waits in the quarantine at `now_ns`.
std::string status_text(const std::vector<RunSummary>& runs, std::int64_t now_ns, const Style& style);

// ---- plugins and host ----
std::string plugins_text(const std::vector<PluginFacts>& plugins, const Style& style);
std::string plugin_text(const PluginFacts& plugin, const Style& style);
// A piece of configuration that uses the plugin, with all its settings and their docs: TOML to begin from.
std::string plugin_doc_text(const PluginFacts& plugin);
// Blocked hashes under a heading; "" for none.
std::string blocked_text(const std::vector<BlockedPlugin>& plugins, const Style& style);
// What `plugins approve` would write, and how that differs from what is there.
std::string approval_text(const PluginApproval& approval, const Style& style);
// A new file of a plugin beside the installed one, on the same roots.
struct UpgradeTrial {
  struct Entry {
    std::string path, reason;
    std::uint64_t allocated = 0;
  };
  struct Task {
    std::uint64_t same = 0;
    std::vector<Entry> more, fewer;   // found by the new one alone, by the installed one alone
    std::vector<std::string> notes;   // why one of them could not be asked
  };
  PluginFacts before, now;
  std::vector<std::string> differences;  // of manifest and file
  std::map<std::string, Task> tasks;     // that use it
};
std::string upgrade_text(const UpgradeTrial& trial, const Style& style);
// One approved id beside the installed plugin of that id; null: there is none.
std::string verified_plugin_text(const std::string& id, const PluginFacts* plugin, const Style& style);
std::string unblocked_text(const std::vector<BlockedPlugin>& plugins, const Style& style);
std::string doctor_text(const std::vector<DoctorRow>& rows, const Style& style);

}  // namespace freshet::report

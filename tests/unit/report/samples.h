#pragma once

#include "runtime/manager/runs.h"

namespace freshet::report {

inline constexpr std::int64_t kDay = 24LL * 3600 * 1'000'000'000;
inline constexpr std::int64_t kNow = 20'000 * kDay;  // 2024-10-04

inline PlanSummary sample_plan() {
  PlannedTask web;
  web.name = "expired-web-cache";
  web.channel = "web-cache";
  web.plugin = "org.freshet.expired-files 1.0.0";
  web.permissions = {"remove below /var/cache/web"};
  web.quarantine = "keep 7d";
  web.state = TaskState::admitted;
  web.entries = 1200;
  web.units = 3;
  web.bytes = 1000;
  web.costs = {{"regenerable", {200, 100, 0}}, {"unique", {1000, 900, 0}}};
  web.roots = {{.path = "/var/cache/web",
                .scanned = 2000,
                .entries = 1200,
                .bytes = 1000,
                .oldest_mtime_ns = kNow - 41 * kDay,
                .largest = {{"/var/cache/web/images", 1000, 800},
                            {"/var/cache/web", 150, 150},
                            {"/var/cache/web/odd\n\xff", 1, 1}}}};
  web.kept = {{"locked", 3}, {"in use", 12}};
  web.kept_examples = {{"/var/cache/web/a", "in use"}};
  web.unread = {{"/var/cache/web/x", "Permission denied"}};
  web.unread_count = 2;
  web.repeated = 1;

  PlannedTask logs;
  logs.name = "logs";
  logs.channel = "logs";
  logs.plugin = "org.example.logs 2.0.0";
  logs.state = TaskState::refused;
  logs.note = "a boundary is broken";
  logs.violations = {
      {"F1011", "root /etc is a protected place", "name a folder below it", "/etc/freshet/freshet.toml:7:9",
       "  7 | roots = ..\n    |         ^"}};
  return {
      .id = "p1", .made_ns = kNow, .tasks = {web, logs}, .entries = 1200, .bytes = 1000, .admitted = false};
}

inline RunResult sample_run() {
  CleanupResult web;
  web.task = "expired-web-cache";
  web.state = TaskState::committed;
  web.entries_found = 1200;
  web.entries_removed = 1198;
  web.entries_refused = 2;
  web.refusal_counts = {{"changed since the plan", 2}};
  web.refusals = {{"/var/cache/web/a\xff", "changed since the plan"},
                  {"/var/cache/web/b", "changed since the plan"}};
  web.bytes_reclaimable_at_purge = 990;
  CleanupResult logs;
  logs.task = "logs";
  logs.state = TaskState::failed;
  logs.end = EndReason::signal;
  logs.note = "the worker ended by SIGSEGV";
  logs.missing_layers = {"net namespace"};
  RunResult run;
  run.run_id = "r1";
  run.state = RunState::partly;
  run.tasks = {web, logs};
  run.entries_removed = 1198;
  run.bytes_reclaimable_at_purge = 990;
  run.purged = {{"r0", 5, 77, "kept for 7d"}};
  return run;
}

inline RunSummary sample_past_run(const char* id, RunState state) {
  RunSummary run;
  run.id = id;
  run.state = state;
  run.started_ns = kNow;
  run.ended_ns = kNow;
  run.entries_removed = 10;
  run.bytes_reclaimable_at_purge = 100;
  run.keep_until_ns = kNow + 3 * kDay;
  run.tasks.emplace_back();
  run.tasks[0].name = "web";
  run.tasks[0].plugin = "x 1";
  run.tasks[0].state = TaskState::committed;
  return run;
}

inline PlannedEntry sample_entry() {
  return {.task = "t",
          .root = "/r",
          .path = "/r/a\xff",
          .type = "file",
          .size = 5,
          .allocated = 512,
          .mtime_ns = kNow - 41 * kDay,
          .reason = "mtime 41 d, limit 30 d",
          .kind = "aged",
          .cost = "unique"};
}

inline std::vector<RunSummary> sample_status() {
  RunSummary alive = sample_past_run("r4", RunState::executing);
  alive.alive = true;
  alive.bytes_reclaimable_at_purge = 0;
  alive.keep_until_ns = 0;
  RunSummary over = sample_past_run("r1", RunState::partly);
  over.keep_until_ns = kNow - 1;
  return {alive, sample_past_run("r3", RunState::executing), sample_past_run("r2", RunState::rolled_back),
          over};
}

inline PluginFacts sample_plugin() {
  PluginFacts plugin;
  plugin.file = "/p/x.so";
  plugin.sha256 = "abcd";
  plugin.id = "org.x";
  plugin.version = "1.0";
  plugin.license = "MIT";
  plugin.doc = "Removes things";
  plugin.abi = "1.0 <= abi < 2.0";
  plugin.signature = "none";
  plugin.required_permissions = {"remove"};
  plugin.used_by = {"web"};
  plugin.kinds = {{"expired",
                   "Old files",
                   {{"older-than", "duration", "How old", "", true, "0s to 100y", {}},
                    {"age-by", "list of strings", "Which stamps", "mtime", false, "", {"mtime", "atime"}}}}};
  return plugin;
}

inline PluginFacts broken_plugin() {
  PluginFacts plugin;
  plugin.file = "/p/y.so";
  plugin.error = Error{ErrorKind::invalid, "F2004", "has no manifest", ""};
  return plugin;
}

inline std::vector<DoctorRow> sample_doctor() {
  return {{"seccomp", true, true, "user notification works", "calls are not filtered"},
          {"pid namespace", false, true, "EPERM", "a worker sees other processes", "root"},
          {"mdwe", false, false, "before Linux 6.3", "one layer less"},
          {"net namespace", false, false, "EPERM", "a worker sees the network", "root"},
          {"note", true, false, "mount namespace: EPERM", ""}};
}

}  // namespace freshet::report

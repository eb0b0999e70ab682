#include <algorithm>

#include "runtime/cli/command.h"
#include "runtime/cli/exit_codes.h"
#include "runtime/cli/session.h"
#include "runtime/policy/codes.h"
#include "runtime/report/check_report.h"

namespace freshet::cli {
namespace {

void check_task(report::CheckReport& report, ICleanupManager& manager, const IRuns::TaskEntry& task) {
  report::CheckedTask checked;
  checked.name = task.name;
  checked.enabled = task.enabled;
  if (task.enabled) {
    checked.dependencies = manager.validate_dependencies(task.handle);
    checked.security = manager.validate_security_boundaries(task.handle);
  }
  report.tasks.push_back(std::move(checked));
}

// Every violation is an error in the configuration's text, and none a boundary.
bool only_faults(const report::CheckReport& report) {
  const auto fault = [](const BoundaryViolation& violation) { return policy::is_configuration_fault(violation.code); };
  return report.trial.empty() && std::ranges::all_of(report.tasks, [&](const report::CheckedTask& task) {
           return std::ranges::all_of(task.security.violations, fault);
         });
}

int show(Session& session, const report::CheckReport& report, int code) {
  session.put(report::check_json(report));
  if (session.json()) return code;
  if (code == kDone) {
    session.say(report::check_text(report, session.style()));
  } else {
    session.console().err(report::check_text(report, session.console().err_style()));
  }
  return code;
}

int run(Session& session, const Arguments&) {
  report::CheckReport report;
  auto config = session.read_config(report.error);
  if (!config) {
    report.diagnostics = std::move(config.error());
    return show(session, report, kFailed);
  }
  report.config_files = config->files;
  auto manager = session.open_manager_with(*config);
  if (!manager) return manager.error();

  report.plugins = (*manager)->plugins->plugins();
  for (const IRuns::TaskEntry& task : (*manager)->runs->tasks())
    check_task(report, *(*manager)->cleanup, task);
  // A trial touches the roots: not while one of them may be a place that must not be touched.
  if (!report::has_errors(report) && !report::has_violations(report)) {
    report.trial = (*manager)->quarantine->trial();
    report.tried = true;
  }
  session.console().erase_progress();
  if (session.interrupted()) return kInterrupted;
  return show(session, report,
              report::has_errors(report)       ? kFailed
              : !report::has_violations(report) ? kDone
              : only_faults(report)             ? kFailed
                                                : kRefused);
}

}  // namespace

const Command kCheck = {
    .name = "check",
    .usage = "",
    .summary = "is the configuration sound? changes nothing",
    .text =
        "Reads the configuration and shows every error in it with file, line and column; reads the "
        "plugins' manifests without running them; checks dependencies, permissions and protected "
        "places for every enabled task; and tries one rename inside each root's own quarantine area, "
        "so that a file system where it cannot work is known before a run.",
    .examples =
        "freshet check\n"
        "freshet check --config new.toml    # before it is put in place\n"
        "freshet explain F1011              # a page about one violation",
    .min_words = 0,
    .max_words = 0,
    .add_options = nullptr,
    .run = run,
};

}  // namespace freshet::cli

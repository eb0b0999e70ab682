#include "runtime/cli/command.h"
#include "runtime/cli/config_check.h"
#include "runtime/cli/exit_codes.h"
#include "runtime/cli/session.h"
#include "runtime/report/check_report.h"

namespace freshet::cli {
namespace {

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
    if (!report.error) report = explain_failure(session, std::move(config.error()));
    return show(session, report, kFailed);
  }
  report.config_files = config->files;
  auto manager = session.open_manager_with(*config);
  if (!manager) return manager.error();

  report.plugins = (*manager)->runs->plugins();
  check_tasks(report, **manager, *config);
  if (session.interrupted()) return kInterrupted;
  const bool faults = report::has_errors(report) || report::has_faults(report);
  // A trial touches the roots: not while one of them may be a place that must not be touched.
  if (!faults && !report::has_violations(report)) {
    report.trial = (*manager)->runs->trial();
    report.tried = true;
  }
  session.console().erase_progress();
  if (session.interrupted()) return kInterrupted;
  const int code = report::has_errors(report)       ? kFailed
                   : report::has_violations(report) ? kRefused
                   : faults                         ? kFailed
                                                    : kDone;
  return show(session, report, code);
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
        "or out of the root into the one at the top of its mount, "
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

#pragma once

#include <optional>
#include <string>
#include <vector>

#include "runtime/config/config.h"
#include "runtime/manager/runs.h"
#include "runtime/report/json.h"
#include "runtime/report/style.h"

namespace freshet::report {

struct CheckedTask {
  std::string name;
  bool enabled = true;
  DependencyValidationResult dependencies;  // of an enabled task
  SecurityValidationResult security;
};

// What `freshet check` found out.
struct CheckReport {
  std::optional<Error> error;                   // no configuration was found
  std::vector<config::Diagnostic> diagnostics;  // what is wrong in it, unknown and circular dependencies included
  std::vector<std::string> config_files;
  std::vector<PluginFacts> plugins;
  std::vector<CheckedTask> tasks;
  bool tried = false;                    // the trial renames were made
  std::vector<BoundaryViolation> trial;  // what did not work in them
};

// The configuration, a dependency, or a question that could not be answered: exit code 1.
bool has_errors(const CheckReport& report);
// A violation that is an error in the configuration's text and no boundary, such as a setting that does not fit.
bool has_faults(const CheckReport& report);
// A boundary: exit code 4, unless there are errors.
bool has_violations(const CheckReport& report);

std::string check_text(const CheckReport& report, const Style& style);
Json check_json(const CheckReport& report);

}  // namespace freshet::report

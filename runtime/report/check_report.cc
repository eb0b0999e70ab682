#include "runtime/report/check_report.h"

#include <algorithm>

#include "runtime/policy/codes.h"
#include "runtime/report/table.h"
#include "runtime/report/text.h"
#include "runtime/report/text_parts.h"

namespace freshet::report {
namespace {

bool is_fault(const BoundaryViolation& violation) { return policy::is_configuration_fault(violation.code); }

bool has_error(const CheckedTask& task) {
  const DependencyValidationResult& dependencies = task.dependencies;
  return task.enabled && (dependencies.error || !dependencies.cycle.empty() || !dependencies.missing.empty() ||
                          !dependencies.disabled.empty() || task.security.error);
}

std::string dependencies_part(const DependencyValidationResult& dependencies, const Style& style) {
  std::string out;
  if (dependencies.error)
    out += labelled(style, "depends", show_words(style, dependencies.error->what), Paint::bad);
  if (!dependencies.disabled.empty()) {
    out += labelled(style, "disabled",
                    "requires " + joined(dependencies.disabled, ", ", style) + ", which is disabled",
                    Paint::bad);
  }
  return out;
}

Table::Cell mark_of(const CheckedTask& task) {
  const auto& violations = task.security.violations;
  if (!task.enabled) return {"disabled", Paint::dim};
  if (has_error(task) || (!violations.empty() && std::ranges::all_of(violations, is_fault)))
    return {"error", Paint::bad};
  if (!violations.empty()) return {"refused", Paint::bad};
  return {"sound", Paint::good};
}

// Tasks that are sound stand in one table; after it come the others with what is wrong with each.
std::string tasks_part(const std::vector<CheckedTask>& tasks, const Style& style) {
  Table table({Table::Align::left, Table::Align::left, Table::Align::left});
  std::string wrong;
  for (const CheckedTask& task : tasks) {
    Table::Cell mark = mark_of(task);
    const std::string details = dependencies_part(task.dependencies, style) +
                                (task.security.error ? error_text(*task.security.error, style) : "") +
                                violations_part(task.security.violations, style);
    if (!task.enabled || details.empty()) {
      table.add({{"task"}, {show(style, task.name), Paint::strong}, std::move(mark)});
    } else {
      wrong += "task  " + paint(style, Paint::strong, show(style, task.name)) + "  " +
               paint(style, mark.paint, mark.text) + "\n" + details;
    }
  }
  return table.render(style, 0) + wrong;
}

std::string plugins_part(const CheckReport& report, const Style& style) {
  std::string out;
  for (const PluginFacts& plugin : report.plugins) {
    if (!plugin.error) continue;
    const std::string code = plugin.error->code.empty() ? "" : plugin.error->code + " ";
    out += "plugin " + show(style, plugin.file) + "  " + paint(style, Paint::warning, "unusable") + "\n";
    out += "  " + wrap(style, code + show_words(style, plugin.error->what), 2) + "\n";
  }
  return out;
}

std::string verdict(const CheckReport& report, const Style& style) {
  std::string out;
  if (has_errors(report) || has_faults(report))
    out += paint(style, Paint::bad, "The configuration has errors.") + "\n";
  if (has_violations(report))
    out += paint(style, Paint::bad, "Refused by a boundary.") + " `freshet explain CODE` says more.\n";
  if (!out.empty()) return out;
  out = paint(style, Paint::good, "All sound.") + "\n";
  if (std::ranges::none_of(report.tasks, &CheckedTask::enabled)) out += "No task is enabled: a run removes nothing.\n";
  return out;
}

std::string diagnostic_part(const config::Diagnostic& diagnostic, const Style& style) {
  std::string out = show_words(style, to_string(diagnostic.position));
  if (!out.empty()) out = paint(style, Paint::strong, out) + ": ";
  out += paint(style, Paint::bad, "error:") + " " + show_words(style, diagnostic.what) + "\n";
  out += excerpt_part(diagnostic.excerpt, 0, style);
  if (!diagnostic.suggestion.empty()) out += "  = help: " + show_words(style, diagnostic.suggestion) + "\n";
  return out;
}

bool any_violation(const CheckReport& report, bool fault) {
  return std::ranges::any_of(report.tasks, [fault](const CheckedTask& task) {
    return std::ranges::any_of(task.security.violations, [fault](const BoundaryViolation& violation) {
      return is_fault(violation) == fault;
    });
  });
}

}  // namespace

bool has_errors(const CheckReport& report) {
  return report.error || !report.diagnostics.empty() || std::ranges::any_of(report.tasks, has_error);
}

bool has_faults(const CheckReport& report) {
  return any_violation(report, true);
}

bool has_violations(const CheckReport& report) {
  return !report.trial.empty() || any_violation(report, false);
}

std::string check_text(const CheckReport& report, const Style& style) {
  if (report.error) return error_text(*report.error, style);
  std::string out;
  for (const config::Diagnostic& diagnostic : report.diagnostics) out += diagnostic_part(diagnostic, style);
  for (const std::string& file : report.config_files) out += "read " + show(style, file) + "\n";
  out += plugins_part(report, style);
  out += tasks_part(report.tasks, style);
  if (!report.trial.empty())
    out +=
        "trial renames  " + paint(style, Paint::bad, "refused") + "\n" + violations_part(report.trial, style);
  return out + verdict(report, style);
}

Json check_json(const CheckReport& report) {
  Json object;
  object["object"] = "check";
  object["ok"] = !has_errors(report) && !has_faults(report) && !has_violations(report);
  if (report.error) object["error"] = error_json(*report.error);
  object["diagnostics"] = diagnostics_json(report.diagnostics);
  object["config_files"] = Json::array();
  for (const std::string& file : report.config_files) {
    Json row;
    put_bytes(row, "path", file);
    object["config_files"].push_back(std::move(row));
  }
  object["plugins"] = Json::array();
  for (const PluginFacts& plugin : report.plugins) object["plugins"].push_back(plugin_json(plugin));
  object["tasks"] = Json::array();
  for (const CheckedTask& task : report.tasks) {
    Json row;
    row["name"] = task.name;
    row["enabled"] = task.enabled;
    row["violations"] = violations_json(task.security.violations);
    row["order"] = task.dependencies.order;
    row["cycle"] = task.dependencies.cycle;
    row["missing"] = task.dependencies.missing;
    row["disabled"] = task.dependencies.disabled;
    if (task.dependencies.error) row["dependency_error"] = error_json(*task.dependencies.error);
    if (task.security.error) row["error"] = error_json(*task.security.error);
    object["tasks"].push_back(std::move(row));
  }
  object["tried"] = report.tried;
  object["trial"] = violations_json(report.trial);
  return object;
}

}  // namespace freshet::report

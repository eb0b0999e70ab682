#include "runtime/report/check_report.h"

#include <algorithm>

#include "runtime/report/text.h"
#include "runtime/report/text_parts.h"

namespace freshet::report {
namespace {

bool is_sound(const DependencyValidationResult& dependencies) {
  return !dependencies.error && dependencies.cycle.empty() && dependencies.missing.empty() &&
         dependencies.disabled.empty();
}

bool has_error(const CheckedTask& task) {
  return task.enabled && (!is_sound(task.dependencies) || task.security.error.has_value());
}

std::string dependencies_part(const DependencyValidationResult& dependencies, const Style& style) {
  std::string out;
  if (dependencies.error)
    out += labelled(style, "depends", show_words(style, dependencies.error->what), Paint::bad);
  if (!dependencies.cycle.empty())
    out += labelled(style, "cycle", joined(dependencies.cycle, " -> ", style), Paint::bad);
  if (!dependencies.missing.empty()) {
    out += labelled(style, "missing", "no task is named " + joined(dependencies.missing, ", ", style),
                    Paint::bad);
  }
  if (!dependencies.disabled.empty()) {
    out += labelled(style, "disabled",
                    "requires " + joined(dependencies.disabled, ", ", style) + ", which is disabled",
                    Paint::bad);
  }
  return out;
}

std::string task_part(const CheckedTask& task, const Style& style) {
  std::string mark = paint(style, Paint::good, "sound");
  if (!task.enabled) mark = paint(style, Paint::dim, "disabled");
  if (has_error(task)) mark = paint(style, Paint::bad, "error");
  if (task.enabled && !has_error(task) && !task.security.violations.empty())
    mark = paint(style, Paint::bad, "refused");
  std::string out = "task " + paint(style, Paint::strong, show(style, task.name)) + "  " + mark + "\n";
  if (!task.enabled) return out;
  out += dependencies_part(task.dependencies, style);
  if (task.security.error) out += error_text(*task.security.error, style);
  return out + violations_part(task.security.violations, style);
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
  if (has_errors(report)) return paint(style, Paint::bad, "The configuration has errors.") + "\n";
  if (has_violations(report)) {
    return paint(style, Paint::bad, "Refused by a boundary.") + " `freshet explain CODE` says more.\n";
  }
  return paint(style, Paint::good, "All sound.") + "\n";
}

}  // namespace

bool has_errors(const CheckReport& report) {
  return report.error || !report.diagnostics.empty() || std::ranges::any_of(report.tasks, has_error);
}

bool has_violations(const CheckReport& report) {
  return !report.trial.empty() || std::ranges::any_of(report.tasks, [](const CheckedTask& task) {
    return !task.security.violations.empty();
  });
}

std::string check_text(const CheckReport& report, const Style& style) {
  if (report.error) return error_text(*report.error, style);
  std::string out;
  for (const config::Diagnostic& diagnostic : report.diagnostics) {
    out += config::format(diagnostic);
    if (!out.ends_with('\n')) out += '\n';
  }
  for (const std::string& file : report.config_files) out += "read " + show(style, file) + "\n";
  out += plugins_part(report, style);
  for (const CheckedTask& task : report.tasks) out += task_part(task, style);
  if (!report.trial.empty())
    out +=
        "trial renames  " + paint(style, Paint::bad, "refused") + "\n" + violations_part(report.trial, style);
  return out + verdict(report, style);
}

Json check_json(const CheckReport& report) {
  Json object;
  object["object"] = "check";
  object["ok"] = !has_errors(report) && !has_violations(report);
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

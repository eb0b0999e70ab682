#include <fmt/format.h>

#include <algorithm>

#include "runtime/base/lines.h"
#include "runtime/base/units.h"
#include "runtime/report/table.h"
#include "runtime/report/text.h"
#include "runtime/report/text_parts.h"

namespace freshet::report {
namespace {

constexpr std::size_t kFewExamples = 5;

Paint paint_of(RunState state) {
  switch (state) {
    case RunState::done:
    case RunState::rolled_back:
    case RunState::purged:
      return Paint::good;
    case RunState::failed:
    case RunState::refused:
      return Paint::bad;
    default:
      return Paint::warning;
  }
}

Paint paint_of(TaskState state) {
  switch (state) {
    case TaskState::executed:
    case TaskState::verified:
    case TaskState::committed:
      return Paint::good;
    case TaskState::refused:
    case TaskState::failed:
      return Paint::bad;
    default:
      return Paint::warning;
  }
}

// A line each, and of a hook what it printed.
std::string extra_part(const std::vector<ExtraAct>& acts, const Style& style) {
  std::string out;
  for (const ExtraAct& act : acts) {
    out += labelled(style, act.permission, show_words(style, act.subject + ": " + act.outcome), act.done ? Paint::plain : Paint::bad);
    for_each_line(act.output, [&](std::string_view line) { out += "      " + paint(style, Paint::dim, show_words(style, line)) + "\n"; });
  }
  return out;
}

std::string task_part(const CleanupResult& task, const Style& style, bool details) {
  const std::size_t examples = details ? SIZE_MAX : kFewExamples;
  std::string state(to_string(task.state));
  if (task.end != EndReason::none) state += fmt::format(" ({})", to_string(task.end));
  std::string out =
      fmt::format("{}  {}{}\n", paint(style, Paint::strong, show(style, task.task)),
                  paint(style, paint_of(task.state), state),
                  task.trusted_in_process ? paint(style, Paint::dim, "  trusted in process") : "");
  // Mostly the error is the note, with the name in front.
  const bool said_below = task.error && !task.note.empty() &&
                          (task.error->what == task.note || task.error->what == task.task + ": " + task.note);
  if (task.error && !said_below) out += "  " + wrap(style, show_words(style, task.error->what), 2) + "\n";
  const bool is_violation = !task.violations.empty() && task.note == task.violations.front().what;
  if (!task.note.empty() && !is_violation) out += "  " + wrap(style, show_words(style, task.note), 2) + "\n";
  // Where each was written, and what to do, the plan has said.
  for (const BoundaryViolation& violation : task.violations)
    out += fmt::format("  {}{}\n", paint(style, Paint::bad, fmt::format("{:<6}", violation.code)), wrap(style, show_words(style, violation.what), 8));
  if (task.entries_found > 0 || task.entries_removed > 0) {
    out += labelled(
        style, "removed",
        fmt::format("{} of {}", format_count(task.entries_removed), entries_text(task.entries_found)));
  }
  if (task.entries_refused > 0) {
    const std::string why = counts_text(task.refusal_counts, style);
    out += labelled(style, "not removed",
                    entries_text(task.entries_refused) + (why.empty() ? "" : ": " + why), Paint::warning);
    out += refusals_part(task.refusals, task.entries_refused, examples, style);
  }
  out += extra_part(task.extra, style);
  if (task.entries_kept > 0) out += labelled(style, "stays", entries_text(task.entries_kept));
  if (task.changed_by_others > 0)
    out += labelled(style, "changed", entries_text(task.changed_by_others) + " changed by others meanwhile");
  if (!task.missing_layers.empty()) {
    out += labelled(style, "isolation", "best-effort, without " + joined(task.missing_layers, ", ", style),
                    Paint::warning);
  }
  return out;
}

std::string purged_part(const std::vector<RunResult::Purged>& runs, const Style& style) {
  std::string out;
  for (const RunResult::Purged& run : runs) {
    out +=
        fmt::format("Purged run {}: {}, {} freed{}\n", show(style, run.run_id), entries_text(run.entries),
                    format_size(run.bytes), run.why.empty() ? "" : " (" + show_words(style, run.why) + ")");
  }
  return out;
}

}  // namespace

std::string run_text(const RunResult& run, const Style& style, bool details) {
  std::string out;
  for (const CleanupResult& task : run.tasks) out += task_part(task, style, details);
  if (!out.empty()) out += "\n";
  if (!run.run_id.empty()) {
    out += fmt::format("Run {}: {}\n", paint(style, Paint::strong, show(style, run.run_id)),
                       paint(style, paint_of(run.state), to_string(run.state)));
  }
  Table totals({Table::Align::left, Table::Align::right});
  totals.add({{"Removed"}, {entries_text(run.entries_removed)}});
  totals.add({{"Reclaimed now"}, {format_size(run.bytes_reclaimed_now)}});
  totals.add({{"Reclaimable at purge"}, {format_size(run.bytes_reclaimable_at_purge)}});
  out += totals.render(style, 2);
  return out + purged_part(run.purged, style);
}

std::string rollback_text(const std::string& run_id, const RollbackReport& report, const Style& style) {
  std::string out;
  if (report.error) out += error_text(*report.error, style);
  const std::uint64_t conflicts = std::max<std::uint64_t>(report.conflict_count, report.conflicts.size());
  if (report.error && report.entries == 0 && conflicts == 0) return out;
  if (report.complete) {
    return out + fmt::format("Run {} is rolled back: {} put back.\n",
                             paint(style, Paint::strong, show(style, run_id)),
                             counted(report.entries, "unit", "units"));
  }
  out += fmt::format("Run {} is {}: {} put back, {} could not be.\n",
                     paint(style, Paint::strong, show(style, run_id)),
                     paint(style, Paint::bad, "not wholly rolled back"),
                     counted(report.entries, "unit", "units"), format_count(conflicts));
  out += refusals_part(report.conflicts, conflicts, SIZE_MAX, style);
  // A conflict without a path is a task of which nothing can come back.
  if (std::ranges::any_of(report.conflicts, [](const Refusal& conflict) { return conflict.path.starts_with('/'); })) {
    out +=
        "Nothing was overwritten; these stay in the quarantine. Clear the way, then run the same command "
        "again.\n";
  }
  return out;
}

std::string purge_text(const PurgeReport& report, const Style& style) {
  std::string out;
  if (report.error) out += error_text(*report.error, style);
  out += purged_part(report.runs, style);
  if (report.runs.empty() && !report.error) out += "Nothing to purge.\n";
  if (report.runs.size() > 1) {
    std::uint64_t bytes = 0;
    for (const RunResult::Purged& run : report.runs) bytes += run.bytes;
    out += fmt::format("Freed {} in all.\n", format_size(bytes));
  }
  if (report.left > 0) {
    out += paint(style, Paint::warning,
                 entries_text(report.left) + " could not be unlinked and wait in the quarantine.") +
           "\n";
  }
  return out;
}

std::string verify_text(const std::string& run_id, const std::vector<VerifiedTask>& tasks,
                        const Style& style) {
  std::string out;
  bool all = true;
  for (const VerifiedTask& task : tasks) {
    const CompletionStatus& status = task.status;
    const bool good = status.complete && !status.error;
    all = all && good;
    out +=
        fmt::format("{}  {}\n", paint(style, Paint::strong, show(style, task.name)),
                    paint(style, good ? Paint::good : Paint::bad, good ? "as recorded" : "not as recorded"));
    if (status.error) out += "  " + wrap(style, show_words(style, status.error->what), 2) + "\n";
    out += labelled(style, "units",
                    fmt::format("{} checked, {} in place, {} refused by name, {} changed by others",
                                format_count(status.units_checked), format_count(status.units_in_place),
                                format_count(status.units_refused), format_count(status.changed_by_others)));
    out += refusals_part(status.wrong, status.wrong.size(), SIZE_MAX, style);
  }
  out += fmt::format("Run {}: {}\n", paint(style, Paint::strong, show(style, run_id)),
                     all ? paint(style, Paint::good, "the world is as the history says")
                         : paint(style, Paint::bad, "the world is not as the history says"));
  return out;
}

std::string history_text(const std::vector<RunSummary>& runs, const Style& style) {
  if (runs.empty()) return "No run yet.\n";
  using enum Table::Align;
  Table table({left, left, left, right, right, right, left});
  table.add({{"RUN", Paint::dim},
             {"STARTED", Paint::dim},
             {"STATE", Paint::dim},
             {"REMOVED", Paint::dim},
             {"NOW", Paint::dim},
             {"AT PURGE", Paint::dim},
             {"TASKS", Paint::dim}});
  for (const RunSummary& run : runs) {
    std::string tasks;
    for (const RunSummary::Task& task : run.tasks) {
      if (!tasks.empty()) tasks += ", ";
      tasks += show(style, task.name);
      // Their names; what each is for, and what else is lost, the run's own report says.
      std::vector<std::string> layers;
      for (const std::string& layer : task.missing_layers) layers.push_back(layer.substr(0, layer.find_first_of("(:")));
      for (std::string& layer : layers)
        while (layer.ends_with(' ')) layer.pop_back();
      if (!layers.empty()) tasks += " (without " + joined(layers, ", ", style) + ")";
    }
    table.add({{show(style, run.id), Paint::strong},
               {format_time(run.started_ns)},
               {std::string(to_string(run.state)), paint_of(run.state)},
               {format_count(run.entries_removed)},
               {format_size(run.bytes_reclaimed_now)},
               {format_size(run.bytes_reclaimable_at_purge)},
               {tasks}});
  }
  return table.render(style, 0);
}

}  // namespace freshet::report

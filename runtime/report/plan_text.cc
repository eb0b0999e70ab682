#include <fmt/format.h>

#include <algorithm>

#include "runtime/base/units.h"
#include "runtime/report/table.h"
#include "runtime/report/text.h"
#include "runtime/report/text_parts.h"

namespace freshet::report {
namespace {

constexpr std::size_t kFewExamples = 3;

bool goes_on(const PlannedTask& task) {
  return task.state == TaskState::planned || task.state == TaskState::admitted;
}

bool freed_at_once(const PlannedTask& task) {
  return task.quarantine.starts_with("none");
}

std::string head_line(const PlannedTask& task, const Style& style) {
  std::string line = paint(style, Paint::strong, show(style, task.name));
  if (!goes_on(task)) {
    line += "  " + paint(style, Paint::bad, to_string(task.state));
    if (task.end != EndReason::none)
      line += paint(style, Paint::bad, fmt::format(" ({})", to_string(task.end)));
  }
  std::string origin = show(style, task.plugin.empty() ? "native task, trusted in process" : task.plugin);
  if (!task.channel.empty()) origin += ", channel " + show(style, task.channel);
  return line + "  " + paint(style, Paint::dim, origin) + "\n";
}

std::string directory_name(const PlannedRoot& root, const std::string& path, const Style& style) {
  if (path == root.path) return "(directly in it)";
  const std::string top = root.path == "/" ? root.path : root.path + "/";
  return show(style,
              path.starts_with(top) ? std::string_view(path).substr(top.size()) : std::string_view(path));
}

std::string root_part(const PlannedRoot& root, std::int64_t now_ns, const Style& style) {
  std::string out = "  " + paint(style, Paint::accent, show(style, root.path)) + "\n";
  std::string figures = fmt::format("{} of {}", format_count(root.entries), entries_text(root.scanned));
  if (root.entries > 0) {
    figures += "   " + paint(style, Paint::strong, format_size(root.bytes));
    if (root.oldest_mtime_ns != 0) figures += "   oldest " + format_age(now_ns - root.oldest_mtime_ns);
  }
  out += "    " + figures + "\n";

  const std::size_t cells = std::clamp<std::size_t>(style.width > 56 ? style.width - 56 : 8, 8, 32);
  Table table({Table::Align::left, Table::Align::right, Table::Align::right, Table::Align::left});
  for (const PlannedDirectory& directory : root.largest) {
    std::string drawn = bar(style, directory.bytes, std::max(root.bytes, root.largest.front().bytes), cells);
    drawn.append(cells - columns_of(drawn), ' ');  // the figures of all roots stand below each other
    table.add({{std::move(drawn), Paint::accent},
               {format_size(directory.bytes)},
               {entries_text(directory.entries), Paint::dim},
               {directory_name(root, directory.path, style)}});
  }
  return out + table.render(style, 4);
}

std::string unread_part(const PlannedTask& task, const Style& style, std::size_t examples) {
  if (task.unread_count == 0) return {};
  std::string out = labelled(style, "unread", entries_text(task.unread_count), Paint::warning);
  return out + refusals_part(task.unread, task.unread_count, examples, style);
}

std::string task_part(const PlannedTask& task, std::int64_t now_ns, const Style& style, bool details) {
  const std::size_t examples = details ? SIZE_MAX : kFewExamples;
  std::string out = head_line(task, style);
  if (!task.note.empty()) out += "  " + wrap(style, show_words(style, task.note), 2) + "\n";
  out += violations_part(task.violations, style);
  if (!task.permissions.empty()) out += labelled(style, "may", joined(task.permissions, "; ", style));
  if (!task.quarantine.empty()) {
    out += labelled(style, "quarantine", show_words(style, task.quarantine),
                    freed_at_once(task) ? Paint::warning : Paint::plain);
  }
  if (!task.missing_layers.empty()) {
    out += labelled(style, "isolation", "best-effort, without " + joined(task.missing_layers, ", ", style),
                    Paint::warning);
  }
  for (const PlannedRoot& root : task.roots) out += root_part(root, now_ns, style);
  if (!task.kept.empty()) {
    out += labelled(style, "stays", counts_text(task.kept, style));
    if (details) out += refusals_part(task.kept_examples, task.kept_examples.size(), examples, style);
  }
  out += unread_part(task, style, examples);
  if (task.repeated > 0) {
    out += labelled(style, "repeated",
                    entries_text(task.repeated) + " proposed more than once by the plugin (counted once)",
                    Paint::warning);
  }
  return out + "\n";
}

}  // namespace

std::string plan_text(const PlanSummary& plan, const Style& style, bool details) {
  std::string out;
  std::uint64_t entries = 0, now = 0, at_purge = 0;
  for (const PlannedTask& task : plan.tasks) {
    out += task_part(task, plan.made_ns, style, details);
    if (!goes_on(task)) continue;
    entries += task.entries;
    (freed_at_once(task) ? now : at_purge) += task.bytes;
  }
  const auto stopped = static_cast<std::uint64_t>(
      std::ranges::count_if(plan.tasks, [](const PlannedTask& task) { return !goes_on(task); }));
  Table totals({Table::Align::left, Table::Align::right});
  totals.add({{"To be removed", Paint::strong}, {format_count(entries), Paint::strong}});
  totals.add({{"Freed at once"}, {format_size(now)}});
  totals.add({{"Freed at purge"}, {format_size(at_purge)}});
  out += totals.render(style, 0);
  if (stopped > 0) {
    out +=
        paint(style, Paint::bad,
              fmt::format("{} of {} will not run.", stopped, counted(plan.tasks.size(), "task", "tasks"))) +
        "\n";
  }
  return out;
}

std::string entry_text(const PlannedEntry& entry, std::int64_t now_ns, const Style& style) {
  return fmt::format("{:<9} {:>9} {:>7}  {}  {}\n", entry.type, format_size(entry.allocated),
                     format_age(now_ns - entry.mtime_ns), show(style, entry.path),
                     paint(style, Paint::dim, fmt::format("({})", show_words(style, entry.reason))));
}

std::string violations_text(const std::string& task, const std::vector<BoundaryViolation>& violations,
                            const Style& style) {
  if (violations.empty()) return {};
  return paint(style, Paint::bad, "refused") + "  " + paint(style, Paint::strong, show(style, task)) + "\n" +
         violations_part(violations, style);
}

}  // namespace freshet::report

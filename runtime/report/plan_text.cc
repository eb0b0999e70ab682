#include <fmt/format.h>

#include <algorithm>
#include <utility>

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

std::string oldest_text(const PlannedRoot& root, std::int64_t now_ns) {
  return root.entries > 0 && root.oldest_mtime_ns != 0 ? format_age(now_ns - root.oldest_mtime_ns) : "";
}

// As wide as `cells`, so that what follows stands in one column.
Table::Cell bar_cell(const Style& style, std::uint64_t part, std::uint64_t whole, std::size_t cells) {
  std::string drawn = bar(style, part, whole, cells);
  drawn.append(cells - columns_of(drawn), ' ');
  return {std::move(drawn), Paint::accent};
}

// The largest directories against the largest of them; what lies elsewhere is one line more.
std::string largest_part(const PlannedRoot& root, const Style& style) {
  if (root.largest.empty()) return {};
  const std::size_t cells = std::clamp<std::size_t>(style.width > 56 ? style.width - 56 : 8, 8, 32);
  // Where nothing takes space on disk, the number of entries is what can be compared.
  const bool by_bytes = root.largest.front().bytes > 0;
  const auto measure = [by_bytes](const PlannedDirectory& directory) {
    return by_bytes ? directory.bytes : directory.entries;
  };
  Table table({Table::Align::left, Table::Align::right, Table::Align::right, Table::Align::left});
  std::uint64_t entries = root.entries, bytes = root.bytes;
  for (const PlannedDirectory& directory : root.largest) {
    table.add({bar_cell(style, measure(directory), measure(root.largest.front()), cells),
               {format_size(directory.bytes)},
               {entries_text(directory.entries), Paint::dim},
               {directory_name(root, directory.path, style)}});
    entries -= std::min(entries, directory.entries);
    bytes -= std::min(bytes, directory.bytes);
  }
  if (entries > 0) {
    table.add({bar_cell(style, 0, 0, cells),
               {format_size(bytes), Paint::dim},
               {entries_text(entries), Paint::dim},
               {"in other directories", Paint::dim}});
  }
  return table.render(style, 4);
}

std::string root_part(const PlannedRoot& root, std::int64_t now_ns, const Style& style) {
  std::string out = "  " + paint(style, Paint::accent, show(style, root.path)) + "\n";
  std::string figures = fmt::format("{} of {}", format_count(root.entries), entries_text(root.scanned));
  if (root.entries > 0) {
    figures += "   " + paint(style, Paint::strong, format_size(root.bytes));
    if (const std::string oldest = oldest_text(root, now_ns); !oldest.empty()) figures += "   oldest " + oldest;
  }
  return out + "    " + figures + "\n" + largest_part(root, style);
}

std::string unread_part(const PlannedTask& task, const Style& style, std::size_t examples) {
  if (task.unread_count == 0) return {};
  std::string out = labelled(style, "unread", entries_text(task.unread_count), Paint::warning);
  return out + refusals_part(task.unread, task.unread_count, examples, style);
}

// What goes of each cost class; how long it can be taken back, and what brings it back after that.
std::string cost_part(const PlannedTask& task, const Style& style) {
  constexpr std::string_view kKeep = "keep ";
  std::vector<std::string> costs, later;
  for (const auto& [name, cost] : task.costs) {
    costs.push_back(fmt::format("{} {}", format_size(cost.bytes), name));
    later.push_back(name == "regenerable"       ? format_size(cost.bytes) + " made again by what made it"
                    : name == "re-downloadable" ? format_size(cost.fetch_bytes) + " fetched again"
                                                : format_size(cost.bytes) + " from nowhere else");
  }
  if (costs.empty()) return {};
  std::string back;
  if (task.quarantine.starts_with(kKeep))
    back = "for " + task.quarantine.substr(kKeep.size(), task.quarantine.find(',') - kKeep.size()) + " by a rollback; after that ";
  return labelled(style, "cost", joined(costs, "; ", style)) + labelled(style, "get back", show_words(style, back) + joined(later, "; ", style));
}

std::string task_part(const PlannedTask& task, std::int64_t now_ns, const Style& style, bool details) {
  const std::size_t examples = details ? SIZE_MAX : kFewExamples;
  std::string out = head_line(task, style);
  // Of a refusal the note says no more than its first violation.
  const bool said_below = !task.violations.empty() && task.note == task.violations.front().what;
  if (!task.note.empty() && !said_below) out += "  " + wrap(style, show_words(style, task.note), 2) + "\n";
  out += violations_part(task.violations, style);
  if (!task.permissions.empty()) out += labelled(style, "may", joined(task.permissions, "; ", style));
  if (!task.not_granted.empty())
    out += labelled(style, "may not", joined(task.not_granted, ", ", style) + " (the plugin would like it)", Paint::dim);
  if (!task.quarantine.empty()) {
    out += labelled(style, "quarantine", show_words(style, task.quarantine),
                    freed_at_once(task) ? Paint::warning : Paint::plain);
  }
  if (!task.missing_layers.empty()) {
    out += labelled(style, "isolation", "best-effort, without " + joined(task.missing_layers, ", ", style),
                    Paint::warning);
  }
  for (const PlannedRoot& root : task.roots)
    if (goes_on(task) || root.scanned > 0) out += root_part(root, now_ns, style);
  if (goes_on(task)) out += cost_part(task, style);
  if (!task.ipc.empty()) {
    out += labelled(style, "for good", counted(task.ipc.size(), "IPC object", "IPC objects") + ", which cannot be taken back", Paint::warning);
    out += refusals_part(task.ipc, task.ipc.size(), details ? SIZE_MAX : kFewExamples, style);
  }
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

// All tasks and roots side by side; one alone has said it all in its own part.
std::string overview(const PlanSummary& plan, const Style& style) {
  std::size_t rows = 0;
  std::uint64_t most = 0;
  for (const PlannedTask& task : plan.tasks) {
    rows += std::max<std::size_t>(1, task.roots.size());
    for (const PlannedRoot& root : task.roots) most = std::max(most, root.bytes);
  }
  if (rows < 2) return {};
  using enum Table::Align;
  const std::size_t cells = std::clamp<std::size_t>(style.width > 60 ? (style.width - 60) / 2 : 8, 8, 24);
  Table table({left, right, right, right, left, left});
  table.add({{"TASK", Paint::dim}, {"ENTRIES", Paint::dim}, {"SIZE", Paint::dim}, {"OLDEST", Paint::dim}});
  for (const PlannedTask& task : plan.tasks) {
    Table::Cell name{show(style, task.name), Paint::strong};
    if (!goes_on(task) || task.roots.empty()) {
      Table::Cell state{goes_on(task) ? "-" : std::string(to_string(task.state)),
                        goes_on(task) ? Paint::dim : Paint::bad};
      table.add({std::move(name), std::move(state)});
      continue;
    }
    for (const PlannedRoot& root : task.roots) {
      table.add({std::exchange(name, {}),
                 {format_count(root.entries)},
                 {format_size(root.bytes)},
                 {oldest_text(root, plan.made_ns)},
                 bar_cell(style, root.bytes, most, cells),
                 {show(style, root.path)}});
    }
  }
  return table.render(style, 0) + "\n";
}

}  // namespace

std::string plan_text(const PlanSummary& plan, const Style& style, bool details) {
  std::string out;
  std::uint64_t entries = 0, now = 0, at_purge = 0;
  for (const PlannedTask& task : plan.tasks) {
    out += task_part(task, plan.made_ns, style, details);
    if (!goes_on(task)) continue;
    entries += task.entries + task.ipc.size();
    (freed_at_once(task) ? now : at_purge) += task.bytes;
  }
  if (plan.tasks.empty()) out += "No task is enabled.\n\n";
  const auto stopped = static_cast<std::uint64_t>(
      std::ranges::count_if(plan.tasks, [](const PlannedTask& task) { return !goes_on(task); }));
  out += overview(plan, style);
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

}  // namespace freshet::report

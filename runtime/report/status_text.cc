#include <fmt/format.h>

#include <algorithm>

#include "runtime/base/units.h"
#include "runtime/report/past_runs.h"
#include "runtime/report/table.h"
#include "runtime/report/text.h"
#include "runtime/report/text_parts.h"

namespace freshet::report {
namespace {

std::string unfinished_part(const RunSummary& run, const Style& style) {
  const std::string id = show(style, run.id);
  std::string out = fmt::format("{} {}  began {}, its process ended while it was {}\n",
                                paint(style, Paint::bad, "unfinished"), paint(style, Paint::strong, id),
                                format_time(run.started_ns), to_string(run.state));
  if (run.state == RunState::purging) {
    out += fmt::format("    freshet purge {}      go on freeing what is left of it\n", id);
  } else {
    out += fmt::format("    freshet rollback {}   put everything back\n", id);
    out += fmt::format("    freshet verify {}     look at what was done\n", id);
  }
  return out;
}

// To the hour: who kept something for a week is not told a minute later that it is six days.
std::string left_text(std::int64_t nanoseconds) {
  constexpr std::int64_t kDay = 24 * 3'600 * 1'000'000'000LL;
  std::string out = format_age(nanoseconds);
  const std::int64_t rest = nanoseconds % kDay;
  if (nanoseconds >= kDay && rest >= kDay / 24) out += " " + format_age(rest);
  return out;
}

std::string when_text(const RunSummary& run, std::int64_t now_ns) {
  if (run.keep_until_ns == 0) return "purged on demand";
  if (run.keep_until_ns <= now_ns) return "its time is over: the next run purges it";
  return "kept for " + left_text(run.keep_until_ns - now_ns) + " more";
}

}  // namespace

std::string status_text(const std::vector<RunSummary>& runs, std::int64_t now_ns, const Style& style) {
  std::string out;
  for (const RunSummary& run : runs) {
    if (run.alive) {
      out += fmt::format("{}    {}  began {}, is {} now\n", paint(style, Paint::good, "running"),
                         paint(style, Paint::strong, show(style, run.id)), format_time(run.started_ns),
                         to_string(run.state));
    }
  }
  for (const RunSummary& run : runs) {
    if (is_unfinished(run)) out += unfinished_part(run, style);
  }
  const bool quiet = out.empty();  // of a run at work or cut off nobody knows yet what waits
  if (quiet) out = "No run is under way, and none is unfinished.\n";

  using enum Table::Align;
  Table table({left, left, right, right, left});
  std::uint64_t bytes = 0, entries = 0;
  for (const RunSummary& run : runs) {
    if (!waits_in_quarantine(run)) continue;
    bytes += run.bytes_reclaimable_at_purge;
    entries += run.entries_removed;
    table.add({{show(style, run.id), Paint::strong},
               {format_time(run.started_ns)},
               {entries_text(run.entries_removed)},
               {format_size(run.bytes_reclaimable_at_purge)},
               {when_text(run, now_ns), Paint::dim}});
  }
  if (table.empty()) return out + (quiet ? "Nothing waits in the quarantine.\n" : "Nothing else waits in the quarantine.\n");
  out += fmt::format("\nIn the quarantine: {}, {}\n", entries_text(entries),
                     paint(style, Paint::strong, format_size(bytes)));
  out += table.render(style, 2);
  for (const RunSummary& run : runs) {
    if (waits_in_quarantine(run) && !run.note.empty())
      out += "  " + wrap(style, show(style, run.id) + ": " + show_words(style, run.note), 2) + "\n";
  }
  out += "Take one back with `freshet rollback RUN`; free it with `freshet purge RUN`.\n";
  return out;
}

}  // namespace freshet::report

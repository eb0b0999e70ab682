#include "runtime/cli/commands/plan_view.h"

#include "runtime/base/bytes.h"
#include "runtime/report/text.h"

namespace freshet::cli {
namespace {

// Errors only when the plan cannot be read; a reader that went away just ends it.
Status show_entries(Session& session, IRuns& runs, const PlanId& plan, std::int64_t made_ns, bool as_json) {
  std::string task;
  return runs.entries(plan, [&](const PlannedEntry& entry) {
    if (as_json) return session.put(report::finding_json(entry));
    if (session.quiet()) return false;
    std::string text;
    if (entry.task != task) {
      text =
          report::paint(session.style(), report::Paint::strong, report::show(session.style(), entry.task)) +
          "\n";
      if (!task.empty()) text.insert(0, "\n");
      task = entry.task;
    }
    return session.console().out(text + report::entry_text(entry, made_ns, session.style()));
  });
}

}  // namespace

std::expected<PlanSummary, int> show_plan(Session& session, IRuns& runs, const PlanId& plan, bool full,
                                          bool as_json) {
  auto summary = runs.summary(plan);
  if (!summary) return std::unexpected(session.tell(summary.error()));
  if (as_json || full) {
    if (auto shown = show_entries(session, runs, plan, summary->made_ns, as_json); !shown) {
      return std::unexpected(session.tell(shown.error()));
    }
  }
  if (as_json) session.put(report::plan_json(*summary));
  if (full && summary->entries > 0) session.say("\n");
  session.say(report::plan_text(*summary, session.style(), session.options().verbose || full));
  return std::move(*summary);
}

}  // namespace freshet::cli

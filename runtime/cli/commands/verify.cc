#include <algorithm>

#include "runtime/cli/command.h"
#include "runtime/cli/exit_codes.h"
#include "runtime/cli/session.h"
#include "runtime/report/text.h"

namespace freshet::cli {
namespace {

// A task that was refused, skipped or taken back, or that failed before it moved anything, left nothing to
// look at.
bool left_something(const RunSummary::Task& task) {
  switch (task.state) {
    case TaskState::executing:
    case TaskState::executed:
    case TaskState::verified:
    case TaskState::committed:
    case TaskState::rolling_back:
      return true;
    case TaskState::failed:
      return task.entries_removed > 0;
    default:
      return false;
  }
}

int run(Session& session, const Arguments& arguments) {
  auto manager = session.open_manager_for_the_past();
  if (!manager) return manager.error();
  IHistory& history = *(*manager)->history;
  auto id = session.resolve_run(history, arguments.words.front());
  if (!id) return id.error();
  auto handles = (*manager)->runs->open(*id);
  if (!handles) return session.tell(handles.error());
  const auto past = history.find_run(*id);
  if (!past) return session.tell(past.error());

  std::vector<report::VerifiedTask> tasks;
  bool complete = true;
  for (std::size_t i = 0; i < std::min(handles->size(), past->tasks.size()) && !session.interrupted(); ++i) {
    if (!left_something(past->tasks[i])) continue;
    tasks.push_back({past->tasks[i].name, (*manager)->cleanup->verify_cleanup_completion((*handles)[i])});
    complete = complete && tasks.back().status.complete && !tasks.back().status.error;
  }
  session.console().erase_progress();
  session.put(report::verify_json(*id, tasks));
  const std::string text = report::verify_text(*id, tasks, session.style());
  if (session.quiet() && !complete) session.console().err(text);
  session.say(text);
  if (session.interrupted()) return kInterrupted;
  return complete ? kDone : kFailed;
}

}  // namespace

const Command kVerify = {
    .name = "verify",
    .usage = "RUN|latest",
    .summary = "look whether the world is as a run recorded it",
    .text =
        "Looks at the files, not at the record: each unit that a run removed must be gone from its "
        "place (or something else stands there now) and wait in the quarantine as it was planned. "
        "What others changed meanwhile is counted and is no failure. Changes nothing.",
    .examples =
        "freshet verify latest\n"
        "freshet verify 7f3a --json",
    .min_words = 1,
    .max_words = 1,
    .add_options = nullptr,
    .run = run,
};

}  // namespace freshet::cli

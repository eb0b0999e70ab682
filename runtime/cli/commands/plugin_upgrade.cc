// What a new version of a plugin would find that the installed one does not, and the other way round: before anything is
// installed or approved.
#include <algorithm>
#include <map>
#include <string>

#include "runtime/base/bytes.h"
#include "runtime/cli/commands/plan_view.h"
#include "runtime/cli/commands/plugin_actions.h"
#include "runtime/cli/exit_codes.h"
#include "runtime/report/text.h"

namespace freshet::cli {
namespace {

using report::UpgradeTrial;

// Of one plan: what each task finds, by path.
using Found = std::map<std::string, std::map<std::string, UpgradeTrial::Entry>>;

std::expected<Found, int> find_all(Session& session, Manager& manager, const std::string& id, UpgradeTrial& trial) {
  std::vector<CleanupHandle> handles;
  for (const IRuns::TaskEntry& task : manager.runs->tasks())
    if (trial.tasks.contains(task.name)) handles.push_back(task.handle);
  auto planned = manager.runs->plan(handles);
  if (!planned) return std::unexpected(session.interrupted() ? kInterrupted : session.tell_no_plan(planned.error()));
  const PlanGuard guard(*manager.runs, *planned);
  auto summary = manager.runs->summary(*planned);
  if (!summary) return std::unexpected(session.tell(summary.error()));
  for (const PlannedTask& task : summary->tasks)
    if (const auto at = trial.tasks.find(task.name); at != trial.tasks.end() && !task.note.empty() && task.plugin.starts_with(id))
      at->second.notes.push_back(task.plugin + ": " + task.note);
  Found out;
  const Status read = manager.runs->entries(*planned, [&](const PlannedEntry& entry) {
    const std::string task(entry.task);
    if (trial.tasks.contains(task)) out[task][std::string(entry.path)] = {std::string(entry.path), std::string(entry.reason), entry.allocated};
    return true;
  });
  if (!read) return std::unexpected(session.tell(read.error()));
  return out;
}

// What is in `all` and not in `others`.
std::vector<UpgradeTrial::Entry> without(const std::map<std::string, UpgradeTrial::Entry>& all, const std::map<std::string, UpgradeTrial::Entry>& others) {
  std::vector<UpgradeTrial::Entry> out;
  for (const auto& [path, entry] : all)
    if (!others.contains(path)) out.push_back(entry);
  return out;
}

}  // namespace

int upgrade_plugin(Session& session, Manager& manager, const Arguments& arguments) {
  if (!arguments.has("dry-run"))
    return session.tell_usage("`freshet plugins upgrade` shows what a new file would do: it needs --dry-run",
                              "Installing the file is your package manager's work; `freshet plugins approve` pins it.");
  UpgradeTrial trial;
  trial.now = manager.plugins->inspect(arguments.words[1]);
  if (trial.now.error) return session.tell(*trial.now.error);
  const std::vector<PluginFacts> installed = manager.plugins->plugins();
  const auto before = std::ranges::find(installed, trial.now.id, &PluginFacts::id);
  if (before == installed.end())
    return session.tell({ErrorKind::missing, "", "no plugin with the id " + trial.now.id + " is installed", "`freshet plugins inspect` shows what the file asks for"});
  trial.before = *before;
  auto differences = manager.plugins->differences(before->file, trial.now.file);
  if (!differences) return session.tell(differences.error());
  trial.differences = std::move(*differences);
  for (const std::string& task : before->used_by) trial.tasks[task];

  auto old = find_all(session, manager, trial.now.id, trial);
  if (!old) return old.error();
  auto trial_manager = session.make_trial_manager(trial.now.file);
  if (!trial_manager) return trial_manager.error();
  auto fresh = find_all(session, *trial_manager, trial.now.id, trial);
  if (!fresh) return fresh.error();
  session.console().erase_progress();
  for (auto& [name, task] : trial.tasks) {
    task.more = without((*fresh)[name], (*old)[name]);
    task.fewer = without((*old)[name], (*fresh)[name]);
    task.same = (*fresh)[name].size() - task.more.size();
    for (const UpgradeTrial::Entry& entry : task.more) session.put(report::upgrade_entry_json(name, "more", entry));
    for (const UpgradeTrial::Entry& entry : task.fewer) session.put(report::upgrade_entry_json(name, "fewer", entry));
  }
  session.put(report::upgrade_json(trial));
  session.say(report::upgrade_text(trial, session.style()));
  return kDone;
}

}  // namespace freshet::cli

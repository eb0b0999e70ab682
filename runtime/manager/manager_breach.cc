// After a breach: a worker or broker made a call outside its filter, or forged a message or sent it out of order. Any
// other end (setup, signal, timeout, limit, plugin) fails its task and nothing else.
#include <algorithm>

#include "runtime/base/bytes.h"
#include "runtime/base/log.h"
#include "runtime/manager/running.h"

namespace freshet {

bool is_breach(EndReason end) { return end == EndReason::breach || end == EndReason::protocol; }

void CleanupManager::block_plugin(const std::string& run_id, const TaskPlan& task, const std::string& what) {
  const LogContext context{run_id, task.shown.channel, task.shown.name};
  log_error(context, "breach: " + what);
  if (task.plugin_sha256.empty()) return;
  const std::string why = task.shown.plugin + " in task " + task.shown.name + " of run " + run_id + ": " + escape_bytes(what);
  if (const Status kept = core_.history->block_plugin(task.plugin_sha256, why, core_.clock.now()); !kept)
    log_error(context, "its plugin could not be blocked: " + kept.error().what);
}

// The tasks of a channel run one after another, so none of them is at work now; no later one begins once `closed` says
// so. Whatever they had done in this run goes back too, the last first: slots are given back in the reverse order.
void CleanupManager::close_channel(Running& running, const TaskPlan& task, const CleanupResult& result) {
  block_plugin(running.plan.id, task, result.note);
  const std::string& channel = task.shown.channel;
  running.closed.add(channel, task.shown.name);
  for (auto other = running.plan.tasks.rbegin(); other != running.plan.tasks.rend(); ++other) {
    if (other->native || other->shown.channel != channel || other->number == task.number) continue;
    std::optional<CleanupResult> earlier;
    {
      const MutexLock lock(running.mutex);
      const auto at = running.results.find(other->shown.name);
      if (at != running.results.end() && at->second.run_id == running.plan.id && at->second.entries_removed > 0) earlier = at->second;
    }
    if (!earlier) continue;
    earlier->note = "its channel was closed after a breach by " + task.shown.name;
    take_back(running, *other, *earlier, true);
    earlier->error.emplace(IsolationError(IsolationCause::breach, {ErrorKind::peer, {}, other->shown.name + ": " + earlier->note, {}}));
    static_cast<void>(record(running, *other, *earlier));  // running.history keeps why not
    const MutexLock lock(running.mutex);
    running.results.insert_or_assign(other->shown.name, std::move(*earlier));
  }
}

std::expected<std::vector<BlockedPlugin>, Error> CleanupManager::blocked() {
  const Result<std::vector<store::BlockedRow>> rows = core_.history->blocked_plugins();
  if (!rows) return std::unexpected(rows.error());
  std::vector<BlockedPlugin> out;
  for (const store::BlockedRow& row : *rows) out.push_back({row.sha256, row.why, row.at_ns});
  return out;
}

std::expected<std::vector<BlockedPlugin>, Error> CleanupManager::unblock(const std::string& word) {
  const std::expected<std::vector<BlockedPlugin>, Error> all = blocked();
  if (!all) return all;
  // An id stands for every installed file of that name; a hash may be cut, as history shows it.
  std::vector<std::string> hashes;
  for (const std::shared_ptr<const Plugin>& plugin : catalog_.all())
    if (!plugin->error && plugin->manifest.id == word) hashes.push_back(plugin->sha256);
  constexpr std::size_t kShortestPrefix = 8;
  std::vector<BlockedPlugin> out;
  std::size_t prefixed = 0;
  for (const BlockedPlugin& one : *all) {
    const bool by_hash = word.size() >= kShortestPrefix && one.sha256.starts_with(word);
    if (by_hash) ++prefixed;
    if (by_hash || std::ranges::find(hashes, one.sha256) != hashes.end()) out.push_back(one);
  }
  if (prefixed > 1) return fail(ErrorKind::invalid, "more than one blocked plugin's hash begins with " + escape_bytes(word), "give more of it");
  if (out.empty())
    return fail(ErrorKind::missing, hashes.empty() ? "no blocked plugin has the id or hash " + escape_bytes(word) : "the plugin " + escape_bytes(word) + " is not blocked",
                "`freshet plugins list` shows what is blocked");
  for (const BlockedPlugin& one : out)
    if (const Status done = core_.history->unblock_plugin(one.sha256); !done) return std::unexpected(done.error());
  return out;
}

}  // namespace freshet

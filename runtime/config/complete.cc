#include "runtime/config/complete.h"

#include <algorithm>
#include <cmath>
#include <string>
#include <string_view>

#include "runtime/base/bytes.h"
#include "runtime/base/suggest.h"
#include "runtime/config/channel_reader.h"
#include "runtime/config/diagnostic.h"
#include "runtime/config/names.h"
#include "runtime/config/permission_reader.h"
#include "runtime/config/ranges.h"

namespace freshet::config {
namespace {

std::string shown(std::string_view text) { return "`" + ellipsize(escape_bytes(text), 200) + "`"; }

// What is said about one channel or one task.
class Checker {
 public:
  Checker(std::string what, const Position& position, Reporter& reporter)
      : what_(std::move(what)), position_(position), reporter_(reporter) {}

  [[nodiscard]] const std::string& what() const { return what_; }
  [[nodiscard]] Reporter& reporter() { return reporter_; }

  // "channel `x`: " and the problem
  void refuse(const std::string& problem, std::string suggestion = {}) {
    reporter_.add(position_, what_ + ": " + problem, std::move(suggestion));
  }
  void require(bool holds, const std::string& problem, std::string suggestion = {}) {
    if (!holds) refuse(problem, std::move(suggestion));
  }
  // Takes its name from its key.
  void name(const std::string& key, std::string& own) {
    if (own.empty()) own = key;
    require(is_name(key), "the name is bad", std::string(kNameRule));
    require(own == key, "it calls itself " + shown(own), "leave its `name` empty");
  }

 private:
  const std::string what_;
  const Position& position_;
  Reporter& reporter_;
};

void check_root(const RootConfig& root, Checker& checker) {
  const PathProblem path = check_absolute_path(root.path);
  if (!path.why.empty()) return checker.refuse("the root " + shown(root.path) + " " + path.why, path.remedy);
  for (const std::string& exclude : root.exclude) {
    const PathProblem problem = check_absolute_path(exclude);
    if (!problem.why.empty())
      checker.refuse("the exclude " + shown(exclude) + " " + problem.why, problem.remedy);
    else if (!is_below(exclude, root.path))
      checker.refuse("the exclude " + shown(exclude) + " is not below its root " + shown(root.path));
  }
}

void check_channel(const std::string& key, ChannelConfig& channel, Reporter& reporter) {
  Checker checker("channel " + shown(key), channel.position, reporter);
  checker.name(key, channel.name);
  for (const RootConfig& root : channel.roots) check_root(root, checker);
  check_roots_apart(channel.roots, checker.what(), reporter);
  const LimitsConfig& limits = channel.limits;
  checker.require(limits.memory_bytes > 0 && limits.cpu_ns > 0 && limits.wall_ns > 0, "a limit must be more than zero");
  checker.require(limits.threads >= 1 && limits.threads <= kMaxThreads, "`threads` must be 1 to " + std::to_string(kMaxThreads));
  checker.require(limits.fds >= 1 && limits.fds <= kMaxFds, "`fds` must be 1 to " + std::to_string(kMaxFds));
  const BudgetConfig& budget = channel.budget;
  checker.require(budget.entries <= kMaxEntries, "`budget.entries` is too large");
  checker.require(std::isfinite(budget.share) && budget.share >= 0 && budget.share <= 1, "`budget.share` must be 0 to 1");
  checker.require(channel.quarantine.keep_ns >= 0, "`quarantine.keep` must not be negative");
  checker.require(channel.locks.size() <= kMaxLocks, "`locks` has more than " + std::to_string(kMaxLocks) + " locks");
  for (const LockConfig& lock : channel.locks)
    if (const PathProblem problem = check_absolute_path(lock.path); !problem.why.empty())
      checker.refuse("the lock " + shown(lock.path) + " " + problem.why, problem.remedy);
  checker.require(channel.ipc.size() <= kMaxIpc, "`ipc` has more than " + std::to_string(kMaxIpc) + " owners");
  checker.require(channel.hooks.size() <= kMaxHooks, "`hooks` has more than " + std::to_string(kMaxHooks) + " hooks");
  const FloorsConfig& floors = channel.floors;
  checker.require(floors.min_age_ns >= 0, "`floors.min_age` must not be negative");
  checker.require(floors.keep_newest <= kMaxEntries, "`floors.keep_newest` is too large");
  for (const std::string& pin : floors.pins)
    checker.require(pin.starts_with('/'), "the pin " + shown(pin) + " is not absolute", "write the whole path; `*` and `**` may stand in it");
  if (floors.hours) {
    const auto [from, to] = *floors.hours;
    checker.require(from < kDayMinutes && to <= kDayMinutes && from != to, "`floors.hours` must be two different minutes of a day");
  }
}

void check_hook(const std::string& key, HookConfig& hook, Reporter& reporter) {
  Checker checker("hook " + shown(key), hook.position, reporter);
  checker.name(key, hook.name);
  if (const std::string why = why_no_program(hook.run); !why.empty()) checker.refuse("`run` " + why);
  checker.require(hook.deadline_ns > 0 && hook.deadline_ns <= kMaxHookDeadlineNs, "`deadline_ns` must be more than zero, and an hour at most");
}

void check_names(const std::vector<std::string>& names, std::string_view list, const std::string& own, Checker& checker) {
  for (auto name = names.begin(); name != names.end(); ++name) {
    const std::string where = "`" + std::string(list) + "` ";
    checker.require(is_name(*name), where + "cannot hold " + shown(*name), std::string(kNameRule));
    checker.require(*name != own, where + "names the task itself");
    checker.require(std::find(names.begin(), name, *name) == name, where + "names " + shown(*name) + " twice");
  }
}

void check_task(const std::string& key, TaskConfig& task, const Config& config, Reporter& reporter) {
  Checker checker("task " + shown(key), task.position, reporter);
  checker.name(key, task.name);
  checker.require(is_plugin_id(task.plugin), shown(task.plugin) + " is no plugin id",
                  "ids are lower-case domain names in reverse, as in \"org.freshet.expired-files\"");
  check_names(task.after, "after", key, checker);
  check_names(task.requires_, "requires", key, checker);
  const auto channel = config.channels.find(task.channel);
  if (channel == config.channels.end()) {
    std::vector<std::string_view> names;
    for (const auto& [name, declared] : config.channels) names.push_back(name);
    return checker.refuse("there is no channel " + shown(task.channel), suggest(task.channel, names, true));
  }
  const std::vector<RootConfig>& roots = channel->second.roots;
  checker.require(!roots.empty() || !channel->second.ipc.empty(), "its channel " + shown(task.channel) + " has no roots");
  for (const RootConfig& root : task.roots)
    checker.require(std::ranges::find(roots, root) != roots.end(),
                    "its root " + shown(root.path) + " is none of its channel's", "leave `roots` empty for all of them");
}

}  // namespace

std::vector<Diagnostic> complete(Config& config) {
  Reporter reporter;
  for (auto& [key, channel] : config.channels) check_channel(key, channel, reporter);
  for (auto& [key, task] : config.tasks) check_task(key, task, config, reporter);
  for (auto& [key, hook] : config.hooks) check_hook(key, hook, reporter);
  if (config.uid_base < kLeastUidBase || config.uid_base > kMostUidBase)
    reporter.add(config.uid_base_position, "`uid_base` must be " + std::to_string(kLeastUidBase) + " to " + std::to_string(kMostUidBase));
  return reporter.take(config.files);
}

}  // namespace freshet::config

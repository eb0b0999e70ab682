#include <sodium.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <ctime>
#include <thread>

#include "runtime/base/bytes.h"
#include "runtime/base/log.h"
#include "runtime/base/mutex.h"
#include "runtime/base/units.h"
#include "runtime/manager/closed_channels.h"
#include "runtime/manager/fold.h"
#include "runtime/manager/ipc_objects.h"
#include "runtime/manager/manager_impl.h"
#include "runtime/manager/open_roots.h"
#include "runtime/manager/plan_files.h"
#include "runtime/manager/plan_rules.h"
#include "runtime/manager/scheduler.h"
#include "runtime/manager/settle.h"
#include "runtime/manager/state_log.h"
#include "runtime/manager/timers.h"
#include "runtime/policy/codes.h"

namespace freshet {

// One task on its way into a plan.
struct CleanupManager::Prepared {
  Validated facts;
  std::vector<channel::OpenRoot> roots;
};

std::string new_run_id(std::int64_t now_ns) {
  const std::time_t seconds = now_ns / 1'000'000'000;
  std::tm broken{};
  ::gmtime_r(&seconds, &broken);
  char text[32];
  std::strftime(text, sizeof text, "%Y%m%d-%H%M%S", &broken);
  unsigned char random[3];
  randombytes_buf(random, sizeof random);
  char hex[7];
  sodium_bin2hex(hex, sizeof hex, random, sizeof random);
  return std::string(text) + "-" + hex;
}

// What is known of a task without its plugin's code; the plan's last task is for it.
void CleanupManager::prepare(Prepared& prepared, Plan& plan, const Registered& task) {
  TaskPlan& out = plan.tasks.back();
  out.number = static_cast<std::uint32_t>(plan.tasks.size() - 1);
  out.shown.name = task.name;
  out.shown.channel = task.channel.value_or("");
  out.shown.state = TaskState::registered;
  out.changes.push_back({TaskState::registered, core_.clock.now()});
  out.native = task.native() != nullptr;
  prepared.facts = validate_task(core_, catalog_, lock_, host_, task);
  DependencyGraph::Edges edges = edges_of(task.name);
  out.after = std::move(edges.after);
  out.requires_ = std::move(edges.requires_);
  out.shown.violations = std::move(prepared.facts.violations);
  for (const std::string& name : out.requires_)
    if (disabled_.contains(name))
      out.shown.violations.push_back({"F1092", task.name + " requires " + name + ", which is disabled", "enable it, or drop the edge", {}});
  out.strict = prepared.facts.strict;
  out.key = TreeDigest::random_key();
  if (task.plugin() != nullptr) out.shown.plugin = task.plugin()->plugin_id;
  if (prepared.facts.plugin) {
    out.shown.plugin = prepared.facts.plugin->manifest.id + " " + prepared.facts.plugin->manifest.version;
    out.plugin_file = prepared.facts.plugin->file;
    out.plugin_sha256 = prepared.facts.plugin->sha256;
  }
  if (prepared.facts.kind != nullptr) out.kind = prepared.facts.kind->name;
  out.guard = task.config != nullptr && task.config->guard;
  if (!out.native) {
    const config::ChannelConfig& channel = core_.config.channels.at(out.shown.channel);
    out.permission = prepared.facts.permission;
    out.keep_ns = channel.quarantine.keep_ns;
    out.max_quarantine_bytes = channel.quarantine.max_bytes.value_or(0);
    out.on_failure = task.config->on_failure;
    if (out.guard) out.shown.permissions.push_back("keep what other tasks of its channel would remove");
    for (const config::RootConfig& root : out.permission.roots) {
      std::string words = root.access.remove && !out.guard ? "remove" : "list";
      if (root.access.read) words += " and read contents";
      out.shown.permissions.push_back(words + " below " + root.path);
    }
    for (const config::IpcConfig& grant : out.permission.ipc)
      out.shown.permissions.push_back("remove IPC objects of " + policy::ipc_grant_text(grant) + ", which cannot be taken back");
    for (const config::LockConfig& lock : out.permission.locks)
      out.shown.permissions.push_back("hold the lock " + policy::lock_text(lock));
    const policy::EffectiveHooks& hooks = out.permission.hooks;
    for (const config::HookConfig& hook : hooks.before) out.shown.permissions.push_back("run before it the hook " + policy::hook_text(hook));
    for (const config::HookConfig& hook : hooks.after) out.shown.permissions.push_back("run after it the hook " + policy::hook_text(hook));
    for (const config::HookConfig& hook : hooks.on_failure)
      out.shown.permissions.push_back("run on failure the hook " + policy::hook_text(hook));
    out.shown.not_granted = out.permission.dropped_optional;
    out.shown.quarantine = out.permission.quarantine_mode == config::QuarantineMode::keep
                               ? "keep " + format_duration(out.keep_ns) +
                                     (channel.quarantine.at == config::QuarantineAt::mount_top ? ", at the top of the mount" : "")
                               : "none (cannot be taken back)";
  }
  if (!out.shown.violations.empty()) {
    const bool only_faults = std::ranges::all_of(
        out.shown.violations, [](const BoundaryViolation& violation) { return policy::is_configuration_fault(violation.code); });
    out.shown.note = out.shown.violations.front().what;
    enter(out, only_faults ? TaskState::failed : TaskState::refused);
    return;
  }
  if (!out.native) open_task_roots(prepared, out);
  if (is_going(out)) enter(out, TaskState::validated);
  if (is_going(out) && (out.native || (prepared.roots.empty() && out.permission.ipc.empty()))) enter(out, TaskState::planned);  // there is nothing to scan
}

void CleanupManager::open_task_roots(Prepared& prepared, TaskPlan& task) {
  std::vector<config::RootConfig> there;
  const config::QuarantineAt at = quarantine_at(core_.config.channels.at(task.shown.channel), task.permission);
  for (const config::RootConfig& config : task.permission.roots) {
    Result<channel::OpenRoot> root = open_root(config);
    if (!root && root.error().kind == ErrorKind::missing && config.optional) continue;
    Result<PlanRoot> planned = root ? describe_root(*root, host_.uid, at) : std::unexpected(root.error());
    if (!planned) {
      task.shown.violations.push_back(violation_at(config.position, planned.error().code, planned.error().what, planned.error().detail));
      continue;
    }
    task.roots.push_back(*planned);
    PlannedRoot shown;
    shown.path = config.path;
    task.shown.roots.push_back(std::move(shown));
    prepared.roots.push_back(std::move(*root));
    there.push_back(config);
  }
  task.permission.roots = std::move(there);
  if (task.shown.violations.empty()) return;
  task.shown.note = task.shown.violations.front().what;
  enter(task, TaskState::refused);
}

// The tasks of a guard's channel that are to remove something.
std::vector<TaskPlan*> judged_by(const TaskPlan& guard, const std::vector<TaskPlan*>& going) {
  std::vector<TaskPlan*> out;
  std::ranges::copy_if(going, std::back_inserter(out), [&](const TaskPlan* task) {
    return !task->guard && task->shown.channel == guard.shown.channel && is_going(*task);
  });
  return out;
}

// What a task is shown of the host's IPC objects.
IpcListing list_objects(const TaskPlan& task, Mutex& one_at_a_time) {
  if (task.guard || task.permission.ipc.empty()) return {};
  const MutexLock lock(one_at_a_time);
  return list_ipc_objects(task.permission.ipc);
}

// Channels side by side, the tasks of one channel in order, its guards last.
void CleanupManager::scan_all(Plan& plan, std::vector<Prepared>& prepared) {
  std::set<std::uint64_t> devices;
  for (std::size_t i = 0; i < plan.tasks.size(); ++i)
    if (is_going(plan.tasks[i]) && plan.tasks[i].permission.floors.spare_in_use)
      for (const channel::OpenRoot& root : prepared[i].roots) devices.insert(root.dev);
  const InUseOracle in_use = devices.empty() ? InUseOracle() : InUseOracle::look(devices);

  std::map<std::string, TakenEntries> taken;
  std::vector<std::string> names;
  std::vector<Job> jobs;
  std::vector<TaskPlan*> going;
  ClosedChannels closed;
  Mutex listing_objects;
  for (TaskPlan& task : plan.tasks) names.push_back(task.shown.name);
  for (const bool guards : {false, true}) {
    for (TaskPlan& task : plan.tasks) {
      if (!is_going(task) || task.native || task.guard != guards) continue;
      taken[task.shown.channel];
      going.push_back(&task);
    }
  }
  for (TaskPlan* task : going) {
    const std::int64_t ready_ns = metrics::monotonic_ns();
    const auto scan = [&, task, ready_ns] {
      task->metrics.queue_ns += metrics::monotonic_ns() - ready_ns;
      const Span working(task->metrics.wall_ns);
      if (const std::string by = closed.find(task->shown.channel); !by.empty()) {
        enter(*task, TaskState::skipped);
        task->shown.note = "its channel was closed after a breach by " + by;
        return;
      }
      Prepared& own = prepared[task->number];
      const LogContext context{plan.id, task->shown.channel, task->shown.name};
      Intake::Inputs inputs;
      inputs.task = task;
      inputs.roots = &own.roots;
      inputs.in_use = task->permission.floors.spare_in_use ? &in_use : nullptr;
      std::optional<JudgedEntries> judged;
      if (task->guard) {
        judged.emplace(judged_by(*task, going), *task, core_.plan_dir(plan.id));
        inputs.judged = &*judged;
      }
      const IpcListing listing = list_objects(*task, listing_objects);
      inputs.objects = &listing.objects;
      inputs.ipc_in_use = &listing.in_use;
      inputs.taken = &taken.at(task->shown.channel);
      inputs.task_names = &names;
      inputs.now_ns = plan.made_ns;
      inputs.plan_dir = core_.plan_dir(plan.id);
      inputs.log = [&](LogLevel level, std::string_view text) { log_plugin(context, level, text); };
      inputs.progress = [&](std::uint64_t scanned, std::uint64_t found, std::uint64_t bytes) {
        core_.progress({.task = task->shown.name, .phase = "scan", .scanned = scanned, .found = found, .done = 0, .total = 0, .bytes = bytes});
      };
      Result<std::unique_ptr<Intake>> intake = Intake::create(std::move(inputs));
      Status done = intake ? Status() : std::unexpected(intake.error());
      if (listing.more) ++task->shown.kept["IPC objects beyond the first " + std::to_string(kMaxIpcObjects)];
      if (listing.unread_queues != 0) task->shown.kept["POSIX message queue that cannot be opened"] += listing.unread_queues;
      if (done && (!own.roots.empty() || !task->permission.ipc.empty())) {
        core_.progress({.task = task->shown.name, .phase = "scan", .scanned = 0, .found = 0, .done = 0, .total = 0, .bytes = 0});
        const ScanInputs scan_inputs{own.facts.plugin.get(), &own.facts.settings, &own.roots, &listing.objects,
                                     judged ? &*judged : nullptr, channel_index(task->shown.channel)};
        done = scan_task(core_, *task, scan_inputs, **intake, core_.options.stop);
      }
      if (done) done = (*intake)->finish();
      if (listing.unseen_queues && is_going(*task) && task->shown.note.empty())
        task->shown.note = listing.unseen_queues->what + "; " + listing.unseen_queues->detail;
      if (judged && is_going(*task) && task->shown.note.empty())
        task->shown.note = "judged " + format_count(judged->shown()) + " entries, kept " + format_count(judged->kept());
      if (!done && is_going(*task)) {
        enter(*task, TaskState::failed);
        task->shown.note = done.error().what;
      }
      if (is_breach(task->shown.end)) {
        block_plugin(plan.id, *task, task->shown.note);
        closed.add(task->shown.channel, task->shown.name);
      }
      if (is_going(*task)) log_state(plan.id, *task, TaskState::planned);
    };
    jobs.push_back({{}, task->shown.channel, scan});
  }
  run_jobs(jobs, std::max(2U, std::thread::hardware_concurrency()));
  for (TaskPlan* task : going) {
    const std::string by = closed.find(task->shown.channel);
    if (by.empty() || !is_going(*task)) continue;
    enter(*task, TaskState::skipped);  // it was planned before the breach: the channel takes no effect any more
    task->shown.note = "its channel was closed after a breach by " + by;
  }
}

void CleanupManager::settle_all(Plan& plan) {
  for (TaskPlan& task : plan.tasks) {
    if (!is_going(task) || task.native) continue;
    const Span working(task.metrics.wall_ns);
    if (const Status settled = settle_plan(task, core_.plan_dir(plan.id), local_minutes(plan.made_ns)); !settled) {
      enter(task, TaskState::failed);
      task.shown.note = settled.error().what;
    } else if (task.shown.state == TaskState::refused) {
      task.shown.note = task.shown.violations.front().what;
    }
  }
  carry_requirements(plan);
  for (TaskPlan& task : plan.tasks)
    if (task.shown.state == TaskState::planned) enter(task, TaskState::admitted);
}

Result<std::string> CleanupManager::reserve_run_id() {
  for (int tries = 0; tries < 100; ++tries) {
    const std::string id = new_run_id(core_.clock.now());
    const std::string dir = core_.plan_dir(id);
    if (::mkdir(dir.c_str(), 0700) == 0) return id;
    if (errno != EEXIST) return fail_errno("making " + dir);
  }
  return fail(ErrorKind::system, "no free run id was found");
}

void CleanupManager::make_plan(Plan& plan, const std::vector<std::shared_ptr<const Registered>>& selected,
                               const std::set<std::string>& asked) {
  plan.made_ns = core_.clock.now();
  plan.tasks.reserve(selected.size());
  std::vector<Prepared> prepared(selected.size());
  for (std::size_t i = 0; i < selected.size(); ++i) {
    TaskPlan& task = plan.tasks.emplace_back();
    const Span working(task.metrics.wall_ns);
    const ValidationTimer timed(task);
    prepare(prepared[i], plan, *selected[i]);
    task.dependency = !asked.empty() && !asked.contains(selected[i]->name);
    task.measured.set(metrics::Limited::dependency_validation, plan.resolved_ns);
    remember_plan(task);
  }
  carry_requirements(plan);
  std::vector<TaskState> logged;
  for (const TaskPlan& task : plan.tasks) {
    logged.push_back(is_going(task) ? TaskState::validated : task.shown.state);
    log_state(plan.id, task, logged.back());
  }
  scan_all(plan, prepared);
  carry_requirements(plan);
  settle_all(plan);
  for (const TaskPlan& task : plan.tasks) {
    if (task.shown.state != logged[task.number]) log_state(plan.id, task, task.shown.state);
    remember_plan(task);
  }
}

std::expected<PlanId, Error> CleanupManager::plan(const std::vector<CleanupHandle>& handles) {
  Plan plan;
  const auto selected = resolve(handles, plan.resolved_ns);
  if (!selected) return std::unexpected(Error(selected.error()));
  const Result<std::string> id = reserve_run_id();
  if (!id) return std::unexpected(id.error());
  plan.id = *id;
  std::set<std::string> asked;
  for (const CleanupHandle handle : handles)
    if (const Result<Target> target = find(handle)) asked.insert(target->name);
  make_plan(plan, *selected, asked);
  if (const Status wrote = write_whole_file(core_.plan_dir(plan.id) + "/plan.json", plan_to_json(plan)); !wrote) {
    discard({*id});
    return std::unexpected(wrote.error());
  }
  const MutexLock lock(mutex_);
  own_plans_.insert(plan.id);
  return PlanId{*id};
}

std::expected<PlanSummary, Error> CleanupManager::summary(const PlanId& id) {
  const Result<Plan> plan = read_plan(core_.plan_dir(id.id));
  if (!plan) return std::unexpected(plan.error());
  PlanSummary out;
  out.id = plan->id;
  out.made_ns = plan->made_ns;
  for (const TaskPlan& task : plan->tasks) {
    out.tasks.push_back(task.shown);
    if (!is_going(task)) {
      out.admitted = false;
      continue;
    }
    out.entries += task.shown.entries + task.ipc.size();
    out.bytes += task.shown.bytes;
  }
  return out;
}

Status CleanupManager::entries(const PlanId& id, const std::function<bool(const PlannedEntry&)>& each) {
  const std::string dir = core_.plan_dir(id.id);
  const Result<Plan> plan = read_plan(dir);
  if (!plan) return std::unexpected(plan.error());
  for (const TaskPlan& task : plan->tasks) {
    if (!is_going(task) || task.native) continue;
    const Result<DirectoryTable> directories =
        DirectoryTable::load(directories_file(dir, task.number), static_cast<std::uint32_t>(task.roots.size()));
    if (!directories) return std::unexpected(directories.error());
    DropSet drop;
    for (const std::uint64_t ordinal : task.dropped) drop.add(ordinal);
    const Result<Fold> fold = Fold::compute(*directories, entries_file(dir, task.number), drop, task.key, true);
    if (!fold) return std::unexpected(fold.error());
    bool go_on = true;
    std::uint32_t last = kNoNode;
    std::string prefix;
    const Status read = fold->for_each([&](std::uint64_t, const PlanEntry& entry) {
      if (fold->classify(entry) == UnitKind::blocked) return true;
      const std::string& root = task.roots[directories->node(entry.directory).root].config.path;
      if (entry.directory != last) {
        last = entry.directory;
        const std::string below = directories->path(last);
        prefix = root + "/" + (below.empty() ? "" : below + "/");
      }
      const std::string path = prefix + std::string(entry.name);
      PlannedEntry shown;
      shown.task = task.shown.name;
      shown.root = root;
      shown.path = path;
      shown.type = to_string(entry.identity.type);
      shown.size = entry.identity.size;
      shown.allocated = entry.allocated;
      shown.mtime_ns = entry.mtime_ns;
      shown.reason = entry.reason;
      shown.kind = kind_name(entry.kind);
      shown.cost = cost_name(entry.cost);
      go_on = each(shown);
      return go_on;
    });
    if (!read) return read;
    if (!go_on) break;
  }
  return {};
}

void CleanupManager::discard(const PlanId& plan) {
  if (is_entry_name(plan.id)) remove_flat_directory(core_.plan_dir(plan.id));
}

}  // namespace freshet

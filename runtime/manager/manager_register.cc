#include <sodium.h>

#include <algorithm>

#include "runtime/base/bytes.h"
#include "runtime/manager/manager_impl.h"
#include "runtime/manager/plan_files.h"
#include "runtime/manager/timers.h"

namespace freshet {
namespace {

constexpr std::size_t kMaxThreads = 64;  // of a native task's pool

std::vector<std::string> names_of(const std::map<std::string, config::ChannelConfig>& channels) {
  std::vector<std::string> out;
  for (const auto& [name, channel] : channels) out.push_back(name);
  return out;
}

bool has_failed(TaskState state) {
  return state == TaskState::failed || state == TaskState::refused || state == TaskState::skipped;
}

}  // namespace

CleanupManager::CleanupManager(Core core, policy::HostFacts host)
    : core_(std::move(core)), catalog_(core_), lock_(core_), host_(std::move(host)), figures_(names_of(core_.config.channels)) {
  randombytes_buf(&id_, sizeof id_);
  for (const auto& [name, task] : core_.config.tasks)
    if (!task.enabled) disabled_.insert(name);
    else if (task.guard) guards_[task.channel].push_back(name);
}

Status CleanupManager::register_configuration() {
  for (const auto& [name, config] : core_.config.tasks) {
    CleanupTask task;
    task.body = PluginTask{config.plugin, config.kind.value_or("")};
    task.after = config.after;
    task.requires_ = config.requires_;
    const auto handle = register_cleanup_task(name, std::move(task), config.channel);
    if (!handle) return std::unexpected(handle.error());
  }
  return {};
}

// What is wrong with a task before its name is looked at beside others.
std::optional<RegistrationError> CleanupManager::registration_problem(const std::string& name, const CleanupTask& task,
                                                                      const std::optional<std::string>& channel_id) const {
  using enum RegistrationCause;
  const auto wrong = [](RegistrationCause cause, ErrorKind kind, std::string what, std::string detail = {}) {
    return RegistrationError(cause, {kind, {}, std::move(what), std::move(detail)});
  };
  if (const std::string problem = task_name_problem(name); !problem.empty())
    return wrong(bad_name, ErrorKind::invalid, problem, "the name was \"" + escape_bytes(name) + "\"");
  const auto* native = std::get_if<NativeTask>(&task.body);
  if (native != nullptr && !native->run) return wrong(no_run_function, ErrorKind::invalid, "the task " + name + " has no run function");
  if (native != nullptr && (native->threads < 1 || native->threads > kMaxThreads))
    return wrong(no_run_function, ErrorKind::invalid, "the task " + name + " asks for a pool of " + std::to_string(native->threads) +
                                                          " threads: 1 to " + std::to_string(kMaxThreads) + " can be had");
  for (const auto* list : {&task.after, &task.requires_})
    if (std::ranges::find(*list, name) != list->end())
      return wrong(self_dependency, ErrorKind::invalid, "the task " + name + " depends on itself");
  if (channel_id && !core_.config.channels.contains(*channel_id))
    return wrong(unknown_channel, ErrorKind::missing,
                 "the task " + name + " wants the channel \"" + escape_bytes(*channel_id) + "\", which does not exist");
  if (native == nullptr && !channel_id) return wrong(unknown_channel, ErrorKind::invalid, "the plugin task " + name + " needs a channel");
  if (native == nullptr && !core_.config.tasks.contains(name))
    return wrong(not_configured, ErrorKind::invalid, "plugin tasks come from the configuration; " + name + " is not in it");
  return std::nullopt;
}

std::expected<CleanupHandle, RegistrationError> CleanupManager::register_cleanup_task(const std::string& name, CleanupTask task,
                                                                                      const std::optional<std::string>& channel_id) {
  CallTimer timed(figures_, metrics::Limited::registration);
  if (std::optional<RegistrationError> problem = registration_problem(name, task, channel_id)) return std::unexpected(std::move(*problem));
  auto registered = std::make_shared<Registered>();
  registered->name = name;
  if (std::holds_alternative<PluginTask>(task.body)) {
    registered->config = &core_.config.tasks.at(name);
    registered->enabled = registered->config->enabled;
  }
  registered->task = std::move(task);
  registered->channel = channel_id;
  const MutexLock lock(mutex_);
  if (tasks_.contains(name))
    return std::unexpected(RegistrationError(RegistrationCause::duplicate_name, {ErrorKind::invalid, {}, "a task is called " + name + " already", {}}));
  registered->id = names_.size() + 1;
  names_.push_back(name);
  records_[name];
  const CleanupHandle handle{id_, registered->id, 0};
  graph_.set(name, written_edges(registered->task, registered->config), channel_id ? channel_index(*channel_id) + 1 : 0);
  tasks_.emplace(name, std::move(registered));
  snapshot_.reset();
  figures_.add_task(name, channel_id.value_or(""));
  timed.task = name;
  return handle;
}

Result<CleanupManager::Target> CleanupManager::find(CleanupHandle handle) {
  if (handle.manager != id_) return fail(ErrorKind::missing, "the handle belongs to another manager");
  const MutexLock lock(mutex_);
  if (handle.run != 0) {
    if (handle.run > opened_.size()) return fail(ErrorKind::missing, "the handle names a run that was not opened");
    const store::RunRow& run = opened_[handle.run - 1];
    if (handle.task == 0 || handle.task > run.tasks.size()) return fail(ErrorKind::missing, "the handle names no task of its run");
    const store::TaskRow& task = run.tasks[handle.task - 1];
    return Target{task.name, run.id, task.number, true};
  }
  if (handle.task == 0 || handle.task > names_.size()) return fail(ErrorKind::missing, "the handle names no task");
  const std::string& name = names_[handle.task - 1];
  const Record& record = records_.at(name);
  return Target{name, record.last_run, record.last_number, false};
}

Result<std::shared_ptr<const Registered>> CleanupManager::find_registered(CleanupHandle handle) {
  const Result<Target> target = find(handle);
  if (!target) return std::unexpected(target.error());
  const MutexLock lock(mutex_);
  const auto at = tasks_.find(target->name);
  if (at == tasks_.end()) return fail(ErrorKind::missing, "the task " + target->name + " is not registered");
  return at->second;
}

std::shared_ptr<const TaskMap> CleanupManager::registered() {
  const MutexLock lock(mutex_);
  if (!snapshot_) snapshot_ = std::make_shared<const TaskMap>(tasks_);
  return snapshot_;
}

std::vector<IRuns::TaskEntry> CleanupManager::tasks() {
  std::vector<TaskEntry> out;
  for (const auto& [name, task] : *registered())
    out.push_back({name, CleanupHandle{id_, task->id, 0}, task->enabled, task->native() != nullptr});
  return out;
}

// What the operator or the host program wrote. `after` a disabled task is no wish that can be met; `requires` one is an
// error that validation names. Only the configuration disables, and it is constant.
// A task requires every guard of its channel: one that cannot judge keeps all of it.
DependencyGraph::Edges CleanupManager::written_edges(const CleanupTask& task, const config::TaskConfig* config) const {
  DependencyGraph::Edges edges{task.after, task.requires_};
  if (config != nullptr && !config->guard)
    if (const auto guards = guards_.find(config->channel); guards != guards_.end())
      edges.requires_.insert(edges.requires_.end(), guards->second.begin(), guards->second.end());
  std::erase_if(edges.after, [&](const std::string& other) {
    const auto at = core_.config.tasks.find(other);
    return at != core_.config.tasks.end() && !at->second.enabled;
  });
  return edges;
}

// The edges that a manifest makes between the kinds of its own plugin in one channel. Added once: plugin tasks come from
// the configuration alone, so that none comes later. Others wait meanwhile: they need the same manifests.
void CleanupManager::add_manifest_edges() {
  std::call_once(manifest_edges_added_, [&] {
    struct Instance {
      const config::TaskConfig* task;
      const manifest::TaskKind* kind;
    };
    struct Place {
      std::shared_ptr<const Plugin> plugin;
      std::vector<Instance> instances;
      std::map<std::string, std::vector<std::string>> enabled;  // kind -> names of tasks
    };
    std::map<std::pair<std::string, std::string>, Place> places;  // by plugin and channel
    for (const auto& [name, task] : core_.config.tasks) {
      const Result<std::shared_ptr<const Plugin>> plugin = catalog_.find(task.plugin);
      if (!plugin || (*plugin)->manifest.kinds.empty()) continue;
      const manifest::TaskKind* kind =
          task.kind ? manifest::find_kind((*plugin)->manifest, *task.kind) : &(*plugin)->manifest.kinds.front();
      if (kind == nullptr) continue;
      Place& place = places[{task.plugin, task.channel}];
      place.plugin = *plugin;
      place.instances.push_back({&task, kind});
      if (task.enabled) place.enabled[kind->name].push_back(name);
    }
    const MutexLock lock(mutex_);
    for (const auto& [where, place] : places) {
      for (const Instance& instance : place.instances) {
        const std::string& name = instance.task->name;
        const auto add = [&](const std::vector<std::string>& kinds, std::vector<std::string>& edges) {
          for (const std::string& kind : kinds) {
            const auto others = place.enabled.find(kind);
            if (others == place.enabled.end()) continue;
            std::ranges::copy_if(others->second, std::back_inserter(edges), [&](const std::string& other) { return other != name; });
          }
        };
        if (instance.kind->after.empty() && instance.kind->requires_.empty()) continue;
        DependencyGraph::Edges edges = *graph_.find(name);
        add(instance.kind->after, edges.after);
        add(instance.kind->requires_, edges.requires_);
        graph_.set(name, std::move(edges), graph_.group_of(name));
      }
    }
  });
}

DependencyGraph::Order CleanupManager::order_of(const std::vector<std::string>& names, DependencyGraph::Tell tell) {
  add_manifest_edges();
  const MutexLock lock(mutex_);
  return graph_.order(names, tell);
}

DependencyGraph::Edges CleanupManager::edges_of(const std::string& name) {
  add_manifest_edges();
  const MutexLock lock(mutex_);
  const DependencyGraph::Edges* edges = graph_.find(name);
  return edges == nullptr ? DependencyGraph::Edges{} : *edges;
}

DependencyValidationResult CleanupManager::validate_dependencies(CleanupHandle handle) {
  DependencyValidationResult out;
  read_plugins();
  CallTimer timed(figures_, metrics::Limited::dependency_validation);
  const Result<std::shared_ptr<const Registered>> task = find_registered(handle);
  if (!task) {
    out.error.emplace(DependencyCause::unknown_handle, task.error());
    return out;
  }
  const std::string& asked = timed.task = (*task)->name;
  DependencyGraph::Order order = order_of({asked}, DependencyGraph::Tell::everything);
  out.order = std::move(order.order);
  out.cycle = std::move(order.cycle);
  out.missing = std::move(order.missing);
  out.crossing = std::move(order.crossing);
  if (!disabled_.empty())
    for (std::size_t i = out.order.size(); i-- > 0;)
      if (order.required[i] && out.order[i] != asked && disabled_.contains(out.order[i])) out.disabled.push_back(out.order[i]);
  for (const std::string& name : out.order)
    if (name != asked && has_failed(figures_.state_of(name))) out.failed.push_back(name);
  out.valid = out.cycle.empty() && out.missing.empty() && out.disabled.empty();
  return out;
}

SecurityValidationResult CleanupManager::validate_security_boundaries(CleanupHandle handle) {
  SecurityValidationResult out;
  read_plugins();
  CallTimer timed(figures_, metrics::Limited::security_validation);
  const Result<std::shared_ptr<const Registered>> task = find_registered(handle);
  if (!task) {
    out.error.emplace(SecurityCause::unknown_handle, task.error());
    return out;
  }
  timed.task = (*task)->name;
  out.trusted_in_process = (*task)->native() != nullptr;
  out.violations = validate_task(core_, catalog_, lock_, host_, **task).violations;
  out.passed = out.violations.empty();
  return out;
}

// The tasks of a run: those asked for (none named: every enabled one) and all that they depend on, in order.
std::expected<std::vector<std::shared_ptr<const Registered>>, DependencyError> CleanupManager::resolve(const std::vector<CleanupHandle>& handles,
                                                                                                           std::int64_t& took_ns) {
  read_plugins();
  const Span working(took_ns);
  const std::shared_ptr<const TaskMap> tasks = registered();
  const auto wrong = [](DependencyCause cause, Error error) { return std::unexpected(DependencyError(cause, std::move(error))); };
  std::vector<std::string> wanted;
  for (const CleanupHandle handle : handles) {
    const Result<std::shared_ptr<const Registered>> task = find_registered(handle);
    if (!task) return wrong(DependencyCause::unknown_handle, task.error());
    wanted.push_back((*task)->name);
  }
  if (handles.empty())
    for (const auto& [name, task] : *tasks)
      if (task->enabled) wanted.push_back(name);
  const DependencyGraph::Order order = order_of(wanted);
  if (!order.cycle.empty()) {
    std::string path;
    for (const std::string& name : order.cycle) path += (path.empty() ? "" : " -> ") + name;
    return wrong(DependencyCause::cycle, {ErrorKind::invalid, "F1091", "tasks depend on each other in a circle: " + path, "remove one of these edges"});
  }
  if (!order.missing.empty()) {
    std::string names;
    for (const std::string& name : order.missing) names += (names.empty() ? "" : ", ") + name;
    return wrong(DependencyCause::missing, {ErrorKind::missing, "F1090", "there is no task called " + names,
                                            "`after` and `requires` name tasks of the configuration"});
  }
  std::vector<std::shared_ptr<const Registered>> out;
  // A disabled task runs only when it is asked for by itself; whatever requires it fails for that (F1092).
  for (const std::string& name : order.order)
    if (!disabled_.contains(name) || std::ranges::find(wanted, name) != wanted.end()) out.push_back(tasks->at(name));
  return out;
}

void CleanupManager::read_plugins() {
  if (!core_.config.tasks.empty()) (void)catalog_.all();  // what is wrong with one, its tasks' validation says
}

std::uint32_t CleanupManager::channel_index(const std::string& channel) const {
  const auto at = core_.config.channels.find(channel);
  return static_cast<std::uint32_t>(std::distance(core_.config.channels.begin(), at));
}

Result<Plan> CleanupManager::read_plan(const std::string& dir) const {
  constexpr std::size_t kMaxPlanJson = 256U << 20;
  const Result<std::string> text = read_whole_file(dir + "/plan.json", kMaxPlanJson);
  if (!text) return std::unexpected(text.error());
  return plan_from_json(*text);
}

void CleanupManager::note_state(const std::string& name, TaskState state) { figures_.set_state(name, state); }

}  // namespace freshet

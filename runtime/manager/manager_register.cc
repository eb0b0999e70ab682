#include <sodium.h>

#include <algorithm>

#include "runtime/base/bytes.h"
#include "runtime/manager/manager_impl.h"
#include "runtime/manager/plan_files.h"

namespace freshet {

CleanupManager::CleanupManager(Core core, policy::HostFacts host)
    : core_(std::move(core)), catalog_(core_), host_(std::move(host)) {
  randombytes_buf(&id_, sizeof id_);
}

Status CleanupManager::register_configuration() {
  for (const auto& [name, config] : core_.config.tasks) {
    CleanupTask task;
    task.body = PluginTask{config.plugin, config.kind.value_or("")};
    task.after = config.after;
    task.requires_ = config.requires_;
    const std::expected<CleanupHandle, Error> handle = register_cleanup_task(name, std::move(task), config.channel);
    if (!handle) return std::unexpected(handle.error());
    const std::lock_guard lock(mutex_);
    Registered& registered = tasks_.at(name);
    registered.config = &config;
    registered.enabled = config.enabled;
  }
  return {};
}

std::expected<CleanupHandle, Error> CleanupManager::register_cleanup_task(const std::string& name, CleanupTask task,
                                                                          const std::optional<std::string>& channel_id) {
  if (const std::string problem = task_name_problem(name); !problem.empty())
    return fail(ErrorKind::invalid, problem, "the name was \"" + escape_bytes(name) + "\"");
  const auto* native = std::get_if<NativeTask>(&task.body);
  if (native != nullptr && !native->run) return fail(ErrorKind::invalid, "the task " + name + " has no run function");
  for (const auto* list : {&task.after, &task.requires_})
    if (std::ranges::find(*list, name) != list->end()) return fail(ErrorKind::invalid, "the task " + name + " depends on itself");
  if (channel_id && !core_.config.channels.contains(*channel_id))
    return fail(ErrorKind::missing, "the task " + name + " wants the channel \"" + escape_bytes(*channel_id) + "\", which does not exist");
  if (native == nullptr && !channel_id) return fail(ErrorKind::invalid, "the plugin task " + name + " needs a channel");
  const std::lock_guard lock(mutex_);
  if (tasks_.contains(name)) return fail(ErrorKind::invalid, "a task is called " + name + " already");
  Registered registered;
  registered.id = names_.size() + 1;
  registered.name = name;
  registered.task = std::move(task);
  registered.channel = channel_id;
  if (const auto config = core_.config.tasks.find(name); native == nullptr && config != core_.config.tasks.end())
    registered.config = &config->second;
  if (native == nullptr && registered.config == nullptr)
    return fail(ErrorKind::invalid, "plugin tasks come from the configuration; " + name + " is not in it");
  names_.push_back(name);
  records_[name];
  const CleanupHandle handle{id_, registered.id, 0};
  tasks_.emplace(name, std::move(registered));
  return handle;
}

Result<CleanupManager::Target> CleanupManager::find(CleanupHandle handle) {
  if (handle.manager != id_) return fail(ErrorKind::missing, "the handle belongs to another manager");
  const std::lock_guard lock(mutex_);
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

std::map<std::string, Registered> CleanupManager::registered() {
  const std::lock_guard lock(mutex_);
  return tasks_;
}

std::vector<IRuns::TaskEntry> CleanupManager::tasks() {
  std::vector<TaskEntry> out;
  for (const auto& [name, task] : registered())
    out.push_back({name, CleanupHandle{id_, task.id, 0}, task.enabled, task.native() != nullptr});
  return out;
}

// The configuration's edges, and those a manifest makes between the kinds of its own plugin in one channel.
DependencyGraph CleanupManager::graph(const std::map<std::string, Registered>& tasks) {
  std::map<std::string, DependencyGraph::Edges> all;
  struct Instance {
    const Registered* task;
    std::string kind;
    std::shared_ptr<const Plugin> plugin;
  };
  std::map<std::pair<std::string, std::string>, std::vector<Instance>> by_place;  // (plugin, channel)
  for (const auto& [name, task] : tasks) {
    if (task.plugin() == nullptr) continue;
    const Result<std::shared_ptr<const Plugin>> plugin = catalog_.find(task.plugin()->plugin_id);
    if (!plugin || (*plugin)->manifest.kinds.empty()) continue;
    const std::string kind = task.plugin()->kind.empty() ? (*plugin)->manifest.kinds.front().name : task.plugin()->kind;
    by_place[{task.plugin()->plugin_id, *task.channel}].push_back({&task, kind, *plugin});
  }
  for (const auto& [name, task] : tasks) {
    DependencyGraph::Edges edges{task.task.after, task.task.requires_};
    // `after` a disabled task is no wish that can be met; `requires` one is an error that validation names.
    std::erase_if(edges.after, [&](const std::string& other) {
      const auto at = tasks.find(other);
      return at != tasks.end() && !at->second.enabled;
    });
    all.emplace(name, std::move(edges));
  }
  for (const auto& [place, instances] : by_place) {
    for (const Instance& self : instances) {
      const manifest::TaskKind* kind = manifest::find_kind(self.plugin->manifest, self.kind);
      if (kind == nullptr || (kind->after.empty() && kind->requires_.empty())) continue;
      DependencyGraph::Edges& edges = all.at(self.task->name);
      for (const Instance& other : instances) {
        if (other.task == self.task || !other.task->enabled) continue;
        if (std::ranges::find(kind->after, other.kind) != kind->after.end()) edges.after.push_back(other.task->name);
        if (std::ranges::find(kind->requires_, other.kind) != kind->requires_.end()) edges.requires_.push_back(other.task->name);
      }
    }
  }
  DependencyGraph out;
  for (auto& [name, edges] : all) out.set(name, std::move(edges));
  return out;
}

DependencyValidationResult CleanupManager::validate_dependencies(CleanupHandle handle) {
  DependencyValidationResult out;
  const Result<Target> target = find(handle);
  if (!target) {
    out.error = target.error();
    return out;
  }
  const std::map<std::string, Registered> tasks = registered();
  if (!tasks.contains(target->name)) {
    out.error = Error{ErrorKind::missing, {}, "the task " + target->name + " is not registered any more", {}};
    return out;
  }
  const DependencyGraph edges = graph(tasks);
  DependencyGraph::Order order = edges.order({target->name});
  out.order = std::move(order.order);
  out.cycle = std::move(order.cycle);
  out.missing = std::move(order.missing);
  std::set<std::string> required{target->name};
  for (auto name = out.order.rbegin(); name != out.order.rend(); ++name) {  // dependents before what they require
    if (!required.contains(*name)) continue;
    if (!tasks.at(*name).enabled && *name != target->name) out.disabled.push_back(*name);
    for (const std::string& other : edges.find(*name)->requires_) required.insert(other);
  }
  out.valid = out.cycle.empty() && out.missing.empty() && out.disabled.empty();
  return out;
}

SecurityValidationResult CleanupManager::validate_security_boundaries(CleanupHandle handle) {
  SecurityValidationResult out;
  const Result<Target> target = find(handle);
  const std::map<std::string, Registered> tasks = registered();
  if (!target || !tasks.contains(target->name)) {
    out.error = target ? Error{ErrorKind::missing, {}, "the task " + target->name + " is not registered any more", {}} : target.error();
    return out;
  }
  const Registered& task = tasks.at(target->name);
  out.trusted_in_process = task.native() != nullptr;
  out.violations = validate_task(core_, catalog_, host_, task).violations;
  out.passed = out.violations.empty();
  return out;
}

// The tasks of a run: those asked for (none named: every enabled one) and all that they depend on, in order.
Result<std::vector<Registered>> CleanupManager::resolve(const std::vector<CleanupHandle>& handles) {
  const std::map<std::string, Registered> tasks = registered();
  std::vector<std::string> wanted;
  for (const CleanupHandle handle : handles) {
    const Result<Target> target = find(handle);
    if (!target) return std::unexpected(target.error());
    if (!tasks.contains(target->name)) return fail(ErrorKind::missing, "the task " + target->name + " is not registered any more");
    wanted.push_back(target->name);
  }
  if (handles.empty())
    for (const auto& [name, task] : tasks)
      if (task.enabled) wanted.push_back(name);
  const DependencyGraph::Order order = graph(tasks).order(wanted);
  if (!order.cycle.empty()) {
    std::string path;
    for (const std::string& name : order.cycle) path += (path.empty() ? "" : " -> ") + name;
    return fail("F1091", ErrorKind::invalid, "tasks depend on each other in a circle: " + path, "remove one of these edges");
  }
  if (!order.missing.empty()) {
    std::string names;
    for (const std::string& name : order.missing) names += (names.empty() ? "" : ", ") + name;
    return fail("F1090", ErrorKind::missing, "there is no task called " + names, "`after` and `requires` name tasks of the configuration");
  }
  std::vector<Registered> out;
  // A disabled task runs only when it is asked for by itself; whatever requires it fails for that (F1092).
  for (const std::string& name : order.order)
    if (tasks.at(name).enabled || std::ranges::find(wanted, name) != wanted.end()) out.push_back(tasks.at(name));
  return out;
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

void CleanupManager::note_state(const std::string& name, TaskState state) {
  const std::lock_guard lock(mutex_);
  if (const auto at = records_.find(name); at != records_.end()) at->second.state = state;
}

}  // namespace freshet

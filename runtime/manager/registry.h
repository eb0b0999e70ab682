#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "runtime/config/config.h"
#include "runtime/manager/cleanup_manager.h"

namespace freshet {

// One registered task, constant once registered. The configuration it may point into lives as long as the manager.
struct Registered {
  std::uint64_t id = 0;  // in handles; from 1
  std::string name;
  CleanupTask task;
  std::optional<std::string> channel;
  const config::TaskConfig* config = nullptr;  // of a plugin task
  bool enabled = true;

  [[nodiscard]] const NativeTask* native() const { return std::get_if<NativeTask>(&task.body); }
  [[nodiscard]] const PluginTask* plugin() const { return std::get_if<PluginTask>(&task.body); }
};

// Every registered task by name; never changes once it is made.
using TaskMap = std::map<std::string, std::shared_ptr<const Registered>>;

// Empty when `name` may be a task's name, else what is wrong with it.
std::string task_name_problem(const std::string& name);

}  // namespace freshet

#include "runtime/config/dependencies.h"

#include <string_view>
#include <utility>

#include "runtime/config/suggest.h"

namespace freshet::config {
namespace {

const Position& position_of(const TaskConfig& task, const std::string& dependency) {
  const auto written = task.dependency_positions.find(dependency);
  return written == task.dependency_positions.end() ? task.position : written->second;
}

Diagnostic diagnostic_at(const Position& position, std::string what, std::string suggestion) {
  return {position, std::move(what), excerpt(position), std::move(suggestion)};
}

}  // namespace

std::vector<Diagnostic> find_unknown_dependencies(const Config& config) {
  std::vector<Diagnostic> out;
  for (const auto& [name, task] : config.tasks) {
    const auto look = [&](const std::vector<std::string>& wanted, std::string_view how) {
      for (const std::string& other : wanted) {
        if (config.tasks.contains(other)) continue;
        std::vector<std::string_view> possible;
        for (const auto& [known, ignored] : config.tasks)
          if (known != name) possible.push_back(known);
        out.push_back(diagnostic_at(
            position_of(task, other),
            "task `" + name + "` " + std::string(how) + " `" + other + "`, but no task is named so",
            suggest(other, possible, true)));
      }
    };
    if (!task.enabled) continue;
    look(task.after, "is to run after");
    look(task.requires_, "requires");
  }
  return out;
}

Diagnostic describe_cycle(const Config& config, const std::vector<std::string>& cycle) {
  std::string path;
  for (const std::string& name : cycle) path += (path.empty() ? "" : " -> ") + name;
  Position position;
  const auto first = cycle.empty() ? config.tasks.end() : config.tasks.find(cycle.front());
  if (first != config.tasks.end()) position = position_of(first->second, cycle.size() > 1 ? cycle[1] : cycle[0]);
  return diagnostic_at(position, "tasks wait for each other in a circle: " + path, "remove one of these edges");
}

}  // namespace freshet::config

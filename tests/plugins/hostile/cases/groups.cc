#include "tests/plugins/hostile/cases/case.h"

namespace freshet::hostile {

std::span<const Group> all_groups() {
  static const Group kGroups[] = {
      {"control", control_cases()},     {"files", file_cases()},         {"links and races", link_cases()},
      {"code", code_cases()},           {"processes", process_cases()},  {"memory", memory_cases()},
      {"network", network_cases()},     {"ipc", ipc_cases()},            {"kernel", kernel_cases()},
      {"resources", resource_cases()},  {"inherited", inherited_cases()}, {"covert", covert_cases()},
      {"wire", wire_cases()},           {"names", name_cases()},
  };
  return kGroups;
}

const Case* find_case(std::string_view group, std::string_view name) {
  for (const Group& one : all_groups())
    if (group == one.name)
      for (const Case& tried : one.cases)
        if (name == tried.name) return &tried;
  return nullptr;
}

}  // namespace freshet::hostile

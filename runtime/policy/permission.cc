#include "runtime/policy/permission.h"

#include <algorithm>
#include <string_view>

#include "runtime/base/bytes.h"

namespace freshet::policy {
namespace {

bool asks(const manifest::Manifest& manifest, std::string_view name) {
  const auto in = [&](const std::vector<std::string>& names) {
    return std::find(names.begin(), names.end(), name) != names.end();
  };
  return in(manifest.required_permissions) || in(manifest.optional_permissions);
}

bool grants(const config::RootConfig& root, std::string_view name) {
  if (name == "remove") return root.access.remove;
  if (name == "read") return root.access.read;
  return name == "list";
}

bool any_grants(const std::vector<config::RootConfig>& roots, std::string_view name) {
  return std::any_of(roots.begin(), roots.end(),
                     [&](const config::RootConfig& root) { return grants(root, name); });
}

// 0 means that the manifest did not ask.
template <class T>
T smaller(T asked, T granted) {
  return asked == 0 ? granted : std::min(asked, granted);
}

config::LimitsConfig smaller_limits(const manifest::RequestedLimits& asked,
                                    const config::LimitsConfig& granted) {
  config::LimitsConfig out;
  out.memory_bytes = smaller(asked.memory_bytes, granted.memory_bytes);
  out.cpu_ns = smaller(asked.cpu_ns, granted.cpu_ns);
  out.wall_ns = smaller(asked.wall_ns, granted.wall_ns);
  out.threads = smaller(asked.threads, granted.threads);
  out.fds = smaller(asked.fds, granted.fds);
  return out;
}

const config::Position& position_of_key(const config::TaskConfig& task, const std::string& key,
                                        const config::Position& otherwise) {
  const auto found = task.key_positions.find(key);
  return found == task.key_positions.end() ? otherwise : found->second;
}

}  // namespace

PermissionResult effective_permission(const manifest::Manifest& manifest, const config::TaskConfig& task,
                                      const config::ChannelConfig& channel) {
  PermissionResult out;
  EffectivePermission& permission = out.permission;
  // A task of a generated channel has its own roots, which may be fewer than those of the channel it shares.
  permission.roots = task.roots.empty() ? channel.roots : task.roots;
  for (const std::string& name : manifest.required_permissions) {
    if (any_grants(permission.roots, name)) continue;
    const std::string shown = escape_bytes(name);
    out.violations.push_back(
        {"F1001",
         "task `" + task.name + "` needs the permission `" + shown + "` (plugin " + manifest.id +
             "), which no root of channel `" + channel.name + "` grants",
         "add \"" + shown + "\" to the `access` of a root, or disable the task",
         permission.roots.empty() ? channel.position : permission.roots.front().position});
  }
  for (const std::string& name : manifest.optional_permissions) {
    if (!any_grants(permission.roots, name)) permission.dropped_optional.push_back(name);
  }
  for (config::RootConfig& root : permission.roots) {
    root.access.read = root.access.read && asks(manifest, "read");
    root.access.remove = root.access.remove && asks(manifest, "remove");
  }
  permission.limits = smaller_limits(manifest.limits, channel.limits);
  permission.budget = channel.budget;
  permission.floors = channel.floors;
  permission.irreversible_allowed = channel.irreversible_allowed;
  permission.quarantine_mode = task.quarantine_mode.value_or(channel.quarantine.mode);
  if (permission.quarantine_mode == config::QuarantineMode::none && !channel.irreversible_allowed) {
    out.violations.push_back(
        {"F1002",
         "task `" + task.name + "` removes without quarantine, and channel `" + channel.name +
             "` does not allow what cannot be taken back",
         "write irreversible = \"allowed\" beside the roots, or leave quarantine mode at \"keep\"",
         task.quarantine_mode ? position_of_key(task, "quarantine", task.position)
                              : channel.quarantine.position});
  }
  return out;
}

}  // namespace freshet::policy

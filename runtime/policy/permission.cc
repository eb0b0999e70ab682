#include "runtime/policy/permission.h"

#include <algorithm>
#include <string_view>

#include "runtime/base/bytes.h"

namespace freshet::policy {
namespace {

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

// A permission that is no root's; its channel grants it with a key of its own.
bool is_of_channel(std::string_view name) { return name == "lock" || name == "hook" || name == "ipc"; }

bool channel_grants(const config::ChannelConfig& channel, std::string_view name) {
  if (name == "lock") return !channel.locks.empty();
  return name == "ipc" ? !channel.ipc.empty() : !channel.hooks.empty();
}

bool is_required(const manifest::Manifest& manifest, std::string_view name) {
  return std::ranges::find(manifest.required_permissions, name) != manifest.required_permissions.end();
}

// The locks that were asked for and granted; what was asked for and not granted is a violation, or dropped.
void settle_locks(const manifest::Manifest& manifest, const config::TaskConfig& task, const config::ChannelConfig& channel,
                  PermissionResult& out) {
  if (!asks_for(manifest, "lock")) return;
  if (manifest.locks.empty()) {
    out.permission.locks = channel.locks;
    return;
  }
  for (const manifest::RequestedLock& wanted : manifest.locks) {
    const auto granted = std::ranges::find_if(channel.locks, [&](const config::LockConfig& lock) {
      return lock.path == wanted.path && (lock.kind == config::LockKind::posix) == wanted.posix;
    });
    if (granted != channel.locks.end()) {
      out.permission.locks.push_back(*granted);
      continue;
    }
    if (channel.locks.empty()) continue;  // said once of all of them
    const std::string shown = lock_text({wanted.path, wanted.posix ? config::LockKind::posix : config::LockKind::flock, false, {}});
    if (!is_required(manifest, "lock")) {
      out.permission.dropped_optional.push_back("lock " + shown);
      continue;
    }
    out.violations.push_back({"F1003",
                              "task `" + task.name + "` needs the lock " + shown + " (plugin " + manifest.id +
                                  "), which channel `" + channel.name + "` does not grant",
                              "add it to `locks` of the channel, or disable the task", channel.position});
  }
}

void settle_hooks(const std::vector<std::string>& names, const manifest::Manifest& manifest, const config::TaskConfig& task,
                  const config::ChannelConfig& channel, const std::map<std::string, config::HookConfig>& hooks,
                  std::vector<config::HookConfig>& effective, PermissionResult& out) {
  for (const std::string& name : names) {
    const auto refuse = [&](const std::string& why, std::string remedy) {
      out.violations.push_back({"F1004", "task `" + task.name + "` names the hook `" + escape_bytes(name) + "`, " + why,
                                std::move(remedy), position_of_key(task, "run-hooks", task.position)});
    };
    const auto defined = hooks.find(name);
    if (defined == hooks.end())
      refuse("which is not defined", "write [hook." + escape_bytes(name) + "] with `run`, or take the name out");
    else if (!asks_for(manifest, "hook"))
      refuse("but its plugin " + manifest.id + " does not ask for hooks", "take it out of `run-hooks`");
    else if (std::ranges::find(channel.hooks, name) == channel.hooks.end())
      refuse("which channel `" + channel.name + "` does not grant", "add it to `hooks` of the channel, or take it out of `run-hooks`");
    else
      effective.push_back(defined->second);
  }
}

}  // namespace

std::string lock_text(const config::LockConfig& lock) {
  return escape_bytes(lock.path) + " (" + std::string(config::to_string(lock.kind)) + ")";
}

std::string ipc_grant_text(const config::IpcConfig& grant) {
  std::string out;
  for (std::size_t i = 0; i < config::kIpcKinds.size(); ++i)
    if ((grant.kinds >> i & 1) != 0) out += (out.empty() ? "" : ", ") + std::string(config::kIpcKinds[i]);
  return escape_bytes(grant.owner) + " (" + out + ")";
}

std::string hook_text(const config::HookConfig& hook) {
  std::string out = hook.name + ":";
  for (const std::string& argument : hook.run) out += " " + escape_bytes(argument);
  return out;
}

PermissionResult effective_permission(const manifest::Manifest& manifest, const config::TaskConfig& task,
                                      const config::ChannelConfig& channel,
                                      const std::map<std::string, config::HookConfig>& hooks) {
  PermissionResult out;
  EffectivePermission& permission = out.permission;
  // A task of a generated channel has its own roots, which may be fewer than those of the channel it shares.
  permission.roots = task.roots.empty() ? channel.roots : task.roots;
  for (const std::string& name : manifest.required_permissions) {
    const std::string shown = escape_bytes(name);
    if (is_of_channel(name)) {
      if (!channel_grants(channel, name))
        out.violations.push_back({"F1001",
                                  "task `" + task.name + "` needs the permission `" + shown + "` (plugin " + manifest.id +
                                      "), which channel `" + channel.name + "` does not grant",
                                  "write `" + shown + (name == "ipc" ? "" : "s") + "` on the channel, or disable the task", channel.position});
      continue;
    }
    if (any_grants(permission.roots, name)) continue;
    out.violations.push_back(
        {"F1001",
         "task `" + task.name + "` needs the permission `" + shown + "` (plugin " + manifest.id +
             "), which no root of channel `" + channel.name + "` grants",
         "add \"" + shown + "\" to the `access` of a root, or disable the task",
         permission.roots.empty() ? channel.position : permission.roots.front().position});
  }
  for (const std::string& name : manifest.optional_permissions) {
    const bool granted = is_of_channel(name) ? channel_grants(channel, name) : any_grants(permission.roots, name);
    if (!granted) permission.dropped_optional.push_back(name);
  }
  for (config::RootConfig& root : permission.roots) {
    root.access.read = root.access.read && asks_for(manifest, "read");
    root.access.remove = root.access.remove && asks_for(manifest, "remove");
  }
  settle_locks(manifest, task, channel, out);
  if (asks_for(manifest, "ipc")) permission.ipc = channel.ipc;
  if (!permission.ipc.empty() && !channel.irreversible_allowed)
    out.violations.push_back({"F1006",
                              "task `" + task.name + "` would remove IPC objects, which cannot be taken back, and channel `" + channel.name +
                                  "` does not allow that",
                              "write irreversible = \"allowed\" beside `ipc`, or take `ipc` out", permission.ipc.front().position});
  settle_hooks(task.hooks.before, manifest, task, channel, hooks, permission.hooks.before, out);
  settle_hooks(task.hooks.after, manifest, task, channel, hooks, permission.hooks.after, out);
  settle_hooks(task.hooks.on_failure, manifest, task, channel, hooks, permission.hooks.on_failure, out);
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

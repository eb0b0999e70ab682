#include "runtime/manager/validate.h"

#include <pwd.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <set>

#include "runtime/base/bytes.h"
#include "runtime/base/units.h"
#include "runtime/manager/area_access.h"
#include "runtime/manager/open_roots.h"
#include "runtime/base/suggest.h"
#include "runtime/manager/plan_files.h"
#include "runtime/manager/scan_task.h"
#include "runtime/wire/packet.h"

namespace freshet {
namespace {

void add(Validated& out, const std::vector<policy::Violation>& violations) {
  for (const policy::Violation& violation : violations) out.violations.push_back(to_public(violation));
}

void check_isolation(Validated& out, const Core& core, const config::ChannelConfig& channel) {
  out.strict = channel.isolation.value_or(core.config.isolation) == config::Isolation::strict;
  if (!out.strict) return;
  for (const std::string& missing : core.support.missing_for_strict())
    out.violations.push_back({"F1050", "strict isolation cannot be had: " + missing,
                              "see `freshet doctor`; or write `isolation = \"best-effort\"` and read what is lost", {}});
}

void check_clock(Validated& out, const Core& core) {
  const Result<std::vector<store::RunRow>> last = core.history->list_runs(1);
  if (!last || last->empty() || last->front().started_ns <= core.clock.now()) return;
  out.violations.push_back({"F1080", "the clock says " + format_time(core.clock.now()) + ", but the last run began at " +
                                         format_time(last->front().started_ns),
                            "ages cannot be trusted: set the clock, then run again", {}});
}

// With root's rights the roles get ids of their own: nobody else may have been given these.
void check_ids(Validated& out, const Core& core, const policy::HostFacts& host) {
  if (!host.root) return;
  constexpr std::size_t kMaxFile = 1U << 20;
  for (const char* file : {"/etc/subuid", "/etc/subgid"})
    if (const Result<std::string> text = read_whole_file(file, kMaxFile))
      add(out, policy::check_uid_base(core.config, file, *text));
}

void check_mount_tops(Validated& out, const policy::HostFacts& host, const config::ChannelConfig& channel) {
  if (quarantine_at(channel, out.permission) != config::QuarantineAt::mount_top) return;
  for (const config::RootConfig& config : channel.roots) {
    const Result<channel::OpenRoot> root = open_root(config);
    if (!root) continue;  // check_roots has named it, or it is optional
    if (const Result<channel::OpenRoot> top = find_mount_top(*root, host.uid); !top)
      out.violations.push_back(violation_at(channel.quarantine.position, top.error().code.empty() ? "F1019" : top.error().code,
                                            top.error().what, top.error().detail));
  }
}

// By their numbers from here on; a name that nobody has grants nothing.
void find_ipc_owners(Validated& out) {
  for (config::IpcConfig& grant : out.permission.ipc) {
    const char* end = grant.owner.data() + grant.owner.size();
    if (const auto [at, error] = std::from_chars(grant.owner.data(), end, grant.uid); error == std::errc() && at == end) continue;
    passwd entry{};
    passwd* found = nullptr;
    std::vector<char> room(16 * 1024);
    if (::getpwnam_r(grant.owner.c_str(), &entry, room.data(), room.size(), &found) == 0 && found != nullptr) {
      grant.uid = entry.pw_uid;
      continue;
    }
    out.violations.push_back(violation_at(grant.position, "F1007", "there is no user `" + escape_bytes(grant.owner) + "`, whose IPC objects `ipc` grants",
                                          "correct the name, or write the user's number"));
    grant.kinds = 0;
  }
}

void check_hooks(Validated& out, const policy::HostFacts& host) {
  const policy::EffectiveHooks& hooks = out.permission.hooks;
  std::set<std::string> seen;
  for (const auto* moment : {&hooks.before, &hooks.after, &hooks.on_failure}) {
    for (const config::HookConfig& hook : *moment) {
      if (!seen.insert(hook.name).second) continue;
      const std::string& program = hook.run.front();
      struct stat info {};
      int error = ::stat(program.c_str(), &info) != 0 ? errno : 0;
      if (error == 0 && !S_ISREG(info.st_mode)) error = EACCES;
      if (error == 0 && ::access(program.c_str(), X_OK) != 0) error = errno;
      if (error != 0)
        out.violations.push_back(violation_at(hook.position, "F1005",
                                              "the hook `" + hook.name + "` cannot be run: " + escape_bytes(program) + ": " + errno_text(error),
                                              "write the absolute path of a program that this user may execute"));
      add(out, policy::check_not_writable_by_others(program, "the hook `" + hook.name + "`", host));
    }
  }
}

void check_kind(Validated& out, const config::TaskConfig& task) {
  const manifest::Manifest& manifest = out.plugin->manifest;
  std::vector<std::string_view> names;
  for (const manifest::TaskKind& kind : manifest.kinds) names.push_back(kind.name);
  const auto refuse = [&](std::string what, std::string remedy) {
    out.violations.push_back(violation_at(position_of_key(task, "task"), "F1041", std::move(what), std::move(remedy)));
  };
  if (task.kind) {
    out.kind = manifest::find_kind(manifest, *task.kind);
    if (out.kind == nullptr)
      refuse("the plugin " + manifest.id + " has no task kind `" + escape_bytes(*task.kind) + "`", suggest(*task.kind, names, true));
  } else if (manifest.kinds.size() == 1) {
    out.kind = &manifest.kinds.front();
  } else {
    std::string all;
    for (const std::string_view name : names) (all += all.empty() ? "" : ", ") += name;
    refuse("the plugin " + manifest.id + " offers several task kinds", "write `task = ` with one of: " + all);
  }
  if (out.kind == nullptr || out.kind->guard == task.guard) return;
  out.violations.push_back(violation_at(
      position_of_key(task, "guard"), "F1042",
      "`" + out.kind->name + "` of " + manifest.id +
          (task.guard ? " is no guard: it proposes what to remove" : " is a guard: it removes nothing, and keeps what others would"),
      task.guard ? "take `guard = true` out" : "write `guard = true`"));
}

void check_settings(Validated& out, const config::TaskConfig& task) {
  std::expected<manifest::TypedSettings, std::vector<config::Diagnostic>> settings = manifest::type_settings(*out.kind, task);
  if (settings) {
    std::vector<std::uint8_t> packet;
    wire::encode_message(make_load(out.plugin->manifest, out.kind->name, *settings, out.permission), packet);
    if (packet.size() > wire::kMaxPacket)
      out.violations.push_back(violation_at(position_of_key(task, "settings"), "F2012",
                                            "the settings of " + task.name + " take " + format_size(packet.size()) +
                                                ": a plugin is handed at most " + format_size(wire::kMaxPacket),
                                            "shorten the longest list, or spread it over several tasks"));
    out.settings = std::move(*settings);
    return;
  }
  for (config::Diagnostic& wrong : settings.error())
    out.violations.push_back(violation_at(wrong.position, "F2012", std::move(wrong.what), std::move(wrong.suggestion)));
}

void check_plugin(Validated& out, const Core& core, PluginCatalog& catalog, PluginLock& lock, const policy::HostFacts& host,
                  const Registered& task, const config::ChannelConfig& channel) {
  Result<std::shared_ptr<const Plugin>> plugin = catalog.find(task.plugin()->plugin_id);
  if (!plugin) {
    // Where no probe can be started nobody knows what plugins there are.
    if (std::ranges::find(out.violations, "F1050", &BoundaryViolation::code) != out.violations.end()) return;
    out.violations.push_back(
        violation_at(position_of_key(*task.config, "plugin"), plugin.error().code, plugin.error().what, plugin.error().detail));
    return;
  }
  out.plugin = *plugin;
  add(out, policy::check_not_writable_by_others(out.plugin->file, "the plugin", host));
  if (const Result<std::optional<std::string>> blocked = core.history->why_blocked(out.plugin->sha256); blocked && *blocked)
    out.violations.push_back(violation_at(position_of_key(*task.config, "plugin"), "F1060",
                                          "the plugin " + out.plugin->manifest.id + " is blocked: " + **blocked,
                                          "look at what it did; unblock it only if you trust these bytes"));
  if (const std::optional<Error>& distrust = out.plugin->distrust)
    out.violations.push_back(violation_at(position_of_key(*task.config, "plugin"), distrust->code, distrust->what, distrust->detail));
  for (BoundaryViolation& violation : lock.check(*out.plugin, position_of_key(*task.config, "plugin"))) out.violations.push_back(std::move(violation));
  check_kind(out, *task.config);
  policy::PermissionResult permission = policy::effective_permission(out.plugin->manifest, *task.config, channel, core.config.hooks);
  out.permission = std::move(permission.permission);
  policy::exclude_state_dir(out.permission, host);
  add(out, permission.violations);
  check_hooks(out, host);
  find_ipc_owners(out);
  if (out.kind != nullptr) check_settings(out, *task.config);
}

}  // namespace

const config::Position& position_of_key(const config::TaskConfig& task, const std::string& key) {
  const auto written = task.key_positions.find(key);
  return written == task.key_positions.end() ? task.position : written->second;
}

BoundaryViolation violation_at(const config::Position& position, std::string code, std::string what, std::string remedy) {
  return {std::move(code), std::move(what), std::move(remedy), config::to_string(position), config::excerpt(position)};
}

BoundaryViolation to_public(const policy::Violation& violation) {
  return violation_at(violation.position, violation.code, violation.what, violation.remedy);
}

Validated validate_task(const Core& core, PluginCatalog& catalog, PluginLock& lock, const policy::HostFacts& host, const Registered& task) {
  Validated out;
  check_clock(out, core);
  if (task.native() != nullptr) {
    if (!core.config.policy.native_tasks)
      out.violations.push_back({"F1070", "the policy denies native tasks, and " + task.name + " is one", "set `policy.native-tasks = \"allow\"`", {}});
    return out;
  }
  const config::ChannelConfig& channel = core.config.channels.at(*task.channel);
  check_isolation(out, core, channel);
  add(out, policy::check_roots(channel, host));
  add(out, policy::check_overlaps_of(core.config, channel.name));
  check_ids(out, core, host);
  for (const std::string& file : core.config.files) add(out, policy::check_not_writable_by_others(file, "the configuration", host));
  if (!lock.file().empty()) add(out, policy::check_not_writable_by_others(lock.file(), "the lock file", host));
  if (const std::string& keys = catalog.trust().directory(); !keys.empty()) add(out, policy::check_not_writable_by_others(keys, "the trust store", host));
  check_plugin(out, core, catalog, lock, host, task, channel);
  check_mount_tops(out, host, channel);
  return out;
}

}  // namespace freshet

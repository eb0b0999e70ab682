#include <unistd.h>

#include <sodium.h>

#include <filesystem>

#include "runtime/base/bytes.h"
#include "runtime/channel/role_executable.h"
#include "runtime/manager/manager_impl.h"
#include "runtime/manager/plan_files.h"

namespace freshet {

std::uint32_t role_uid(const Core& core, std::uint32_t channel_index, wire::Role role) {
  // 0 and 1 past the base are the probe's; then a pair for each channel.
  if (role == wire::Role::probe) return core.config.uid_base;
  return core.config.uid_base + 2 + 2 * channel_index + (role == wire::Role::broker ? 1 : 0);
}

EndReason to_public(channel::EndReason reason) { return static_cast<EndReason>(static_cast<std::uint8_t>(reason)); }
static_assert(static_cast<int>(EndReason::plugin) == static_cast<int>(channel::EndReason::plugin));

std::expected<Manager, Error> make_manager(const config::Config& config, ManagerOptions options) {
  if (sodium_init() < 0) return fail(ErrorKind::system, "libsodium cannot be initialised");
  Core core;
  core.config = config;
  for (const std::string& dir : {options.state_dir, options.state_dir + "/plans", options.state_dir + "/runs", options.state_dir + "/locks"})
    if (const Status made = make_private_directory(dir); !made)
      return fail(made.error().kind, "the state directory " + options.state_dir + " cannot be used: " + made.error().what);
  // Whoever may write there could hand root a history whose rollback goes where he wants.
  policy::HostFacts who;
  who.root = ::geteuid() == 0;
  if (const auto open = policy::check_not_writable_by_others(options.state_dir, "the state directory", who); !open.empty())
    return fail(open.front().code, ErrorKind::refused, open.front().what, open.front().remedy);
  std::error_code error;
  const std::filesystem::path real = std::filesystem::canonical(options.state_dir, error);
  if (error) return fail(ErrorKind::system, "the state directory " + options.state_dir + ": " + error.message());
  options.state_dir = real.string();
  if (::access(options.state_dir.c_str(), W_OK | X_OK) != 0) return fail_errno("the state directory " + options.state_dir + " is not writable");
  Result<std::unique_ptr<store::History>> history = store::History::open(options.state_dir + "/history.db");
  if (!history) return std::unexpected(history.error());
  core.history = std::move(*history);
  const Result<std::string> role = channel::find_role_executable(options.role_executable);
  if (!role) return std::unexpected(role.error());
  Result<std::unique_ptr<sandbox::Spawner>> spawner = sandbox::Spawner::create(*role);
  if (!spawner) return std::unexpected(spawner.error());
  core.spawner = std::move(*spawner);
  core.support = sandbox::find_host_support();
  policy::HostFacts host = policy::find_host_facts(options.state_dir, config.files);
  core.options = std::move(options);
  auto manager = std::make_unique<CleanupManager>(std::move(core), std::move(host));
  if (const Status registered = manager->register_configuration(); !registered) return std::unexpected(registered.error());
  Manager out;
  out.runs = manager.get();
  out.cleanup = std::move(manager);
  return out;
}

std::vector<DoctorRow> examine_host(const ManagerOptions&) {
  const sandbox::HostSupport host = sandbox::find_host_support();
  std::vector<DoctorRow> out;
  const auto row = [&](const char* mechanism, bool available, bool needed, std::string seen, const char* lost) {
    out.push_back({mechanism, available, needed, std::move(seen), lost});
  };
  const auto tried = [](bool works) { return std::string(works ? "works" : "does not work"); };
  row("user namespace", host.user_namespace, true, tried(host.user_namespace), "a plugin would run with this user's own rights");
  row("private root (mount namespace)", host.mount_namespace, true, tried(host.mount_namespace), "names outside the grant could be seen");
  row("pid namespace", host.pid_namespace, true, tried(host.pid_namespace), "other processes could be seen and signalled");
  row("network namespace", host.net_namespace, true, tried(host.net_namespace), "the network rests on seccomp alone");
  row("ipc namespace", host.ipc_namespace, true, tried(host.ipc_namespace), "System V IPC rests on seccomp alone");
  row("seccomp user notification", host.seccomp_notify, true, tried(host.seccomp_notify), "forbidden calls could not be stopped and named");
  row("Landlock", host.landlock_abi >= 2, true, "ABI " + std::to_string(host.landlock_abi), "the broker could act outside its roots");
  row("openat2", host.openat2, true, tried(host.openat2), "links on the way could not be refused");
  row("renameat2", host.renameat2, true, tried(host.renameat2), "nothing could be moved without the risk of overwriting");
  row("uid of its own for each role", host.change_ids, false, tried(host.change_ids), "roles run as this user");
  row("memory-deny-write-execute", host.mdwe, false, tried(host.mdwe), "W^X rests on seccomp alone");
  for (const std::string& reason : host.reasons) out.push_back({"note", true, false, reason, ""});
  return out;
}

}  // namespace freshet

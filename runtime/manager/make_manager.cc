#include "runtime/manager/make_manager.h"

#include <unistd.h>

#include <sodium.h>

#include <filesystem>

#include "runtime/base/bytes.h"
#include "runtime/channel/role_executable.h"
#include "runtime/config/complete.h"
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

namespace {

// All of them in one error: the first in its line, the others below it.
std::unexpected<Error> refuse(const std::vector<config::Diagnostic>& problems) {
  const std::string place = config::to_string(problems.front().position);
  std::string all;
  for (const config::Diagnostic& problem : problems) {
    all += config::format(problem);
    if (!all.ends_with('\n')) all += '\n';
  }
  return fail(ErrorKind::invalid, (place.empty() ? "" : place + ": ") + problems.front().what, all);
}

}  // namespace

std::expected<Manager, Error> make_manager_from_file(const std::string& file, ManagerOptions options) {
  Result<std::vector<std::string>> files = config::find_config_files(file);
  if (!files) return std::unexpected(files.error());
  std::expected<config::Config, std::vector<config::Diagnostic>> config = config::load({.files = std::move(*files)});
  if (!config) return refuse(config.error());
  return make_manager(std::move(*config), std::move(options));
}

std::expected<Manager, Error> make_manager(config::Config config, ManagerOptions options) {
  if (sodium_init() < 0) return fail(ErrorKind::system, "libsodium cannot be initialised");
  if (config.files.empty())  // what was read was held to the rules by its reader
    if (const std::vector<config::Diagnostic> problems = config::complete(config); !problems.empty()) return refuse(problems);
  Core core;
  core.config = std::move(config);
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
  policy::HostFacts host = policy::find_host_facts(options.state_dir, core.config.files);
  core.options = std::move(options);
  auto manager = std::make_unique<CleanupManager>(std::move(core), std::move(host));
  if (const Status registered = manager->register_configuration(); !registered) return std::unexpected(registered.error());
  Manager out;
  out.runs = manager.get();
  out.history = manager.get();
  out.quarantine = manager.get();
  out.plugins = manager.get();
  out.cleanup = std::move(manager);
  return out;
}

}  // namespace freshet

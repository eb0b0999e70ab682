#pragma once

#include <expected>
#include <functional>
#include <memory>
#include <stop_token>
#include <string>
#include <vector>

#include "runtime/base/error.h"
#include "runtime/config/config.h"
#include "runtime/manager/cleanup_manager.h"
#include "runtime/manager/history.h"
#include "runtime/manager/plugin_inspection.h"
#include "runtime/manager/quarantine.h"
#include "runtime/manager/runs.h"

#pragma GCC visibility push(default)
namespace freshet {

struct ManagerOptions {
  std::string state_dir;                 // for history, plans and locks; made 0700 if missing; managers may share one
  std::vector<std::string> plugin_dirs;  // searched in this order; see find_plugin_dirs
  std::string role_executable;           // empty: where it is installed, from where this library or program lies
  // What of each plugin was approved. Empty: freshet.lock beside the configuration's first file; a configuration that is in
  // no file has none then.
  std::string lockfile;
  // The directory of the keys whose signatures count. Empty: trusted-keys.d beside the configuration's first file.
  std::string trusted_keys;
  // A plugin's file that stands for its id, whatever is installed or approved: to see what it would do. A manager with one
  // plans and carries out nothing.
  std::string trial_plugin;
  // How long a broker that puts back or frees may say nothing before it is ended. It tells of its work as it goes, which
  // takes as long as the disk needs.
  std::int64_t broker_patience_ns = 600'000'000'000;
  // Called from the manager's threads.
  std::function<void(const Progress&)> on_progress;
  std::stop_token stop;  // an operator's interrupt: finishes the entry in hand, records, ends
};

// One manager, by its interfaces; all live as long as `cleanup`. May be moved, used and destroyed on any thread, also
// after the one that made it has ended; nobody may be inside a call when it is destroyed.
struct Manager {
  std::unique_ptr<ICleanupManager> cleanup;
  IRuns* runs = nullptr;
  IHistory* history = nullptr;
  IQuarantine* quarantine = nullptr;
  IPluginInspection* plugins = nullptr;
};

// Opens the state directory and registers the configuration's tasks; host programs add native ones afterwards. No
// plugin is read yet. The calling program itself is never executed: roles are processes of the role executable.
// A configuration made in memory needs no file, position or name: channels and tasks are called as their keys are.
// `config.log` is left to the caller (setup_logging).
// Errors: kind `invalid` (configuration; all that is wrong with it is in the detail), `missing` (role executable),
// `system` (state directory, processes).
std::expected<Manager, Error> make_manager(config::Config config, ManagerOptions options);

// The same with the configuration of a file: as `freshet --config FILE`, with conf.d beside a freshet.toml. Every error
// in it is in the detail, with its line. Errors also: kind `missing` (no such file).
std::expected<Manager, Error> make_manager_from_file(const std::string& file, ManagerOptions options);

// Where plugins are installed, existing directories only, in the order in which they are searched: with this library or
// program, where this build was configured to be installed, in /usr/local, in /usr.
std::vector<std::string> find_plugin_dirs();

}  // namespace freshet
#pragma GCC visibility pop

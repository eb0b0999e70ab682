#pragma once

#include <expected>
#include <functional>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include "runtime/base/error.h"
#include "runtime/cli/arguments.h"
#include "runtime/cli/console.h"
#include "runtime/config/config.h"
#include "runtime/manager/examine_host.h"
#include "runtime/manager/make_manager.h"
#include "runtime/report/check_report.h"
#include "runtime/report/json.h"

namespace freshet::cli {

// Where the manager comes from; tests hand in fakes.
struct Backend {
  std::function<std::expected<Manager, Error>(config::Config, ManagerOptions)> make_manager;
  std::function<std::vector<DoctorRow>()> examine_host;
};

// One invocation of the program: what every subcommand shares. A function that returns `expected<.., int>`
// has already told the operator; the int is the exit code. Lives on the main thread; the manager's threads
// reach only the console, which outlives it.
class Session {
 public:
  Session(GlobalOptions options, Console& console, Backend backend, std::stop_token stop);
  ~Session();
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;

  [[nodiscard]] Console& console() { return console_; }
  [[nodiscard]] const GlobalOptions& options() const { return options_; }
  [[nodiscard]] bool json() const { return options_.json; }
  [[nodiscard]] bool quiet() const { return options_.quiet; }
  [[nodiscard]] const report::Style& style() const { return console_.out_style(); }
  [[nodiscard]] bool interrupted() const { return stop_.stop_requested(); }
  [[nodiscard]] const std::stop_token& stop() const { return stop_; }

  // Reads the configuration. What is wrong when it does not hold; `missing` when there is none.
  std::expected<config::Config, config::LoadFailure> read_config(std::optional<Error>& missing);

  // The manager with the configuration's tasks; a configuration that does not hold ends the command.
  std::expected<Manager*, int> open_manager();
  // The same for commands about the past, which need no configuration: without a good one they go on, and say
  // so where it was named on the command line.
  std::expected<Manager*, int> open_manager_for_the_past();
  std::expected<Manager*, int> open_manager_with(const config::Config& config);
  // Beside the one of open_manager: with a plugin's file in the place of the installed one. It plans only.
  std::expected<Manager, int> make_trial_manager(const std::string& plugin_file);

  std::expected<ManagerOptions, int> manager_options();
  std::vector<DoctorRow> examine_host() { return backend_.examine_host(); }

  // "latest", an id or a prefix, to an id.
  std::expected<std::string, int> resolve_run(IHistory& history, const std::string& text);
  // Names to handles; none: no names.
  std::expected<std::vector<CleanupHandle>, int> find_tasks(IRuns& runs,
                                                            const std::vector<std::string>& names);

  // Text for people, unless --json or --quiet.
  void say(std::string_view text);
  // One object for machines; only with --json. False once nobody reads.
  bool put(const report::Json& object);
  // On stderr, and with --json an `error` object too. Returns the exit code.
  int tell(const Error& error);
  int tell_usage(const std::string& what, const std::string& suggestion);
  // Why there is no plan. Unknown names and circles in `after` and `requires` are shown where they were written.
  int tell_no_plan(const Error& error);

 private:
  void tell_config_errors(config::LoadFailure failure);
  void tell_report(const report::CheckReport& report);

  const GlobalOptions options_;
  Console& console_;
  const Backend backend_;
  const std::stop_token stop_;

  config::Config config_;  // of open_manager
  Manager manager_;
};

}  // namespace freshet::cli

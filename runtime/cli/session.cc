#include "runtime/cli/session.h"

#include <algorithm>
#include <filesystem>

#include "runtime/base/bytes.h"
#include "runtime/base/log.h"
#include "runtime/cli/config_check.h"
#include "runtime/cli/exit_codes.h"
#include "runtime/cli/places.h"
#include "runtime/base/suggest.h"
#include "runtime/policy/codes.h"
#include "runtime/report/text.h"

namespace freshet::cli {
namespace {

// Without --log-level, --verbose shows what is done.
std::string level_of(const GlobalOptions& options, const config::LogConfig& config) {
  if (options.log_level) return *options.log_level;
  if (options.verbose) return "info";
  if (options.quiet) return "error";
  return config.level;
}

Result<std::vector<std::string>> plugin_dirs_of(const GlobalOptions& options) {
  std::vector<std::string> dirs;
  for (const std::string& given : options.plugin_dirs) {
    std::error_code error;
    std::string real = std::filesystem::canonical(given, error).string();
    if (error)
      return fail(ErrorKind::missing, "--plugin-dir " + escape_bytes(given) + ": " + error.message());
    dirs.push_back(std::move(real));
  }
  for (std::string& dir : find_plugin_dirs()) dirs.push_back(std::move(dir));
  return dirs;
}

}  // namespace

Session::Session(GlobalOptions options, Console& console, Backend backend, std::stop_token stop)
    : options_(std::move(options)), console_(console), backend_(std::move(backend)), stop_(std::move(stop)) {
  if (options_.no_color) console_.forbid_colour();
  if (!options_.quiet && !options_.json) console_.show_progress();
}

Session::~Session() {
  manager_ = {};
  (void)setup_logging({});  // the log's lines went through the console, which may be gone soon
}

std::expected<config::Config, config::LoadFailure> Session::read_config(std::optional<Error>& missing) {
  auto files = config::find_config_files(options_.config);
  if (!files) {
    missing = std::move(files.error());
    return std::unexpected(config::LoadFailure{});
  }
  return config::load_in_part({.files = std::move(*files)});
}

std::expected<Manager*, int> Session::open_manager() {
  std::optional<Error> missing;
  auto config = read_config(missing);
  if (missing) return std::unexpected(tell(*missing));
  if (!config) {
    tell_config_errors(std::move(config.error()));
    return std::unexpected(kFailed);
  }
  config_ = std::move(*config);
  return open_manager_with(config_);
}

std::expected<Manager*, int> Session::open_manager_for_the_past() {
  std::optional<Error> missing;
  const auto config = read_config(missing);
  if (config) return open_manager_with(*config);
  if (options_.config) {
    console_.err("note: the configuration is not used: " +
                 (missing                  ? missing->what
                  : config.error().diagnostics.empty() ? "it does not hold"
                                                       : config.error().diagnostics.front().what) +
                 "\n");
  }
  return open_manager_with({});
}

std::expected<Manager*, int> Session::open_manager_with(const config::Config& config) {
  const LogOptions log{.level = level_of(options_, config.log),
                       .file = options_.log_file.value_or(config.log.file),
                       .json = config.log.json,
                       // It knows of the progress line, which a line of the log must not run into.
                       .write = [&console = console_](std::string_view line) { console.err(line); }};
  if (auto ready = setup_logging(log); !ready) return std::unexpected(tell(ready.error()));
  auto options = manager_options();
  if (!options) return std::unexpected(options.error());
  auto manager = backend_.make_manager(config, std::move(*options));
  if (!manager) return std::unexpected(tell(manager.error()));
  manager_ = std::move(*manager);
  return &manager_;
}

std::expected<Manager, int> Session::make_trial_manager(const std::string& plugin_file) {
  auto options = manager_options();
  if (!options) return std::unexpected(options.error());
  options->trial_plugin = plugin_file;
  auto manager = backend_.make_manager(config_, std::move(*options));
  if (!manager) return std::unexpected(tell(manager.error()));
  return std::move(*manager);
}

std::expected<ManagerOptions, int> Session::manager_options() {
  ManagerOptions options;
  if (options_.state_dir) {
    std::error_code error;
    options.state_dir = std::filesystem::absolute(*options_.state_dir, error).lexically_normal().string();
    while (options.state_dir.size() > 1 && options.state_dir.ends_with('/')) options.state_dir.pop_back();
  } else {
    auto found = find_state_dir();
    if (!found) return std::unexpected(tell(found.error()));
    options.state_dir = std::move(*found);
  }
  auto dirs = plugin_dirs_of(options_);
  if (!dirs) return std::unexpected(tell(dirs.error()));
  options.plugin_dirs = std::move(*dirs);
  options.on_progress = [&console = console_](const Progress& progress) { console.progress(progress); };
  options.stop = stop_;
  return options;
}

std::expected<std::string, int> Session::resolve_run(IHistory& history, const std::string& text) {
  auto id = history.resolve_run(text);
  if (!id) return std::unexpected(tell(id.error()));
  return std::move(*id);
}

std::expected<std::vector<CleanupHandle>, int> Session::find_tasks(IRuns& runs,
                                                                   const std::vector<std::string>& names) {
  const std::vector<IRuns::TaskEntry> tasks = runs.tasks();
  std::vector<std::string_view> known;
  for (const IRuns::TaskEntry& task : tasks) known.push_back(task.name);
  std::vector<CleanupHandle> handles;
  for (const std::string& name : names) {
    const auto found = std::ranges::find(tasks, name, &IRuns::TaskEntry::name);
    if (found == tasks.end()) {
      return std::unexpected(
          tell_usage("no task is named `" + escape_bytes(name) + "`", suggest(name, known, true)));
    }
    if (!found->enabled) {
      return std::unexpected(
          tell({ErrorKind::invalid, "", "task `" + name + "` is disabled in the configuration",
                "Remove its `enabled = false`, or leave it out."}));
    }
    handles.push_back(found->handle);
  }
  return handles;
}

void Session::say(std::string_view text) {
  if (!json() && !quiet()) console_.out(text);
}

bool Session::put(const report::Json& object) {
  return json() && console_.out(report::line_of(object));
}

int Session::tell(const Error& error) {
  console_.err(report::error_text(error, console_.err_style()));
  if (json()) put({{"object", "error"}, {"error", report::error_json(error)}});
  return exit_code_of(error);
}

int Session::tell_usage(const std::string& what, const std::string& suggestion) {
  tell({ErrorKind::invalid, "", what, suggestion});
  return kUsage;
}

int Session::tell_no_plan(const Error& error) {
  report::CheckReport report;
  if (policy::is_configuration_fault(error.code)) {
    check_tasks(report, manager_, config_);
    report.tasks.clear();
  }
  if (report.diagnostics.empty()) return tell(error);
  tell_report(report);
  return exit_code_of(error);
}

void Session::tell_config_errors(config::LoadFailure failure) {
  tell_report(explain_failure(*this, std::move(failure)));
}

void Session::tell_report(const report::CheckReport& report) {
  console_.err(report::check_text(report, console_.err_style()));
  if (!json()) return;
  const report::Json checked = report::check_json(report);
  put({{"object", "error"},
       {"error", report::error_json({ErrorKind::invalid, "", "the configuration has errors", ""})},
       {"diagnostics", checked["diagnostics"]},
       {"tasks", checked["tasks"]}});
}

}  // namespace freshet::cli

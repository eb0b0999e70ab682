#pragma once

#include <functional>
#include <string>
#include <string_view>

#include "runtime/base/error.h"

namespace freshet {

struct LogOptions {
  std::string level = "warn";  // debug, info, warn, error or off
  std::string file{};          // appended to; empty: stderr, or `write`
  bool json = false;           // one JSON object a line
  // Takes each line, its newline included, in place of stderr; called by one thread at a time, until the next
  // setup_logging has returned.
  std::function<void(std::string_view)> write{};
};

// Sets up what all log_* functions write to. Call once, before other threads log; without it they write warnings to
// stderr. Errors: kind `invalid` (level), `system` (the file cannot be opened; it is named).
Status setup_logging(const LogOptions& options);

// What a line is about; parts that are not known stay empty: `-` in text, "" in JSON.
struct LogContext {
  std::string run{};
  std::string channel{};
  std::string task{};
};

enum class LogLevel { debug, info, warn, error };

// One line of our own. A newline or a control character in it is shown escaped; names in it are escaped by the caller
// (escape_bytes), whose backslashes stay as they are. Thread-safe; never throws and never fails.
void log_line(LogLevel level, const LogContext& context, std::string_view text);
inline void log_debug(const LogContext& context, std::string_view text) { log_line(LogLevel::debug, context, text); }
inline void log_info(const LogContext& context, std::string_view text) { log_line(LogLevel::info, context, text); }
inline void log_warn(const LogContext& context, std::string_view text) { log_line(LogLevel::warn, context, text); }
inline void log_error(const LogContext& context, std::string_view text) { log_line(LogLevel::error, context, text); }

// One line of a plugin: escaped, cut at kMaxPluginText bytes and marked as the plugin's.
inline constexpr std::size_t kMaxPluginText = 1024;
void log_plugin(const LogContext& context, LogLevel level, std::string_view text);

}  // namespace freshet

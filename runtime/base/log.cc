// spdlog lives in this file alone: the role executable links the rest of this layer, and must not get it.
#include "runtime/base/log.h"

#include <fcntl.h>
#include <spdlog/sinks/base_sink.h>
#include <spdlog/sinks/basic_file_sink.h>
#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

#include <atomic>
#include <cstdio>
#include <memory>
#include <mutex>
#include <utility>

#include "runtime/base/bytes.h"
#include "runtime/base/fd.h"

namespace freshet {
namespace {

// Our own name in spdlog's registry: an embedding program may use spdlog's default logger for itself.
constexpr const char* kTextLogger = "freshet";
constexpr const char* kJsonLogger = "freshet-json";

spdlog::level::level_enum spdlog_level(LogLevel level) {
  switch (level) {
    case LogLevel::debug:
      return spdlog::level::debug;
    case LogLevel::info:
      return spdlog::level::info;
    case LogLevel::warn:
      return spdlog::level::warn;
    case LogLevel::error:
      return spdlog::level::err;
  }
  return spdlog::level::err;
}

// escape_bytes, but for backslashes: what has been escaped already stays readable.
std::string one_line(std::string_view text) {
  std::string out;
  for (std::size_t from = 0;;) {
    const std::size_t backslash = text.find('\\', from);
    out += escape_bytes(text.substr(from, backslash - from));
    if (backslash == std::string_view::npos) return out;
    out += '\\';
    from = backslash + 1;
  }
}

// `printable` is UTF-8 without control characters, so that two characters are left to care for.
void append_json(std::string& out, std::string_view key, std::string_view printable) {
  out += ",\"";
  out += key;
  out += "\":\"";
  for (const char c : printable) {
    if (c == '"' || c == '\\') out += '\\';
    out += c;
  }
  out += '"';
}

void append_text(std::string& out, std::string_view key, const std::string& value) {
  (((out += key) += '=') += value.empty() ? "-" : one_line(value)) += ' ';
}

// Hands finished lines to whoever else writes to the terminal.
class WriterSink final : public spdlog::sinks::base_sink<std::mutex> {
 public:
  explicit WriterSink(std::function<void(std::string_view)> write) : write_(std::move(write)) {}

 private:
  void sink_it_(const spdlog::details::log_msg& message) override {
    spdlog::memory_buf_t line;
    formatter_->format(message, line);
    write_({line.data(), line.size()});
  }
  void flush_() override {}

  std::function<void(std::string_view)> write_;
};

std::shared_ptr<spdlog::logger> find_logger() {
  if (auto text = spdlog::get(kTextLogger)) return text;
  return spdlog::get(kJsonLogger);
}

// What was set up, or else the default one: made by whoever needs it first, while the others wait for it.
std::shared_ptr<spdlog::logger> need_logger() {
  static std::mutex making;
  if (auto known = find_logger()) return known;
  const std::lock_guard<std::mutex> lock(making);
  std::shared_ptr<spdlog::logger> logger = find_logger();
  if (!logger && setup_logging({})) logger = find_logger();
  return logger;
}

void write(LogLevel level, const LogContext& context, std::string_view printable, bool plugin) {
  const std::shared_ptr<spdlog::logger> logger = need_logger();
  if (!logger || !logger->should_log(spdlog_level(level))) return;
  std::string line;
  if (logger->name() == kJsonLogger) {
    append_json(line, "run", one_line(context.run));
    append_json(line, "channel", one_line(context.channel));
    append_json(line, "task", one_line(context.task));
    if (plugin) line += ",\"plugin\":true";
    append_json(line, "text", printable);
  } else {
    append_text(line, "run", context.run);
    append_text(line, "channel", context.channel);
    append_text(line, "task", context.task);
    if (plugin) line += "plugin says: ";
    line += printable;
  }
  logger->log(spdlog_level(level), spdlog::string_view_t(line.data(), line.size()));
}

}  // namespace

Status setup_logging(const LogOptions& options) {
  const spdlog::level::level_enum level = spdlog::level::from_str(options.level);
  // from_str gives `off` for a word it does not know.
  if (level == spdlog::level::off && options.level != "off") {
    return fail(ErrorKind::invalid, "unknown log level `" + escape_bytes(options.level) + "`",
                "levels are debug, info, warn, error and off");
  }
  if (!options.file.empty()) {
    // spdlog would make missing directories and wait for the reader of a fifo.
    const Fd fd(::open(options.file.c_str(),
                       O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NONBLOCK | O_NOCTTY, 0640));
    if (!fd) return fail_errno("opening the log file " + escape_bytes(options.file));
  }
  try {
    spdlog::sink_ptr sink;
    if (!options.file.empty())
      sink = std::make_shared<spdlog::sinks::basic_file_sink_mt>(options.file);
    else if (options.write)
      sink = std::make_shared<WriterSink>(options.write);
    else
      sink = std::make_shared<spdlog::sinks::stderr_sink_mt>();
    auto logger = std::make_shared<spdlog::logger>(options.json ? kJsonLogger : kTextLogger, std::move(sink));
    logger->set_level(level);
    logger->set_error_handler([write = options.write, told = std::make_shared<std::atomic<bool>>(false)](const std::string& what) {
      if (told->exchange(true)) return;
      const std::string line = "warning: lines of the log are lost: " + escape_bytes(what) + "\n";
      if (write) return write(line);
      std::fputs(line.c_str(), stderr);
    });
    logger->flush_on(spdlog::level::debug);  // a crash loses no line
    logger->set_pattern(
        options.json ? R"({"time":"%Y-%m-%dT%H:%M:%S.%eZ","level":"%l"%v})" : "%Y-%m-%dT%H:%M:%S.%eZ %l %v",
        spdlog::pattern_time_type::utc);
    spdlog::drop(kTextLogger);
    spdlog::drop(kJsonLogger);
    spdlog::register_logger(std::move(logger));
  } catch (const std::exception& error) {
    return fail(ErrorKind::system, "opening the log file " + escape_bytes(options.file),
                escape_bytes(error.what()));
  }
  return {};
}

void log_line(LogLevel level, const LogContext& context, std::string_view text) {
  try {
    write(level, context, one_line(text), false);
  } catch (...) {
    // No memory: a line of the log is not worth the run.
  }
}

void log_plugin(const LogContext& context, LogLevel level, std::string_view text) {
  try {
    const bool cut = text.size() > kMaxPluginText;
    write(level, context, escape_bytes(text.substr(0, kMaxPluginText)) + (cut ? "…" : ""), true);
  } catch (...) {
    // As above.
  }
}

}  // namespace freshet

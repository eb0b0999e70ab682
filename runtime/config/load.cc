#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <exception>
#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "runtime/base/bytes.h"
#include "runtime/base/fd.h"
#include "runtime/config/channel_reader.h"
#include "runtime/config/config.h"
#include "runtime/config/generated_channels.h"
#include "runtime/config/names.h"
#include "runtime/config/permission_reader.h"
#include "runtime/config/ranges.h"
#include "runtime/base/suggest.h"
#include "runtime/config/table_reader.h"
#include "runtime/config/task_reader.h"

namespace freshet::config {
namespace {

constexpr std::size_t kMaxFileBytes = 1 << 20;

// The whole file, or a report and none.
std::optional<std::string> read_file(const std::string& file, Reporter& reporter) {
  const auto refuse = [&](std::string what, std::string suggestion = {}) {
    Position position;
    position.file = file;
    reporter.add(position, std::move(what), std::move(suggestion));
    return std::nullopt;
  };
  // O_NONBLOCK: a fifo must not hang us before its type is known.
  const Fd fd(::open(file.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY));
  if (!fd) return refuse("cannot be opened: " + errno_text(errno));
  struct stat info {};
  if (::fstat(fd.get(), &info) != 0) return refuse("cannot be read: " + errno_text(errno));
  if (!S_ISREG(info.st_mode)) return refuse("is not a regular file");
  std::string text(kMaxFileBytes + 1, '\0');
  std::size_t length = 0;
  while (length < text.size()) {
    const ssize_t got = ::read(fd.get(), text.data() + length, text.size() - length);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return refuse("cannot be read: " + errno_text(errno));
    if (got == 0) break;
    length += static_cast<std::size_t>(got);
  }
  text.resize(length);  // one byte more than kMaxFileBytes says that there are more
  return text;
}

// Gathers what all files say; the files are parsed and forgotten one after the other.
class Loader {
 public:
  void read(const std::string& file) {
    if (auto text = read_file(file, reporter_)) {
      read_text(file, std::move(*text));
    } else {
      config_.files.push_back(file);
      incomplete_ = true;
    }
  }

  void read_text(const std::string& file, std::string text) {
    config_.files.push_back(file);
    std::optional<Document> document;
    if (text.size() <= kMaxFileBytes) {
      document = Document::parse(SourceText(file, std::move(text)), reporter_);
    } else {
      Position position;
      position.file = file;
      reporter_.add(position, "is larger than 1 MiB", "spread it over files in conf.d");
    }
    if (document)
      read_document(*document);
    else
      incomplete_ = true;
  }

  std::expected<Config, LoadFailure> finish() {
    generate_channels(drafts_, config_.channels, reporter_);
    check_channels_of_tasks();
    if (!reporter_.empty()) return std::unexpected(take_failure());
    for (auto& [name, draft] : drafts_) config_.tasks.emplace(name, std::move(draft.task));
    return std::move(config_);
  }

 private:
  void read_document(const Document& document) {
    TableReader top(document, document.root(), "the file", reporter_);
    read_channels(top);
    read_tasks(top);
    read_hooks(top);
    std::optional<Isolation> isolation;
    read_isolation(top, isolation);
    if (isolation && once(top, "isolation", "isolation")) config_.isolation = *isolation;
    read_sandbox(top);
    read_policy(top);
    read_log(top);
    top.finish();
  }

  // Calls each(name, value) for every good name below `section` whose value is a table.
  template <class Each>
  void for_each_named(TableReader& top, std::string_view section, Each each) {
    const TomlValue* value = top.read_table(section);
    if (value == nullptr) return;
    for (const auto& [name, member] : value->as_table()) {
      const Position position = top.document().position_of_key(name, member);
      const std::string what = std::string(section) + " `" + ellipsize(escape_bytes(name), 100) + "`";
      if (!is_name(name)) {
        reporter_.add(position, what + " has a bad name", std::string(kNameRule));
      } else if (!member.is_table()) {
        reporter_.add(position, what + " must be a table, not " + std::string(type_name(member)),
                      "write [" + std::string(section) + "." + name + "] and its keys below it");
      } else {
        each(name, member, position);
      }
    }
  }

  void refuse_duplicate(const Position& position, const std::string& what, const Position& first) {
    reporter_.add(position, what + " is defined twice; first at " + to_string(first),
                  "remove one, or rename it");
  }

  void read_channels(TableReader& top) {
    for_each_named(top, "channel",
                   [&](const std::string& name, const TomlValue& value, const Position& position) {
                     if (const auto known = config_.channels.find(name); known != config_.channels.end()) {
                       refuse_duplicate(position, "channel `" + name + "`", known->second.position);
                     }
                     TableReader reader(top.document(), value, "channel `" + name + "`", reporter_);
                     ChannelConfig channel;
                     channel.name = name;
                     channel.position = position;
                     read_channel_keys(reader, channel);
                     reader.finish();
                     if (reader.find("roots") == nullptr && channel.ipc.empty()) rootless_.insert(name);
                     config_.channels.try_emplace(name, std::move(channel));
                   });
  }

  void read_tasks(TableReader& top) {
    for_each_named(top, "task",
                   [&](const std::string& name, const TomlValue& value, const Position& position) {
                     if (const auto known = drafts_.find(name); known != drafts_.end()) {
                       refuse_duplicate(position, "task `" + name + "`", known->second.task.position);
                     }
                     drafts_.try_emplace(name, read_task(top.document(), name, value, reporter_));
                   });
  }

  void read_hooks(TableReader& top) {
    for_each_named(top, "hook", [&](const std::string& name, const TomlValue& value, const Position& position) {
      if (const auto known = config_.hooks.find(name); known != config_.hooks.end())
        refuse_duplicate(position, "hook `" + name + "`", known->second.position);
      config_.hooks.try_emplace(name, read_hook(top.document(), name, value, reporter_));
    });
  }

  // True the first time that this key is set in any file; `path` is its full name.
  bool once(TableReader& table, std::string_view key, const std::string& path) {
    const TomlValue* value = table.find(key);
    if (value == nullptr) return false;
    const Position position = table.position_of_key(key, *value);
    const auto [known, first] = set_once_.emplace(path, position);
    if (!first) refuse_duplicate(position, "`" + path + "`", known->second);
    return first;
  }

  void read_sandbox(TableReader& top) {
    const TomlValue* value = top.read_table("sandbox");
    if (value == nullptr) return;
    TableReader sandbox(top.document(), *value, "[sandbox]", reporter_);
    const auto base = sandbox.read_count("uid-base", kLeastUidBase, kMostUidBase);
    if (once(sandbox, "uid-base", "sandbox.uid-base") && base) {
      config_.uid_base = static_cast<std::uint32_t>(*base);
      config_.uid_base_position = set_once_.at("sandbox.uid-base");
    }
    sandbox.finish();
  }

  void read_policy(TableReader& top) {
    const TomlValue* value = top.read_table("policy");
    if (value == nullptr) return;
    TableReader policy(top.document(), *value, "[policy]", reporter_);
    PolicyConfig& out = config_.policy;
    once(policy, "lockfile", "policy.lockfile");
    policy.read_choice("lockfile", {{"off", LockfilePolicy::off}, {"require", LockfilePolicy::require}},
                       out.lockfile);
    once(policy, "signatures", "policy.signatures");
    policy.read_choice("signatures",
                       {{"off", SignaturePolicy::off},
                        {"warn", SignaturePolicy::warn},
                        {"require", SignaturePolicy::require}},
                       out.signatures);
    once(policy, "native-tasks", "policy.native-tasks");
    policy.read_choice("native-tasks", {{"allow", true}, {"deny", false}}, out.native_tasks);
    policy.finish();
  }

  void read_log(TableReader& top) {
    const TomlValue* value = top.read_table("log");
    if (value == nullptr) return;
    TableReader log(top.document(), *value, "[log]", reporter_);
    LogConfig& out = config_.log;
    once(log, "level", "log.level");
    log.read_choice(
        "level", {{"debug", "debug"}, {"info", "info"}, {"warn", "warn"}, {"error", "error"}, {"off", "off"}},
        out.level);
    const bool first = once(log, "file", "log.file");
    log.read_string("file", out.file);
    if (const TomlValue* file = log.find("file"); first && file->is_string()) {
      PathProblem problem = check_absolute_path(out.file);
      if (!problem.why.empty()) log.refuse("file", *file, problem.why, std::move(problem.remedy));
    }
    once(log, "json", "log.json");
    log.read_bool("json", out.json);
    log.finish();
  }

  LoadFailure take_failure() {
    LoadFailure failure;
    failure.diagnostics = reporter_.take(config_.files);
    Config& out = failure.rest;
    out.isolation = config_.isolation;
    out.uid_base = config_.uid_base;
    out.files = config_.files;
    for (auto& [name, draft] : drafts_) {
      if (!draft.whole) failure.doubtful.insert(name);
      TaskConfig task = std::move(draft.task);
      task.channel = name;
      task.roots.clear();
      task.quarantine_mode.reset();
      task.hooks = {};
      for (auto* names : {&task.after, &task.requires_}) {
        std::erase_if(*names, [&](const std::string& other) {
          return incomplete_ || other == task.name || !is_name(other);
        });
      }
      ChannelConfig channel;
      channel.name = name;
      channel.position = task.position;
      channel.generated = true;
      out.channels.emplace(name, std::move(channel));
      out.tasks.emplace(name, std::move(task));
    }
    return failure;
  }

  void check_channels_of_tasks() {
    std::vector<std::string_view> names;
    for (const auto& [name, channel] : config_.channels) {
      if (!channel.generated) names.push_back(name);
    }
    for (const auto& [name, draft] : drafts_) {
      const TaskConfig& task = draft.task;
      if (draft.own || task.channel.empty()) continue;
      const auto written = task.key_positions.find("channel");
      const Position& position = written == task.key_positions.end() ? task.position : written->second;
      const auto channel = config_.channels.find(task.channel);
      const bool declared = channel != config_.channels.end() && !channel->second.generated;
      // A file that could not be read may be the one that declares it.
      if (!declared && !incomplete_) {
        reporter_.add(position,
                      "task `" + name + "` names the channel `" + ellipsize(escape_bytes(task.channel), 100) +
                          "`, which is not declared",
                      suggest(task.channel, names, true));
      } else if (declared && rootless_.contains(task.channel)) {
        reporter_.add(
            channel->second.position,
            "channel `" + task.channel + "` has no `roots`, but task `" + name + "` is to work in it",
            "write roots = [{ path = \"/..\" }]");
      }
    }
  }

  Config config_;
  Reporter reporter_;
  std::map<std::string, TaskDraft> drafts_;
  std::map<std::string, Position> set_once_;
  std::set<std::string> rootless_;  // channels without the key; native tasks need no roots
  bool incomplete_ = false;         // a file could not be read or parsed
};

// toml11 and the standard library throw; no exception leaves this layer.
template <class Read>
std::expected<Config, LoadFailure> guarded(Read read) {
  try {
    Loader loader;
    read(loader);
    return loader.finish();
  } catch (const std::exception& error) {
    return std::unexpected(
        LoadFailure{{Diagnostic{{}, "reading the configuration: " + std::string(error.what()), {}, {}}}, {}, {}});
  }
}

std::expected<Config, std::vector<Diagnostic>> whole(std::expected<Config, LoadFailure> loaded) {
  if (!loaded) return std::unexpected(std::move(loaded.error().diagnostics));
  return std::move(*loaded);
}

}  // namespace

std::expected<Config, LoadFailure> load_in_part(const LoadOptions& options) {
  return guarded([&](Loader& loader) {
    for (const std::string& file : options.files) loader.read(file);
  });
}

std::expected<Config, std::vector<Diagnostic>> load(const LoadOptions& options) {
  return whole(load_in_part(options));
}

std::expected<Config, std::vector<Diagnostic>> load_texts(const std::vector<NamedText>& texts) {
  return whole(guarded([&](Loader& loader) {
    for (const NamedText& named : texts) loader.read_text(named.file, named.text);
  }));
}

}  // namespace freshet::config

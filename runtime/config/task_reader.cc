#include "runtime/config/task_reader.h"

#include <algorithm>
#include <utility>

#include "runtime/base/bytes.h"
#include "runtime/config/channel_reader.h"
#include "runtime/config/names.h"
#include "runtime/config/permission_reader.h"

namespace freshet::config {
namespace {

constexpr std::string_view kSettingRule = "a setting is true or false, a number, a string or a list of these";

std::optional<SettingValue> read_setting(TableReader& settings, const std::string& key,
                                         const TomlValue& value) {
  SettingValue out;
  out.position = settings.document().position_of(value);
  switch (value.type()) {
    case toml::value_t::boolean:
      out.value = value.as_boolean();
      return out;
    case toml::value_t::floating:
      out.value = value.as_floating();
      return out;
    case toml::value_t::string:
      out.value = value.as_string().str;
      return out;
    case toml::value_t::integer: {
      const auto number = settings.document().exact_integer(value);
      if (!number) {
        settings.refuse(key, value, "is too large a number");
        return std::nullopt;
      }
      out.value = *number;
      return out;
    }
    case toml::value_t::array: {
      std::vector<SettingValue> members;
      for (const TomlValue& member : value.as_array()) {
        if (auto read = read_setting(settings, key, member)) members.push_back(std::move(*read));
      }
      out.value = std::move(members);
      return out;
    }
    default:
      break;
  }
  settings.refuse(key, value, "cannot be " + std::string(type_name(value)), std::string(kSettingRule));
  return std::nullopt;
}

void read_settings(TableReader& reader, std::map<std::string, SettingValue>& out) {
  const TomlValue* value = reader.read_table("settings");
  if (value == nullptr) return;
  TableReader settings(reader.document(), *value, "`settings` of " + reader.what(), reader.reporter());
  for (const auto& [key, member] : value->as_table()) {
    if (auto setting = read_setting(settings, key, member)) {
      // Errors about a setting point at its key: that is what people look for.
      setting->position = settings.position_of_key(key, member);
      out.emplace(key, std::move(*setting));
    }
  }
}

void read_names(TableReader& reader, std::string_view key, const std::string& own_name,
                std::vector<std::string>& out, std::map<std::string, Position>& positions) {
  const TomlValue* value = reader.find(key);
  reader.read_strings(key, out);
  if (value == nullptr || !value->is_array()) return;
  std::vector<std::string_view> seen;
  for (const TomlValue& member : value->as_array()) {
    if (!member.is_string()) continue;
    const std::string& name = member.as_string().str;
    const std::string shown = "`" + ellipsize(escape_bytes(name), 100) + "`";
    if (!is_name(name))
      reader.refuse(key, member, "cannot hold " + shown, std::string(kNameRule));
    else if (name == own_name)
      reader.refuse(key, member, "names the task itself");
    else if (std::find(seen.begin(), seen.end(), name) != seen.end())
      reader.refuse(key, member, "names " + shown + " twice");
    seen.push_back(name);
    positions.try_emplace(name, reader.document().position_of(member));
  }
}

void read_plugin(TableReader& reader, TaskConfig& task) {
  const TomlValue* value = reader.find("plugin");
  reader.read_string("plugin", task.plugin);
  if (value == nullptr) {
    reader.reporter().add(
        task.position, reader.what() + " has no `plugin`",
        "write plugin = \"org.freshet.expired-files\", or what `freshet plugins list` shows");
  } else if (value->is_string() && !is_plugin_id(task.plugin)) {
    reader.refuse("plugin", *value, "is no plugin id: `" + ellipsize(escape_bytes(task.plugin), 150) + "`",
                  "ids are lower-case domain names in reverse, as in \"org.freshet.expired-files\"");
  }
}

// A task in a declared channel may change the quarantine's mode and nothing else of the channel.
void read_override(TableReader& reader, TaskConfig& task) {
  for (const std::string_view key : kChannelKeys) {
    if (key == "quarantine" || key == "roots") continue;
    const TomlValue* value = reader.find(key);
    if (value == nullptr) continue;
    reader.reporter().add(reader.position_of_key(key, *value),
                          "`" + std::string(key) + "` of " + reader.what() + " belongs to its channel",
                          "write it in [channel." + escape_bytes(task.channel) + "]");
  }
  const TomlValue* value = reader.read_table("quarantine");
  if (value == nullptr) return;
  TableReader quarantine(reader.document(), *value, "`quarantine` of " + reader.what(), reader.reporter());
  read_quarantine_mode(quarantine, task.quarantine_mode);
  for (const std::string_view key : {"keep", "max", "at"}) {
    const TomlValue* member = quarantine.find(key);
    if (member == nullptr) continue;
    reader.reporter().add(
        quarantine.position_of_key(key, *member),
        "`" + std::string(key) + "` of `quarantine` of " + reader.what() + " belongs to its channel",
        "write it in [channel." + escape_bytes(task.channel) + "]; a task may change `mode` only");
  }
  quarantine.finish();
}

void read_place(TableReader& reader, TaskDraft& draft) {
  const TomlValue* channel = reader.find("channel");
  const TomlValue* roots = reader.find("roots");
  if (channel != nullptr) {
    reader.read_string("channel", draft.task.channel);
    if (roots != nullptr) {
      reader.reporter().add(reader.position_of_key("roots", *roots),
                            reader.what() + " has both `channel` and `roots`",
                            "leave one out: with a channel, the roots are the channel's");
    }
    read_override(reader, draft.task);
    return;
  }
  if (roots == nullptr) {
    reader.reporter().add(draft.task.position, reader.what() + " has no `roots` and no `channel`",
                          "write roots = [{ path = \"/..\" }], or the name of a channel");
  }
  ChannelConfig own;
  own.name = draft.task.name;
  own.position = draft.task.position;
  own.generated = true;
  read_channel_keys(reader, own);
  draft.task.roots = own.roots;
  // The mode is the one thing that tasks of a generated channel may have each for itself.
  if (const TomlValue* quarantine = reader.find("quarantine");
      quarantine != nullptr && quarantine->is_table() && quarantine->as_table().contains("mode")) {
    draft.task.quarantine_mode = std::exchange(own.quarantine.mode, QuarantineMode::keep);
  }
  draft.own = std::move(own);
}

}  // namespace

TaskDraft read_task(const Document& document, const std::string& name, const TomlValue& value,
                    Reporter& reporter) {
  TableReader reader(document, value, "task `" + escape_bytes(name) + "`", reporter);
  TaskDraft draft;
  TaskConfig& task = draft.task;
  task.name = name;
  task.position = document.position_of_key(name, value);
  task.key_positions = reader.key_positions();
  const std::size_t errors = reporter.count();
  read_plugin(reader, task);
  if (const TomlValue* kind = reader.find("task"); kind != nullptr) {
    task.kind.emplace();
    reader.read_string("task", *task.kind);
  }
  read_settings(reader, task.settings);
  draft.whole = reporter.count() == errors;
  reader.read_bool("enabled", task.enabled);
  read_names(reader, "after", name, task.after, task.dependency_positions);
  read_names(reader, "requires", name, task.requires_, task.dependency_positions);
  read_place(reader, draft);
  read_task_hooks(reader, task.hooks);
  reader.read_bool("guard", task.guard);
  reader.read_choice("on-failure", {{"rollback", OnFailure::rollback}, {"keep", OnFailure::keep}},
                     task.on_failure);
  reader.finish();
  return draft;
}

}  // namespace freshet::config

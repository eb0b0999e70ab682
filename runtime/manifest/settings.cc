#include "runtime/manifest/settings.h"

#include <algorithm>
#include <cmath>
#include <string_view>
#include <tuple>
#include <utility>

#include "runtime/base/bytes.h"
#include "runtime/base/units.h"
#include "runtime/base/suggest.h"

namespace freshet::manifest {
namespace {

using config::Diagnostic;
using config::SettingValue;

std::string shown(std::string_view text) {
  return "`" + ellipsize(escape_bytes(text), 100) + "`";
}

std::string_view kind_of(const SettingValue& value) {
  constexpr std::string_view kNames[] = {"a boolean", "an integer", "a decimal number", "a string", "a list"};
  return kNames[value.value.index()];
}

std::string_view wanted(SettingType type) {
  switch (type) {
    case SettingType::boolean:
      return "true or false";
    case SettingType::integer:
      return "a whole number";
    case SettingType::number:
      return "a number";
    case SettingType::string:
      return "a string";
    case SettingType::duration:
      return "a duration like \"30d\"";
    case SettingType::size:
      return "a size like \"2.5GiB\"";
    case SettingType::list_of_strings:
      return "a list of strings";
  }
  return "another type";
}

std::string number_text(SettingType type, double value) {
  if (type == SettingType::duration) return "\"" + format_duration(static_cast<std::int64_t>(value)) + "\"";
  if (type == SettingType::size) return "\"" + format_size(static_cast<std::uint64_t>(value)) + "\"";
  std::string out = std::to_string(value);
  if (out.find('.') != std::string::npos) {
    while (out.ends_with('0')) out.pop_back();
    if (out.ends_with('.')) out.pop_back();
  }
  return out;
}

// Types one task's settings; gathers what does not fit.
class Typer {
 public:
  Typer(const TaskKind& kind, const config::TaskConfig& task) : kind_(kind), task_(task) {}

  std::expected<TypedSettings, std::vector<Diagnostic>> run() {
    TypedSettings out;
    for (const SettingSchema& schema : kind_.settings) {
      const auto given = task_.settings.find(schema.name);
      if (given != task_.settings.end()) {
        if (auto value = type_value(schema, given->second)) out.emplace_back(schema.name, std::move(*value));
      } else if (schema.default_value) {
        out.emplace_back(schema.name, *schema.default_value);
      } else {
        refuse_missing(schema);
      }
    }
    refuse_unknown();
    if (diagnostics_.empty()) return out;
    std::ranges::sort(diagnostics_, {}, [](const Diagnostic& wrong) {
      return std::tuple(wrong.position.line, wrong.position.column, std::string_view(wrong.what));
    });
    return std::unexpected(std::move(diagnostics_));
  }

 private:
  void refuse(const config::Position& position, std::string what, std::string suggestion = {}) {
    diagnostics_.push_back({position, std::move(what), config::excerpt(position), std::move(suggestion)});
  }
  void refuse_value(const SettingSchema& schema, const SettingValue& value, std::string_view why,
                    std::string suggestion = {}) {
    refuse(value.position, "setting `" + schema.name + "` of task `" + task_.name + "` " + std::string(why),
           std::move(suggestion));
  }

  void refuse_missing(const SettingSchema& schema) {
    const auto settings = task_.key_positions.find("settings");
    std::string help = "it is " + std::string(wanted(schema.type));
    if (!schema.doc.empty()) help += ": " + ellipsize(escape_bytes(schema.doc), 300);
    refuse(settings == task_.key_positions.end() ? task_.position : settings->second,
           "task `" + task_.name + "` needs the setting `" + schema.name + "`", std::move(help));
  }

  void refuse_unknown() {
    std::vector<std::string_view> names;
    for (const SettingSchema& schema : kind_.settings) names.push_back(schema.name);
    for (const auto& [name, value] : task_.settings) {
      if (std::find(names.begin(), names.end(), name) != names.end()) continue;
      refuse(value.position,
             "unknown setting " + shown(name) + " in task `" + task_.name + "`: " + task_.plugin +
                 " does not have it",
             suggest(name, names, true));
    }
  }

  std::optional<TypedValue> type_value(const SettingSchema& schema, const SettingValue& value) {
    switch (schema.type) {
      case SettingType::boolean:
        if (const bool* flag = std::get_if<bool>(&value.value)) return *flag;
        break;
      case SettingType::integer:
        if (const auto* number = std::get_if<std::int64_t>(&value.value)) {
          return in_range(schema, value, static_cast<double>(*number), TypedValue(*number));
        }
        break;
      case SettingType::number:
        return type_number(schema, value);
      case SettingType::string:
        if (const auto* text = std::get_if<std::string>(&value.value)) {
          if (!fits(schema, value, *text) || !allowed(schema, value, *text)) return std::nullopt;
          return *text;
        }
        break;
      case SettingType::duration:
        if (const auto* text = std::get_if<std::string>(&value.value)) {
          const auto parsed = parse_duration(*text);
          if (parsed) return in_range(schema, value, static_cast<double>(*parsed), TypedValue(*parsed));
          refuse_value(schema, value, "is wrong: " + parsed.error().what, parsed.error().detail);
          return std::nullopt;
        }
        break;
      case SettingType::size:
        return type_size(schema, value);
      case SettingType::list_of_strings:
        if (const auto* members = std::get_if<std::vector<SettingValue>>(&value.value)) {
          return type_list(schema, *members);
        }
        break;
    }
    refuse_type(schema, value);
    return std::nullopt;
  }

  void refuse_type(const SettingSchema& schema, const SettingValue& value) {
    std::string suggestion;
    const auto* text = std::get_if<std::string>(&value.value);
    const auto* number = std::get_if<std::int64_t>(&value.value);
    if (schema.type == SettingType::list_of_strings && text != nullptr) {
      suggestion = "write [\"" + ellipsize(escape_bytes(*text), 100) + "\"]";
    } else if (schema.type == SettingType::duration && number != nullptr) {
      // Zero must be spelled as much as any other age: what is meant is not guessed.
      suggestion = *number == 0 ? "write \"0s\" if everything is meant, whatever its age"
                                : "say in which unit: \"" + std::to_string(*number) + "d\" is so many days";
    } else if (schema.type == SettingType::size && number != nullptr) {
      suggestion = "say in which unit: \"" + std::to_string(*number) + "MiB\"";
    } else if ((schema.type == SettingType::integer || schema.type == SettingType::number ||
                schema.type == SettingType::boolean) &&
               text != nullptr) {
      suggestion = "write it without quotes";
    }
    refuse_value(schema, value,
                 "must be " + std::string(wanted(schema.type)) + ", not " + std::string(kind_of(value)),
                 std::move(suggestion));
  }

  std::optional<TypedValue> type_number(const SettingSchema& schema, const SettingValue& value) {
    double number = 0;
    if (const auto* real = std::get_if<double>(&value.value)) {
      number = *real;
    } else if (const auto* whole = std::get_if<std::int64_t>(&value.value)) {
      number = static_cast<double>(*whole);
    } else {
      refuse_type(schema, value);
      return std::nullopt;
    }
    if (!std::isfinite(number)) {
      refuse_value(schema, value, "must be a finite number");
      return std::nullopt;
    }
    return in_range(schema, value, number, TypedValue(number));
  }

  std::optional<TypedValue> type_size(const SettingSchema& schema, const SettingValue& value) {
    const auto* text = std::get_if<std::string>(&value.value);
    if (text == nullptr) {
      refuse_type(schema, value);
      return std::nullopt;
    }
    const auto parsed = parse_size(*text);
    if (!parsed) {
      refuse_value(schema, value, "is wrong: " + parsed.error().what, parsed.error().detail);
      return std::nullopt;
    }
    if (*parsed > static_cast<std::uint64_t>(INT64_MAX)) {
      refuse_value(schema, value, "is too large, the most is below \"8192PiB\"");
      return std::nullopt;
    }
    return in_range(schema, value, static_cast<double>(*parsed),
                    TypedValue(static_cast<std::int64_t>(*parsed)));
  }

  std::optional<TypedValue> type_list(const SettingSchema& schema, const std::vector<SettingValue>& members) {
    std::vector<std::string> out;
    bool good = true;
    if (members.size() > kMaxSettingMembers) {
      refuse_value(schema, members[kMaxSettingMembers], "has more than " + std::to_string(kMaxSettingMembers) + " entries");
      return std::nullopt;
    }
    for (const SettingValue& member : members) {
      if (const auto* text = std::get_if<std::string>(&member.value)) {
        good = fits(schema, member, *text) && allowed(schema, member, *text) && good;
        out.push_back(*text);
      } else {
        refuse_value(schema, member, "must hold strings only, not " + std::string(kind_of(member)));
        good = false;
      }
    }
    if (!good) return std::nullopt;
    return out;
  }

  bool fits(const SettingSchema& schema, const SettingValue& value, const std::string& text) {
    if (text.size() <= kMaxSettingText) return true;
    refuse_value(schema, value, "is longer than " + std::to_string(kMaxSettingText) + " bytes");
    return false;
  }

  bool allowed(const SettingSchema& schema, const SettingValue& value, const std::string& text) {
    if (schema.values.empty()) return true;
    if (std::find(schema.values.begin(), schema.values.end(), text) != schema.values.end()) return true;
    const std::vector<std::string_view> words(schema.values.begin(), schema.values.end());
    refuse_value(schema, value, "cannot be " + shown(text), suggest(text, words, true));
    return false;
  }

  // `number` is the value in the schema's unit, for comparing.
  std::optional<TypedValue> in_range(const SettingSchema& schema, const SettingValue& value, double number,
                                     TypedValue typed) {
    if (!schema.range || (number >= schema.range->first && number <= schema.range->second)) return typed;
    refuse_value(schema, value,
                 "must be from " + number_text(schema.type, schema.range->first) + " to " +
                     number_text(schema.type, schema.range->second));
    return std::nullopt;
  }

  const TaskKind& kind_;
  const config::TaskConfig& task_;
  std::vector<Diagnostic> diagnostics_;
};

}  // namespace

std::expected<TypedSettings, std::vector<Diagnostic>> type_settings(const TaskKind& kind,
                                                                    const config::TaskConfig& task) {
  return Typer(kind, task).run();
}

}  // namespace freshet::manifest

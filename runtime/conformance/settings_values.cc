#include "runtime/conformance/settings_values.h"

#include <algorithm>
#include <charconv>

#include "runtime/base/bytes.h"
#include "runtime/base/units.h"

namespace freshet::conformance {
namespace {

using manifest::SettingSchema;
using manifest::SettingType;
using manifest::TypedValue;

constexpr std::int64_t kDay = 86'400'000'000'000;
constexpr std::size_t kMaxValues = 8;  // of a list of allowed ones that are tried

template <class T>
Result<T> parse_number(const std::string& text) {
  T out{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), out);
  if (error != std::errc() || end != text.data() + text.size()) return fail(ErrorKind::invalid, "`" + escape_bytes(text) + "` is no number");
  return out;
}

std::vector<std::string> split(const std::string& text) {
  std::vector<std::string> out;
  for (std::size_t from = 0; from < text.size();) {
    const std::size_t to = std::min(text.find(',', from), text.size());
    out.push_back(text.substr(from, to - from));
    from = to + 1;
  }
  return out;
}

Result<TypedValue> parse_value(const SettingSchema& schema, const std::string& text) {
  const auto typed = [](auto parsed) -> Result<TypedValue> {
    if (!parsed) return std::unexpected(parsed.error());
    return TypedValue(*parsed);
  };
  switch (schema.type) {
    case SettingType::boolean:
      if (text != "true" && text != "false") return fail(ErrorKind::invalid, "`" + escape_bytes(text) + "` is neither true nor false");
      return TypedValue(text == "true");
    case SettingType::integer: return typed(parse_number<std::int64_t>(text));
    case SettingType::number: return typed(parse_number<double>(text));
    case SettingType::string: return TypedValue(text);
    case SettingType::duration: return typed(parse_duration(text));
    case SettingType::size: {
      const Result<std::uint64_t> size = parse_size(text);
      if (!size) return std::unexpected(size.error());
      return TypedValue(static_cast<std::int64_t>(*size));
    }
    case SettingType::list_of_strings: return TypedValue(split(text));
  }
  return fail(ErrorKind::bug, "a setting without a type");
}

std::int64_t clamped(const SettingSchema& schema, std::int64_t wanted) {
  if (!schema.range) return wanted;
  if (static_cast<double>(wanted) < schema.range->first) return static_cast<std::int64_t>(schema.range->first);
  if (static_cast<double>(wanted) > schema.range->second) return static_cast<std::int64_t>(schema.range->second);
  return wanted;
}

TypedValue middle(const SettingSchema& schema) {
  switch (schema.type) {
    case SettingType::boolean: return true;
    case SettingType::integer: return clamped(schema, 1);
    case SettingType::number: return schema.range ? (schema.range->first + schema.range->second) / 2 : 1.0;
    case SettingType::string: return schema.values.empty() ? std::string("*") : schema.values.front();
    case SettingType::duration: return clamped(schema, 30 * kDay);
    case SettingType::size: return clamped(schema, 4096);
    case SettingType::list_of_strings: return schema.values.empty() ? std::vector<std::string>{"*"} : std::vector{schema.values.front()};
  }
  return false;
}

std::string shown(const SettingSchema& schema, const TypedValue& value) {
  std::string out = schema.name + " = ";
  if (const auto* flag = std::get_if<bool>(&value)) return out + (*flag ? "true" : "false");
  if (const auto* real = std::get_if<double>(&value)) return out + std::to_string(*real);
  if (const auto* text = std::get_if<std::string>(&value)) return out + "\"" + ellipsize(escape_bytes(*text), 60) + "\"";
  if (const auto* texts = std::get_if<std::vector<std::string>>(&value)) {
    out += "[";
    for (const std::string& one : *texts) out += (out.ends_with('[') ? "\"" : ", \"") + ellipsize(escape_bytes(one), 40) + "\"";
    return ellipsize(out, 200) + "]";
  }
  const std::int64_t whole = std::get<std::int64_t>(value);
  return out + (schema.type == SettingType::duration ? format_duration(whole) : std::to_string(whole));
}

std::vector<TypedValue> boundary_values(const SettingSchema& schema) {
  std::vector<TypedValue> out;
  switch (schema.type) {
    case SettingType::boolean: return {false, true};
    case SettingType::number:
      if (schema.range) return {schema.range->first, schema.range->second};
      return {0.0};
    case SettingType::integer:
    case SettingType::duration:
    case SettingType::size:
      if (!schema.range) return {std::int64_t{0}};
      return {clamped(schema, INT64_MIN), clamped(schema, INT64_MAX)};
    case SettingType::string:
      for (const std::string& value : schema.values) out.emplace_back(value);
      break;
    case SettingType::list_of_strings:
      out.emplace_back(std::vector<std::string>());
      for (const std::string& value : schema.values) out.emplace_back(std::vector{value});
      if (!schema.values.empty()) out.emplace_back(schema.values);
      break;
  }
  if (out.size() > kMaxValues) out.resize(kMaxValues);
  return out;
}

}  // namespace

Status check_names(const std::vector<manifest::TaskKind>& kinds, const std::map<std::string, std::string>& given) {
  for (const auto& [name, text] : given) {
    const auto has = [&](const manifest::TaskKind& kind) { return std::ranges::find(kind.settings, name, &SettingSchema::name) != kind.settings.end(); };
    if (std::ranges::none_of(kinds, has)) return fail(ErrorKind::invalid, "no task kind has a setting `" + escape_bytes(name) + "`");
  }
  return {};
}

Result<manifest::TypedSettings> base_settings(const manifest::TaskKind& kind, const std::map<std::string, std::string>& given) {
  manifest::TypedSettings out;
  for (const SettingSchema& schema : kind.settings) {
    if (const auto text = given.find(schema.name); text != given.end()) {
      Result<TypedValue> value = parse_value(schema, text->second);
      if (!value) return fail(ErrorKind::invalid, "the setting " + schema.name + ": " + value.error().what);
      out.emplace_back(schema.name, std::move(*value));
    } else {
      out.emplace_back(schema.name, schema.default_value ? *schema.default_value : middle(schema));
    }
  }
  return out;
}

std::vector<Boundary> boundaries(const manifest::TaskKind& kind, const manifest::TypedSettings& base) {
  std::vector<Boundary> out;
  for (std::size_t i = 0; i < kind.settings.size(); ++i) {
    for (TypedValue& value : boundary_values(kind.settings[i])) {
      if (value == base[i].second) continue;  // it has been tried
      Boundary one{shown(kind.settings[i], value), base};
      one.settings[i].second = std::move(value);
      out.push_back(std::move(one));
    }
  }
  return out;
}

}  // namespace freshet::conformance

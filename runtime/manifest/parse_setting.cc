#include "runtime/manifest/parse_setting.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "runtime/base/units.h"

namespace freshet::manifest {
namespace {

constexpr std::size_t kMaxDefaultText = 4096;

SettingType read_setting_type(const Place& place) {
  constexpr std::pair<std::string_view, SettingType> kTypes[] = {
      {"boolean", SettingType::boolean},   {"integer", SettingType::integer}, {"number", SettingType::number},
      {"string", SettingType::string},     {"duration", SettingType::duration}, {"size", SettingType::size},
      {"strings", SettingType::list_of_strings},
  };
  const std::string text = read_text(place, kMaxNameBytes);
  for (const auto& [name, type] : kTypes) {
    if (name == text) return type;
  }
  place.refuse("is no type of a setting", "types are: boolean, integer, number, string, duration, size, strings");
  return SettingType::string;
}

double read_finite(const Place& place) {
  double number = 0;
  if (place.value->is_integer()) {
    number = static_cast<double>(place.value->as_integer());
  } else if (place.value->is_floating()) {
    number = place.value->as_floating();
  } else {
    place.refuse_type("a number");
  }
  if (!std::isfinite(number)) place.refuse("has to be finite");
  return number;
}

std::string read_default_text(const Place& place) {
  if (!place.value->is_string()) {
    place.refuse_type("a string");
    return {};
  }
  const std::string& text = place.value->as_string().str;
  if (text.size() > kMaxDefaultText) place.refuse("is longer than " + std::to_string(kMaxDefaultText) + " bytes");
  return text;
}

TypedValue read_typed(const Place& place, SettingType type) {
  switch (type) {
    case SettingType::boolean:
      if (!place.value->is_boolean()) place.refuse_type("a boolean");
      return place.value->is_boolean() && place.value->as_boolean();
    case SettingType::integer:
      if (!place.value->is_integer()) place.refuse_type("an integer");
      return place.value->is_integer() ? place.value->as_integer() : 0;
    case SettingType::number: return read_finite(place);
    case SettingType::string: return read_default_text(place);
    case SettingType::duration:
    case SettingType::size: return read_unit(place, type);
    case SettingType::list_of_strings: break;
  }
  std::vector<std::string> out;
  if (!place.value->is_array()) {
    place.refuse_type("a list of strings");
  } else if (place.value->as_array().size() > kMaxListEntries) {
    place.refuse("has more than " + std::to_string(kMaxListEntries) + " entries");
  } else {
    for (const Value& value : place.value->as_array())
      out.push_back(read_default_text(Place{place.refusal, &value, place.key}));
  }
  return out;
}

std::pair<double, double> read_range(const Place& place, SettingType type) {
  if (!place.value->is_array() || place.value->as_array().size() != 2) {
    place.refuse("has to be a list of two: the least and the greatest");
    return {};
  }
  const auto bound = [&](std::size_t index) -> double {
    const Place member{place.refusal, &place.value->as_array()[index], place.key};
    if (type == SettingType::duration || type == SettingType::size) return static_cast<double>(read_unit(member, type));
    if (type == SettingType::integer && !member.value->is_integer()) member.refuse_type("a list of two integers");
    return read_finite(member);
  };
  const std::pair range(bound(0), bound(1));
  if (range.first > range.second) place.refuse("begins above its end");
  return range;
}

bool fits_range(const TypedValue& value, const std::pair<double, double>& range) {
  double number = 0;
  if (const auto* integer = std::get_if<std::int64_t>(&value)) number = static_cast<double>(*integer);
  if (const auto* real = std::get_if<double>(&value)) number = *real;
  return number >= range.first && number <= range.second;
}

bool fits_values(const TypedValue& value, const std::vector<std::string>& values) {
  const auto allowed = [&](const std::string& text) { return std::ranges::find(values, text) != values.end(); };
  if (const auto* text = std::get_if<std::string>(&value)) return allowed(*text);
  if (const auto* texts = std::get_if<std::vector<std::string>>(&value)) return std::ranges::all_of(*texts, allowed);
  return true;
}

}  // namespace

std::int64_t read_unit(const Place& place, SettingType type) {
  const bool is_duration = type == SettingType::duration;
  if (!place.value->is_string()) {
    place.refuse_type(is_duration ? "a duration in a string, as \"30d\"" : "a size in a string, as \"64MiB\"");
    return 0;
  }
  const std::string& text = place.value->as_string().str;
  if (is_duration) {
    const auto parsed = parse_duration(text);
    if (parsed) return *parsed;
    place.refuse("is no duration: " + parsed.error().what, parsed.error().detail);
    return 0;
  }
  const auto parsed = parse_size(text);
  if (parsed && *parsed <= static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max()))
    return static_cast<std::int64_t>(*parsed);
  place.refuse(parsed ? "is too large" : "is no size: " + parsed.error().what, parsed ? "" : parsed.error().detail);
  return 0;
}

SettingSchema read_setting(std::string name, const Place& place) {
  SettingSchema out{.name = std::move(name), .type = {}, .doc = {}, .default_value = {}, .range = {}, .values = {}};
  check_plain_name(place, out.name);
  Table table(place);
  if (const auto type = table.required("type")) out.type = read_setting_type(*type);
  if (const auto doc = table.required("doc")) out.doc = read_text(*doc, kMaxDocBytes, true);
  const bool counts = out.type == SettingType::integer || out.type == SettingType::number ||
                      out.type == SettingType::duration || out.type == SettingType::size;
  const bool speaks = out.type == SettingType::string || out.type == SettingType::list_of_strings;
  if (const auto range = table.optional("range")) {
    if (!counts) range->refuse("is for integers, numbers, durations and sizes only");
    else out.range = read_range(*range, out.type);
  }
  if (const auto values = table.optional("values")) {
    out.values = read_texts(*values, kMaxShortBytes);
    if (!speaks) values->refuse("is for a string and for strings only");
    if (out.values.empty()) values->refuse("is empty");
  }
  if (const auto fallback = table.optional("default")) {
    out.default_value = read_typed(*fallback, out.type);
    if (out.range && !fits_range(*out.default_value, *out.range)) fallback->refuse("is outside the setting's range");
    if (!out.values.empty() && !fits_values(*out.default_value, out.values))
      fallback->refuse("is none of the setting's values");
  }
  table.refuse_unknown_keys();
  return out;
}

}  // namespace freshet::manifest

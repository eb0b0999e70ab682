#include "runtime/manifest/parse_setting.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "runtime/base/units.h"
#include "runtime/manifest/keys.h"
#include "runtime/manifest/parse_values.h"

namespace freshet::manifest {
namespace {

using config::TableReader;
using config::TomlValue;

bool counts(SettingType type) {
  return type == SettingType::integer || type == SettingType::number || type == SettingType::duration ||
         type == SettingType::size;
}

bool speaks(SettingType type) { return type == SettingType::string || type == SettingType::list_of_strings; }

// How a value of the type is written, for messages.
const char* example_of(SettingType type) {
  switch (type) {
    case SettingType::boolean: return "true or false";
    case SettingType::integer: return "a whole number";
    case SettingType::number: return "a number";
    case SettingType::string: return "a string";
    case SettingType::duration: return "a duration like \"30d\"";
    case SettingType::size: return "a size like \"64MiB\"";
    case SettingType::list_of_strings: return "a list of strings";
  }
  return "something else";
}

// A value that some key of the setting's table holds, read by the setting's type. Reports and returns none if wrong.
class TypedReader {
 public:
  TypedReader(TableReader& table, std::string_view key, SettingType type) : table_(table), key_(key), type_(type) {}

  std::optional<TypedValue> read(const TomlValue& value) {
    switch (type_) {
      case SettingType::boolean:
        if (value.is_boolean()) return value.as_boolean();
        break;
      case SettingType::integer:
        if (value.is_integer()) return whole(value);
        break;
      case SettingType::number:
        if (value.is_integer()) return static_cast<double>(value.as_integer());
        if (value.is_floating()) return finite(value);
        break;
      case SettingType::string:
        if (value.is_string()) return text(value);
        break;
      case SettingType::duration:
        if (value.is_string()) return duration(value);
        break;
      case SettingType::size:
        if (value.is_string()) return size(value);
        break;
      case SettingType::list_of_strings:
        if (value.is_array()) return texts(value);
        break;
    }
    return refuse(value, std::string("must be ") + example_of(type_) + ", not " + std::string(config::type_name(value)));
  }

 private:
  std::nullopt_t refuse(const TomlValue& value, const std::string& why, std::string help = {}) {
    table_.refuse(key_, value, why, std::move(help));
    return std::nullopt;
  }
  std::optional<TypedValue> whole(const TomlValue& value) {
    if (const auto number = table_.document().exact_integer(value)) return *number;
    return refuse(value, "does not fit into 64 bits");
  }
  std::optional<TypedValue> finite(const TomlValue& value) {
    if (std::isfinite(value.as_floating())) return value.as_floating();
    return refuse(value, "must be finite");
  }
  std::optional<TypedValue> text(const TomlValue& value) {
    const std::string& out = value.as_string().str;
    if (out.size() <= kMaxSettingText) return out;
    return refuse(value, "is longer than " + std::to_string(kMaxSettingText) + " bytes");
  }
  std::optional<TypedValue> duration(const TomlValue& value) {
    const auto parsed = parse_duration(value.as_string().str);
    if (parsed) return *parsed;
    return refuse(value, "is wrong: " + parsed.error().what, parsed.error().detail);
  }
  std::optional<TypedValue> size(const TomlValue& value) {
    const auto parsed = parse_size(value.as_string().str);
    if (!parsed) return refuse(value, "is wrong: " + parsed.error().what, parsed.error().detail);
    if (*parsed > static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max())) return refuse(value, "is too large");
    return static_cast<std::int64_t>(*parsed);
  }
  std::optional<TypedValue> texts(const TomlValue& value) {
    std::vector<std::string> out;
    if (value.as_array().size() > kMaxSettingMembers)
      return refuse(value, "has more than " + std::to_string(kMaxSettingMembers) + " entries");
    for (const TomlValue& member : value.as_array()) {
      if (!member.is_string()) return refuse(member, "must hold strings only");
      const auto checked = text(member);
      if (!checked) return std::nullopt;
      out.push_back(std::get<std::string>(*checked));
    }
    return out;
  }

  TableReader& table_;
  std::string_view key_;
  SettingType type_;
};

double as_number(const TypedValue& value) {
  if (const auto* integer = std::get_if<std::int64_t>(&value)) return static_cast<double>(*integer);
  const auto* real = std::get_if<double>(&value);
  return real ? *real : 0;
}

std::optional<std::pair<double, double>> read_range(TableReader& table, SettingType type) {
  const TomlValue* value = table.find("range");
  if (!value) return std::nullopt;
  if (!counts(type)) {
    table.refuse("range", *value, "is for integers, numbers, durations and sizes only");
    return std::nullopt;
  }
  if (!value->is_array() || value->as_array().size() != 2) {
    table.refuse("range", *value, "must be a list of two: the least and the greatest");
    return std::nullopt;
  }
  TypedReader reader(table, "range", type);
  const auto least = reader.read(value->as_array()[0]);
  const auto greatest = reader.read(value->as_array()[1]);
  if (!least || !greatest) return std::nullopt;
  const std::pair range(as_number(*least), as_number(*greatest));
  if (range.first > range.second) {
    table.refuse("range", *value, "begins above its end");
    return std::nullopt;
  }
  return range;
}

std::vector<std::string> read_values(TableReader& table, SettingType type) {
  const TomlValue* value = table.find("values");
  if (!value) return {};
  if (!speaks(type)) {
    table.refuse("values", *value, "is for the types string and strings only");
    return {};
  }
  auto values = read_texts(table, "values", kMaxShortBytes);
  if (value->is_array() && value->as_array().empty()) table.refuse("values", *value, "is empty");
  return values;
}

void check_default(TableReader& table, const TomlValue& value, const SettingSchema& schema) {
  if (schema.range) {
    const double number = as_number(*schema.default_value);
    if (number < schema.range->first || number > schema.range->second)
      table.refuse("default", value, "is outside the setting's range");
  }
  if (schema.values.empty()) return;
  const auto allowed = [&](const std::string& text) { return std::ranges::find(schema.values, text) != schema.values.end(); };
  const auto* text = std::get_if<std::string>(&*schema.default_value);
  const auto* texts = std::get_if<std::vector<std::string>>(&*schema.default_value);
  if ((text && !allowed(*text)) || (texts && !std::ranges::all_of(*texts, allowed)))
    table.refuse("default", value, "is none of the setting's values");
}

}  // namespace

SettingSchema read_setting(std::string name, TableReader& table) {
  SettingSchema out;
  out.name = std::move(name);
  const bool typed = require(table, "type") != nullptr;
  table.read_choice<SettingType>("type",
                                 {{"boolean", SettingType::boolean},
                                  {"integer", SettingType::integer},
                                  {"number", SettingType::number},
                                  {"string", SettingType::string},
                                  {"duration", SettingType::duration},
                                  {"size", SettingType::size},
                                  {"strings", SettingType::list_of_strings}},
                                 out.type);
  require(table, "doc");
  out.doc = read_doc(table, "doc");
  const TomlValue* fallback = table.find("default");
  // Without a type the rest cannot be judged; the keys are known all the same.
  if (!typed) {
    table.find("range");
    table.find("values");
  } else {
    out.range = read_range(table, out.type);
    out.values = read_values(table, out.type);
    if (fallback) out.default_value = TypedReader(table, "default", out.type).read(*fallback);
    if (out.default_value) check_default(table, *fallback, out);
  }
  finish(table, "task.KIND.settings.NAME");
  return out;
}

}  // namespace freshet::manifest

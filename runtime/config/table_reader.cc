#include "runtime/config/table_reader.h"

#include <cmath>
#include <utility>

#include "runtime/base/bytes.h"
#include "runtime/base/units.h"
#include "runtime/base/suggest.h"

namespace freshet::config {
namespace {

std::string shown(std::string_view text) {
  return ellipsize(escape_bytes(text), 100);
}

std::string short_number(double value) {
  std::string out = std::to_string(value);
  while (out.ends_with('0')) out.pop_back();
  if (out.ends_with('.')) out.pop_back();
  return out;
}

}  // namespace

std::map<std::string, Position> TableReader::key_positions() const {
  std::map<std::string, Position> out;
  for (const auto& [key, value] : table_.as_table()) out.emplace(key, position_of_key(key, value));
  return out;
}

const TomlValue* TableReader::find(std::string_view key) {
  const auto known = known_.emplace(key).first;
  const auto& table = table_.as_table();
  const auto found = table.find(*known);
  return found == table.end() ? nullptr : &found->second;
}

void TableReader::refuse(std::string_view key, const TomlValue& value, std::string_view why,
                         std::string suggestion) {
  reporter_.add(document_.position_of(value),
                "`" + std::string(key) + "` of " + what_ + " " + std::string(why), std::move(suggestion));
}

void TableReader::read_bool(std::string_view key, bool& out) {
  const TomlValue* value = find(key);
  if (value == nullptr) return;
  if (value->is_boolean())
    out = value->as_boolean();
  else
    refuse(key, *value, "must be true or false, not " + std::string(type_name(*value)));
}

const TomlValue* TableReader::find_string(std::string_view key, std::string_view like) {
  const TomlValue* value = find(key);
  if (value == nullptr || value->is_string()) return value;
  refuse(key, *value, "must be " + std::string(like) + ", not " + std::string(type_name(*value)));
  return nullptr;
}

void TableReader::read_string(std::string_view key, std::string& out) {
  if (const TomlValue* value = find_string(key, "a string")) out = value->as_string().str;
}

void TableReader::read_strings(std::string_view key, std::vector<std::string>& out) {
  const TomlValue* value = find(key);
  if (value == nullptr) return;
  if (!value->is_array()) {
    std::string suggestion;
    if (value->is_string()) suggestion = "write [\"" + shown(value->as_string().str) + "\"]";
    refuse(key, *value, "must be a list of strings, not " + std::string(type_name(*value)),
           std::move(suggestion));
    return;
  }
  std::vector<std::string> strings;
  bool good = true;
  for (const TomlValue& member : value->as_array()) {
    if (member.is_string()) {
      strings.push_back(member.as_string().str);
    } else {
      good = false;
      refuse(key, member, "must hold strings only, not " + std::string(type_name(member)));
    }
  }
  if (good) out = std::move(strings);
}

std::optional<std::uint64_t> TableReader::read_count(std::string_view key, std::uint64_t least,
                                                     std::uint64_t most) {
  const TomlValue* value = find(key);
  if (value == nullptr) return std::nullopt;
  if (!value->is_integer()) {
    refuse(key, *value, "must be a whole number, not " + std::string(type_name(*value)));
    return std::nullopt;
  }
  const auto number = document_.exact_integer(*value);
  if (!number || *number < 0 || static_cast<std::uint64_t>(*number) < least ||
      static_cast<std::uint64_t>(*number) > most) {
    refuse(key, *value, "must be from " + format_count(least) + " to " + format_count(most));
    return std::nullopt;
  }
  return static_cast<std::uint64_t>(*number);
}

void TableReader::read_number(std::string_view key, double least, double most, double& out) {
  const TomlValue* value = find(key);
  if (value == nullptr) return;
  double number = 0;
  if (value->is_floating()) {
    number = value->as_floating();
  } else if (value->is_integer()) {
    number = static_cast<double>(value->as_integer());
  } else {
    refuse(key, *value, "must be a number, not " + std::string(type_name(*value)));
    return;
  }
  if (std::isfinite(number) && number >= least && number <= most)
    out = number;
  else
    refuse(key, *value, "must be from " + short_number(least) + " to " + short_number(most));
}

void TableReader::read_duration(std::string_view key, std::int64_t& out, bool zero_allowed) {
  const TomlValue* value = find_string(key, "a duration like \"7d\"");
  if (value == nullptr) return;
  const auto parsed = parse_duration(value->as_string().str);
  if (!parsed)
    refuse(key, *value, "is wrong: " + parsed.error().what, parsed.error().detail);
  else if (*parsed == 0 && !zero_allowed)
    refuse(key, *value, "must be longer than zero");
  else
    out = *parsed;
}

std::optional<std::uint64_t> TableReader::read_size(std::string_view key, bool zero_allowed) {
  const TomlValue* value = find_string(key, "a size like \"256MiB\"");
  if (value == nullptr) return std::nullopt;
  const auto parsed = parse_size(value->as_string().str);
  if (!parsed) {
    refuse(key, *value, "is wrong: " + parsed.error().what, parsed.error().detail);
    return std::nullopt;
  }
  if (*parsed == 0 && !zero_allowed) {
    refuse(key, *value, "must be more than zero");
    return std::nullopt;
  }
  return *parsed;
}

const TomlValue* TableReader::read_table(std::string_view key) {
  const TomlValue* value = find(key);
  if (value == nullptr || value->is_table()) return value;
  refuse(key, *value, "must be a table, not " + std::string(type_name(*value)));
  return nullptr;
}

std::optional<std::size_t> TableReader::read_word(std::string_view key,
                                                  const std::vector<std::string_view>& words) {
  const TomlValue* value = find_string(key, "a string");
  if (value == nullptr) return std::nullopt;
  const std::string& word = value->as_string().str;
  for (std::size_t i = 0; i < words.size(); ++i) {
    if (words[i] == word) return i;
  }
  refuse(key, *value, "cannot be `" + shown(word) + "`", suggest(word, words, true));
  return std::nullopt;
}

void TableReader::finish() {
  const std::vector<std::string_view> known(known_.begin(), known_.end());
  for (const auto& [key, value] : table_.as_table()) {
    if (known_.contains(key)) continue;
    reporter_.add(position_of_key(key, value), "unknown key `" + shown(key) + "` in " + what_,
                  suggest(key, known, true));
  }
}

}  // namespace freshet::config

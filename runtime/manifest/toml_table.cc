#include "runtime/manifest/toml_table.h"

#include <algorithm>

#include "runtime/base/bytes.h"

namespace freshet::manifest {
namespace {

std::string_view type_name(const Value& value) {
  switch (value.type()) {
    case toml::value_t::boolean: return "a boolean";
    case toml::value_t::integer: return "an integer";
    case toml::value_t::floating: return "a number";
    case toml::value_t::string: return "a string";
    case toml::value_t::array: return "a list";
    case toml::value_t::table: return "a table";
    case toml::value_t::empty: return "nothing";
    default: return "a date or time";
  }
}

bool has_control_characters(std::string_view text, bool newline_allowed) {
  return std::ranges::any_of(text, [&](char c) {
    const auto byte = static_cast<unsigned char>(c);
    return (byte < 0x20 && !(newline_allowed && c == '\n')) || byte == 0x7F;
  });
}

bool is_lower_or_digit(char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'); }

}  // namespace

std::string in_quotes(std::string_view text) { return "`" + escape_bytes(ellipsize(text, 128)) + "`"; }

Error error_at(const char* code, std::string_view text, std::size_t line, std::size_t column, std::string_view what,
               std::string_view help) {
  std::string_view rest = text;
  for (std::size_t i = 1; i < line; ++i) {
    const auto end = rest.find('\n');
    if (end == std::string_view::npos) break;
    rest.remove_prefix(end + 1);
  }
  const std::string shown = escape_bytes(ellipsize(rest.substr(0, rest.find('\n')), 120));
  std::string detail = "  " + shown + "\n  " + std::string(std::min<std::size_t>(column > 0 ? column - 1 : 0, 120), ' ') + "^";
  if (!help.empty()) detail += "\n" + std::string(help);
  return Error{ErrorKind::invalid, code,
               "manifest, line " + std::to_string(line) + ", column " + std::to_string(column) + ": " + std::string(what),
               std::move(detail)};
}

void Refusal::refuse(const Value& at, const std::string& key, std::string_view what, std::string_view help) {
  if (error_) return;
  const auto place = at.location();
  error_ = error_at("F2006", text_, place.line(), place.column(), in_quotes(key) + " " + std::string(what), help);
}

void Place::refuse_type(std::string_view wanted) const {
  refuse("has to be " + std::string(wanted) + ", not " + std::string(type_name(*value)));
}

Table::Table(Place place) : place_(std::move(place)) {
  if (!place_.value->is_table()) place_.refuse_type("a table");
}

std::optional<Place> Table::optional(const char* key) {
  known_.emplace_back(key);
  if (!place_.value->is_table()) return std::nullopt;
  const auto& entries = place_.value->as_table();
  const auto found = entries.find(key);
  if (found == entries.end()) return std::nullopt;
  return Place{place_.refusal, &found->second, path(key)};
}

std::optional<Place> Table::required(const char* key) {
  auto found = optional(key);
  if (!found && place_.value->is_table()) place_.refusal->refuse(*place_.value, path(key), "is missing");
  return found;
}

std::vector<std::pair<std::string, Place>> Table::entries() {
  std::vector<std::pair<std::string, Place>> out;
  if (!place_.value->is_table()) return out;
  for (const auto& [key, value] : place_.value->as_table()) {
    known_.push_back(key);
    out.emplace_back(key, Place{place_.refusal, &value, path(key)});
  }
  const auto written = [](const auto& a, const auto& b) {
    const auto left = a.second.value->location();
    const auto right = b.second.value->location();
    return std::pair(left.line(), left.column()) < std::pair(right.line(), right.column());
  };
  std::ranges::stable_sort(out, written);
  return out;
}

void Table::refuse_unknown_keys() const {
  if (!place_.value->is_table()) return;
  for (const auto& [key, value] : place_.value->as_table()) {
    if (std::ranges::find(known_, key) != known_.end()) continue;
    std::string known;
    for (const std::string& name : known_) known += (known.empty() ? "known here: " : ", ") + name;
    place_.refusal->refuse(value, path(key), "is no key of a manifest", known);
    return;
  }
}

std::string Table::path(std::string_view key) const {
  return place_.key.empty() ? std::string(key) : place_.key + "." + std::string(key);
}

std::string read_text(const Place& place, std::size_t cap, bool newline_allowed) {
  if (!place.value->is_string()) {
    place.refuse_type("a string");
    return {};
  }
  const std::string& text = place.value->as_string().str;
  if (text.empty()) {
    place.refuse("is empty");
  } else if (text.size() > cap) {
    place.refuse("is longer than " + std::to_string(cap) + " bytes");
  } else if (!is_utf8(text) || has_control_characters(text, newline_allowed)) {
    place.refuse("has control characters, or is not UTF-8");
  }
  return text;
}

std::vector<std::string> read_texts(const Place& place, std::size_t cap) {
  std::vector<std::string> out;
  if (!place.value->is_array()) {
    place.refuse_type("a list of strings");
    return out;
  }
  if (place.value->as_array().size() > kMaxListEntries) {
    place.refuse("has more than " + std::to_string(kMaxListEntries) + " entries");
    return out;
  }
  for (const Value& value : place.value->as_array()) {
    out.push_back(read_text(Place{place.refusal, &value, place.key}, cap));
    if (std::ranges::count(out, out.back()) > 1) place.refuse("names " + in_quotes(out.back()) + " twice");
  }
  return out;
}

bool is_plain_name(std::string_view name) {
  if (name.empty() || !is_lower_or_digit(name.front()) || !is_lower_or_digit(name.back())) return false;
  return std::ranges::all_of(name, [](char c) { return is_lower_or_digit(c) || c == '-'; });
}

void check_plain_name(const Place& place, std::string_view name) {
  if (name.size() > kMaxNameBytes || !is_plain_name(name))
    place.refuse("is no name", "names are a-z, 0-9 and '-' between them, at most 64 bytes");
}

}  // namespace freshet::manifest

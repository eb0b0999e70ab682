#include "runtime/manifest/parse_values.h"

#include <algorithm>

#include "runtime/base/bytes.h"

namespace freshet::manifest {
namespace {

using config::TableReader;
using config::TomlValue;

bool is_lower_or_digit(char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'); }

bool has_control_characters(std::string_view text, bool newline_allowed) {
  for (std::size_t i = 0; i < text.size(); ++i) {
    const auto byte = static_cast<unsigned char>(text[i]);
    if ((byte < 0x20 && !(newline_allowed && text[i] == '\n')) || byte == 0x7F || harmful_length(text.substr(i)) != 0) return true;
  }
  return false;
}

bool check_text(TableReader& table, std::string_view key, const TomlValue& value, std::string_view text,
                std::size_t cap, bool newline_allowed) {
  if (text.empty()) table.refuse(key, value, "is empty");
  else if (text.size() > cap) table.refuse(key, value, "is longer than " + std::to_string(cap) + " bytes");
  else if (!is_utf8(text) || has_control_characters(text, newline_allowed))
    table.refuse(key, value, "has control characters, or is not UTF-8");
  else return true;
  return false;
}

std::string read_checked(TableReader& table, std::string_view key, std::size_t cap, bool newline_allowed) {
  const TomlValue* value = table.find(key);
  std::string text;
  table.read_string(key, text);
  if (!value || !value->is_string() || !check_text(table, key, *value, text, cap, newline_allowed)) return {};
  return text;
}

}  // namespace

const TomlValue* require(TableReader& table, std::string_view key) {
  const TomlValue* value = table.find(key);
  if (!value) table.reporter().add(table.position(), "`" + std::string(key) + "` of " + table.what() + " is missing");
  return value;
}

std::string read_text(TableReader& table, std::string_view key, std::size_t cap) {
  return read_checked(table, key, cap, false);
}

std::string read_doc(TableReader& table, std::string_view key) { return read_checked(table, key, kMaxDocBytes, true); }

std::vector<std::string> read_texts(TableReader& table, std::string_view key, std::size_t cap) {
  const TomlValue* value = table.find(key);
  std::vector<std::string> texts;
  table.read_strings(key, texts);
  if (!value) return {};
  if (texts.size() > kMaxListEntries) {
    table.refuse(key, *value, "has more than " + std::to_string(kMaxListEntries) + " entries");
    return {};
  }
  for (std::size_t i = 0; i < texts.size(); ++i) {
    if (!check_text(table, key, value->as_array()[i], texts[i], cap, false)) return {};
    if (std::find(texts.begin(), texts.begin() + static_cast<std::ptrdiff_t>(i), texts[i]) != texts.begin() + static_cast<std::ptrdiff_t>(i)) {
      table.refuse(key, value->as_array()[i], "has " + in_quotes(texts[i]) + " twice");
      return {};
    }
  }
  return texts;
}

bool is_plain_name(std::string_view name) {
  if (name.empty() || !is_lower_or_digit(name.front()) || !is_lower_or_digit(name.back())) return false;
  return std::ranges::all_of(name, [](char c) { return is_lower_or_digit(c) || c == '-'; });
}

void check_plain_name(TableReader& parent, std::string_view name, const TomlValue& value, std::string_view what) {
  if (name.size() <= kMaxNameBytes && is_plain_name(name)) return;
  parent.reporter().add(parent.position_of_key(name, value), in_quotes(name) + " cannot name a " + std::string(what),
                        "names are 1 to 64 of a-z, 0-9 and, between them, `-`");
}

std::vector<std::pair<std::string, const TomlValue*>> written_order(const config::Document& document,
                                                                    const TomlValue& table) {
  std::vector<std::pair<std::string, const TomlValue*>> out;
  for (const auto& [key, value] : table.as_table()) out.emplace_back(key, &value);
  const auto place = [&](const auto& entry) {
    const auto position = document.position_of(*entry.second);
    return std::tuple(position.line, position.column, entry.first);
  };
  std::ranges::sort(out, {}, place);
  return out;
}

std::string in_quotes(std::string_view text) { return "`" + escape_bytes(ellipsize(text, 128)) + "`"; }

}  // namespace freshet::manifest

#pragma once

#include <cstdint>
#include <initializer_list>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "runtime/config/document.h"

namespace freshet::config {

// One allowed word of an enumeration.
template <class T>
struct Choice {
  std::string_view word;
  T value;
};

// Reads one TOML table key by key. A key that was asked for is known; finish() reports all others. Every read
// leaves `out` as it was when the key is absent or wrong, and reports what is wrong. All messages end with
// `of <what>`-like context: "`keep` of channel `web`".
class TableReader {
 public:
  // `value` must be a table; `what` names it for messages.
  TableReader(const Document& document, const TomlValue& value, std::string what, Reporter& reporter)
      : document_(document), table_(value), what_(std::move(what)), reporter_(reporter) {}

  [[nodiscard]] const Document& document() const { return document_; }
  [[nodiscard]] const std::string& what() const { return what_; }
  [[nodiscard]] Reporter& reporter() const { return reporter_; }
  [[nodiscard]] Position position() const { return document_.position_of(table_); }
  // Of each key that stands in the table.
  [[nodiscard]] std::map<std::string, Position> key_positions() const;

  // The value, or nullptr; the key is known from here on.
  const TomlValue* find(std::string_view key);
  [[nodiscard]] Position position_of_key(std::string_view key, const TomlValue& value) const {
    return document_.position_of_key(key, value);
  }
  // Reports about a value of this table: "`key` of <what> <why>".
  void refuse(std::string_view key, const TomlValue& value, std::string_view why,
              std::string suggestion = {});

  void read_bool(std::string_view key, bool& out);
  void read_string(std::string_view key, std::string& out);
  void read_strings(std::string_view key, std::vector<std::string>& out);
  // A whole number in [least, most].
  std::optional<std::uint64_t> read_count(std::string_view key, std::uint64_t least, std::uint64_t most);
  // A decimal or whole number in [least, most].
  void read_number(std::string_view key, double least, double most, double& out);
  void read_duration(std::string_view key, std::int64_t& out, bool zero_allowed = true);
  std::optional<std::uint64_t> read_size(std::string_view key, bool zero_allowed = true);
  // A table inside; nullptr when absent or something else (which is reported).
  const TomlValue* read_table(std::string_view key);

  template <class T>
  void read_choice(std::string_view key, std::initializer_list<Choice<T>> choices, T& out) {
    std::vector<std::string_view> words;
    for (const auto& choice : choices) words.push_back(choice.word);
    if (const auto index = read_word(key, words)) out = (choices.begin() + *index)->value;
  }

  // Every key that was asked for.
  [[nodiscard]] const std::set<std::string, std::less<>>& known() const { return known_; }

  // Reports every key that nobody asked for, with the nearest known one.
  void finish();

 private:
  std::optional<std::size_t> read_word(std::string_view key, const std::vector<std::string_view>& words);
  // The key's string, or nullptr; `like` is an example for the message: `a size like "256MiB"`.
  const TomlValue* find_string(std::string_view key, std::string_view like);

  const Document& document_;
  const TomlValue& table_;
  std::string what_;
  Reporter& reporter_;
  std::set<std::string, std::less<>> known_;
};

}  // namespace freshet::config

#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <toml.hpp>
#include <utility>
#include <vector>

#include "runtime/base/error.h"

// How the manifest's TOML is read: a typed table at a time, with the place of everything for the refusals. Private to
// the manifest's reader.
namespace freshet::manifest {

using Value = toml::basic_value<toml::discard_comments, std::map, std::vector>;

inline constexpr std::size_t kMaxNameBytes = 64;
inline constexpr std::size_t kMaxShortBytes = 255;
inline constexpr std::size_t kMaxDocBytes = 1024;
inline constexpr std::size_t kMaxListEntries = 256;

// `text` in backquotes, escaped and cut.
std::string in_quotes(std::string_view text);

// "manifest, line 3, column 9: what", and the line with a caret as the detail.
Error error_at(const char* code, std::string_view text, std::size_t line, std::size_t column, std::string_view what,
               std::string_view help);

// The first refusal wins; what is read after it is thrown away with the manifest.
class Refusal {
 public:
  // `text` is the whole manifest, and outlives this.
  explicit Refusal(std::string_view text) : text_(text) {}

  // F2006: `key` (dotted) `what`.
  void refuse(const Value& at, const std::string& key, std::string_view what, std::string_view help = {});
  [[nodiscard]] const std::optional<Error>& error() const { return error_; }

 private:
  std::string_view text_;
  std::optional<Error> error_;
};

// A value and its dotted key, as messages name it. Refers to both for as long as the document lives.
struct Place {
  Refusal* refusal;
  const Value* value;
  std::string key;

  void refuse(std::string_view what, std::string_view help = {}) const { refusal->refuse(*value, key, what, help); }
  void refuse_type(std::string_view wanted) const;
};

// One table; refuses what nobody asked it for.
class Table {
 public:
  explicit Table(Place place);

  std::optional<Place> optional(const char* key);
  std::optional<Place> required(const char* key);
  // Every entry, in the order they were written (the parser sorts them by name).
  std::vector<std::pair<std::string, Place>> entries();
  void refuse_unknown_keys() const;

 private:
  [[nodiscard]] std::string path(std::string_view key) const;

  Place place_;
  std::vector<std::string> known_;
};

// Text for people: 1 to `cap` bytes of UTF-8 without control characters; a doc may have several lines.
std::string read_text(const Place& place, std::size_t cap, bool newline_allowed = false);
// A list of different such texts.
std::vector<std::string> read_texts(const Place& place, std::size_t cap);

// [a-z0-9] and, between them, '-'.
bool is_plain_name(std::string_view name);
void check_plain_name(const Place& place, std::string_view name);

}  // namespace freshet::manifest

#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "runtime/config/table_reader.h"

// What the manifest's reader adds to config's: keys that have to be there, texts a plugin's author wrote for people,
// names. Private to the reader. Every function leaves the result empty when the value is absent or refused.
namespace freshet::manifest {

inline constexpr std::size_t kMaxNameBytes = 64;
inline constexpr std::size_t kMaxShortBytes = 255;
inline constexpr std::size_t kMaxDocBytes = 1024;
inline constexpr std::size_t kMaxListEntries = 256;

// Reports a key that is not there.
const config::TomlValue* require(config::TableReader& table, std::string_view key);

// 1 to `cap` bytes of UTF-8 without control characters. A doc may have several lines.
std::string read_text(config::TableReader& table, std::string_view key, std::size_t cap);
std::string read_doc(config::TableReader& table, std::string_view key);

// A list of at most kMaxListEntries such texts, all different.
std::vector<std::string> read_texts(config::TableReader& table, std::string_view key, std::size_t cap);

// [a-z0-9] and, between them, '-'.
bool is_plain_name(std::string_view name);
// Reports one that is none; `what` names the thing: "task kind".
void check_plain_name(config::TableReader& parent, std::string_view name, const config::TomlValue& value,
                      std::string_view what);

// Entries of a table in the order they were written (the parser forgets it).
std::vector<std::pair<std::string, const config::TomlValue*>> written_order(const config::Document& document,
                                                                            const config::TomlValue& table);

// `text` in backquotes, escaped and cut.
std::string in_quotes(std::string_view text);

}  // namespace freshet::manifest

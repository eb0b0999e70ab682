#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <toml.hpp>

#include "runtime/config/diagnostic.h"

namespace freshet::config {

using TomlValue = toml::value;

// One parsed file. The only place that knows toml11's inside (3.7.1): where its values stand in the text, how
// its exceptions read, and which numbers it gets wrong.
class Document {
 public:
  // Guards (see toml_guard.h), then parses. Reports and returns none when the text does not parse.
  static std::optional<Document> parse(SourceText source, Reporter& reporter);

  [[nodiscard]] const SourceText& source() const { return source_; }
  [[nodiscard]] const TomlValue& root() const { return root_; }

  [[nodiscard]] Position position_of(const TomlValue& value) const;
  // Where the key `key`, whose value is `value`, was written: before a '=', or in a table's header.
  [[nodiscard]] Position position_of_key(std::string_view key, const TomlValue& value) const;

  // The integer as written; none when it does not fit (toml11 keeps some other number then).
  [[nodiscard]] std::optional<std::int64_t> exact_integer(const TomlValue& value) const;

 private:
  Document(SourceText source, TomlValue root) : source_(std::move(source)), root_(std::move(root)) {}

  SourceText source_;
  TomlValue root_;
};

// "a string", "an integer", "a table", .. for messages.
std::string_view type_name(const TomlValue& value);

}  // namespace freshet::config

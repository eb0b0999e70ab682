#include "runtime/manifest/toml_guard.h"

#include <cstdint>

#include "runtime/base/bytes.h"

namespace freshet::manifest {
namespace {

TomlObjection objection_at(std::string_view text, std::size_t at, std::string what) {
  TomlObjection out{.what = std::move(what), .line = 1, .column = 1};
  for (const char c : text.substr(0, at)) {
    ++out.column;
    if (c == '\n') {
      ++out.line;
      out.column = 1;
    }
  }
  return out;
}

// Length of the string that starts at `at` with a quote. Where text is no valid string the shortest reading is taken,
// so that no bracket toml11 could see is taken for text: a one-line string ends at the line's end.
std::size_t string_length(std::string_view text, std::size_t at) {
  const char quote = text[at];
  const std::string_view rest = text.substr(at);
  const bool escapes = quote == '"';
  const auto starts_with_three = [&](std::size_t i) {
    return i + 2 < rest.size() && rest[i] == quote && rest[i + 1] == quote && rest[i + 2] == quote;
  };
  if (starts_with_three(0)) {
    std::size_t i = 3;
    while (i < rest.size() && !starts_with_three(i)) i += escapes && rest[i] == '\\' ? 2 : 1;
    if (i >= rest.size()) return rest.size();
    i += 3;
    // One or two quotes just before the closing three belong to the text.
    for (int extra = 0; extra < 2 && i < rest.size() && rest[i] == quote; ++extra) ++i;
    return i;
  }
  std::size_t i = 1;
  while (i < rest.size() && rest[i] != quote && rest[i] != '\n')
    i += escapes && rest[i] == '\\' && i + 1 < rest.size() && rest[i + 1] != '\n' ? 2 : 1;
  return i < rest.size() ? i + 1 : rest.size();
}

}  // namespace

std::optional<TomlObjection> find_toml_objection(std::string_view text) {
  if (!is_utf8(text)) {
    std::size_t good = 0;  // the longest well-formed prefix ends at a line: good enough to point at the line
    for (std::size_t end = text.find('\n'); end != std::string_view::npos; end = text.find('\n', end + 1)) {
      if (!is_utf8(text.substr(good, end - good))) break;
      good = end + 1;
    }
    return objection_at(text, good, "this line is not UTF-8");
  }
  std::size_t depth = 0;
  std::size_t dots = 0;  // of the key being read; a value's own dots (floats) are never many
  for (std::size_t i = 0; i < text.size();) {
    const char c = text[i];
    switch (c) {
      case '"':
      case '\'':
        i += string_length(text, i);
        continue;
      case '#': {
        const auto end = text.find('\n', i);
        i = end == std::string_view::npos ? text.size() : end;
        continue;
      }
      case '[':
      case '{':
        ++depth;
        dots = 0;
        break;
      case ']':
      case '}':
        if (depth > 0) --depth;
        break;
      case '.':
        ++dots;
        break;
      case '\n':
      case '=':
      case ',':
        dots = 0;
        break;
      default: break;
    }
    if (depth > kMaxTomlNesting || dots >= kMaxTomlNesting)
      return objection_at(text, i, "nested deeper than " + std::to_string(kMaxTomlNesting) + " levels");
    ++i;
  }
  for (std::size_t i = 0; i < text.size(); ++i) {
    const auto byte = static_cast<unsigned char>(text[i]);
    const bool newline = byte == '\n' || (byte == '\r' && i + 1 < text.size() && text[i + 1] == '\n');
    if ((byte < 0x20 && byte != '\t' && !newline) || byte == 0x7F)
      return objection_at(text, i, "a control character");
  }
  return std::nullopt;
}

}  // namespace freshet::manifest

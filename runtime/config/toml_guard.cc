#include "runtime/config/toml_guard.h"

#include <algorithm>
#include <utility>

#include "runtime/base/bytes.h"

namespace freshet::config {
namespace {

// First byte that does not belong to well-formed UTF-8.
std::size_t first_bad_byte(std::string_view text) {
  std::size_t at = 0;
  while (at < text.size()) {
    std::size_t length = 1;
    while (length <= 4 && !is_utf8(text.substr(at, length))) ++length;
    if (length > 4) break;
    at += length;
  }
  return at;
}

std::optional<TomlGuardFinding> find_long_line(std::string_view text) {
  for (std::size_t from = 0; from < text.size();) {
    const std::size_t end = std::min(text.find('\n', from), text.size());
    if (end - from > kMaxTomlLine)
      return TomlGuardFinding{from, "this line is longer than 16 KiB: break it up"};
    from = end + 1;
  }
  return std::nullopt;
}

class Guard {
 public:
  explicit Guard(std::string_view text) : text_(text) {}

  std::optional<TomlGuardFinding> run() {
    while (at_ < text_.size()) {
      const char c = text_[at_];
      std::optional<TomlGuardFinding> found;
      switch (c) {
        case '#':
          skip_comment();
          continue;
        case '"':
        case '\'':
          found = skip_string(c);
          if (found) return found;
          continue;
        case '[':
        case '{':
          dots_ = 0;
          if (++depth_ > kMaxTomlNesting) return refuse(at_, "brackets are nested deeper than 32");
          break;
        case ']':
        case '}':
          dots_ = 0;
          // A stray one is toml11's to refuse; it must not make room for more.
          if (depth_ > 0) --depth_;
          break;
        case '.':
          if (++dots_ >= kMaxTomlNesting) return refuse(at_, "a dotted key has more than 32 names");
          break;
        case '=':
        case ',':
        case '\n':
          dots_ = 0;
          break;
        default:
          break;
      }
      ++at_;
    }
    return std::nullopt;
  }

 private:
  static TomlGuardFinding refuse(std::size_t offset, std::string what) { return {offset, std::move(what)}; }

  void skip_comment() {
    while (at_ < text_.size() && text_[at_] != '\n') ++at_;
  }

  // A string that does not end is refused here: behind it, this reader and toml11 could disagree about what
  // is inside.
  std::optional<TomlGuardFinding> skip_string(char quote) {
    const std::size_t from = at_;
    const bool lines = text_.substr(at_, 3) == std::string(3, quote);
    at_ += lines ? 3 : 1;
    while (at_ < text_.size()) {
      const char c = text_[at_];
      if (!lines && c == '\n') break;
      if (c == '\\' && quote == '"' && text_.substr(at_ + 1, 1) != "\n") {
        at_ += 2;
        continue;
      }
      if (c == quote && !lines) {
        ++at_;
        return std::nullopt;
      }
      if (c == quote && text_.substr(at_, 3) == std::string(3, quote)) {
        at_ += 3;
        // Up to two quotes may stand directly before the closing three.
        for (int extra = 0; extra < 2 && at_ < text_.size() && text_[at_] == quote; ++extra) ++at_;
        return std::nullopt;
      }
      ++at_;
    }
    return refuse(from, "this string has no end");
  }

  std::string_view text_;
  std::size_t at_ = 0;
  std::size_t depth_ = 0;
  std::size_t dots_ = 0;
};

}  // namespace

std::optional<TomlGuardFinding> guard_toml(std::string_view text) {
  if (const std::size_t at = text.find('\0'); at != std::string_view::npos) {
    return TomlGuardFinding{at, "a NUL byte: this is no text file"};
  }
  if (!is_utf8(text)) return TomlGuardFinding{first_bad_byte(text), "this is not UTF-8 text"};
  if (auto found = find_long_line(text)) return found;
  return Guard(text).run();
}

}  // namespace freshet::config

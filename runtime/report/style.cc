#include "runtime/report/style.h"

#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdlib>

#include "runtime/base/bytes.h"
#include "runtime/base/units.h"

namespace freshet::report {
namespace {

constexpr std::size_t kLeastWidth = 40;
constexpr std::size_t kMostWidth = 400;

std::string_view environment(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? std::string_view() : std::string_view(value);
}

// The names alone: a container often has LANG=C.UTF-8 without that locale's files, and a terminal that shows
// UTF-8.
bool locale_is_utf8() {
  for (const char* name : {"LC_ALL", "LC_CTYPE", "LANG"}) {
    std::string value(environment(name));
    if (value.empty()) continue;
    std::ranges::transform(value, value.begin(), [](unsigned char c) { return static_cast<char>(c | 0x20); });
    return value.find("utf-8") != std::string::npos || value.find("utf8") != std::string::npos;
  }
  return false;
}

const char* code_of(Paint how) {
  switch (how) {
    case Paint::plain:
      return "";
    case Paint::strong:
      return "\x1b[1m";
    case Paint::dim:
      return "\x1b[2m";
    case Paint::good:
      return "\x1b[32m";
    case Paint::warning:
      return "\x1b[33m";
    case Paint::bad:
      return "\x1b[31m";
    case Paint::accent:
      return "\x1b[36m";
  }
  return "";
}

struct Range {
  char32_t first, last;
};

constexpr std::array<Range, 5> kNoWidth = {
    {{0x0300, 0x036F}, {0x200B, 0x200F}, {0x20D0, 0x20FF}, {0xFE00, 0xFE0F}, {0xFE20, 0xFE2F}}};
constexpr std::array<Range, 9> kWide = {{{0x1100, 0x115F},
                                         {0x2E80, 0xA4CF},
                                         {0xAC00, 0xD7A3},
                                         {0xF900, 0xFAFF},
                                         {0xFE30, 0xFE6F},
                                         {0xFF00, 0xFF60},
                                         {0xFFE0, 0xFFE6},
                                         {0x1F300, 0x1FAFF},
                                         {0x20000, 0x3FFFD}}};

template <std::size_t N>
bool in_ranges(const std::array<Range, N>& ranges, char32_t c) {
  return std::ranges::any_of(ranges, [c](const Range& range) { return c >= range.first && c <= range.last; });
}

// Takes one character off the front of well-formed UTF-8.
char32_t take_character(std::string_view& text) {
  const auto first = static_cast<unsigned char>(text[0]);
  const std::size_t length = std::min<std::size_t>(first < 0x80   ? 1
                                                   : first < 0xE0 ? 2
                                                   : first < 0xF0 ? 3
                                                                  : 4,
                                                   text.size());
  char32_t c = length == 1 ? first : first & (0xFFU >> (length + 1));
  for (std::size_t i = 1; i < length; ++i) c = (c << 6) | (static_cast<unsigned char>(text[i]) & 0x3F);
  text.remove_prefix(length);
  return c;
}

// Where the first word ends. What stands in backticks is one, as far as it fits in a line: people copy it.
std::size_t word_end(std::string_view text, std::size_t room) {
  const std::size_t blank = std::min(text.find(' '), text.size());
  if (std::ranges::count(text.substr(0, blank), '`') % 2 == 0) return blank;
  const std::size_t closing = text.find('`', blank);
  if (closing == std::string_view::npos) return blank;
  const std::size_t end = std::min(text.find(' ', closing), text.size());
  return columns_of(text.substr(0, end)) <= room ? end : blank;
}

}  // namespace

Style Style::of(int fd, bool colour_allowed) {
  Style style;
  style.unicode = locale_is_utf8();
  if (::isatty(fd) != 1) return style;
  style.colour = colour_allowed && environment("NO_COLOR").empty() && environment("TERM") != "dumb";
  winsize size{};
  if (::ioctl(fd, TIOCGWINSZ, &size) == 0 && size.ws_col > 0) {
    style.width = std::clamp<std::size_t>(size.ws_col, kLeastWidth, kMostWidth);
  }
  return style;
}

std::string paint(const Style& style, Paint how, std::string_view text) {
  if (!style.colour || how == Paint::plain || text.empty()) return std::string(text);
  return std::string(code_of(how)) + std::string(text) + "\x1b[0m";
}

std::string show(const Style& style, std::string_view bytes) {
  std::string text = escape_bytes(bytes);
  if (style.unicode) return text;
  std::string ascii;
  constexpr std::string_view kDigits = "0123456789abcdef";
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte < 0x80) {
      ascii += c;
    } else {
      ascii += "\\x";
      ascii += kDigits[byte >> 4];
      ascii += kDigits[byte & 15];
    }
  }
  return ascii;
}

std::string show_words(const Style& style, std::string_view text) {
  std::string out;
  for (;;) {
    const std::size_t end = text.find('\\');
    out += show(style, text.substr(0, end));
    if (end == std::string_view::npos) return out;
    out += '\\';
    text.remove_prefix(end + 1);
  }
}

std::size_t columns_of(std::string_view text) {
  std::size_t columns = 0;
  while (!text.empty()) {
    const char32_t c = take_character(text);
    if (!in_ranges(kNoWidth, c)) columns += in_ranges(kWide, c) ? 2 : 1;
  }
  return columns;
}

std::string bar(const Style& style, std::uint64_t part, std::uint64_t whole, std::size_t cells) {
  if (part == 0 || whole == 0 || cells == 0) return {};
  const double share = std::min(1.0, static_cast<double>(part) / static_cast<double>(whole));
  std::string out;
  if (!style.unicode) {
    out.assign(std::max<std::size_t>(1, static_cast<std::size_t>(share * static_cast<double>(cells) + 0.5)),
               '#');
    return out;
  }
  constexpr std::array<const char*, 8> kEighths = {"", "▏", "▎", "▍", "▌", "▋", "▊", "▉"};
  const auto eighths =
      std::max<std::size_t>(1, static_cast<std::size_t>(share * 8.0 * static_cast<double>(cells) + 0.5));
  for (std::size_t i = 0; i < eighths / 8; ++i) out += "█";
  out += kEighths[eighths % 8];
  return out;
}

std::string wrap(const Style& style, std::string_view text, std::size_t indent) {
  std::string out;
  std::size_t column = indent;
  bool at_start = true;
  while (!text.empty()) {
    const std::size_t end = word_end(text, style.width - std::min(indent, style.width));
    const std::string_view word = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    if (word.empty()) continue;
    const std::size_t width = columns_of(word);
    if (!at_start && column + 1 + width > style.width) {
      out += '\n';
      out.append(indent, ' ');
      column = indent;
      at_start = true;
    }
    if (!at_start) {
      out += ' ';
      ++column;
    }
    out += word;
    column += width;
    at_start = false;
  }
  return out;
}

std::string entries_text(std::uint64_t count) {
  return counted(count, "entry", "entries");
}

}  // namespace freshet::report

#include "runtime/config/document.h"

#include <algorithm>
#include <charconv>
#include <exception>
#include <sstream>
#include <utility>

#include "runtime/base/bytes.h"
#include "runtime/config/toml_guard.h"

namespace freshet::config {
namespace {

// The part of the text that a value was made from: of a table with a header it is the header. Its public
// location() counts lines from the start of the file at every call, which is quadratic for a file of many
// values.
struct Region {
  std::size_t offset = 0;
  std::string_view text;
};

Region region_of(const SourceText& source, const TomlValue& value) {
  const auto* region = dynamic_cast<const toml::detail::region*>(toml::detail::get_region(value));
  if (region == nullptr) return {};
  const auto offset = static_cast<std::size_t>(region->first() - region->begin());
  const std::string_view text = source.text();
  if (offset > text.size()) return {};
  return {offset, text.substr(offset, region->size())};
}

// A place in the text as toml11's error messages draw it:
//    12 | key = value
//       |       ^--- comment
struct DrawnPlace {
  std::size_t line = 0;
  std::size_t column = 0;  // in bytes
  std::string comment;
};

// The last drawn place is where the trouble is (the first may be "array starts here"). The exception's own
// location is often the start of the file, because the parser has gone back before it throws.
std::optional<DrawnPlace> last_drawn_place(const std::string& message, const SourceText& source) {
  std::optional<DrawnPlace> out;
  std::istringstream lines(message);
  std::string line;
  std::size_t number = 0;  // of the source line that was just drawn; 0 when the line before was none
  while (std::getline(lines, line)) {
    const std::size_t bar = line.find(" | ");
    const std::size_t digits = line.find_first_not_of(' ');
    if (bar == std::string::npos || digits == std::string::npos) continue;
    if (digits < bar) {
      number = 0;
      const auto parsed = std::from_chars(line.data() + digits, line.data() + bar, number);
      // Some are drawn from a copy of a part of the text, whose lines are counted from 1 again.
      if (parsed.ec != std::errc() || parsed.ptr != line.data() + bar ||
          source.line(number) != line.substr(bar + 3)) {
        number = 0;
      }
      continue;
    }
    if (number == 0 || digits != bar + 1) continue;
    const std::size_t mark = line.find_first_not_of(' ', bar + 3);
    if (mark == std::string::npos) continue;
    const std::size_t mark_end = line.find_first_not_of(line[mark] == '^' ? "^-" : "~", mark);
    DrawnPlace place{number, mark - (bar + 3) + 1, {}};
    if (mark_end != std::string::npos && mark_end + 1 < line.size())
      place.comment = line.substr(mark_end + 1);
    out = std::move(place);
    number = 0;
  }
  return out;
}

// "[error] toml::parse_array: missing separator" -> "missing separator".
std::string bare_message(const std::string& message) {
  std::string line = message.substr(0, message.find('\n'));
  constexpr std::string_view kPrefix = "[error] ";
  if (line.starts_with(kPrefix)) line.erase(0, kPrefix.size());
  if (line.starts_with("toml::")) {
    const std::size_t colon = line.find(": ");
    line = colon == std::string::npos ? "this cannot be read" : line.substr(colon + 2);
  }
  while (line.ends_with('.') || line.ends_with(' ')) line.pop_back();
  return line.empty() ? "this cannot be read" : line;
}

void report_syntax_error(const toml::exception& error, const SourceText& source, Reporter& reporter) {
  const std::string message = error.what();
  std::string what = bare_message(message);
  Position position = source.position_of_line(error.location().line(), error.location().column());
  if (const auto place = last_drawn_place(message, source)) {
    position = source.position_of_line(place->line, place->column);
    if (!place->comment.empty() && place->comment != "here") what += " (" + place->comment + ")";
  }
  // The most frequent slip, about which toml11 only says that something is missing.
  const std::string_view line = source.line(position.line);
  const bool open_brace =
      std::count(line.begin(), line.end(), '{') > std::count(line.begin(), line.end(), '}');
  reporter.add(
      position, "syntax: " + escape_bytes(what),
      open_brace
          ? "a table in braces must stand on one line; long ones are written as [table] with keys below"
          : "");
}

bool is_blank(char c) {
  return c == ' ' || c == '\t';
}

bool is_bare_key_character(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '-';
}

// Where `key` stands in `text` as a whole name, from the end; npos if it does not (a key written with
// escapes).
std::size_t find_last_key(std::string_view text, std::string_view key) {
  for (std::size_t at = text.rfind(key); at != std::string_view::npos; at = text.rfind(key, at - 1)) {
    const std::size_t end = at + key.size();
    const bool starts = at == 0 || !is_bare_key_character(text[at - 1]);
    if (starts && (end == text.size() || !is_bare_key_character(text[end]))) return at;
    if (at == 0) break;
  }
  return std::string_view::npos;
}

}  // namespace

std::optional<Document> Document::parse(SourceText source, Reporter& reporter) {
  if (const auto found = guard_toml(source.text())) {
    reporter.add(source.position_at(found->offset), found->what);
    return std::nullopt;
  }
  try {
    std::istringstream stream(source.text());
    TomlValue root = toml::parse(stream, source.file());
    return Document(std::move(source), std::move(root));
  } catch (const toml::exception& error) {
    report_syntax_error(error, source, reporter);
  } catch (const std::exception& error) {
    reporter.add(source.position_at(0), "this file cannot be read as TOML: " + escape_bytes(error.what()));
  }
  return std::nullopt;
}

Position Document::position_of(const TomlValue& value) const {
  return source_.position_at(region_of(source_, value).offset);
}

Position Document::position_of_key(std::string_view key, const TomlValue& value) const {
  const Region region = region_of(source_, value);
  const std::string_view text = source_.text();
  std::size_t end = region.offset;
  while (end > 0 && is_blank(text[end - 1])) --end;
  if (end > 0 && text[end - 1] == '=') {
    // key, '=' and the start of the value are always on one line.
    const std::size_t line = text.rfind('\n', end - 1) + 1;  // npos + 1 == 0
    const std::size_t found = find_last_key(text.substr(line, end - 1 - line), key);
    return source_.position_at(found == std::string_view::npos ? region.offset : line + found);
  }
  const std::size_t found = find_last_key(region.text, key);
  return source_.position_at(region.offset + (found == std::string_view::npos ? 0 : found));
}

std::optional<std::int64_t> Document::exact_integer(const TomlValue& value) const {
  std::string digits(region_of(source_, value).text);
  std::erase(digits, '_');
  int base = 10;
  std::size_t from = digits.starts_with('+') ? 1 : 0;
  if (digits.starts_with("0x"))
    base = 16;
  else if (digits.starts_with("0o"))
    base = 8;
  else if (digits.starts_with("0b"))
    base = 2;
  if (base != 10) from = 2;
  std::int64_t out = 0;
  const char* end = digits.data() + digits.size();
  const auto parsed = std::from_chars(digits.data() + from, end, out, base);
  if (parsed.ec != std::errc() || parsed.ptr != end) return std::nullopt;
  return out;
}

std::string_view type_name(const TomlValue& value) {
  switch (value.type()) {
    case toml::value_t::boolean:
      return "a boolean";
    case toml::value_t::integer:
      return "an integer";
    case toml::value_t::floating:
      return "a decimal number";
    case toml::value_t::string:
      return "a string";
    case toml::value_t::array:
      return "a list";
    case toml::value_t::table:
      return "a table";
    case toml::value_t::offset_datetime:
    case toml::value_t::local_datetime:
    case toml::value_t::local_date:
    case toml::value_t::local_time:
      return "a date or time";
    case toml::value_t::empty:
      break;
  }
  return "nothing";
}

}  // namespace freshet::config

#include "runtime/config/diagnostic.h"

#include <algorithm>
#include <string_view>
#include <tuple>
#include <utility>

#include "runtime/base/bytes.h"

namespace freshet::config {
namespace {

// Of a line in an excerpt, in characters: as much as a terminal shows without wrapping.
constexpr std::size_t kExcerptBefore = 70;
constexpr std::size_t kExcerptAfter = 40;

bool continues_character(char byte) {
  return (static_cast<unsigned char>(byte) & 0xC0) == 0x80;
}

// One printable character for each character of the line, so that a caret can be set below any of them.
std::vector<std::string> printable_characters(std::string_view line) {
  std::vector<std::string> out;
  for (std::size_t i = 0; i < line.size();) {
    std::size_t end = i + 1;
    while (end < line.size() && continues_character(line[end])) ++end;
    const std::string_view character = line.substr(i, end - i);
    if (character == "\t")
      out.emplace_back(" ");
    else if (character == "\\" || escape_bytes(character) == character)
      out.emplace_back(character);
    else
      out.emplace_back("?");
    i = end;
  }
  return out;
}

std::string_view line_of(std::string_view text, std::uint32_t number) {
  std::size_t from = 0;
  for (std::uint32_t line = 1; line < number; ++line) {
    from = text.find('\n', from);
    if (from == std::string_view::npos) return {};
    ++from;
  }
  std::string_view line = text.substr(from, text.find('\n', from) - from);
  if (line.ends_with('\r')) line.remove_suffix(1);
  return line;
}

}  // namespace

std::string to_string(const Position& position) {
  if (position.file.empty()) return {};
  std::string out = escape_bytes(position.file);
  if (position.line > 0) {
    out += ":" + std::to_string(position.line);
    if (position.column > 0) out += ":" + std::to_string(position.column);
  }
  return out;
}

std::string excerpt(const Position& position) {
  if (!position.text || position.line == 0 || position.column == 0) return {};
  const auto characters = printable_characters(line_of(*position.text, position.line));
  const std::size_t column = std::min<std::size_t>(position.column - 1, characters.size());
  const std::size_t from = column > kExcerptBefore ? column - kExcerptBefore : 0;
  const std::size_t to = std::min(characters.size(), column + kExcerptAfter);
  std::string line = from > 0 ? "…" : "";
  std::string caret(from > 0 ? 1 : 0, ' ');
  for (std::size_t i = from; i < to; ++i) line += characters[i];
  if (to < characters.size()) line += "…";
  caret.append(column - from, ' ');
  const std::string number = std::to_string(position.line);
  return "  " + number + " | " + line + "\n  " + std::string(number.size(), ' ') + " | " + caret + "^";
}

std::string format(const Diagnostic& diagnostic) {
  std::string out = to_string(diagnostic.position);
  if (!out.empty()) out += ": ";
  out += "error: " + diagnostic.what;
  if (!diagnostic.excerpt.empty()) out += "\n" + diagnostic.excerpt;
  if (!diagnostic.suggestion.empty()) out += "\n  = help: " + diagnostic.suggestion;
  return out;
}

SourceText::SourceText(std::string file, std::string text)
    : file_(std::move(file)), text_(std::make_shared<const std::string>(std::move(text))) {
  line_starts_.push_back(0);
  for (std::size_t at = text_->find('\n'); at != std::string::npos; at = text_->find('\n', at + 1)) {
    line_starts_.push_back(at + 1);
  }
}

std::string_view SourceText::line(std::size_t number) const {
  if (number == 0 || number > line_starts_.size()) return {};
  const std::string_view rest = std::string_view(*text_).substr(line_starts_[number - 1]);
  return rest.substr(0, rest.find('\n'));
}

Position SourceText::position_at(std::size_t offset) const {
  offset = std::min(offset, text_->size());
  const auto after = std::upper_bound(line_starts_.begin(), line_starts_.end(), offset);
  const auto line = static_cast<std::size_t>(after - line_starts_.begin());
  return position_of_line(line, offset - line_starts_[line - 1] + 1);
}

Position SourceText::position_of_line(std::size_t line, std::size_t byte_column) const {
  line = std::clamp<std::size_t>(line, 1, line_starts_.size());
  const std::string_view rest = std::string_view(*text_).substr(line_starts_[line - 1]);
  const std::string_view before = rest.substr(0, byte_column - 1);
  const auto continued = std::count_if(before.begin(), before.end(), continues_character);
  Position out;
  out.file = file_;
  out.line = static_cast<std::uint32_t>(line);
  out.column = static_cast<std::uint32_t>(before.size() - static_cast<std::size_t>(continued) + 1);
  out.text = text_;
  return out;
}

void Reporter::add(const Position& position, std::string what, std::string suggestion) {
  diagnostics_.push_back({position, std::move(what), {}, std::move(suggestion)});
}

std::vector<Diagnostic> Reporter::take(const std::vector<std::string>& files) {
  // In the order of their making where the place is the same.
  using Key = std::tuple<std::size_t, std::uint32_t, std::uint32_t, std::size_t>;
  std::vector<Key> order;
  for (std::size_t i = 0; i < diagnostics_.size(); ++i) {
    const Position& position = diagnostics_[i].position;
    const auto file = std::find(files.begin(), files.end(), position.file) - files.begin();
    order.emplace_back(static_cast<std::size_t>(file), position.line, position.column, i);
  }
  std::sort(order.begin(), order.end());
  std::vector<Diagnostic> out;
  for (const Key& key : order) {
    if (out.size() == kMaxDiagnostics) {
      out.push_back({{}, "and " + std::to_string(order.size() - kMaxDiagnostics) + " more errors", {}, {}});
      break;
    }
    out.push_back(std::move(diagnostics_[std::get<3>(key)]));
    out.back().excerpt = excerpt(out.back().position);
  }
  diagnostics_.clear();
  return out;
}

}  // namespace freshet::config

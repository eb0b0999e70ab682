#include "runtime/report/text_parts.h"

#include <fmt/format.h>

#include <algorithm>

#include "runtime/base/lines.h"
#include "runtime/base/units.h"
#include "runtime/report/text.h"

namespace freshet::report {
namespace {

constexpr std::size_t kLabelColumn = 15;
constexpr std::size_t kLeastExcerpt = 20;

// One text a character: as it is where this stream can show it.
std::vector<std::string> shown_characters(std::string_view line, const Style& style) {
  std::vector<std::string> out;
  while (!line.empty()) {
    std::size_t end = 1;
    while (end < line.size() && (static_cast<unsigned char>(line[end]) & 0xC0) == 0x80) ++end;
    const std::string_view character = line.substr(0, end);
    if (show_words(style, character) == character)
      out.emplace_back(character);
    else
      out.emplace_back(character == "…" ? "..." : "?");
    line.remove_prefix(end);
  }
  return out;
}

}  // namespace

std::string labelled(const Style& style, std::string_view label, std::string_view text, Paint how) {
  return fmt::format("  {}{}\n", paint(style, Paint::dim, fmt::format("{:<13}", label)),
                     paint(style, how, wrap(style, text, kLabelColumn)));
}

std::string joined(const std::vector<std::string>& texts, std::string_view between, const Style& style) {
  std::string out;
  for (const std::string& text : texts) {
    if (!out.empty()) out += between;
    out += show_words(style, text);
  }
  return out;
}

std::string counts_text(const std::map<std::string, std::uint64_t>& counts, const Style& style) {
  std::vector<std::pair<std::string, std::uint64_t>> sorted(counts.begin(), counts.end());
  std::ranges::sort(sorted, [](const auto& a, const auto& b) {
    return a.second != b.second ? a.second > b.second : a.first < b.first;
  });
  std::string out;
  for (const auto& [reason, count] : sorted) {
    if (!out.empty()) out += ", ";
    out += format_count(count) + " " + show_words(style, reason);
  }
  return out;
}

std::string refusals_part(const std::vector<Refusal>& refusals, std::uint64_t total, std::size_t most,
                          const Style& style) {
  std::string out;
  const std::size_t shown = std::min(refusals.size(), most);
  for (std::size_t i = 0; i < shown; ++i) {
    out += fmt::format("    {}: {}\n", show(style, refusals[i].path), show_words(style, refusals[i].reason));
  }
  if (shown > 0 && total > shown)
    out += paint(style, Paint::dim, fmt::format("    and {} more", format_count(total - shown))) + "\n";
  return out;
}

std::string excerpt_part(std::string_view excerpt, std::size_t indent, const Style& style) {
  const std::size_t line_end = excerpt.find('\n');
  const std::size_t bar_at = excerpt.find(" | ");
  const std::size_t caret = excerpt.find('^', line_end);
  if (line_end == std::string_view::npos || bar_at >= line_end || caret < line_end + 1 + bar_at + 3) return {};
  const std::size_t margin = bar_at + 3;
  std::vector<std::string> characters = shown_characters(excerpt.substr(margin, line_end - margin), style);
  const std::size_t at = std::min(caret - (line_end + 1) - margin, characters.size());

  const std::size_t taken = indent + margin;
  const std::size_t room = std::max(kLeastExcerpt, style.width > taken ? style.width - taken : 0);
  // Two thirds of the room before the caret, where the line does not fit.
  const std::size_t over = characters.size() > room ? characters.size() - room : 0;
  const std::size_t from = std::min(over, at + room / 3 >= room ? at + room / 3 + 1 - room : 0);
  const std::size_t to = std::min(characters.size(), from + room);
  const std::string gap = style.unicode ? "…" : ".";
  if (from > 0) characters[from] = gap;
  if (to < characters.size()) characters[to - 1] = gap;
  std::string line, before;
  for (std::size_t i = from; i < to; ++i) {
    if (i < at) before += characters[i];
    line += characters[i];
  }
  const std::string space(indent, ' ');
  return space + show_words(style, excerpt.substr(0, margin)) + line + "\n" + space + std::string(bar_at, ' ') + " | " +
         std::string(columns_of(before), ' ') + paint(style, Paint::bad, "^") + "\n";
}

std::string violations_part(const std::vector<BoundaryViolation>& violations, const Style& style) {
  std::string out;
  for (const BoundaryViolation& violation : violations) {
    out += fmt::format("  {}{}\n", paint(style, Paint::bad, fmt::format("{:<6}", violation.code)),
                       wrap(style, show_words(style, violation.what), 8));
    if (!violation.where.empty())
      out += "        " + paint(style, Paint::dim, "at " + show_words(style, violation.where)) + "\n";
    out += excerpt_part(violation.excerpt, 6, style);
    if (!violation.remedy.empty())
      out += "        " + wrap(style, "help: " + show_words(style, violation.remedy), 8) + "\n";
  }
  return out;
}

std::string error_text(const Error& error, const Style& style) {
  std::string out = paint(style, Paint::bad, "error:") + " " + show_words(style, error.what);
  if (!error.code.empty()) out += " [" + error.code + "]";
  out += "\n";
  for_each_line(error.detail, [&](std::string_view line) { out += "  " + show_words(style, line) + "\n"; });
  return out;
}

}  // namespace freshet::report

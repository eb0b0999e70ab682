#include "runtime/report/text_parts.h"

#include <fmt/format.h>

#include <algorithm>

#include "runtime/base/lines.h"
#include "runtime/base/units.h"
#include "runtime/report/text.h"

namespace freshet::report {
namespace {

constexpr std::size_t kLabelColumn = 15;

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

std::string violations_part(const std::vector<BoundaryViolation>& violations, const Style& style) {
  std::string out;
  for (const BoundaryViolation& violation : violations) {
    out += fmt::format("  {}{}\n", paint(style, Paint::bad, fmt::format("{:<6}", violation.code)),
                       wrap(style, show_words(style, violation.what), 8));
    if (!violation.where.empty())
      out += "        " + paint(style, Paint::dim, "at " + show_words(style, violation.where)) + "\n";
    for_each_line(violation.excerpt,
                  [&](std::string_view line) { out += "      " + show_words(style, line) + "\n"; });
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

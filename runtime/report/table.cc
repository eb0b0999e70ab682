#include "runtime/report/table.h"

#include <algorithm>

namespace freshet::report {

std::string Table::render(const Style& style, std::size_t indent) const {
  std::vector<std::size_t> widths(columns_.size(), 0);
  for (const auto& row : rows_) {
    for (std::size_t i = 0; i < row.size() && i < widths.size(); ++i) {
      widths[i] = std::max(widths[i], columns_of(row[i].text));
    }
  }
  std::string out;
  for (const auto& row : rows_) {
    std::string line(indent, ' ');
    std::size_t blanks = 0;  // written only before a later cell: no blanks at the end of a line
    for (std::size_t i = 0; i < row.size() && i < widths.size(); ++i) {
      const std::size_t missing = widths[i] - columns_of(row[i].text);
      if (columns_[i] == Align::right) blanks += missing;
      if (!row[i].text.empty()) {
        line.append(blanks, ' ');
        line += paint(style, row[i].paint, row[i].text);
        blanks = 0;
      } else {
        blanks += widths[i] - missing;
      }
      if (columns_[i] == Align::left) blanks += missing;
      blanks += 2;
    }
    out += line;
    out += '\n';
  }
  return out;
}

}  // namespace freshet::report

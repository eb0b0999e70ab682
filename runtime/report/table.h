#pragma once

#include <string>
#include <vector>

#include "runtime/report/style.h"

namespace freshet::report {

// Rows of cells in columns as wide as their widest cell, two blanks apart. The last column is never padded
// nor cut.
class Table {
 public:
  enum class Align { left, right };
  struct Cell {
    std::string text;
    Paint paint = Paint::plain;
  };

  explicit Table(std::vector<Align> columns) : columns_(std::move(columns)) {}
  void add(std::vector<Cell> row) { rows_.push_back(std::move(row)); }
  [[nodiscard]] bool empty() const { return rows_.empty(); }

  // Every line begins with `indent` blanks and ends with a newline.
  [[nodiscard]] std::string render(const Style& style, std::size_t indent) const;

 private:
  std::vector<Align> columns_;
  std::vector<std::vector<Cell>> rows_;
};

}  // namespace freshet::report

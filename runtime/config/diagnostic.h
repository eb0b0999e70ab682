#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "runtime/config/config.h"

namespace freshet::config {

// A file's text with an index of its lines: turns byte offsets into positions.
class SourceText {
 public:
  SourceText(std::string file, std::string text);

  [[nodiscard]] const std::string& file() const { return file_; }
  [[nodiscard]] const std::string& text() const { return *text_; }
  // Without its newline; empty when there is no such line. Counted from 1.
  [[nodiscard]] std::string_view line(std::size_t number) const;
  // An offset past the end means the end.
  [[nodiscard]] Position position_at(std::size_t offset) const;
  // Line and column in bytes, both from 1.
  [[nodiscard]] Position position_of_line(std::size_t line, std::size_t byte_column) const;

 private:
  std::string file_;
  std::shared_ptr<const std::string> text_;
  std::vector<std::size_t> line_starts_;
};

// Gathers every error of a load. Not thread-safe; one load owns one.
class Reporter {
 public:
  void add(const Position& position, std::string what, std::string suggestion = {});
  [[nodiscard]] bool empty() const { return diagnostics_.empty(); }
  [[nodiscard]] std::size_t count() const { return diagnostics_.size(); }
  // In the order of `files`, then of lines. At most kMaxDiagnostics, then one that says how many there are.
  [[nodiscard]] std::vector<Diagnostic> take(const std::vector<std::string>& files);

  static constexpr std::size_t kMaxDiagnostics = 500;

 private:
  std::vector<Diagnostic> diagnostics_;
};

}  // namespace freshet::config

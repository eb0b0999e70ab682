#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "runtime/wire/messages.h"

// The table of a removal's slots, as text. The format is in QUARANTINE.md; no file is touched here.
namespace freshet::broker {

inline constexpr const char* kTableName = "table";
inline constexpr std::string_view kTableHeader = "freshet-table 1\n";
inline constexpr std::size_t kMaxSlots = 4'000'000;
inline constexpr std::size_t kMaxTableLine = 4 * wire::kMaxPath + 256;  // with its newline

struct TableSlot {
  std::uint32_t number = 0;
  std::uint64_t inode = 0;
  std::int64_t birth_ns = 0;
  std::int64_t mtime_ns = 0;
  std::int64_t atime_ns = 0;
  std::string path;  // of the origin directory, relative to the root; "" is the root itself

  bool operator==(const TableSlot&) const = default;
};

// The last field of a line, over the text before it.
std::string table_checksum(std::string_view text);
// With its newline.
std::string format_table_line(const TableSlot& slot);

// At least the length of the line of a slot with this path (relative to the root), for the file size limit.
std::size_t table_line_bytes(std::string_view path);

// Reads a table piece by piece; treats every byte as hostile. What does not check is dropped and counted.
class TableReader {
 public:
  void feed(std::string_view piece);

  // Call once, after the last piece: the good slots in ascending order of number.
  std::vector<TableSlot> take();
  // Complete lines that were dropped, both lines of a number that two claim included. Valid after take().
  [[nodiscard]] std::size_t dropped() const { return dropped_; }

 private:
  void take_line(std::string_view line);

  std::string partial_;
  bool skipping_ = false;  // inside a line over the cap
  bool started_ = false;   // the first line was seen
  bool known_ = false;     // .. and was the version's
  std::vector<TableSlot> slots_;
  std::size_t dropped_ = 0;
};

}  // namespace freshet::broker

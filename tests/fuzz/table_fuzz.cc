// LINK: freshet_broker
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

#include "runtime/broker/session.h"
#include "runtime/broker/table.h"

namespace {

using namespace freshet::broker;

// Gives every line but the first a good checksum, so that what lies behind it is reached, too.
std::string with_checksums(std::string_view text) {
  std::string out(kTableHeader);
  while (!text.empty()) {
    const std::string_view line = text.substr(0, text.find('\n'));
    out.append(line).append(" ").append(table_checksum(line)).append("\n");
    text.remove_prefix(std::min(text.size(), line.size() + 1));
  }
  return out;
}

// A slot that is read names a path that stays below its root, numbers are unique and ascending, and the pieces in which
// the bytes came make no difference.
void read(std::string_view text, std::size_t step) {
  TableReader whole;
  whole.feed(text);
  const std::vector<TableSlot> slots = whole.take();
  TableReader pieces;
  for (std::size_t at = 0; at < text.size(); at += step) pieces.feed(text.substr(at, step));
  if (pieces.take() != slots || pieces.dropped() != whole.dropped()) std::abort();

  std::uint32_t last = 0;
  std::string again(kTableHeader);
  for (const TableSlot& slot : slots) {
    if (slot.number <= last || !is_relative_path(slot.path)) std::abort();
    last = slot.number;
    const std::string line = format_table_line(slot);
    if (line.size() > table_line_bytes(slot.path) || line.size() > kMaxTableLine) std::abort();
    again += line;
  }
  TableReader reread;
  reread.feed(again);
  if (reread.take() != slots || reread.dropped() != 0) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const std::size_t step = size > 0 ? data[0] % 7U + 1 : 1;
  read(text, step);
  read(with_checksums(text), step);
  return 0;
}

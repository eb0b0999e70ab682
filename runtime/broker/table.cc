#include "runtime/broker/table.h"

#include <sodium.h>

#include <algorithm>
#include <charconv>

#include "runtime/base/bytes.h"
#include "runtime/broker/session.h"

namespace freshet::broker {
namespace {

constexpr std::size_t kChecksumDigits = 16;

std::string escape_path(std::string_view path) {
  if (path.empty()) return ".";
  std::string out;
  for (const char c : escape_bytes(path)) {
    if (c == ' ')
      out += "\\x20";
    else
      out += c;
  }
  return out;
}

bool parse_path(std::string_view text, std::string& path) {
  if (text == ".") {
    path.clear();
    return true;
  }
  return unescape_bytes(text, path) && !path.empty() && path.size() <= wire::kMaxPath && is_relative_path(path);
}

// Takes the next field off `line`; the fields before the last two are numbers.
template <class T>
bool take_number(std::string_view& line, T& value) {
  const std::size_t space = line.find(' ');
  if (space == std::string_view::npos) return false;
  const char* end = line.data() + space;
  const auto [stop, error] = std::from_chars(line.data(), end, value);
  line.remove_prefix(space + 1);
  return error == std::errc() && stop == end;
}

bool parse_line(std::string_view line, TableSlot& slot) {
  if (line.size() <= kChecksumDigits + 1) return false;
  const std::string_view text = line.substr(0, line.size() - kChecksumDigits - 1);
  if (line[text.size()] != ' ' || line.substr(text.size() + 1) != table_checksum(text)) return false;
  std::string_view rest = text;
  return take_number(rest, slot.number) && slot.number != 0 && take_number(rest, slot.inode) &&
         take_number(rest, slot.birth_ns) && take_number(rest, slot.mtime_ns) && take_number(rest, slot.atime_ns) &&
         rest.find(' ') == std::string_view::npos && parse_path(rest, slot.path);
}

}  // namespace

std::string table_checksum(std::string_view text) {
  unsigned char hash[crypto_generichash_BYTES_MIN];
  crypto_generichash(hash, sizeof hash, reinterpret_cast<const unsigned char*>(text.data()), text.size(), nullptr, 0);
  constexpr std::string_view kDigits = "0123456789abcdef";
  std::string out;
  for (std::size_t i = 0; i < kChecksumDigits / 2; ++i) {
    out += kDigits[hash[i] >> 4];
    out += kDigits[hash[i] & 15];
  }
  return out;
}

std::string format_table_line(const TableSlot& slot) {
  std::string line;
  line.reserve(slot.path.size() + 128);
  for (const std::string& number :
       {std::to_string(slot.number), std::to_string(slot.inode), std::to_string(slot.birth_ns),
        std::to_string(slot.mtime_ns), std::to_string(slot.atime_ns)})
    line.append(number).append(1, ' ');
  line += escape_path(slot.path);
  line += ' ' + table_checksum(line);
  line += '\n';
  return line;
}

std::size_t table_line_bytes(std::string_view path) {
  constexpr std::size_t kNumbers = 11 + 4 * 21;  // 32 bits and four of 64 with a sign, each with its space
  return kNumbers + escape_path(path).size() + 1 + kChecksumDigits + 1;
}

void TableReader::feed(std::string_view piece) {
  while (!piece.empty()) {
    const std::size_t newline = piece.find('\n');
    const std::string_view part = piece.substr(0, newline);
    if (!skipping_) {
      partial_ += part.substr(0, kMaxTableLine);
      if (partial_.size() >= kMaxTableLine) {
        skipping_ = true;
        partial_.clear();
      }
    }
    if (newline == std::string_view::npos) return;
    if (skipping_)
      take_line({});  // never a good line
    else
      take_line(partial_);
    partial_.clear();
    skipping_ = false;
    piece.remove_prefix(newline + 1);
  }
}

void TableReader::take_line(std::string_view line) {
  if (!started_) {
    started_ = true;
    known_ = line == kTableHeader.substr(0, kTableHeader.size() - 1);
    if (!known_) ++dropped_;
    return;
  }
  TableSlot slot;
  if (known_ && slots_.size() < kMaxSlots && parse_line(line, slot))
    slots_.push_back(std::move(slot));
  else
    ++dropped_;
}

std::vector<TableSlot> TableReader::take() {
  std::sort(slots_.begin(), slots_.end(),
            [](const TableSlot& a, const TableSlot& b) { return a.number < b.number; });
  std::vector<TableSlot> good;
  good.reserve(slots_.size());
  for (std::size_t i = 0; i < slots_.size();) {
    std::size_t end = i + 1;
    while (end < slots_.size() && slots_[end].number == slots_[i].number) ++end;
    if (end - i == 1)
      good.push_back(std::move(slots_[i]));
    else
      dropped_ += end - i;
    i = end;
  }
  slots_.clear();
  return good;
}

}  // namespace freshet::broker

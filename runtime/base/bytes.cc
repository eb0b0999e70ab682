#include "runtime/base/bytes.h"

#include <algorithm>
#include <cstdint>

namespace freshet {
namespace {

// Length of the well-formed UTF-8 sequence at the start of `s`, 0 if there is none.
std::size_t utf8_length(std::string_view s) {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(s[i]); };
  const auto follows = [&](std::size_t i) { return i < s.size() && (byte(i) & 0xC0) == 0x80; };
  if (s.empty()) return 0;
  const unsigned first = byte(0);
  if (first < 0x80) return 1;
  if (first >= 0xC2 && first <= 0xDF) return follows(1) ? 2 : 0;
  if (first >= 0xE0 && first <= 0xEF) {
    if (!follows(1) || !follows(2)) return 0;
    if (first == 0xE0 && byte(1) < 0xA0) return 0;
    if (first == 0xED && byte(1) > 0x9F) return 0;  // surrogates
    return 3;
  }
  if (first >= 0xF0 && first <= 0xF4) {
    if (!follows(1) || !follows(2) || !follows(3)) return 0;
    if (first == 0xF0 && byte(1) < 0x90) return 0;
    if (first == 0xF4 && byte(1) > 0x8F) return 0;
    return 4;
  }
  return 0;
}

// C1 controls and the bidirectional overrides can change how the rest of a line reads.
bool harmful_sequence(std::string_view seq) {
  if (seq.size() == 2) return static_cast<unsigned char>(seq[0]) == 0xC2 && static_cast<unsigned char>(seq[1]) < 0xA0;
  if (seq.size() == 3 && static_cast<unsigned char>(seq[0]) == 0xE2) {
    const unsigned second = static_cast<unsigned char>(seq[1]);
    const unsigned third = static_cast<unsigned char>(seq[2]);
    if (second == 0x80) return third >= 0x8B && (third <= 0x8F || (third >= 0xA8 && third <= 0xAE));
    if (second == 0x81) return third >= 0xA0 && third <= 0xAF;
  }
  return false;
}

int hex_value(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  return -1;
}

void append_hex(std::string& out, unsigned char byte) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  out += "\\x";
  out += kDigits[byte >> 4];
  out += kDigits[byte & 15];
}

}  // namespace

std::size_t harmful_length(std::string_view text) {
  const std::size_t length = utf8_length(text);
  return length != 0 && harmful_sequence(text.substr(0, length)) ? length : 0;
}

std::string escape_bytes(std::string_view bytes) {
  std::string out;
  out.reserve(bytes.size());
  for (std::size_t i = 0; i < bytes.size();) {
    const std::size_t length = utf8_length(bytes.substr(i));
    const auto byte = static_cast<unsigned char>(bytes[i]);
    if (byte == '\\') {
      out += "\\\\";
    } else if (byte == '\n') {
      out += "\\n";
    } else if (byte == '\t') {
      out += "\\t";
    } else if (length == 0 || byte < 0x20 || byte == 0x7F) {
      append_hex(out, byte);
    } else if (harmful_sequence(bytes.substr(i, length))) {
      for (std::size_t k = 0; k < length; ++k) append_hex(out, static_cast<unsigned char>(bytes[i + k]));
      i += length;
      continue;
    } else {
      out.append(bytes.substr(i, length));
      i += length;
      continue;
    }
    ++i;
  }
  return out;
}

bool unescape_bytes(std::string_view text, std::string& out) {
  out.clear();
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '\\') {
      out += text[i];
      continue;
    }
    if (i + 1 >= text.size()) return false;
    switch (text[++i]) {
      case '\\': out += '\\'; break;
      case 'n': out += '\n'; break;
      case 't': out += '\t'; break;
      case 'x': {
        if (i + 2 >= text.size()) return false;
        const int high = hex_value(text[i + 1]);
        const int low = hex_value(text[i + 2]);
        if (high < 0 || low < 0) return false;
        out += static_cast<char>(high * 16 + low);
        i += 2;
        break;
      }
      default: return false;
    }
  }
  return true;
}

bool is_utf8(std::string_view bytes) {
  while (!bytes.empty()) {
    const std::size_t length = utf8_length(bytes);
    if (length == 0) return false;
    bytes.remove_prefix(length);
  }
  return true;
}

bool is_area_name(std::string_view name) {
  constexpr std::string_view kStem = ".freshet";
  if (!name.starts_with(kStem)) return false;
  name.remove_prefix(kStem.size());
  if (name.empty()) return true;
  if (name.front() != '-' || name.size() == 1) return false;
  return std::ranges::all_of(name, [](char c) { return c == '-' || (c >= '0' && c <= '9'); });
}

bool is_entry_name(std::string_view bytes) {
  if (bytes.empty() || bytes.size() > 255 || bytes == "." || bytes == "..") return false;
  return bytes.find('/') == std::string_view::npos && bytes.find('\0') == std::string_view::npos;
}

std::string ellipsize(std::string_view text, std::size_t limit) {
  if (text.size() <= limit) return std::string(text);
  std::size_t cut = limit;
  while (cut > 0 && (static_cast<unsigned char>(text[cut]) & 0xC0) == 0x80) --cut;
  return std::string(text.substr(0, cut)) + "…";
}

}  // namespace freshet

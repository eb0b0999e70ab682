#pragma once

#include <array>
#include <cstdint>
#include <string_view>

namespace parts {

// "mtime 41 d, atime 39 d, limit 30 d": the words of one finding, put together without an allocation, for there is one for
// every entry. What does not fit is cut off. Always UTF-8.
class Reason {
 public:
  void clear() { length_ = 0; }
  // UTF-8.
  void add(std::string_view text);
  void add_count(std::uint64_t count);
  // One unit, rounded down: "41 d".
  void add_age(std::uint64_t nanoseconds);
  // The largest unit that says it exactly: 36 h is not "1 d".
  void add_limit(std::uint64_t nanoseconds);
  // One unit, rounded down: "12 GiB".
  void add_size(std::uint64_t bytes);
  // Bytes of a file's name: at most 64 of them, with '?' for what is no UTF-8 or cannot be shown.
  void add_name(std::string_view name);
  [[nodiscard]] std::string_view text() const { return {buffer_.data(), length_}; }

 private:
  std::array<char, 256> buffer_{};
  std::size_t length_ = 0;
};

}  // namespace parts

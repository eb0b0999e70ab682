#pragma once

#include <cstdint>
#include <cstring>
#include <limits>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

// Bytes of one packet. The layout is written down in PROTOCOL.md beside this file: little-endian fixed-width numbers,
// strings and lists behind a 32-bit count. A message lists its fields once, in `visit(archive, message)`; the archive is
// an Encoder, or a Decoder that checks every count against its cap and against what is left before it allocates.
namespace freshet::wire {

inline constexpr std::size_t kMaxPacket = 64 * 1024;

class Encoder {
 public:
  static constexpr bool kDecoding = false;

  explicit Encoder(std::vector<std::uint8_t>& out) : out_(out) {}

  template <class T>
    requires std::is_arithmetic_v<T>
  void number(const T& value) {
    const auto* bytes = reinterpret_cast<const std::uint8_t*>(&value);
    out_.insert(out_.end(), bytes, bytes + sizeof value);
  }
  void boolean(const bool& value) { number(static_cast<std::uint8_t>(value)); }
  template <class E>
  void enumeration(const E& value, E /*last*/) {
    number(static_cast<std::uint8_t>(value));
  }
  template <class S>
  void string(const S& value, std::size_t /*cap*/) {
    number(static_cast<std::uint32_t>(value.size()));
    out_.insert(out_.end(), value.begin(), value.end());
  }
  template <class T, class F>
  void list(const std::vector<T>& values, std::size_t /*cap*/, F&& each) {
    number(static_cast<std::uint32_t>(values.size()));
    for (const T& value : values) each(*this, value);
  }
  template <class A>
  void bytes(const A& array) {
    out_.insert(out_.end(), array.begin(), array.end());
  }

 private:
  std::vector<std::uint8_t>& out_;
};

class Decoder {
 public:
  static constexpr bool kDecoding = true;

  explicit Decoder(std::string_view in) : in_(in) {}

  template <class T>
    requires std::is_arithmetic_v<T>
  void number(T& value) {
    value = T{};
    if (!take(sizeof value)) return;
    std::memcpy(&value, taken_, sizeof value);
  }
  void boolean(bool& value) {
    std::uint8_t raw = 0;
    number(raw);
    if (raw > 1) bad_ = true;
    value = raw == 1;
  }
  // Values run from 0 to `last` without gaps.
  template <class E>
  void enumeration(E& value, E last) {
    std::uint8_t raw = 0;
    number(raw);
    if (raw > static_cast<std::uint8_t>(last)) bad_ = true;
    value = bad_ ? E{} : static_cast<E>(raw);
  }
  void string(std::string& value, std::size_t cap) {
    const std::size_t length = count(cap);
    value.clear();
    if (take(length)) value.assign(taken_, length);
  }
  // Points into the packet: valid as long as it is.
  void string(std::string_view& value, std::size_t cap) {
    const std::size_t length = count(cap);
    value = take(length) ? std::string_view(taken_, length) : std::string_view();
  }
  template <class T, class F>
  void list(std::vector<T>& values, std::size_t cap, F&& each) {
    const std::size_t length = count(cap);  // every element is at least one byte: bounded by what is left
    values.clear();
    for (std::size_t i = 0; i < length && !bad_; ++i) each(*this, values.emplace_back());
    if (bad_) values.clear();
  }
  template <class A>
  void bytes(A& array) {
    if (take(array.size())) std::memcpy(array.data(), taken_, array.size());
  }

  [[nodiscard]] bool ok() const { return !bad_; }
  // True when everything was read and nothing was wrong.
  [[nodiscard]] bool done() const { return !bad_ && in_.empty(); }
  [[nodiscard]] bool empty() const { return in_.empty(); }

 private:
  bool take(std::size_t length) {
    if (bad_ || length > in_.size()) {
      bad_ = true;
      return false;
    }
    taken_ = in_.data();
    in_.remove_prefix(length);
    return true;
  }
  std::size_t count(std::size_t cap) {
    std::uint32_t length = 0;
    number(length);
    if (length > cap || length > in_.size()) bad_ = true;
    return bad_ ? 0 : length;
  }

  std::string_view in_;
  const char* taken_ = nullptr;
  bool bad_ = false;
};

}  // namespace freshet::wire

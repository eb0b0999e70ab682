#include "plugins/parts/reason.h"

#include <algorithm>
#include <charconv>
#include <cstring>

namespace parts {
namespace {

constexpr std::uint64_t kSecond = 1'000'000'000;
constexpr std::size_t kShownName = 64;

struct Unit {
  std::uint64_t amount;
  std::string_view name;
};
constexpr Unit kTimes[] = {{86'400 * kSecond, " d"}, {3'600 * kSecond, " h"}, {60 * kSecond, " min"}, {kSecond, " s"}};
constexpr Unit kSizes[] = {
    {1ULL << 40, " TiB"}, {1ULL << 30, " GiB"}, {1ULL << 20, " MiB"}, {1ULL << 10, " KiB"}, {1, " B"}};

// Bytes of the UTF-8 character at the start of `text`, 0 where there is none that can be shown.
std::size_t shown_character(std::string_view text) {
  const auto lead = static_cast<unsigned char>(text[0]);
  if (lead < 0x80) return lead >= 0x20 && lead != 0x7f ? 1 : 0;
  const std::size_t length = lead >= 0xc2 && lead < 0xe0 ? 2 : (lead & 0xf0) == 0xe0 ? 3 : lead >= 0xf0 && lead < 0xf5 ? 4 : 0;
  if (length == 0 || text.size() < length) return 0;
  for (std::size_t i = 1; i < length; ++i) {
    if ((static_cast<unsigned char>(text[i]) & 0xc0) != 0x80) return 0;
  }
  const auto second = static_cast<unsigned char>(text[1]);
  const bool control = lead == 0xc2 && second < 0xa0;
  const bool overlong = (lead == 0xe0 && second < 0xa0) || (lead == 0xf0 && second < 0x90);
  const bool surrogate = lead == 0xed && second > 0x9f;
  const bool beyond = lead == 0xf4 && second > 0x8f;
  return control || overlong || surrogate || beyond ? 0 : length;
}

}  // namespace

void Reason::add(std::string_view text) {
  std::size_t length = std::min(text.size(), buffer_.size() - length_);
  // Not within a character.
  while (length < text.size() && length > 0 && (static_cast<unsigned char>(text[length]) & 0xc0) == 0x80) --length;
  std::memcpy(buffer_.data() + length_, text.data(), length);
  length_ += length;
}

void Reason::add_count(std::uint64_t count) {
  const auto [end, error] = std::to_chars(buffer_.data() + length_, buffer_.data() + buffer_.size(), count);
  if (error == std::errc()) length_ = static_cast<std::size_t>(end - buffer_.data());
}

void Reason::add_age(std::uint64_t nanoseconds) {
  const auto* unit = std::find_if(std::begin(kTimes), std::end(kTimes) - 1,
                                  [&](const Unit& u) { return nanoseconds >= u.amount; });
  add_count(nanoseconds / unit->amount);
  add(unit->name);
}

void Reason::add_limit(std::uint64_t nanoseconds) {
  const auto* unit = std::find_if(std::begin(kTimes), std::end(kTimes) - 1,
                                  [&](const Unit& u) { return nanoseconds % u.amount == 0 && nanoseconds != 0; });
  add_count(nanoseconds / unit->amount);
  add(unit->name);
}

void Reason::add_size(std::uint64_t bytes) {
  const auto* unit = std::find_if(std::begin(kSizes), std::end(kSizes) - 1, [&](const Unit& u) { return bytes >= u.amount; });
  add_count(bytes / unit->amount);
  add(unit->name);
}

void Reason::add_name(std::string_view name) {
  std::size_t at = 0;
  while (at < name.size() && at < kShownName) {
    const std::size_t length = shown_character(name.substr(at));
    add(length == 0 ? std::string_view("?") : name.substr(at, length));
    at += std::max<std::size_t>(length, 1);
  }
  if (at < name.size()) add("..");
}

}  // namespace parts

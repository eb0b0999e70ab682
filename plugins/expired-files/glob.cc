#include "plugins/expired-files/glob.h"

#include <algorithm>
#include <array>
#include <freshet/plugin.hpp>

namespace expired_files {
namespace {

constexpr std::size_t kWordBits = 64;

void set_bit(std::vector<std::uint64_t>& set, std::size_t bit) { set[bit / kWordBits] |= 1ULL << (bit % kWordBits); }

}  // namespace

Glob::Glob(std::string_view pattern) : pattern_(pattern) {
  if (!pattern.empty() && pattern.front() == '/') {
    whole_path_ = true;
    pattern.remove_prefix(1);
  }
  if (pattern.size() > 1 && pattern.back() == '/') {
    directories_only_ = true;
    pattern.remove_suffix(1);
  }
  if (pattern.empty()) refuse("is empty");
  if (pattern.size() >= kMaxWords * kWordBits) refuse("is too long");
  whole_path_ = whole_path_ || pattern.find('/') != std::string_view::npos;
  compile(pattern);
}

void Glob::refuse(const char* what) const { throw freshet::Invalid("the pattern `" + pattern_ + "` " + what); }

void Glob::accept(unsigned char byte, std::size_t element) {
  accepts_[byte * words_ + element / kWordBits] |= 1ULL << (element % kWordBits);
}

void Glob::compile(std::string_view pattern) {
  words_ = pattern.size() / kWordBits + 1;  // never more elements than bytes
  accepts_.assign(256 * words_, 0);
  for (auto* set : {&stars_, &any_, &skip_, &skip_parts_}) set->assign(words_, 0);

  std::size_t element = 0;
  for (std::size_t at = 0; at < pattern.size(); ++element) {
    const char c = pattern[at];
    if (c == '*') {
      const bool at_part = at == 0 || pattern[at - 1] == '/';
      std::size_t end = std::min(pattern.find_first_not_of('*', at), pattern.size());
      const bool both = end - at > 1;
      if (both && at_part && end < pattern.size() && pattern[end] == '/') {
        // `**/**/` is `**/`
        for (std::size_t next = end; next < pattern.size() && pattern[next] == '/';) {
          end = next;
          next = std::min(pattern.find_first_not_of('*', end + 1), pattern.size());
          if (next < end + 3) break;
        }
        set_bit(any_, element);
        set_bit(skip_parts_, element);
        at = end + 1;
        continue;
      }
      set_bit(both ? any_ : stars_, element);
      set_bit(skip_, element);
      at = end;
    } else if (c == '?') {
      for (unsigned byte = 1; byte < 256; ++byte) {
        if (byte != '/') accept(static_cast<unsigned char>(byte), element);
      }
      ++at;
    } else if (c == '[') {
      at = add_set(pattern, at + 1, element);
    } else {
      if (c == '\\' && ++at == pattern.size()) refuse("ends with a backslash");
      accept(static_cast<unsigned char>(pattern[at++]), element);
    }
  }
  elements_ = element;
}

// `at` is behind the '['; returns the place behind the ']'.
std::size_t Glob::add_set(std::string_view pattern, std::size_t at, std::size_t element) {
  const bool negated = at < pattern.size() && (pattern[at] == '!' || pattern[at] == '^');
  if (negated) ++at;
  std::array<bool, 256> in_set{};
  const auto next = [&]() -> unsigned char {
    if (at < pattern.size() && pattern[at] == '\\') ++at;
    if (at >= pattern.size()) refuse("has a [ without a ]");
    return static_cast<unsigned char>(pattern[at++]);
  };
  for (bool first = true; first || at >= pattern.size() || pattern[at] != ']'; first = false) {
    const unsigned char low = next();
    unsigned char high = low;
    if (at + 1 < pattern.size() && pattern[at] == '-' && pattern[at + 1] != ']') {
      ++at;
      high = next();
    }
    if (low > high) refuse("has a range that ends before it begins");
    std::fill(in_set.begin() + low, in_set.begin() + high + 1, true);
  }
  for (unsigned byte = 1; byte < 256; ++byte) {
    if (byte != '/' && in_set[byte] != negated) accept(static_cast<unsigned char>(byte), element);
  }
  return at + 1;
}

// Elements that may be empty let a state through. Two in a row is the most there can be (`**/` and then a star).
void Glob::follow_empty(std::uint64_t* states, bool at_boundary) const {
  for (int round = 0; round < 2; ++round) {
    std::uint64_t carry = 0;
    for (std::size_t w = 0; w < words_; ++w) {
      const std::uint64_t open = states[w] & (skip_[w] | (at_boundary ? skip_parts_[w] : 0));
      states[w] |= (open << 1) | carry;
      carry = open >> (kWordBits - 1);
    }
  }
}

// The same as below for patterns of up to 63 elements, which are nearly all: the set of states stays in a register.
bool Glob::matches_text_in_one_word(std::string_view text) const {
  const auto follow = [&](std::uint64_t states, std::uint64_t skip) {
    states |= (states & skip) << 1;
    return states | ((states & skip) << 1);
  };
  const std::uint64_t skip_anywhere = skip_[0];
  const std::uint64_t skip_at_boundary = skip_[0] | skip_parts_[0];
  const std::uint64_t any = any_[0];
  const std::uint64_t any_in_name = any_[0] | stars_[0];
  std::uint64_t states = follow(1, skip_at_boundary);
  for (const char c : text) {
    const bool boundary = c == '/';
    const std::uint64_t done = states & accepts_[static_cast<unsigned char>(c)];
    states = (done << 1) | (states & (boundary ? any : any_in_name));
    if (states == 0) return false;
    states = follow(states, boundary ? skip_at_boundary : skip_anywhere);
  }
  return (states >> elements_) & 1;
}

bool Glob::matches_text(std::string_view text) const {
  if (words_ == 1) return matches_text_in_one_word(text);
  std::array<std::uint64_t, kMaxWords> states{};
  states[0] = 1;
  follow_empty(states.data(), true);
  for (const char c : text) {
    const std::uint64_t* accepted = &accepts_[static_cast<unsigned char>(c) * words_];
    std::uint64_t carry = 0;
    std::uint64_t alive = 0;
    for (std::size_t w = 0; w < words_; ++w) {
      const std::uint64_t done = states[w] & accepted[w];
      const std::uint64_t staying = states[w] & (any_[w] | (c != '/' ? stars_[w] : 0));
      states[w] = (done << 1) | carry | staying;
      carry = done >> (kWordBits - 1);
      alive |= states[w];
    }
    if (alive == 0) return false;
    follow_empty(states.data(), c == '/');
  }
  return (states[elements_ / kWordBits] >> (elements_ % kWordBits)) & 1;
}

bool Glob::matches(std::string_view name, std::string_view path, bool is_directory) const {
  if (directories_only_ && !is_directory) return false;
  return matches_text(whole_path_ ? path : name);
}

}  // namespace expired_files

#include "plugins/keep-newest/pattern.h"

#include <freshet/plugin.hpp>

namespace keep_newest {
namespace {

constexpr std::size_t kMaxPattern = 512;

}  // namespace

Pattern::Pattern(std::string_view text) : text_(text) {
  using Kind = Element::Kind;
  if (text.empty()) refuse("is empty");
  if (text.size() > kMaxPattern) refuse("is too long");
  if (text.find('/') != std::string_view::npos) refuse("has a `/`: it is for names, not for paths");
  bool opened = false;
  bool closed = false;
  for (std::size_t at = 0; at < text.size();) {
    const char c = text[at];
    if (c == '*') {
      // Two in a row are one; behind a parenthesis a star of its own is needed, to know where the capture ends.
      if (elements_.empty() || elements_.back().kind != Kind::star) elements_.push_back({Kind::star, 0, {}});
      ++at;
    } else if (c == '?') {
      elements_.push_back({Kind::any_byte, 0, {}});
      ++at;
    } else if (c == '[') {
      at = add_set(text, at + 1);
    } else if (c == '(') {
      if (opened) refuse("has more than one part in parentheses");
      opened = true;
      elements_.push_back({Kind::open, 0, {}});
      ++at;
    } else if (c == ')') {
      if (!opened || closed) refuse("has a ) without a (");
      closed = true;
      elements_.push_back({Kind::close, 0, {}});
      ++at;
    } else {
      if (c == '\\' && ++at == text.size()) refuse("ends with a backslash");
      elements_.push_back({Kind::byte, static_cast<unsigned char>(text[at]), {}});
      ++at;
    }
  }
  if (opened && !closed) refuse("has a ( without a )");
}

void Pattern::refuse(const char* what) const { throw freshet::Invalid("the pattern `" + text_ + "` " + what); }

// `at` is behind the '['; returns the place behind the ']'.
std::size_t Pattern::add_set(std::string_view text, std::size_t at) {
  const bool negated = at < text.size() && (text[at] == '!' || text[at] == '^');
  if (negated) ++at;
  std::vector<bool> set(256);
  const auto next = [&]() -> unsigned char {
    if (at < text.size() && text[at] == '\\') ++at;
    if (at >= text.size()) refuse("has a [ without a ]");
    return static_cast<unsigned char>(text[at++]);
  };
  for (bool first = true; first || at >= text.size() || text[at] != ']'; first = false) {
    const unsigned low = next();
    unsigned high = low;
    if (at + 1 < text.size() && text[at] == '-' && text[at + 1] != ']') {
      ++at;
      high = next();
    }
    if (low > high) refuse("has a range that ends before it begins");
    for (unsigned byte = low; byte <= high; ++byte) set[byte] = true;
  }
  if (negated) set.flip();
  elements_.push_back({Element::Kind::set, 0, std::move(set)});
  return at + 1;
}

bool Pattern::takes(const Element& element, char c) const {
  const auto byte = static_cast<unsigned char>(c);
  switch (element.kind) {
    case Element::Kind::byte: return byte == element.byte;
    case Element::Kind::any_byte: return true;
    case Element::Kind::set: return element.set[byte];
    default: return false;
  }
}

std::optional<std::string_view> Pattern::match(std::string_view name) const {
  using Kind = Element::Kind;
  constexpr std::size_t kNone = static_cast<std::size_t>(-1);
  std::size_t element = 0;
  std::size_t at = 0;
  std::size_t from = 0;  // of the capture
  std::size_t to = 0;
  std::size_t star = kNone;  // the last one that was met, which alone may still take more
  std::size_t star_end = 0;
  std::size_t star_from = 0;
  for (;;) {
    if (element < elements_.size()) {
      const Element& now = elements_[element];
      if (now.kind == Kind::open || now.kind == Kind::close) {
        (now.kind == Kind::open ? from : to) = at;
        ++element;
        continue;
      }
      if (now.kind == Kind::star) {
        star = element++;
        star_end = at;
        star_from = from;
        continue;
      }
      if (at < name.size() && takes(now, name[at])) {
        ++element;
        ++at;
        continue;
      }
    } else if (at == name.size()) {
      return name.substr(from, to - from);
    }
    if (star == kNone || star_end == name.size()) return std::nullopt;
    at = ++star_end;
    element = star + 1;
    from = star_from;  // `to` is set again on the way, where it lies behind the star
  }
}

}  // namespace keep_newest

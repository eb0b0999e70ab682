#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace keep_newest {

// A shell pattern for a whole name, over bytes, with at most one part in parentheses: the capture, by which names are put
// into groups.
//
//   ?  one byte     *  any number of bytes, as few as will do     [a-z]  [!a-z]  one byte of a set     \x  x itself
//   (..)  the capture; without parentheses the capture is empty, and all names that match are one group
//
// "As few as will do" makes the capture of `(*)-[0-9]*` in `my-app-12-3` the bytes `my-app`. Each star gives way once only,
// so a match costs at most the product of both lengths, whatever the names are.
class Pattern {
 public:
  // Throws freshet::Invalid, naming the pattern and what is wrong with it.
  explicit Pattern(std::string_view text);

  // The capture, a part of `name`; none when the name does not match.
  [[nodiscard]] std::optional<std::string_view> match(std::string_view name) const;

 private:
  struct Element {
    enum class Kind { byte, any_byte, set, star, open, close } kind;
    unsigned char byte = 0;
    std::vector<bool> set;  // by byte
  };

  std::size_t add_set(std::string_view text, std::size_t at);
  [[nodiscard]] bool takes(const Element& element, char c) const;
  [[noreturn]] void refuse(const char* what) const;

  std::string text_;
  std::vector<Element> elements_;
};

}  // namespace keep_newest

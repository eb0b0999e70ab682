#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace expired_files {

// A shell pattern over bytes, made once and matched against every name.
//
//   ?  one byte but '/'        *  any bytes but '/'        **  any bytes        \x  x itself
//   [a-z]  [!a-z]  one byte of a set, never '/'            **/ at the start of a part: any number of directories, or none
//
// A pattern without '/' is for the name, at any depth. One with a '/' is for the whole path below the root; a '/' at its
// start only says so. A '/' at the end: directories only. Names with a leading dot are like any other.
//
// Matching follows all ways through the pattern at once, as a set of bits: every byte costs the same few operations
// whatever the pattern and the name, so nobody can choose a name that makes a scan slow.
class Glob {
 public:
  // Throws freshet::Invalid, naming the pattern and what is wrong with it.
  explicit Glob(std::string_view pattern);

  // `path` is relative to the root and ends with `name`; it may be empty unless needs_path().
  [[nodiscard]] bool matches(std::string_view name, std::string_view path, bool is_directory) const;
  [[nodiscard]] bool needs_path() const { return whole_path_; }

 private:
  static constexpr std::size_t kMaxWords = 8;  // 511 elements

  void compile(std::string_view pattern);
  std::size_t add_set(std::string_view pattern, std::size_t at, std::size_t element);
  void accept(unsigned char byte, std::size_t element);
  void follow_empty(std::uint64_t* states, bool at_boundary) const;
  [[nodiscard]] bool matches_text(std::string_view text) const;
  [[nodiscard]] bool matches_text_in_one_word(std::string_view text) const;
  [[noreturn]] void refuse(const char* what) const;

  std::string pattern_;
  bool whole_path_ = false;
  bool directories_only_ = false;
  std::size_t elements_ = 0;
  std::size_t words_ = 1;
  // Bit i stands for "before element i"; bit `elements_` is the end.
  std::vector<std::uint64_t> accepts_;    // [byte * words_ + word]: element i takes this byte and is done
  std::vector<std::uint64_t> stars_;      // element i is `*`
  std::vector<std::uint64_t> any_;        // element i is `**` or `**/`
  std::vector<std::uint64_t> skip_;       // element i may be empty: `*`, `**`
  std::vector<std::uint64_t> skip_parts_;  // element i may be empty at the start of a part: `**/`
};

}  // namespace expired_files

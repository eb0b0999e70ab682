// A tree of entries in memory, and the text that keeps one: what `freshet plugins record` writes, what
// `freshet plugins check --tree` and freshet/testing.hpp run a plugin on. C++17, header only. sdk/TREE.md is the format.
//
// Errors: BadTree, with the line. Not thread-safe.
#ifndef FRESHET_TREE_HPP
#define FRESHET_TREE_HPP

#include <charconv>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <deque>
#include <fstream>
#include <iterator>
#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "freshet/plugin.h"

namespace freshet::testing {

inline constexpr std::int64_t kSecond = 1'000'000'000;
inline constexpr std::int64_t kDay = 86'400 * kSecond;
// The time of trees that are made by hand, and of hosts that nobody set a clock of. Nanoseconds since the epoch.
inline constexpr std::int64_t kNow = 20'000 * kDay;

// Caps of a recorded tree; a text beyond one of them is refused.
inline constexpr std::size_t kMaxTreeBytes = std::size_t{256} * 1024 * 1024;
inline constexpr std::size_t kMaxTreeEntries = 4'000'000;
inline constexpr std::size_t kMaxTreeDepth = 4'096;
inline constexpr std::size_t kMaxTreeRoots = 48;
inline constexpr std::size_t kMaxTreeLine = 20 * 1024;  // a root's path may be long, with every byte escaped

// A text that is no recorded tree; what() names the line.
class BadTree : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

// One entry. Sizes are bytes, times nanoseconds since the epoch. The entry of a root has its path as its name.
struct Node {
  std::string name;
  freshet_entry_type type = FRESHET_FILE;
  std::uint64_t inode = 0;  // 0: the host gives it one that no other entry has
  std::uint32_t mode = 0644;
  std::uint32_t uid = 0, gid = 0;
  std::uint32_t links = 1;
  std::uint64_t bytes = 4096;
  std::uint64_t allocated = 4096;
  std::int64_t mtime = kNow - 100 * kDay;
  std::int64_t atime = kNow - 100 * kDay;
  std::int64_t ctime = kNow - 100 * kDay;
  std::int64_t btime = kNow - 100 * kDay;
  std::uint32_t flags = 0;   // FRESHET_ENTRY_..
  bool unreadable = false;   // a directory that cannot be opened
  bool breaks_off = false;   // a directory whose listing fails behind its last entry
  bool vanishes = false;     // gone when it is looked at: a directory is listed and cannot be opened, all else is not listed
  bool excluded = false;     // by the operator: never shown, but counted
  bool held = false;         // open or locked in a process. Not kept in the text
  std::string target;        // of a symbolic link
  std::string text;          // what is in a file; short
  std::vector<std::unique_ptr<Node>> children;

  Node() = default;
  Node(Node&&) = default;
  Node& operator=(Node&&) = default;
  // Trees may be deep: no recursion.
  ~Node() {
    std::vector<std::unique_ptr<Node>> all = std::move(children);
    while (!all.empty()) {
      std::unique_ptr<Node> last = std::move(all.back());
      all.pop_back();
      for (auto& child : last->children) all.push_back(std::move(child));
      last->children.clear();
    }
  }

  // References to children stay good when more are added.
  Node& add(Node child) {
    children.push_back(std::make_unique<Node>(std::move(child)));
    return *children.back();
  }
  // An entry all of whose times lie so many days before kNow.
  Node& add(std::string child_name, freshet_entry_type child_type, std::int64_t age_days) {
    Node child;
    child.name = std::move(child_name);
    child.type = child_type;
    child.aged(age_days);
    return add(std::move(child));
  }
  Node& file(std::string child_name, std::int64_t age_days = 100) { return add(std::move(child_name), FRESHET_FILE, age_days); }
  Node& directory(std::string child_name, std::int64_t age_days = 100) {
    Node& out = add(std::move(child_name), FRESHET_DIRECTORY, age_days);
    out.mode = 0755;
    return out;
  }
  Node& symlink(std::string child_name, std::int64_t age_days = 100, std::string points_to = {}) {
    Node& out = add(std::move(child_name), FRESHET_SYMLINK, age_days);
    out.target = std::move(points_to);
    return out;
  }
  // A directory on which another file system is mounted.
  Node& mount_point(std::string child_name, std::int64_t age_days = 100) {
    Node& out = directory(std::move(child_name), age_days);
    out.flags = FRESHET_ENTRY_MOUNT_POINT;
    return out;
  }
  Node& aged(std::int64_t days) {
    mtime = atime = ctime = btime = kNow - days * kDay;
    return *this;
  }
  Node* find(std::string_view child_name) {
    for (auto& child : children) {
      if (child->name == child_name) return child.get();
    }
    return nullptr;
  }
};

namespace detail {

inline constexpr std::string_view kTreeMagic = "freshet-tree 1";
inline constexpr std::string_view kTypeLetters = "?fdlpscb";  // by freshet_entry_type

inline void append_escaped(std::string& out, std::string_view name) {
  constexpr char kDigits[] = "0123456789abcdef";
  for (const char c : name) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte > 0x20 && byte < 0x7f && c != '\\') {
      out += c;
    } else {
      out += "\\x";
      out += kDigits[byte >> 4];
      out += kDigits[byte & 15];
    }
  }
}

inline int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

// False when `text` is not what append_escaped could have made.
inline bool unescape(std::string_view text, std::string& out) {
  for (std::size_t i = 0; i < text.size(); ++i) {
    const auto byte = static_cast<unsigned char>(text[i]);
    if (byte <= 0x20 || byte >= 0x7f) return false;
    if (text[i] != '\\') {
      out += text[i];
      continue;
    }
    if (text.size() - i < 4 || text[i + 1] != 'x') return false;
    const int high = hex_digit(text[i + 2]);
    const int low = hex_digit(text[i + 3]);
    if (high < 0 || low < 0) return false;
    out += static_cast<char>(high * 16 + low);
    i += 3;
  }
  return true;
}

// What may be one name in a directory.
inline bool is_name(std::string_view name) {
  return !name.empty() && name.size() <= 255 && name != "." && name != ".." &&
         name.find('/') == std::string_view::npos && name.find('\0') == std::string_view::npos;
}

// Freshet's own quarantine areas, which no scan shows: `.freshet`, `.freshet-1000`, `.freshet-1000-2`.
inline bool is_area_name(std::string_view name) {
  constexpr std::string_view kStem = ".freshet";
  if (name.substr(0, kStem.size()) != kStem) return false;
  name.remove_prefix(kStem.size());
  if (name.empty()) return true;
  return name.front() == '-' && name.size() > 1 && name.find_first_not_of("-0123456789") == std::string_view::npos;
}

// What a listing counts and does not show.
inline bool is_hidden(const Node& node) {
  return node.excluded || (node.type == FRESHET_DIRECTORY && is_area_name(node.name));
}

// As a listing shows it, but for its name and its ordinal.
inline freshet_entry entry_of(const Node& node) {
  freshet_entry out{};
  out.type = node.type;
  out.inode = node.inode;
  out.bytes = node.type == FRESHET_DIRECTORY ? 0 : node.bytes;
  out.allocated = node.allocated;
  out.mtime = node.mtime;
  out.atime = node.atime;
  out.ctime = node.ctime;
  out.btime = node.btime;
  out.links = node.links;
  out.uid = node.uid;
  out.gid = node.gid;
  out.mode = node.mode;
  out.flags = node.flags;
  return out;
}

// As much of it as its reader has room for, whose `size` stays.
inline void copy_entry(const freshet_entry& entry, freshet_entry& out) {
  const std::size_t room = out.size < sizeof entry ? out.size : sizeof entry;
  std::memcpy(reinterpret_cast<char*>(&out) + sizeof out.size, reinterpret_cast<const char*>(&entry) + sizeof entry.size,
              room - sizeof entry.size);
}

}  // namespace detail

// The first lines of a recorded tree. `recorded`: when, nanoseconds since the epoch; the clock of a replay.
inline std::string tree_head(std::int64_t recorded) {
  return std::string(detail::kTreeMagic) + "\nrecorded " + std::to_string(recorded) + "\n";
}

// The line of one entry, and one more for what is in a file or a link where that is known. `depth` levels below its root (0: the root itself). Parents come before what is in them.
inline void append_tree_line(std::string& out, std::size_t depth, const Node& node) {
  const auto number = [&out](auto value) { out += std::to_string(value) + ' '; };
  number(depth);
  out += node.type < detail::kTypeLetters.size() ? detail::kTypeLetters[node.type] : '?';
  out += ' ';
  number(node.inode);
  char octal[16];
  out.append(octal, std::to_chars(std::begin(octal), std::end(octal), node.mode, 8).ptr);
  out += ' ';
  number(node.uid);
  number(node.gid);
  number(node.links);
  number(node.bytes);
  number(node.allocated);
  number(node.mtime);
  number(node.atime);
  number(node.ctime);
  number(node.btime);
  const std::size_t before = out.size();
  if ((node.flags & FRESHET_ENTRY_MOUNT_POINT) != 0) out += 'm';
  if (node.unreadable) out += 'u';
  if (node.breaks_off) out += 'b';
  if (node.vanishes) out += 'v';
  if (node.excluded) out += 'x';
  if (out.size() == before) out += '-';
  out += ' ';
  detail::append_escaped(out, node.name);
  out += '\n';
  const std::string& inside = node.type == FRESHET_SYMLINK ? node.target : node.text;
  if (inside.empty()) return;
  out += "= ";
  detail::append_escaped(out, inside);
  out += '\n';
}

// The last line; without it a text counts as truncated. `entries`: lines of entries, roots included.
inline std::string tree_tail(std::size_t entries) { return "end " + std::to_string(entries) + "\n"; }

// Roots and what is below them. May be moved; references to roots stay good when more are added.
class Tree {
 public:
  std::int64_t recorded = kNow;
  std::deque<Node> roots;

  Node& add_root(std::string path) {
    roots.emplace_back();
    roots.back().name = std::move(path);
    roots.back().type = FRESHET_DIRECTORY;
    roots.back().mode = 0755;
    return roots.back();
  }

  // A recorded tree. Throws BadTree.
  static Tree parse(std::string_view text);
  // The same from a file.
  static Tree read(const std::string& file) {
    std::ifstream in(file, std::ios::binary);
    if (!in) throw BadTree("cannot open " + file);
    std::string text;
    char block[64 * 1024];
    while (in.read(block, sizeof block) || in.gcount() > 0) {
      text.append(block, static_cast<std::size_t>(in.gcount()));
      if (text.size() > kMaxTreeBytes) throw BadTree(file + " is larger than a recorded tree may be");
    }
    return parse(text);
  }
  [[nodiscard]] std::string text() const {
    std::string out = tree_head(recorded);
    std::size_t entries = 0;
    std::vector<std::pair<std::size_t, const Node*>> waiting;
    for (auto root = roots.rbegin(); root != roots.rend(); ++root) waiting.emplace_back(0, &*root);
    while (!waiting.empty()) {
      const auto [depth, node] = waiting.back();
      waiting.pop_back();
      append_tree_line(out, depth, *node);
      ++entries;
      for (auto child = node->children.rbegin(); child != node->children.rend(); ++child)
        waiting.emplace_back(depth + 1, child->get());
    }
    return out + tree_tail(entries);
  }
};

namespace detail {

// Takes a recorded tree apart, line by line.
class TreeParser {
 public:
  explicit TreeParser(std::string_view text) : rest_(text) {}

  Tree parse() {
    if (rest_.size() > kMaxTreeBytes) refuse("the text is larger than a recorded tree may be");
    if (next_line() != kTreeMagic) refuse("a recorded tree starts with `" + std::string(kTreeMagic) + "`");
    line_ = next_line();
    if (word() != "recorded") refuse("the second line is `recorded NANOSECONDS`");
    tree_.recorded = number<std::int64_t>("time");
    if (!line_.empty()) refuse("the line goes on behind the time");
    for (;;) {
      line_ = next_line();
      if (line_.empty() || line_.front() == '#') continue;
      if (line_.substr(0, 4) == "end ") break;
      if (line_.substr(0, 2) == "= ") inside();
      else entry();
    }
    line_.remove_prefix(4);
    if (number<std::size_t>("count") != entries_ || !line_.empty())
      refuse("there are " + std::to_string(entries_) + " entries, and the last line says otherwise");
    while (!rest_.empty()) {
      if (!next_line().empty()) refuse("something comes behind the last line");
    }
    return std::move(tree_);
  }

 private:
  [[noreturn]] void refuse(const std::string& what) const { throw BadTree("line " + std::to_string(at_) + ": " + what); }

  // Its end has to be there: a text that breaks off within a line is truncated.
  std::string_view next_line() {
    ++at_;
    const std::size_t end = rest_.find('\n');
    if (end == std::string_view::npos) refuse("the tree is truncated: its last line, `end COUNT`, is missing");
    if (end > kMaxTreeLine) refuse("the line is too long");
    const std::string_view out = rest_.substr(0, end);
    rest_.remove_prefix(end + 1);
    return out;
  }
  std::string_view word() {
    const std::size_t end = line_.find(' ');
    const std::string_view out = line_.substr(0, end);
    line_.remove_prefix(end == std::string_view::npos ? line_.size() : end + 1);
    return out;
  }
  template <class T>
  T number(const char* what, int base = 10) {
    const std::string_view digits = word();
    T out{};
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), out, base);
    if (digits.empty() || error != std::errc() || end != digits.data() + digits.size())
      refuse(std::string("the ") + what + " is no number in its range");
    return out;
  }

  void entry() {
    if (++entries_ > kMaxTreeEntries) refuse("there are more entries than a recorded tree may have");
    const auto depth = number<std::size_t>("depth");
    Node node;
    const std::string_view letter = word();
    const std::size_t type = letter.size() == 1 ? kTypeLetters.find(letter) : std::string_view::npos;
    if (type == std::string_view::npos) refuse("the type is one of the letters `" + std::string(kTypeLetters) + "`");
    node.type = static_cast<freshet_entry_type>(type);
    node.inode = number<std::uint64_t>("inode");
    node.mode = number<std::uint32_t>("mode", 8) & 07777;
    node.uid = number<std::uint32_t>("owner");
    node.gid = number<std::uint32_t>("group");
    node.links = number<std::uint32_t>("count of links");
    node.bytes = number<std::uint64_t>("size");
    node.allocated = number<std::uint64_t>("size on disk");
    node.mtime = number<std::int64_t>("mtime");
    node.atime = number<std::int64_t>("atime");
    node.ctime = number<std::int64_t>("ctime");
    node.btime = number<std::int64_t>("btime");
    for (const char flag : word()) {
      if (flag == 'm') node.flags |= FRESHET_ENTRY_MOUNT_POINT;
      else if (flag == 'u') node.unreadable = true;
      else if (flag == 'b') node.breaks_off = true;
      else if (flag == 'v') node.vanishes = true;
      else if (flag == 'x') node.excluded = true;
      else if (flag != '-') refuse("the flags are letters of `mubvx`, or `-`");
    }
    if (!unescape(line_, node.name)) refuse("the name is not escaped as it has to be");
    place(depth, std::move(node));
  }

  // What is in the file or link of the line before.
  void inside() {
    line_.remove_prefix(2);
    Node* const node = way_.empty() ? nullptr : way_.back();
    if (node == nullptr || (node->type != FRESHET_FILE && node->type != FRESHET_SYMLINK)) refuse("only a file or a link has something in it");
    std::string& out = node->type == FRESHET_SYMLINK ? node->target : node->text;
    if (!out.empty() || line_.empty()) refuse("what is in an entry stands once behind it, and is not empty");
    if (!unescape(line_, out)) refuse("what is in an entry is not escaped as it has to be");
  }

  void place(std::size_t depth, Node node) {
    if (depth == 0) {
      if (node.type != FRESHET_DIRECTORY || node.name.empty() || node.name.front() != '/' ||
          node.name.find('\0') != std::string::npos)
        refuse("an entry of depth 0 is a root: a directory with an absolute path");
      if (tree_.roots.size() >= kMaxTreeRoots) refuse("there are more roots than a task may have");
      tree_.roots.push_back(std::move(node));
      way_.assign(1, &tree_.roots.back());
      return;
    }
    if (depth > way_.size()) refuse("the entry is deeper than what comes before it has room for");
    if (depth > kMaxTreeDepth) refuse("the entry is deeper than a recorded tree may be");
    Node& parent = *way_[depth - 1];
    if (parent.type != FRESHET_DIRECTORY) refuse("the entry is in one that is no directory");
    if (!is_name(node.name)) refuse("the name is none that an entry can have");
    way_.resize(depth);
    way_.push_back(&parent.add(std::move(node)));
  }

  std::string_view rest_;
  std::string_view line_;
  std::size_t at_ = 0;
  std::size_t entries_ = 0;
  std::vector<Node*> way_;  // from the root to the entry placed last
  Tree tree_;
};

}  // namespace detail

inline Tree Tree::parse(std::string_view text) { return detail::TreeParser(text).parse(); }

}  // namespace freshet::testing

#endif  // FRESHET_TREE_HPP

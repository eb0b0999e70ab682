#pragma once

#include <cstdint>
#include <freshet/plugin.hpp>
#include <string>
#include <string_view>
#include <vector>

namespace build_trees {

enum class Tool { none, cargo, cmake, gradle, maven, node, python };

// "cargo", as the setting `tools` names it; "CMake build directory", as reasons do.
const char* setting_name(Tool tool);
const char* words(Tool tool);

// What is known of a directory by the names and types of its own entries: which markers it holds.
class Markers {
 public:
  void see(const freshet::Entry& entry);

  // What a directory with this name and these markers is, where `beside` are the markers of the directory it lies in. A name
  // alone never decides, and neither does a directory that holds sources.
  [[nodiscard]] Tool proves(std::string_view name, const Markers& beside) const;

 private:
  [[nodiscard]] bool has(std::uint32_t marks) const { return (marks_ & marks) == marks; }
  [[nodiscard]] bool has_any(std::uint32_t marks) const { return (marks_ & marks) != 0; }

  std::uint32_t marks_ = 0;
  std::uint64_t bytecode_ = 0;  // files that Python would make
  std::uint64_t others_ = 0;
};

// `.git` and the like: somebody keeps something there.
bool is_version_control(std::string_view name);
// A file that CPython or PyPy would write into __pycache__: `module.cpython-311.pyc`, `.opt-1.pyc`.
bool is_bytecode(std::string_view name);

// Follows a walk through a tree and knows whether somebody's sources lie in it.
class SourceGuard {
 public:
  explicit SourceGuard(Tool tool) : tool_(tool) {}
  void enter(std::string_view name);
  void leave() { way_.pop_back(); }
  // Of an entry of the directory that was entered last.
  void see(const freshet::Entry& entry);
  [[nodiscard]] bool has_sources() const { return has_sources_; }

 private:
  Tool tool_;
  std::vector<bool> way_;  // for each directory entered: whether the tool itself may have put sources there
  bool has_sources_ = false;
};

}  // namespace build_trees

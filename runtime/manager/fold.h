#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <unordered_map>
#include <vector>

#include "runtime/base/tree_digest.h"
#include "runtime/manager/directory_table.h"
#include "runtime/manager/entry_file.h"

namespace freshet {

// Entries of a plan (by ordinal in the entry file) that do not go after all: trimmed, in use at the second look, ..
class DropSet {
 public:
  void add(std::uint64_t ordinal);
  [[nodiscard]] bool contains(std::uint64_t ordinal) const;
  [[nodiscard]] std::uint64_t count() const { return count_; }
  [[nodiscard]] std::vector<std::uint64_t> list() const;

 private:
  std::vector<bool> bits_;
  std::uint64_t count_ = 0;
};

// What an entry of the plan is when it comes to acting.
enum class UnitKind {
  covered,    // goes with the whole directory above it
  single,     // one rename or unlink of its own
  whole,      // a directory that goes with everything below it
  directory,  // a directory that goes by itself, once it is empty
  blocked,    // a directory in which something stays: it stays too
};

// Folds a task's entries into units: where every entry below a directory was proposed, the directory is one unit with a
// digest over what is below it.
class Fold {
 public:
  struct Node {
    std::uint64_t proposed = 0;
    std::uint64_t entries = 0;  // below it, in the end
    std::uint64_t bytes = 0;
    TreeDigest digest;
    bool own = false;    // the directory itself was proposed
    bool whole = false;  // everything below it was proposed
    bool has_unit = false;  // something directly in it goes by itself: it needs a slot. See mark_directories_with_units
  };

  // One pass over the entries. `whole_directories` false (quarantine mode `none`): nothing is folded.
  static Result<Fold> compute(const DirectoryTable& directories, const std::string& entry_file, const DropSet& drop,
                              const TreeDigest::Key& key, bool whole_directories);

  // One pass more, for whoever needs Node::has_unit.
  Status mark_directories_with_units();

  [[nodiscard]] UnitKind classify(const PlanEntry& entry) const;
  // The directory an entry names, kNoNode when the scan never opened it.
  [[nodiscard]] std::uint32_t child(std::uint32_t directory, std::string_view name) const;
  [[nodiscard]] const Node& node(std::uint32_t id) const { return nodes_[id]; }
  // Treats this directory, which was a whole unit, as entries of its own from now on, and all below it too.
  void expand(std::uint32_t id);

  // Reads the entries again and calls `each` with every one that is not dropped. Stops when `each` says so.
  Status for_each(const std::function<bool(std::uint64_t ordinal, const PlanEntry&)>& each) const;

 private:
  struct Name {
    std::uint32_t directory;
    std::string_view name;
    bool operator==(const Name&) const = default;
  };
  struct NameHash {
    std::size_t operator()(const Name& name) const {
      return std::hash<std::string_view>()(name.name) ^ (name.directory * 0x9E3779B97F4A7C15ULL);
    }
  };

  const DirectoryTable* directories_ = nullptr;
  std::string entry_file_;
  DropSet drop_;
  bool whole_directories_ = true;
  std::vector<Node> nodes_;
  std::vector<bool> expanded_;
  std::unordered_map<Name, std::uint32_t, NameHash> children_;
};

}  // namespace freshet

#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "runtime/base/tree_digest.h"
#include "runtime/broker/directory_stack.h"
#include "runtime/broker/inode_set.h"
#include "runtime/broker/link_ledger.h"
#include "runtime/broker/listing.h"
#include "runtime/wire/messages.h"

namespace freshet::broker {

// What no entry of a removal may be. Not owned.
struct EntryRules {
  const InodeSet& in_use;
  std::uint64_t dev = 0;
  std::uint64_t mount_id = 0;
  bool with_birth = true;
  std::int64_t not_younger_than_ns = 0;  // 0: no floor
};

// `removed` when the entry may go. Device before mount before use before age, so that the reason is the plain one.
// `mtime_ns` is the entry's own unless it is a directory that this removal has changed itself.
wire::OutcomeCode judge_entry(const EntryRules& rules, const EntryStat& entry, std::int64_t mtime_ns);

// The set of entries below one directory.
struct TreeSum {
  wire::OutcomeCode code = wire::OutcomeCode::removed;  // the first reason against it, or `removed`
  int error_number = 0;
  std::uint64_t entries = 0;  // below the top, without it
  TreeDigest full;            // terms with identities (only of read_tree)
  TreeDigest listed;          // terms of names, inodes and types as getdents64 gives them
};

// Lists whole trees: any depth, a bounded number of descriptors, no allocation for an entry.
class TreeCheck {
 public:
  TreeCheck(std::size_t window, TreeDigest::Key key) : key_(key), stack_(window) {}

  // Looks at every entry below the directory `name` of `parent` with statx, and notes it in `ledger`. Stops at the first
  // reason against the tree, and beyond `max_entries` (then: digest_changed).
  TreeSum read_tree(int parent, const char* name, std::uint64_t inode, std::uint64_t max_entries,
                    const EntryRules& rules, LinkLedger& ledger);
  // Only lists, with `listed` and `entries` as the result.
  TreeSum list_tree(int parent, const char* name, std::uint64_t inode, std::uint64_t max_entries);
  // 0 when the directory has no entry, ENOTEMPTY when it has, or an errno.
  int check_empty(int parent, const char* name);

 private:
  struct Pending {
    std::size_t name = 0;  // offset in names_, NUL-terminated
    std::uint64_t inode = 0;         // as statx gave it (read_tree)
    std::uint64_t listed_inode = 0;  // as getdents64 gave it
  };
  // Returns false to stop the walk, with the reason in `sum`. Sets `is_directory`.
  using Visit = std::function<bool(int dir, const Pending& parent, const ListedEntry&, Pending& child, bool& is_directory)>;

  void walk(int parent, const char* name, std::uint64_t inode, TreeSum& sum, const Visit& visit);
  void walk_from(Fd top, std::uint64_t inode, TreeSum& sum, const Visit& visit);

  TreeDigest::Key key_;
  DirectoryStack stack_;
  Listing listing_;
  std::string names_;              // of directories seen and not yet entered
  std::vector<Pending> pending_;   // the last level's at the end
  std::vector<std::size_t> first_; // per level of the stack: where its pending ones begin
};

// errno of opening or listing something in a tree, as an outcome.
wire::OutcomeCode outcome_of_errno(int error_number);

}  // namespace freshet::broker

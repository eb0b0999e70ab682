#include "runtime/broker/tree_check.h"

#include <cerrno>

#include "runtime/broker/file_system.h"

namespace freshet::broker {

using wire::OutcomeCode;

OutcomeCode judge_entry(const EntryRules& rules, const EntryStat& entry, std::int64_t mtime_ns) {
  const EntryType type = entry.identity.type;
  if (type == EntryType::char_device || type == EntryType::block_device) return OutcomeCode::device;
  if (entry.mount_root || entry.mount_id != rules.mount_id || entry.dev != rules.dev) return OutcomeCode::mount_point;
  if (type == EntryType::unknown) return OutcomeCode::failed;
  if (rules.in_use.contains(rules.dev, entry.identity.inode)) return OutcomeCode::in_use;
  if (rules.not_younger_than_ns != 0 && mtime_ns >= rules.not_younger_than_ns) return OutcomeCode::too_young;
  return OutcomeCode::removed;
}

OutcomeCode outcome_of_errno(int error_number) {
  switch (error_number) {
    case ENOENT: return OutcomeCode::gone;
    case EACCES:
    case EPERM:
    case EROFS: return OutcomeCode::denied;
    case EXDEV: return OutcomeCode::cross_device;
    case EBUSY: return OutcomeCode::mount_point;
    case EEXIST: return OutcomeCode::name_taken;
    case ENOTEMPTY: return OutcomeCode::not_empty;
    default: return OutcomeCode::failed;
  }
}

namespace {

// Inside a tree an absent or replaced directory means that the tree is another one than planned; EXDEV comes from
// RESOLVE_NO_XDEV.
void refuse_tree(TreeSum& sum, int error_number) {
  sum.error_number = error_number;
  switch (error_number) {
    case EXDEV: sum.code = OutcomeCode::mount_point; break;
    case ENOENT:
    case ENOTDIR:
    case ELOOP:
    case ESTALE: sum.code = OutcomeCode::digest_changed; break;
    default: sum.code = outcome_of_errno(error_number);
  }
}

}  // namespace

TreeSum TreeCheck::read_tree(int parent, const char* name, std::uint64_t inode, std::uint64_t max_entries,
                             const EntryRules& rules, LinkLedger& ledger) {
  TreeSum sum;
  walk(parent, name, inode, sum,
       [&](int dir, const Pending& above, const ListedEntry& entry, Pending& child, bool& is_directory) {
         if (++sum.entries > max_entries) {
           sum.code = OutcomeCode::digest_changed;
           return false;
         }
         EntryStat seen;
         const int error = stat_at(dir, entry.name.data(), rules.with_birth, seen);
         if (error != 0) {
           refuse_tree(sum, error);
           return false;
         }
         sum.code = judge_entry(rules, seen, seen.mtime_ns);
         if (sum.code != OutcomeCode::removed) return false;
         sum.full.add(key_, above.inode, entry.name, seen.identity);
         sum.listed.add_listed(key_, above.listed_inode, entry.name, entry.inode, seen.identity.type);
         ledger.note(seen);
         child.inode = seen.identity.inode;
         is_directory = seen.identity.type == EntryType::directory;
         return true;
       });
  return sum;
}

TreeSum TreeCheck::list_tree(int parent, const char* name, std::uint64_t inode, std::uint64_t max_entries) {
  TreeSum sum;
  walk(parent, name, inode, sum,
       [&](int dir, const Pending& above, const ListedEntry& entry, Pending& child, bool& is_directory) {
         if (++sum.entries > max_entries) {
           sum.code = OutcomeCode::digest_changed;
           return false;
         }
         EntryType type = entry.type;
         if (type == EntryType::unknown) {  // a file system without d_type
           EntryStat seen;
           const int error = stat_at(dir, entry.name.data(), false, seen);
           if (error != 0) {
             refuse_tree(sum, error);
             return false;
           }
           type = seen.identity.type;
         }
         sum.listed.add_listed(key_, above.listed_inode, entry.name, entry.inode, type);
         child.inode = entry.inode;
         is_directory = type == EntryType::directory;
         return true;
       });
  return sum;
}

int TreeCheck::check_empty(int parent, const char* name) {
  int error = 0;
  const Fd dir = open_directory(parent, name, error);
  if (!dir) return error;
  ListedEntry entry;
  listing_.start(dir.get());
  if (listing_.next(entry, error)) return ENOTEMPTY;
  return error;
}

void TreeCheck::walk(int parent, const char* name, std::uint64_t inode, TreeSum& sum, const Visit& visit) {
  int error = 0;
  Fd top = open_directory(parent, name, error);
  if (!top) return refuse_tree(sum, error);
  walk_from(std::move(top), inode, sum, visit);
  stack_.clear();
}

// Depth first. A directory is listed to its end before one of its directories is entered: one buffer suffices, and only
// names of directories are kept.
void TreeCheck::walk_from(Fd top, std::uint64_t inode, TreeSum& sum, const Visit& visit) {
  names_.clear();
  pending_.clear();
  first_.clear();
  stack_.start(std::move(top));
  int error = 0;
  Pending at{0, inode, inode};
  while (true) {
    // The directory that was just opened.
    first_.push_back(pending_.size());
    const int dir = stack_.deepest(error);
    listing_.start(dir);
    ListedEntry entry;
    while (listing_.next(entry, error)) {
      Pending child{0, 0, entry.inode};
      bool is_directory = false;
      if (!visit(dir, at, entry, child, is_directory)) return;
      if (!is_directory) continue;
      child.name = names_.size();
      names_.append(entry.name.data(), entry.name.size() + 1);
      pending_.push_back(child);
    }
    if (error != 0) return refuse_tree(sum, error);
    // Up to the next one that was not entered yet.
    while (!first_.empty() && pending_.size() == first_.back()) {
      first_.pop_back();
      stack_.pop();
    }
    if (first_.empty()) return;
    at = pending_.back();
    pending_.pop_back();
    error = stack_.push(names_.data() + at.name);
    if (error != 0) return refuse_tree(sum, error);
    names_.resize(at.name);
  }
}

}  // namespace freshet::broker

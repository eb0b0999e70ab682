#include "runtime/manager/fold.h"

namespace freshet {

void DropSet::add(std::uint64_t ordinal) {
  if (ordinal >= bits_.size()) bits_.resize(ordinal + ordinal / 2 + 64);
  if (!bits_[ordinal]) ++count_;
  bits_[ordinal] = true;
}

bool DropSet::contains(std::uint64_t ordinal) const { return ordinal < bits_.size() && bits_[ordinal]; }

std::vector<std::uint64_t> DropSet::list() const {
  std::vector<std::uint64_t> out;
  for (std::uint64_t i = 0; i < bits_.size(); ++i)
    if (bits_[i]) out.push_back(i);
  return out;
}

Result<Fold> Fold::compute(const DirectoryTable& directories, const std::string& entry_file, const DropSet& drop,
                           const TreeDigest::Key& key, bool whole_directories) {
  Fold out;
  out.directories_ = &directories;
  out.entry_file_ = entry_file;
  out.drop_ = drop;
  out.whole_directories_ = whole_directories;
  out.nodes_.resize(directories.size());
  out.expanded_.resize(directories.size());
  for (std::uint32_t id = 0; id < directories.size(); ++id)
    if (directories.node(id).parent != kNoNode)
      out.children_.emplace(Name{directories.node(id).parent, directories.name(id)}, id);

  const Status read = out.for_each([&](std::uint64_t, const PlanEntry& entry) {
    Node& at = out.nodes_[entry.directory];
    ++at.proposed;
    ++at.entries;
    at.bytes += entry.allocated;
    at.digest.add(key, directories.node(entry.directory).inode, entry.name, entry.identity);
    if (entry.identity.type == EntryType::directory) {
      const std::uint32_t below = out.child(entry.directory, entry.name);
      if (below != kNoNode) out.nodes_[below].own = directories.node(below).inode == entry.identity.inode;
    }
    return true;
  });
  if (!read) return std::unexpected(read.error());

  std::vector<bool> broken(directories.size());  // a directory below it stays
  for (std::uint32_t id = static_cast<std::uint32_t>(directories.size()); id-- > 0;) {
    Node& at = out.nodes_[id];
    const DirectoryNode& facts = directories.node(id);
    at.whole = facts.complete && at.proposed == facts.seen && !broken[id];
    if (facts.parent == kNoNode) continue;
    Node& parent = out.nodes_[facts.parent];
    if (!at.whole || !at.own) broken[facts.parent] = true;
    parent.entries += at.entries;
    parent.bytes += at.bytes;
    parent.digest.merge(at.digest);
  }
  return out;
}

Status Fold::mark_directories_with_units() {
  return for_each([&](std::uint64_t, const PlanEntry& entry) {
    const UnitKind kind = classify(entry);
    if (kind != UnitKind::covered && kind != UnitKind::blocked) nodes_[entry.directory].has_unit = true;
    return true;
  });
}

std::uint32_t Fold::child(std::uint32_t directory, std::string_view name) const {
  const auto found = children_.find(Name{directory, name});
  return found == children_.end() ? kNoNode : found->second;
}

UnitKind Fold::classify(const PlanEntry& entry) const {
  const auto goes_whole = [&](std::uint32_t id) {
    return whole_directories_ && nodes_[id].whole && nodes_[id].own && !expanded_[id] &&
           directories_->node(id).parent != kNoNode;
  };
  if (goes_whole(entry.directory)) return UnitKind::covered;
  if (entry.identity.type != EntryType::directory) return UnitKind::single;
  const std::uint32_t below = child(entry.directory, entry.name);
  if (below == kNoNode) return UnitKind::directory;
  if (goes_whole(below)) return UnitKind::whole;
  return nodes_[below].whole && nodes_[below].own ? UnitKind::directory : UnitKind::blocked;
}

void Fold::expand(std::uint32_t id) {
  expanded_[id] = true;
  // Children come after their parents in the table: one pass reaches every level.
  for (std::uint32_t at = id + 1; at < directories_->size(); ++at) {
    const std::uint32_t parent = directories_->node(at).parent;
    if (parent != kNoNode && expanded_[parent] && nodes_[parent].whole) expanded_[at] = true;
  }
}

Status Fold::for_each(const std::function<bool(std::uint64_t, const PlanEntry&)>& each) const {
  Result<std::unique_ptr<EntryReader>> reader = EntryReader::open(entry_file_, directories_->size());
  if (!reader) return std::unexpected(reader.error());
  PlanEntry entry;
  for (std::uint64_t ordinal = 0;; ++ordinal) {
    const Result<bool> more = (*reader)->next(entry);
    if (!more) return std::unexpected(more.error());
    if (!*more) return {};
    if (drop_.contains(ordinal)) continue;
    if (!each(ordinal, entry)) return {};
  }
}

}  // namespace freshet

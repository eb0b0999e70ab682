#include "runtime/broker/link_ledger.h"

namespace freshet::broker {

void LinkLedger::note(const EntryStat& entry) {
  if (entry.links <= 1 || entry.identity.type == EntryType::directory) {
    noted_bytes_ += entry.allocated;
    return;
  }
  Links& links = links_[entry.identity.inode];
  ++links.noted;
  noted_.push_back(entry.identity.inode);
  if (links.gone + links.noted == entry.links) noted_bytes_ += entry.allocated;
}

void LinkLedger::commit() {
  for (const std::uint64_t inode : noted_) {
    Links& links = links_[inode];
    --links.noted;
    ++links.gone;
  }
  noted_.clear();
  noted_bytes_ = 0;
}

void LinkLedger::discard() {
  for (const std::uint64_t inode : noted_) --links_[inode].noted;
  noted_.clear();
  noted_bytes_ = 0;
}

}  // namespace freshet::broker

#pragma once

#include <cstdint>
#include <vector>

#include "runtime/base/clock.h"
#include "runtime/broker/inode_set.h"
#include "runtime/broker/link_ledger.h"
#include "runtime/broker/session.h"
#include "runtime/broker/slot_book.h"
#include "runtime/broker/tree_check.h"

namespace freshet::broker {

// Phase `remove`: moves units into their slots, or unlinks them (Begin.unlink). Everything that the plan says of a unit
// is checked again here, right before the effect, and its identity once more behind it.
class Removal {
 public:
  explicit Removal(const Session& session);

  Verdict take_in_use(const wire::InUse& message);
  // Answers SlotsReady after the last packet of a batch.
  Verdict take_slots(const wire::Slots& message);
  // Answers Outcomes.
  Verdict take_units(const wire::Units& message);
  // Answers Finished.
  Verdict finish();

 private:
  // The unit at its origin, found to be the planned one.
  struct Target {
    const wire::Unit& unit;
    std::size_t root = 0;
    int origin = -1;
    EntryStat seen;
    TreeSum tree;  // of a whole directory
  };

  Verdict check_request(const wire::Unit& unit) const;
  wire::Outcome remove(const wire::Unit& unit);
  wire::Outcome check(Target& target);
  bool fits_budget(std::uint64_t entries, std::uint64_t bytes) const;
  wire::Outcome move(const Target& target);
  wire::Outcome unlink(const Target& target);
  // What the entry in the slot turned out to be: true when it is the planned one.
  bool arrived_as_planned(const Target& target, int place);
  [[nodiscard]] bool holds_excluded(std::size_t root, const std::string& place) const;
  [[nodiscard]] EntryRules rules_of(std::size_t root) const;

  const Session& session_;
  SystemClock clock_;
  InodeSet in_use_;
  bool in_use_sealed_ = false;
  SlotBook slots_;
  TreeCheck trees_;
  std::vector<LinkLedger> ledgers_;  // by root
  std::uint64_t next_sequence_ = 0;
  wire::Finished done_;
  std::uint64_t bytes_ = 0;  // removed, against the budget
};

}  // namespace freshet::broker

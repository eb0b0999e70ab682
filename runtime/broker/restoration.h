#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_set>
#include <vector>

#include "runtime/broker/area.h"
#include "runtime/broker/listing.h"
#include "runtime/broker/session.h"
#include "runtime/broker/table.h"
#include "runtime/broker/teller.h"

namespace freshet::broker {

// Phase `restore`: puts back what the slots of one task hold. Never replaces anything, never removes anything; safe to
// repeat and after a crash at any moment (QUARANTINE.md).
class Restoration {
 public:
  explicit Restoration(const Session& session) : session_(session), folders_(session), teller_(session) {}

  // Answers Restored and Working as often as needed, then Finished.
  Verdict run();

 private:
  struct Item {
    std::size_t root = 0;
    TableSlot slot;
    bool made = false;   // its directory exists
    bool empty = false;  // nothing of it is left in the quarantine
  };
  // What one round did with one slot.
  struct Round {
    std::uint64_t moved = 0;
    std::uint64_t left = 0;
  };

  Verdict read_tables();
  Verdict read_table(std::size_t area);
  void take_slot(std::size_t area, TableSlot slot);
  Verdict put_back(Item& item, bool report, std::uint64_t& moved);
  Verdict move_entries(Item& item, int place, int origin, wire::RestoreCode refusal, int error, bool report,
                       Round& round);
  Verdict report_lost_slots();
  Verdict report_lost_slots_of(std::size_t area);
  Verdict report(std::size_t root, std::string path, wire::RestoreCode code, int error);
  Verdict flush();
  // Resolved again and compared; none with the reason.
  Fd open_origin(const Item& item, wire::RestoreCode& code, int& error) const;
  void give_times_back();

  const Session& session_;
  TaskFolders folders_;
  std::vector<bool> has_folder_;     // by area
  std::vector<std::unordered_set<std::uint32_t>> known_;  // by area: numbers of slots whose lines are good
  std::vector<Item> items_;          // in descending order of number
  wire::Restored conflicts_;
  std::size_t conflict_bytes_ = 0;
  wire::Finished done_;
  Teller teller_;
  Listing listing_;
};

}  // namespace freshet::broker

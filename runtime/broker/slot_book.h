#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "runtime/broker/area.h"
#include "runtime/broker/session.h"
#include "runtime/broker/table.h"

namespace freshet::broker {

// The origin directories of a removal, one a slot: as they were before the first effect, their lines in the tables, and
// the descriptors of the few that are in use. With Begin.unlink there are no areas, tables or slot directories.
class SlotBook {
 public:
  // At most 2 * `capacity` + 4 descriptors are open at a time.
  SlotBook(const Session& session, std::size_t capacity);

  // Opens and remembers one origin. A place that may not be touched, or a number out of order, is a Failed; an origin
  // that is gone or changed only makes the units of its slot be refused.
  Verdict add(const wire::Slot& slot);
  // Makes the new slots' lines durable: folders, tables, fdatasync, fsync.
  Verdict publish();

  [[nodiscard]] std::size_t size() const { return slots_.size(); }
  [[nodiscard]] bool has(std::uint32_t number) const { return number >= 1 && number <= slots_.size(); }
  [[nodiscard]] const Root& root_of(std::uint32_t number) const;
  [[nodiscard]] std::size_t root_index_of(std::uint32_t number) const { return slot(number).root; }
  [[nodiscard]] const std::string& path_of(std::uint32_t number) const { return slot(number).path; }

  // Descriptor of the origin, its identity just compared or compared since forget_open(); -1 with the reason.
  int open_origin(std::uint32_t number, wire::OutcomeCode& code, int& error);
  // Descriptor of the slot's directory, made with the first call; -1 with an errno. Only after open_origin of the same
  // slot and before the next one.
  int open_place(std::uint32_t number, int& error);
  // From here on every origin is resolved again. Called for each packet of units, so that a mount or a swap is seen.
  void forget_open() { open_.clear(); }
  // The directory was moved: what was opened in it is no origin any more.
  void forget_directory(std::size_t root, std::uint64_t inode);
  // An effect on the origin: its times are to be given back.
  void mark_touched(std::uint32_t number) { slot(number).touched = true; }

  // mtime before the first effect of a directory that is an origin here.
  [[nodiscard]] std::optional<std::int64_t> mtime_before(std::size_t root, std::uint64_t inode) const;

  // Gives every touched origin that still stands its times back; the number of those where it failed.
  std::uint64_t give_times_back();
  // Makes all renames durable.
  Verdict settle();

 private:
  struct State {
    std::string path;
    std::uint32_t root = 0;
    wire::OutcomeCode problem = wire::OutcomeCode::removed;  // `removed`: none
    std::int32_t error_number = 0;
    std::uint64_t inode = 0;
    std::int64_t birth_ns = 0;
    std::int64_t mtime_ns = 0;
    std::int64_t atime_ns = 0;
    bool made = false;     // its directory exists
    bool touched = false;
  };
  struct Open {
    std::uint32_t number = 0;
    std::uint64_t used = 0;
    Fd origin;
    Fd place;
  };

  State& slot(std::uint32_t number) { return slots_[number - 1]; }
  [[nodiscard]] const State& slot(std::uint32_t number) const { return slots_[number - 1]; }
  // Resolves and compares; fills `seen`.
  Fd resolve(const State& state, EntryStat& seen, wire::OutcomeCode& code, int& error) const;
  Open* find_open(std::uint32_t number);
  Verdict publish_area(std::size_t area);

  const Session& session_;
  const std::size_t capacity_;
  std::deque<State> slots_;
  std::size_t published_ = 0;
  std::vector<bool> has_table_;                                         // by area
  std::vector<std::unordered_map<std::uint64_t, std::uint32_t>> by_inode_;  // by root: origin inode -> slot number
  std::vector<Open> open_;
  std::uint64_t uses_ = 0;
  TaskFolders folders_;
};

}  // namespace freshet::broker

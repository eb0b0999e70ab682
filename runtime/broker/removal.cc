#include "runtime/broker/removal.h"

#include <cerrno>

#include "runtime/base/bytes.h"
#include "runtime/broker/file_system.h"

namespace freshet::broker {

using wire::Outcome;
using wire::OutcomeCode;

namespace {

constexpr std::size_t kMaxInUse = 4'000'000;

Outcome outcome(const wire::Unit& unit, OutcomeCode code, int error_number = 0) {
  return Outcome{unit.sequence, code, error_number, 0};
}

Outcome failed_call(const wire::Unit& unit, int error_number) {
  return outcome(unit, outcome_of_errno(error_number), error_number);
}

}  // namespace

Removal::Removal(const Session& session)
    : session_(session),
      slots_(session, session.free_fds / 4),
      trees_(session.free_fds / 2, session.begin.key),
      ledgers_(session.roots.size()) {}

Verdict Removal::take_in_use(const wire::InUse& message) {
  if (in_use_.size() + message.inodes.size() > kMaxInUse) return give_up(kOutOfOrder, "too many inodes in use");
  for (const std::uint64_t inode : message.inodes) in_use_.add(message.dev, inode);
  return {};
}

Verdict Removal::take_slots(const wire::Slots& message) {
  for (const wire::Slot& slot : message.slots)
    if (const Verdict added = slots_.add(slot); !added) return added;
  if (!message.last) return {};
  if (const Verdict published = slots_.publish(); !published) return published;
  return session_.send(wire::SlotsReady{static_cast<std::uint32_t>(slots_.size())});
}

Verdict Removal::take_units(const wire::Units& message) {
  if (!in_use_sealed_) in_use_.seal();
  in_use_sealed_ = true;
  slots_.forget_open();
  wire::Outcomes answer;
  answer.outcomes.reserve(message.units.size());
  for (const wire::Unit& unit : message.units) {
    if (const Verdict permitted = check_request(unit); !permitted) return permitted;
    ++next_sequence_;
    answer.outcomes.push_back(remove(unit));
  }
  return session_.send(answer);
}

// What an honest manager never asks for. Everything that the world may have changed since the plan is an outcome.
Verdict Removal::check_request(const wire::Unit& unit) const {
  if (unit.sequence != next_sequence_) return give_up(kOutOfOrder, "unit numbers with a gap");
  if (!slots_.has(unit.slot)) return give_up(kOutOfOrder, "a unit without a slot");
  if (!is_entry_name(unit.name)) return give_up(kNotPermitted, "a unit with a name that cannot be");
  if (unit.whole && (session_.begin.unlink || unit.identity.type != EntryType::directory || unit.entries == 0))
    return give_up(kNotPermitted, "a whole unit that cannot be one");
  const Root& root = slots_.root_of(unit.slot);
  if (is_closed_off(root, join_path(slots_.path_of(unit.slot), unit.name)))
    return give_up(kNotPermitted, "a unit in an excluded place of " + root.path);
  return {};
}

EntryRules Removal::rules_of(std::size_t root_index) const {
  const Root& root = session_.roots[root_index];
  return EntryRules{in_use_, root.stat.dev, root.stat.mount_id, root.with_birth, session_.begin.not_younger_than_ns};
}

Outcome Removal::remove(const wire::Unit& unit) {
  if (session_.begin.not_after_ns != 0 && clock_.now() >= session_.begin.not_after_ns) return outcome(unit, OutcomeCode::out_of_hours);
  Target target{unit, slots_.root_index_of(unit.slot), -1, {}, {}};
  LinkLedger& ledger = ledgers_[target.root];
  Outcome result = check(target);
  if (result.code == OutcomeCode::removed) {
    const std::uint64_t entries = 1 + target.tree.entries;
    const std::uint64_t bytes = ledger.noted_bytes();
    if (!fits_budget(entries, bytes)) {
      result = outcome(unit, OutcomeCode::over_budget);
    } else {
      result = session_.begin.unlink ? unlink(target) : move(target);
    }
    if (result.code == OutcomeCode::removed) {
      result.entries = entries;
      done_.units += 1;
      done_.entries += entries;
      bytes_ += bytes;
      if (!session_.begin.unlink) done_.bytes = bytes_;
      ledger.commit();
    }
  }
  ledger.discard();
  return result;
}

bool Removal::fits_budget(std::uint64_t entries, std::uint64_t bytes) const {
  const wire::Begin& begin = session_.begin;
  return done_.entries <= begin.max_entries && entries <= begin.max_entries - done_.entries &&
         bytes_ <= begin.max_bytes && bytes <= begin.max_bytes - bytes_;
}

bool Removal::holds_excluded(std::size_t root_index, const std::string& place) const {
  const Root& root = session_.roots[root_index];
  if (!contains_closed_off(root, place)) return false;
  if (place == root.area) return true;
  for (const std::string& exclude : root.excludes) {
    if (!exclude.starts_with(place + "/")) continue;
    int error = 0;
    if (open_beneath(root.directory.get(), exclude, O_PATH | O_NOFOLLOW, error) ||
        (error != ENOENT && error != ENOTDIR))
      return true;
  }
  return false;
}

Outcome Removal::check(Target& target) {
  const wire::Unit& unit = target.unit;
  const Root& root = session_.roots[target.root];
  OutcomeCode code = OutcomeCode::removed;
  int error = 0;
  target.origin = slots_.open_origin(unit.slot, code, error);
  if (target.origin < 0) return outcome(unit, code, error);
  error = stat_at(target.origin, unit.name.c_str(), root.with_birth, target.seen);
  if (error != 0) return failed_call(unit, error);

  const EntryRules rules = rules_of(target.root);
  const bool is_directory = target.seen.identity.type == EntryType::directory;
  std::int64_t mtime = target.seen.mtime_ns;
  // A directory that this removal emptied is as old as it was before.
  if (is_directory) mtime = slots_.mtime_before(target.root, target.seen.identity.inode).value_or(mtime);
  code = judge_entry(rules, target.seen, mtime);
  if (code == OutcomeCode::device || code == OutcomeCode::mount_point) return outcome(unit, code);
  if (target.seen.identity != unit.identity) return outcome(unit, OutcomeCode::changed);
  if (code != OutcomeCode::removed) return outcome(unit, code);

  LinkLedger& ledger = ledgers_[target.root];
  ledger.note(target.seen);
  if (!is_directory) return outcome(unit, OutcomeCode::removed);
  if (holds_excluded(target.root, join_path(slots_.path_of(unit.slot), unit.name)))
    return outcome(unit, OutcomeCode::not_empty);
  if (!unit.whole) {
    if (session_.begin.unlink) return outcome(unit, OutcomeCode::removed);  // rmdir looks itself
    error = trees_.check_empty(target.origin, unit.name.c_str());
    return error == 0 ? outcome(unit, OutcomeCode::removed) : failed_call(unit, error);
  }
  target.tree = trees_.read_tree(target.origin, unit.name.c_str(), unit.identity.inode, unit.entries - 1, rules, ledger);
  const TreeSum& tree = target.tree;
  if (tree.code != OutcomeCode::removed) return outcome(unit, tree.code, tree.error_number);
  if (tree.entries != unit.entries - 1 || tree.full.value() != unit.digest)
    return outcome(unit, OutcomeCode::digest_changed);
  return outcome(unit, OutcomeCode::removed);
}

Outcome Removal::move(const Target& target) {
  const wire::Unit& unit = target.unit;
  const char* name = unit.name.c_str();
  int error = 0;
  const int place = slots_.open_place(unit.slot, error);
  if (place < 0) return outcome(unit, OutcomeCode::failed, error);
  error = move_entry(target.origin, name, place, name);
  if (error != 0) return failed_call(unit, error);
  slots_.mark_touched(unit.slot);
  if (arrived_as_planned(target, place)) {
    if (target.seen.identity.type == EntryType::directory)
      slots_.forget_directory(target.root, target.seen.identity.inode);
    return outcome(unit, OutcomeCode::removed);
  }
  // Something else was swapped in between the look and the rename. It was never planned: it goes back.
  error = move_entry(place, name, target.origin, name);
  return outcome(unit, error == 0 ? OutcomeCode::moved_back : OutcomeCode::stranded, error);
}

bool Removal::arrived_as_planned(const Target& target, int place) {
  const wire::Unit& unit = target.unit;
  const char* name = unit.name.c_str();
  EntryStat arrived;
  if (stat_at(place, name, session_.roots[target.root].with_birth, arrived) != 0) return false;
  if (arrived.identity != unit.identity) return false;
  if (arrived.identity.type != EntryType::directory) return true;
  if (!unit.whole) return trees_.check_empty(place, name) == 0;
  const TreeSum now = trees_.list_tree(place, name, unit.identity.inode, target.tree.entries);
  return now.code == OutcomeCode::removed && now.entries == target.tree.entries && now.listed == target.tree.listed;
}

Outcome Removal::unlink(const Target& target) {
  const bool directory = target.seen.identity.type == EntryType::directory;
  const int error = unlink_entry(target.origin, target.unit.name.c_str(), directory);
  if (error == EISDIR || error == ENOTDIR) return outcome(target.unit, OutcomeCode::changed, error);
  if (error != 0) return failed_call(target.unit, error);
  slots_.mark_touched(target.unit.slot);
  if (directory)
    slots_.forget_directory(target.root, target.seen.identity.inode);
  if (directory || target.seen.links <= 1) done_.bytes += target.seen.allocated;
  return outcome(target.unit, OutcomeCode::removed);
}

Verdict Removal::finish() {
  done_.times_failed = slots_.give_times_back();
  if (const Verdict settled = slots_.settle(); !settled) return settled;
  return session_.send(done_);
}

}  // namespace freshet::broker

#include "runtime/manager/act_task.h"

#include <algorithm>
#include <deque>
#include <optional>
#include <unordered_set>

#include "runtime/base/bytes.h"
#include "runtime/manager/area_access.h"
#include "runtime/manager/fold.h"
#include "runtime/manager/in_use.h"
#include "runtime/manager/open_roots.h"
#include "runtime/manager/plan_rules.h"
#include "runtime/manager/reclaim_counter.h"
#include "runtime/manager/result_rows.h"
#include "runtime/manager/role_resources.h"
#include "runtime/manager/role_figures.h"
#include "runtime/manager/timers.h"

namespace freshet {
namespace {

constexpr std::size_t kBatch = 200;            // units a packet
constexpr std::size_t kWindow = 2 * kBatch;    // units under way: their outcomes always fit into the socket
constexpr std::size_t kPacketBudget = 50'000;  // bytes of names or paths in one packet
constexpr std::size_t kMaxExamples = 100;

// A whole directory that was refused for one of these may still go entry by entry.
bool may_go_by_entry(wire::OutcomeCode code) {
  switch (code) {
    case wire::OutcomeCode::digest_changed:
    case wire::OutcomeCode::in_use:
    case wire::OutcomeCode::too_young:
    case wire::OutcomeCode::mount_point:
    case wire::OutcomeCode::device:
    case wire::OutcomeCode::cross_device:
    case wire::OutcomeCode::denied:
    case wire::OutcomeCode::over_budget:
    case wire::OutcomeCode::moved_back: return true;
    default: return false;
  }
}

// Instead of moving into the quarantine.
bool unlinks(const TaskPlan& task) { return task.permission.quarantine_mode == config::QuarantineMode::none; }

// What is more than the quarantine may hold was refused at admission, by the sizes that the plugin told.
std::uint64_t most_bytes(const TaskPlan& task) {
  const std::uint64_t budget = task.permission.budget.bytes.value_or(~0ULL);
  return !unlinks(task) && task.max_quarantine_bytes != 0 ? std::min(budget, task.max_quarantine_bytes) : budget;
}

// A directory that goes by itself once it is empty: the only entries kept in memory.
struct LaterDirectory {
  std::uint64_t ordinal = 0;
  std::uint32_t directory = 0;
  std::string name;
  Identity identity;
  std::uint64_t allocated = 0;
  std::uint32_t whole = 0;
};

// One conversation with a broker in its phase `remove`.
class Removal {
 public:
  Removal(const Core& core, TaskPlan& task, const ActInputs& inputs, std::stop_token stop, CleanupResult& result)
      : core_(core), task_(task), in_(inputs), stop_(std::move(stop)), result_(result), metrics_(task.metrics),
        watch_(metrics_.overhead_ns) {}

  Status run();
  void end_timing() { watch_.lap(metrics_.remove_ns, metrics_.remove_cpu_ns); }

 private:
  struct Sent {
    std::uint64_t ordinal;
    std::uint32_t directory;
    std::uint32_t child;  // of a whole directory
    std::uint64_t entries;
    std::string name;
    std::uint64_t bytes = 0;
    std::uint32_t whole = 0;  // that it belongs to
  };

  bool start(const std::vector<channel::OpenRoot>& roots);
  bool begin(const std::vector<channel::OpenRoot>& roots);
  bool send_slots(const std::vector<std::uint32_t>& nodes);
  bool add_unit(std::uint64_t ordinal, const PlanEntry& entry, UnitKind kind);
  bool flush();
  bool await(std::size_t at_most);
  bool take_outcome(const wire::Outcome& outcome);
  bool first_pass();
  bool second_pass();
  bool directories_last();
  bool finish();
  void not_removed(const Sent& unit, wire::OutcomeCode code, int error_number);
  void count_result();
  [[nodiscard]] std::string shown_path(std::uint32_t node, std::string_view name) const;
  bool wrong(std::string what);  // ends the broker; always false
  bool lost();                   // the broker is gone; always false

  const Core& core_;
  const TaskPlan& task_;
  const ActInputs& in_;
  std::stop_token stop_;
  CleanupResult& result_;
  CleanupMetrics& metrics_;
  metrics::Stopwatch watch_;

  AreaAccess areas_;  // outlives the broker
  std::unique_ptr<channel::RoleProcess> broker_;
  Result<channel::Inventory> before_ = fail(ErrorKind::peer, "not looked at");
  DirectoryTable directories_;
  std::unique_ptr<Fold> fold_;
  BrokerLoad load_;
  std::uint32_t slots_ = 0;
  wire::Units batch_;
  std::size_t batch_bytes_ = 0;
  std::deque<Sent> sent_;
  std::unordered_set<std::uint32_t> broken_wholes_;  // something of them was refused: what comes behind it stays
  std::uint64_t sequence_ = 0;
  const std::uint64_t max_bytes_ = most_bytes(task_);
  std::optional<std::uint64_t> bytes_;  // by the broker's count, once it has come to its end
  std::uint64_t removed_units_ = 0;
  std::uint64_t removed_bytes_ = 0;  // for the progress: a hard link counts as often as it has names
  std::vector<LaterDirectory> later_;
  std::vector<bool> refused_whole_;  // by node
  std::vector<std::uint32_t> to_expand_;
  OutcomeLog log_;
  bool stopped_ = false;
  Status own_error_;
};

bool Removal::wrong(std::string what) {
  broker_->close_for(channel::EndReason::protocol, std::move(what));
  return lost();
}

bool Removal::lost() {
  const channel::End end = broker_->finish();
  result_.state = TaskState::failed;
  result_.end = to_public(end.reason == channel::EndReason::none ? channel::EndReason::setup : end.reason);
  result_.note = "the broker ended: " + (end.what.empty() ? "too early" : escape_bytes(end.what));
  return false;
}

std::string Removal::shown_path(std::uint32_t node, std::string_view name) const {
  std::string path = task_.roots[directories_.node(node).root].config.path;
  const std::string below = directories_.path(node);
  if (!below.empty()) path += "/" + below;
  return path + "/" + std::string(name);
}

bool Removal::start(const std::vector<channel::OpenRoot>& roots) {
  channel::RoleRequest request;
  request.role = wire::Role::broker;
  request.phase = wire::BrokerPhase::remove;
  request.unlink = unlinks(task_);
  Result<AreaAccess> areas = AreaAccess::open(core_, roots, task_.roots, AreaAccess::Use::move);
  if (!areas) {
    result_.state = TaskState::failed;
    result_.end = EndReason::setup;
    result_.note = areas.error().what;
    return false;
  }
  areas_ = std::move(*areas);
  areas_.fill(request);
  request.limits.wall_ns = task_.permission.limits.wall_ns;
  request.limits.cpu_ns = task_.permission.limits.cpu_ns;
  request.strict = task_.strict;
  request.uid = role_uid(core_, in_.channel_index, wire::Role::broker);
  for (std::uint32_t id = 0; id < directories_.size(); ++id) {
    const PlanRoot& root = task_.roots[directories_.node(id).root];
    const std::size_t below_top = root.top ? root.config.path.size() + 1 : 0;
    request.table_bytes += (below_top + directories_.path_length(id)) * 4 + 200;  // escaping makes at most four of one
  }
  load_.roots = task_.roots.size();
  load_.table_bytes = request.table_bytes;
  request.label = "task " + task_.shown.name;
  request.channel = task_.shown.channel;
  request.live = core_.live.get();
  request.filters = core_.filters.get();
  watch_.lap(metrics_.remove_ns, metrics_.remove_cpu_ns);
  Result<std::unique_ptr<channel::RoleProcess>> started = channel::RoleProcess::start(*core_.spawner, core_.support, request);
  watch_.lap(metrics_.start_ns, metrics_.start_cpu_ns);
  if (!started) {
    result_.state = TaskState::failed;
    result_.end = EndReason::setup;
    result_.note = started.error().what;
    return false;
  }
  broker_ = std::move(*started);
  before_ = broker_->inventory();
  add_missing_layers(result_, *broker_);
  return true;
}

bool Removal::begin(const std::vector<channel::OpenRoot>& roots) {
  wire::Begin begin;
  begin.phase = wire::BrokerPhase::remove;
  begin.channel = task_.shown.channel;
  begin.run = in_.run_id;
  begin.task = task_.number;
  begin.unlink = unlinks(task_);
  begin.max_entries = task_.permission.budget.entries;
  begin.max_bytes = max_bytes_;
  if (task_.permission.floors.min_age_ns > 0)
    begin.not_younger_than_ns = core_.clock.now() - task_.permission.floors.min_age_ns;
  if (task_.permission.floors.hours) begin.not_after_ns = end_of_hours(core_.clock.now(), *task_.permission.floors.hours);
  begin.key = task_.key;
  if (!broker_->send_message(begin)) return lost();
  if (!task_.permission.floors.spare_in_use) return true;
  std::set<std::uint64_t> devices;
  for (const channel::OpenRoot& root : roots) devices.insert(root.dev);
  const InUseOracle oracle = InUseOracle::look(devices);
  for (const std::uint64_t dev : devices) {
    const std::vector<std::uint64_t> inodes = oracle.inodes(dev);
    load_.in_use += inodes.size();
    constexpr std::size_t kChunk = 7000;
    for (std::size_t at = 0; at < inodes.size(); at += kChunk) {
      wire::InUse part;
      part.dev = dev;
      const std::size_t end = std::min(inodes.size(), at + kChunk);
      part.inodes.assign(inodes.begin() + static_cast<std::ptrdiff_t>(at), inodes.begin() + static_cast<std::ptrdiff_t>(end));
      if (!broker_->send_message(part)) return lost();
    }
  }
  return true;
}

// Numbers the slots deepest first: a directory that goes after its entries then stands in a later slot, and the
// rollback, which runs backwards, puts it back before them.
bool Removal::send_slots(const std::vector<std::uint32_t>& nodes) {
  std::vector<std::uint32_t> order = nodes;
  std::ranges::sort(order, [&](std::uint32_t a, std::uint32_t b) {
    const std::uint32_t depth_a = directories_.node(a).depth;
    const std::uint32_t depth_b = directories_.node(b).depth;
    return depth_a != depth_b ? depth_a > depth_b : a < b;
  });
  wire::Slots part;
  std::size_t bytes = 0;
  const auto send = [&](bool last) {
    part.last = last;
    const bool sent = broker_->send_message(part);
    part.slots.clear();
    bytes = 0;
    return sent;
  };
  for (const std::uint32_t id : order) {
    if (directories_.path_length(id) > wire::kMaxPath) continue;  // its units are refused by name
    const DirectoryNode& node = directories_.node(id);
    if (part.slots.size() >= 1000 || bytes + directories_.path_length(id) + 64 > kPacketBudget)
      if (!send(false)) return lost();
    log_.slot_of[id] = ++slots_;
    part.slots.push_back({slots_, node.root, directories_.path(id), node.inode, node.birth_ns});
    bytes += directories_.path_length(id) + 64;
  }
  if (!send(true)) return lost();
  const std::optional<std::string_view> packet = broker_->receive({});
  wire::SlotsReady ready;
  wire::Failed failed;
  if (packet && wire::decode_message(*packet, failed)) {
    lost();
    result_.note = "the broker: " + escape_bytes(failed.what);
    result_.end = EndReason::setup;
    return false;
  }
  if (!packet) return lost();
  if (!wire::decode_message(*packet, ready) || ready.count != slots_) return wrong("did not confirm the slots");
  return true;
}

void Removal::not_removed(const Sent& unit, wire::OutcomeCode code, int error_number) {
  log_.not_removed[unit.ordinal] = code;
  if (unit.whole != 0) broken_wholes_.insert(unit.whole);
  if (unit.child != kNoNode) refused_whole_[unit.child] = true;
  if (is_change_by_others(code)) {
    result_.changed_by_others += unit.entries;
  } else {
    result_.entries_refused += unit.entries;
  }
  std::string reason(wire::to_string(code));
  if (code == wire::OutcomeCode::failed || code == wire::OutcomeCode::denied) reason += " (" + errno_text(error_number) + ")";
  result_.refusal_counts[reason] += unit.entries;
  if (result_.refusals.size() < kMaxExamples) result_.refusals.push_back({shown_path(unit.directory, unit.name), reason});
}

bool Removal::take_outcome(const wire::Outcome& outcome) {
  if (sent_.empty() || outcome.sequence != sequence_ - sent_.size()) return wrong("answered units out of order");
  const Sent unit = std::move(sent_.front());
  sent_.pop_front();
  if (outcome.code == wire::OutcomeCode::removed) {
    if (outcome.entries != unit.entries) return wrong("counted other entries than were planned");
    ++removed_units_;
    removed_bytes_ += unit.bytes;
    result_.entries_removed += outcome.entries;
    return true;
  }
  if (unit.child != kNoNode && unit.whole == 0 && may_go_by_entry(outcome.code)) {
    to_expand_.push_back(unit.child);
    return true;
  }
  not_removed(unit, outcome.code, outcome.error_number);
  return true;
}

// Reads outcomes until at most `at_most` units are under way.
bool Removal::await(std::size_t at_most) {
  while (sent_.size() > at_most) {
    const std::optional<std::string_view> packet = broker_->receive({});  // a stop waits for what is under way
    if (!packet) return lost();
    wire::Outcomes outcomes;
    if (!wire::decode_message(*packet, outcomes)) return wrong("sent a message out of order");
    for (const wire::Outcome& outcome : outcomes.outcomes)
      if (!take_outcome(outcome)) return false;
    core_.progress({.task = task_.shown.name, .phase = "remove", .scanned = 0, .found = 0, .done = result_.entries_removed,
                    .total = task_.shown.entries, .bytes = removed_bytes_});
  }
  return true;
}

bool Removal::flush() {
  if (batch_.units.empty()) return true;
  if (!broker_->send_message(batch_)) return lost();
  batch_.units.clear();
  batch_bytes_ = 0;
  return await(kWindow - kBatch);
}

bool Removal::add_unit(std::uint64_t ordinal, const PlanEntry& entry, UnitKind kind) {
  Sent sent{ordinal, entry.directory, kNoNode, 1, std::string(entry.name)};
  sent.whole = entry.whole;
  // What became of the rest of a whole has to be known before the next of it goes.
  const auto same_whole = [&](const Sent& other) { return other.whole == entry.whole; };
  if (entry.whole != 0 && std::ranges::any_of(sent_, same_whole) && !(flush() && await(0))) return false;
  if (!stopped_ && stop_.stop_requested()) {
    stopped_ = true;
    if (!flush() || !await(0)) return false;
  }
  wire::Unit unit;
  unit.name = entry.name;
  unit.identity = entry.identity;
  unit.bytes = entry.allocated;
  if (kind == UnitKind::whole) {
    sent.child = fold_->child(entry.directory, entry.name);
    const Fold::Node& below = fold_->node(sent.child);
    unit.whole = true;
    unit.entries = sent.entries = below.entries + 1;
    unit.bytes += below.bytes;
    unit.digest = below.digest.value();
  }
  if (stopped_) {
    log_.not_removed[ordinal] = wire::OutcomeCode::failed;
    if (sent.child != kNoNode) refused_whole_[sent.child] = true;
    if (entry.whole != 0) broken_wholes_.insert(entry.whole);
    result_.entries_refused += sent.entries;
    result_.refusal_counts["not attempted (interrupted)"] += sent.entries;
    return true;
  }
  const bool broken = entry.whole != 0 && broken_wholes_.contains(entry.whole);
  unit.slot = log_.slot_of[entry.directory];
  if (broken || unit.slot == 0) {
    log_.not_removed[ordinal] = wire::OutcomeCode::failed;
    if (sent.child != kNoNode) refused_whole_[sent.child] = true;
    if (entry.whole != 0) broken_wholes_.insert(entry.whole);
    result_.entries_refused += sent.entries;
    result_.refusal_counts[broken ? "belongs to a whole in which something stays" : "its path is too long"] += sent.entries;
    return true;
  }
  unit.sequence = sequence_++;
  sent.bytes = unit.bytes;
  batch_.units.push_back(std::move(unit));
  batch_bytes_ += entry.name.size() + 96;
  sent_.push_back(std::move(sent));
  return batch_.units.size() < kBatch && batch_bytes_ < kPacketBudget ? true : flush();
}

bool Removal::first_pass() {
  bool good = true;
  const Status read = fold_->for_each([&](std::uint64_t ordinal, const PlanEntry& entry) {
    const UnitKind kind = fold_->classify(entry);
    if (entry.links > 1) ++load_.linked;
    if (kind == UnitKind::single || kind == UnitKind::whole) good = add_unit(ordinal, entry, kind);
    if (kind == UnitKind::directory)
      later_.push_back({ordinal, entry.directory, std::string(entry.name), entry.identity, entry.allocated,
                        entry.whole});
    return good;
  });
  if (!read) own_error_ = read;
  return read && good && flush() && await(0);
}

// Whole directories that could not go as one go entry by entry.
bool Removal::second_pass() {
  if (to_expand_.empty()) return true;
  for (const std::uint32_t id : to_expand_) fold_->expand(id);
  log_.expanded = to_expand_;
  std::vector<bool> top(directories_.size());
  for (const std::uint32_t id : to_expand_) top[id] = true;
  std::vector<bool> expanded = top;
  std::vector<std::uint32_t> fresh;
  for (std::uint32_t id = 0; id < directories_.size(); ++id) {
    const std::uint32_t parent = directories_.node(id).parent;
    if (parent != kNoNode && expanded[parent]) expanded[id] = true;
    if (expanded[id] && log_.slot_of[id] == 0) fresh.push_back(id);
  }
  if (!send_slots(fresh)) return false;
  bool good = true;
  const Status read = fold_->for_each([&](std::uint64_t ordinal, const PlanEntry& entry) {
    if (!expanded[entry.directory]) {
      if (entry.identity.type != EntryType::directory) return true;
      const std::uint32_t below = fold_->child(entry.directory, entry.name);
      if (below == kNoNode || !top[below]) return true;
    }
    const UnitKind kind = fold_->classify(entry);
    if (kind == UnitKind::single) good = add_unit(ordinal, entry, kind);
    if (kind == UnitKind::directory)
      later_.push_back({ordinal, entry.directory, std::string(entry.name), entry.identity, entry.allocated,
                        entry.whole});
    return good;
  });
  if (!read) own_error_ = read;
  return read && good && flush() && await(0);
}

bool Removal::directories_last() {
  std::ranges::sort(later_, [&](const LaterDirectory& a, const LaterDirectory& b) {
    const std::uint32_t depth_a = directories_.node(a.directory).depth;
    const std::uint32_t depth_b = directories_.node(b.directory).depth;
    return depth_a != depth_b ? depth_a > depth_b : a.ordinal < b.ordinal;
  });
  std::uint32_t depth = 0;
  for (const LaterDirectory& later : later_) {
    const std::uint32_t here = directories_.node(later.directory).depth;
    if (here != depth && !(flush() && await(0))) return false;
    depth = here;
    PlanEntry entry;
    entry.directory = later.directory;
    entry.name = later.name;
    entry.identity = later.identity;
    entry.allocated = later.allocated;
    entry.whole = later.whole;
    if (!add_unit(later.ordinal, entry, UnitKind::directory)) return false;
  }
  return flush() && await(0);
}

bool Removal::finish() {
  const Result<channel::Inventory> after = broker_->inventory();
  if (!broker_->send_message(wire::Finish{})) return lost();
  const std::optional<std::string_view> packet = broker_->receive({});
  if (!packet) return lost();
  wire::Finished finished;
  if (!wire::decode_message(*packet, finished)) return wrong("sent a message out of order");
  if (finished.units != removed_units_ || finished.entries != result_.entries_removed)
    return wrong("counts " + std::to_string(finished.units) + " units where it reported " + std::to_string(removed_units_));
  if (!unlinks(task_) && finished.bytes > max_bytes_) return wrong("counts more bytes than it may take");
  bytes_ = finished.bytes;
  const Span releasing(metrics_.release_ns);  // the last effect is done
  const channel::End end = broker_->finish();
  if (end.reason != channel::EndReason::none) return lost();
  if (!before_ || !after) return true;
  std::vector<ResourceCheck> checks = broker_checks(*before_, *after, load_);
  check_gone(checks, *broker_);
  merge_checks(result_.resources, checks);
  return true;
}

// Bytes by what really went, hard links counted once.
void Removal::count_result() {
  std::vector<bool> stays(directories_.size());
  for (std::uint32_t id = 0; id < directories_.size(); ++id) {
    const std::uint32_t parent = directories_.node(id).parent;
    stays[id] = refused_whole_[id] || (parent != kNoNode && stays[parent]);
  }
  ReclaimCounter reclaim;
  const Status read = fold_->for_each([&](std::uint64_t ordinal, const PlanEntry& entry) {
    const UnitKind kind = fold_->classify(entry);
    if (kind == UnitKind::blocked) return true;
    if (kind == UnitKind::covered ? stays[entry.directory] : log_.not_removed.contains(ordinal)) return true;
    reclaim.add(entry);
    return true;
  });
  if (!read) own_error_ = read;
  // The broker has seen the entries; the plan has a plugin's word, which must not make a quarantine look full.
  (unlinks(task_) ? result_.bytes_reclaimed_now : result_.bytes_reclaimable_at_purge) = bytes_.value_or(reclaim.bytes());
}

Status Removal::run() {
  if (task_.shown.units == 0) {  // nothing to do; its root may even have gone with an earlier task
    result_.state = TaskState::executed;
    return {};
  }
  Result<std::vector<channel::OpenRoot>> roots = open_planned_roots(task_.roots);
  if (!roots) {
    result_.state = TaskState::failed;
    result_.note = roots.error().what;
    return {};
  }
  Result<DirectoryTable> directories =
      DirectoryTable::load(directories_file(in_.dir, task_.number), static_cast<std::uint32_t>(task_.roots.size()));
  if (!directories) return std::unexpected(directories.error());
  directories_ = std::move(*directories);
  DropSet drop;
  for (const std::uint64_t ordinal : task_.dropped) drop.add(ordinal);
  Result<Fold> fold = Fold::compute(directories_, entries_file(in_.dir, task_.number), drop, task_.key,
                                    task_.permission.quarantine_mode == config::QuarantineMode::keep);
  if (!fold) return std::unexpected(fold.error());
  fold_ = std::make_unique<Fold>(std::move(*fold));
  if (const Status marked = fold_->mark_directories_with_units(); !marked) return marked;
  log_.slot_of.resize(directories_.size());
  refused_whole_.resize(directories_.size());
  std::vector<std::uint32_t> with_units;
  for (std::uint32_t id = 0; id < directories_.size(); ++id)
    if (fold_->node(id).has_unit) with_units.push_back(id);

  const bool done = start(*roots) && begin(*roots) && send_slots(with_units) && first_pass() && second_pass() &&
                    directories_last() && finish();
  if (done) result_.state = TaskState::executed;
  if (stopped_ && result_.note.empty()) result_.note = "interrupted";
  log_.complete = done;
  if (broker_) {
    broker_->finish();
    add_usage(metrics_, metrics_.remove_cpu_ns, broker_->usage());
  }
  if (!own_error_) return own_error_;
  count_result();
  if (const Status saved = log_.save(outcomes_file(in_.dir, task_.number)); !saved) return saved;
  return own_error_;
}

}  // namespace

Status act_task(const Core& core, TaskPlan& task, const ActInputs& inputs, std::stop_token stop, CleanupResult& result) {
  Removal removal(core, task, inputs, std::move(stop), result);
  const Status done = removal.run();
  removal.end_timing();
  return done;
}

}  // namespace freshet

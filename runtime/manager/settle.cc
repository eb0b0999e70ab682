#include "runtime/manager/settle.h"

#include <algorithm>
#include <array>
#include <map>
#include <queue>
#include <tuple>
#include <unordered_map>
#include <unordered_set>

#include "runtime/base/units.h"
#include "runtime/manager/directory_opener.h"
#include "runtime/manager/fold.h"
#include "runtime/manager/open_roots.h"
#include "runtime/manager/plan_rules.h"

namespace freshet {
namespace {

constexpr std::size_t kLargest = 8;
constexpr std::string_view kStays = "a directory in which something stays";
constexpr std::uint64_t kShareFrom = 100;  // entries of a root below which the share says nothing

// Drops the `keep` newest of each directory's proposed entries. Looked at one by one: those that a plugin has made up would
// be the newest of all, and kept in place of others. One that is older than it was said to be is refused by the broker.
Status keep_newest(const Fold& fold, std::uint64_t keep, const DirectoryTable& directories, DropSet& drop, TaskPlan& task) {
  using Newest = std::priority_queue<std::pair<std::int64_t, std::uint64_t>, std::vector<std::pair<std::int64_t, std::uint64_t>>,
                                     std::greater<>>;
  const Result<std::vector<channel::OpenRoot>> roots = open_planned_roots(task.roots);
  if (!roots) return std::unexpected(roots.error());
  std::vector<DirectoryOpener> openers;
  for (const channel::OpenRoot& root : *roots) openers.emplace_back(root.directory.get());
  std::vector<Newest> newest(directories.size());
  const Status read = fold.for_each([&](std::uint64_t ordinal, const PlanEntry& entry) {
    if (entry.identity.type == EntryType::directory) return true;  // it stays when something in it does
    const std::uint32_t root = directories.node(entry.directory).root;
    const int place = openers[root].open(directories.path(entry.directory));
    if (place < 0) {
      drop.add(ordinal);
      ++task.shown.kept["in a directory that cannot be looked at (floor keep-newest)"];
      return true;
    }
    const Result<EntryStat> seen = stat_entry(place, std::string(entry.name).c_str(), (*roots)[root].stable_birth);
    if (!seen || seen->identity != entry.identity) return true;
    Newest& at = newest[entry.directory];
    at.emplace(entry.mtime_ns, ordinal);
    if (at.size() > keep) at.pop();
    return true;
  });
  if (!read) return read;
  for (Newest& at : newest) {
    for (; !at.empty(); at.pop()) {
      drop.add(at.top().second);
      ++task.shown.kept["one of the newest in its directory (floor keep-newest)"];
    }
  }
  return {};
}

// Absence is no proof: that nothing refers to an entry is known only where everything was seen.
Status keep_unproved_orphans(const Fold& fold, DropSet& drop, TaskPlan& task) {
  return fold.for_each([&](std::uint64_t ordinal, const PlanEntry& entry) {
    if (entry.kind != wire::FindingKind::orphan) return true;
    drop.add(ordinal);
    ++task.shown.kept["perhaps no orphan: not everything was seen"];
    return true;
  });
}

// Wholes of which an entry stays, in `drop` or because it holds something that stays.
Status find_broken_wholes(const Fold& fold, const DropSet& drop, std::unordered_set<std::uint32_t>& broken) {
  return fold.for_each([&](std::uint64_t ordinal, const PlanEntry& entry) {
    if (entry.whole != 0 && (drop.contains(ordinal) || fold.classify(entry) == UnitKind::blocked)) broken.insert(entry.whole);
    return true;
  });
}

Status drop_broken_wholes(const Fold& fold, const std::unordered_set<std::uint32_t>& broken, DropSet& drop, TaskPlan& task) {
  return fold.for_each([&](std::uint64_t ordinal, const PlanEntry& entry) {
    if (!broken.contains(entry.whole) || drop.contains(ordinal)) return true;
    drop.add(ordinal);
    ++task.shown.kept["belongs to a whole in which something stays"];
    return true;
  });
}

// Keeps the cheapest to lose within the budget: regenerable first, then what can be fetched again (least first), then
// unique entries; among equals the oldest. A whole is one candidate, as young and as dear as the worst of its entries.
Status trim(const Fold& fold, const config::BudgetConfig& budget, DropSet& drop, TaskPlan& task) {
  struct Candidate {
    std::uint8_t rank;
    std::uint64_t fetch;
    std::int64_t mtime_ns;
    std::uint64_t ordinal;  // of its first entry
    std::uint64_t bytes;
    std::uint64_t entries;
  };
  std::vector<Candidate> all;
  std::uint32_t whole = 0;  // that the last candidate is
  const Status read = fold.for_each([&](std::uint64_t ordinal, const PlanEntry& entry) {
    const auto rank = static_cast<std::uint8_t>(entry.cost == wire::CostClass::regenerable      ? 0
                                                : entry.cost == wire::CostClass::redownloadable ? 1
                                                                                                : 2);
    if (entry.whole != 0 && entry.whole == whole) {
      Candidate& last = all.back();
      last.rank = std::max(last.rank, rank);
      last.fetch += entry.cost_bytes;
      last.mtime_ns = std::max(last.mtime_ns, entry.mtime_ns);
      last.bytes += entry.allocated;
      ++last.entries;
    } else {
      all.push_back({rank, entry.cost_bytes, entry.mtime_ns, ordinal, entry.allocated, 1});
    }
    whole = entry.whole;
    return true;
  });
  if (!read) return read;
  std::ranges::sort(all, {}, [](const Candidate& c) { return std::tuple(c.rank, c.fetch, c.mtime_ns, c.ordinal); });
  std::uint64_t entries = 0;
  std::uint64_t bytes = 0;
  for (const Candidate& candidate : all) {
    const bool fits = entries + candidate.entries <= budget.entries && (!budget.bytes || bytes + candidate.bytes <= *budget.bytes);
    if (fits) {
      entries += candidate.entries;
      bytes += candidate.bytes;
    } else {
      for (std::uint64_t i = 0; i < candidate.entries; ++i) drop.add(candidate.ordinal + i);
      task.shown.kept["over the budget (trimmed)"] += candidate.entries;
    }
  }
  return {};
}

struct HardLinks {
  std::uint64_t seen = 0;
  std::uint32_t links = 0;
  std::uint64_t bytes = 0;
  std::uint32_t group = 0;  // whose bar it is in
  wire::CostClass cost = wire::CostClass::unique;
};

Status count(const Fold& fold, const DirectoryTable& directories, TaskPlan& task) {
  PlannedTask& shown = task.shown;
  shown.entries = shown.units = shown.bytes = 0;
  shown.costs.clear();
  for (PlannedRoot& root : shown.roots) {
    root.entries = root.bytes = 0;
    root.oldest_mtime_ns = 0;
    root.largest.clear();
  }
  std::vector<std::uint32_t> top(directories.size());  // the directory right below the root, or the root
  for (std::uint32_t id = 0; id < directories.size(); ++id) {
    const DirectoryNode& at = directories.node(id);
    top[id] = at.depth <= 1 ? id : top[at.parent];
  }
  std::map<std::uint32_t, PlannedDirectory> by_top;
  std::array<PlannedCost, wire::kCostClasses> costs;
  std::unordered_map<std::uint64_t, HardLinks> links;  // by inode: a task's roots rarely share a file system by halves
  const auto add_bytes = [&](std::uint32_t group, wire::CostClass cost, std::uint64_t bytes) {
    shown.bytes += bytes;
    costs[static_cast<std::size_t>(cost)].bytes += bytes;
    shown.roots[directories.node(group).root].bytes += bytes;
    by_top[group].bytes += bytes;
  };
  std::uint64_t blocked = 0;
  const Status read = fold.for_each([&](std::uint64_t, const PlanEntry& entry) {
    const UnitKind kind = fold.classify(entry);
    if (kind == UnitKind::blocked) {
      ++blocked;
      return true;
    }
    ++shown.entries;
    if (kind != UnitKind::covered) ++shown.units;
    PlannedRoot& root = shown.roots[directories.node(entry.directory).root];
    ++root.entries;
    if (root.oldest_mtime_ns == 0 || entry.mtime_ns < root.oldest_mtime_ns) root.oldest_mtime_ns = entry.mtime_ns;
    std::uint32_t group = top[entry.directory];
    if (directories.node(entry.directory).parent == kNoNode && entry.identity.type == EntryType::directory) {
      const std::uint32_t below = fold.child(entry.directory, entry.name);
      if (below != kNoNode) group = below;
    }
    ++by_top[group].entries;
    PlannedCost& cost = costs[static_cast<std::size_t>(entry.cost)];
    ++cost.entries;
    cost.fetch_bytes += entry.cost_bytes;
    if (entry.links > 1 && entry.identity.type != EntryType::directory) {
      HardLinks& at = links[entry.identity.inode];
      ++at.seen;
      at.links = entry.links;
      at.bytes = entry.allocated;
      at.group = group;
      at.cost = entry.cost;
    } else {
      add_bytes(group, entry.cost, entry.allocated);
    }
    return true;
  });
  if (!read) return read;
  for (const auto& [inode, at] : links)
    if (at.seen >= at.links) add_bytes(at.group, at.cost, at.bytes);  // a link elsewhere keeps the blocks
  if (blocked > 0) shown.kept[std::string(kStays)] += blocked;
  for (std::size_t i = 0; i < costs.size(); ++i)
    if (costs[i].entries > 0) shown.costs.emplace(cost_name(static_cast<wire::CostClass>(i)), costs[i]);
  for (const auto& [id, facts] : by_top) {
    const DirectoryNode& at = directories.node(id);
    PlannedRoot& root = shown.roots[at.root];
    if (facts.entries == 0) continue;
    root.largest.push_back({at.parent == kNoNode ? root.path : root.path + "/" + std::string(directories.name(id)),
                            facts.entries, facts.bytes});
  }
  for (PlannedRoot& root : shown.roots) {
    std::ranges::sort(root.largest, [](const PlannedDirectory& a, const PlannedDirectory& b) {
      return std::tuple(b.bytes, b.entries, a.path) < std::tuple(a.bytes, a.entries, b.path);
    });
    if (root.largest.size() > kLargest) root.largest.resize(kLargest);
  }
  return {};
}

void add_violation(TaskPlan& task, std::string code, std::string what, std::string remedy) {
  task.shown.violations.push_back({std::move(code), std::move(what), std::move(remedy), {}});
}

void check_budget(TaskPlan& task) {
  const config::BudgetConfig& budget = task.permission.budget;
  PlannedTask& shown = task.shown;
  const std::string section = "in [channel." + shown.channel + "] (or the task) ";
  const std::uint64_t all = shown.entries + task.ipc.size();
  if (all > budget.entries)
    add_violation(task, "F1101",
                  "the plan has " + format_count(all) + (task.ipc.empty() ? " entries" : " entries and IPC objects") + ", the budget allows " + format_count(budget.entries),
                  section + "raise `budget.entries` to at least " + std::to_string(all) +
                      ", or set `budget.over = \"trim\"`");
  if (budget.bytes && shown.bytes > *budget.bytes)
    add_violation(task, "F1102",
                  "the plan has " + format_size(shown.bytes) + ", the budget allows " + format_size(*budget.bytes),
                  section + "raise `budget.bytes` to at least \"" + std::to_string(shown.bytes) +
                      "B\", or set `budget.over = \"trim\"`");
  for (const PlannedRoot& root : shown.roots) {
    if (root.scanned < kShareFrom) continue;
    const double share = static_cast<double>(root.entries) / static_cast<double>(root.scanned);
    if (share <= budget.share) continue;
    const auto percent = [](double part) { return std::to_string(static_cast<int>(part * 100 + 0.5)) + " %"; };
    add_violation(task, "F1103",
                  "the plan takes " + format_count(root.entries) + " of " + format_count(root.scanned) + " entries of " +
                      root.path + " (" + percent(share) + "), the budget allows " + percent(budget.share),
                  section + "raise `budget.share` (at most 1.0), or look at why so much would go");
  }
  if (task.permission.quarantine_mode == config::QuarantineMode::keep && task.max_quarantine_bytes > 0 &&
      shown.bytes > task.max_quarantine_bytes)
    add_violation(task, "F1104",
                  "the plan alone has " + format_size(shown.bytes) + ", the quarantine may hold " +
                      format_size(task.max_quarantine_bytes),
                  section + "raise `quarantine.max`, or lower `budget.bytes` and set `budget.over = \"trim\"`");
}

Result<DirectoryTable> load_directories(const TaskPlan& task, const std::string& plan_dir) {
  return DirectoryTable::load(directories_file(plan_dir, task.number), static_cast<std::uint32_t>(task.roots.size()));
}

bool within_hours(std::uint32_t now, std::pair<std::uint32_t, std::uint32_t> hours) {
  const auto [from, to] = hours;
  return from <= to ? now >= from && now < to : now >= from || now < to;
}

}  // namespace

void judge_plan(TaskPlan& task, std::uint32_t local_minutes) {
  check_budget(task);
  if (task.permission.floors.hours && !within_hours(local_minutes, *task.permission.floors.hours))
    add_violation(task, "F1105", "this task may act only within its `floors.hours`", "run it then, or widen `floors.hours`");
  if (!task.shown.violations.empty()) enter(task, TaskState::refused);
}

Status settle_plan(TaskPlan& task, const std::string& plan_dir, std::uint32_t local_minutes) {
  const Result<DirectoryTable> directories = load_directories(task, plan_dir);
  if (!directories) return std::unexpected(directories.error());
  const std::string entries = entries_file(plan_dir, task.number);
  const bool whole = task.permission.quarantine_mode == config::QuarantineMode::keep;
  DropSet drop;
  for (const std::uint64_t ordinal : task.dropped) drop.add(ordinal);  // withdrawn
  Result<Fold> fold = Fold::compute(*directories, entries, drop, task.key, whole);
  if (!fold) return std::unexpected(fold.error());
  // Folds again without what was dropped, and without what belongs to the same wholes, until nothing more has to stay.
  const auto refold = [&]() -> Status {
    std::unordered_set<std::uint32_t> broken;
    if (task.wholes > 0) {
      if (const Status found = find_broken_wholes(*fold, drop, broken); !found) return found;
    }
    do {
      if (!broken.empty()) {
        if (const Status kept = drop_broken_wholes(*fold, broken, drop, task); !kept) return kept;
      }
      fold = Fold::compute(*directories, entries, drop, task.key, whole);
      if (!fold) return std::unexpected(fold.error());
      broken.clear();
      if (task.wholes == 0) continue;
      if (const Status found = find_broken_wholes(*fold, drop, broken); !found) return found;
    } while (!broken.empty());
    return {};
  };

  for (const std::uint64_t ordinal : task.vetoed) drop.add(ordinal);
  if (task.orphans > 0 && !task.saw_everything) {
    if (const Status kept = keep_unproved_orphans(*fold, drop, task); !kept) return kept;
  }
  if (task.wholes > 0 || !task.vetoed.empty() || (task.orphans > 0 && !task.saw_everything)) {
    if (const Status again = refold(); !again) return again;
  }
  if (task.permission.floors.keep_newest > 0) {
    if (const Status kept = keep_newest(*fold, task.permission.floors.keep_newest, *directories, drop, task); !kept)
      return kept;
    if (const Status again = refold(); !again) return again;
  }
  if (const Status counted = count(*fold, *directories, task); !counted) return counted;

  const config::BudgetConfig& budget = task.permission.budget;
  if (budget.over == config::OverBudget::trim &&
      (task.shown.entries > budget.entries || (budget.bytes && task.shown.bytes > *budget.bytes))) {
    if (const Status trimmed = trim(*fold, budget, drop, task); !trimmed) return trimmed;
    if (const Status again = refold(); !again) return again;
    task.shown.kept.erase(std::string(kStays));
    if (const Status counted = count(*fold, *directories, task); !counted) return counted;
  }
  task.dropped = drop.list();
  judge_plan(task, local_minutes);
  return {};
}

Status recount_plan(TaskPlan& task, const std::string& plan_dir, std::uint32_t local_minutes) {
  const Result<DirectoryTable> directories = load_directories(task, plan_dir);
  if (!directories) return std::unexpected(directories.error());
  DropSet drop;
  for (const std::uint64_t ordinal : task.dropped) drop.add(ordinal);
  const bool whole = task.permission.quarantine_mode == config::QuarantineMode::keep;
  const Result<Fold> fold = Fold::compute(*directories, entries_file(plan_dir, task.number), drop, task.key, whole);
  if (!fold) return std::unexpected(fold.error());
  task.shown.kept.erase(std::string(kStays));
  if (const Status counted = count(*fold, *directories, task); !counted) return counted;
  judge_plan(task, local_minutes);
  return {};
}

}  // namespace freshet

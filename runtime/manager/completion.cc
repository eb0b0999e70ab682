#include "runtime/manager/completion.h"

#include "runtime/manager/area_access.h"
#include "runtime/manager/directory_opener.h"
#include "runtime/manager/fold.h"
#include "runtime/manager/open_roots.h"
#include "runtime/manager/outcome_log.h"

namespace freshet {
namespace {

constexpr std::size_t kMaxWrong = 100;

bool same(const Result<EntryStat>& there, const Identity& planned) { return there && there->identity == planned; }

}  // namespace

CompletionStatus look_at_completion(const TaskPlan& task, const std::string& run_id, const std::string& dir, InPlace* in_place) {
  CompletionStatus out;
  out.units_planned = task.shown.units;
  const auto wrong_record = [&](Error error) { out.error.emplace(CompletionCause::record_damaged, std::move(error)); };
  if (task.shown.units == 0) {
    out.complete = true;
    return out;
  }
  Result<DirectoryTable> directories =
      DirectoryTable::load(directories_file(dir, task.number), static_cast<std::uint32_t>(task.roots.size()));
  if (!directories) {
    wrong_record(directories.error());
    return out;
  }
  Result<std::vector<channel::OpenRoot>> roots = open_planned_roots(task.roots);
  if (!roots) {
    out.error.emplace(CompletionCause::root_gone, roots.error());
    return out;
  }
  const Result<AreaAccess> areas = AreaAccess::look(*roots, task.roots);
  if (!areas) {
    out.error.emplace(CompletionCause::root_gone, areas.error());
    return out;
  }
  DropSet drop;
  for (const std::uint64_t ordinal : task.dropped) drop.add(ordinal);
  const bool unlinked = task.permission.quarantine_mode == config::QuarantineMode::none;
  Result<Fold> fold = Fold::compute(*directories, entries_file(dir, task.number), drop, task.key, !unlinked);
  const Result<OutcomeLog> log = OutcomeLog::load(outcomes_file(dir, task.number));
  if (!fold || !log) {
    wrong_record(!fold ? fold.error() : Error{ErrorKind::missing, {}, "the run was cut off before it recorded what became of each unit", {}});
    return out;
  }
  for (const std::uint32_t id : log->expanded)
    if (id < directories->size()) fold->expand(id);

  std::vector<DirectoryOpener> origins;
  std::vector<DirectoryOpener> slots;
  std::vector<Fd> task_folders;
  for (std::size_t i = 0; i < roots->size(); ++i) {
    origins.emplace_back((*roots)[i].directory.get());
    task_folders.push_back(open_below(areas->directory_of(i), task.roots[i].area + "/" + task.shown.channel + "/" + run_id +
                                                                       "/" + std::to_string(task.number)));
    slots.emplace_back(task_folders.back().get());
  }

  const Status read = fold->for_each([&](std::uint64_t ordinal, const PlanEntry& entry) {
    const UnitKind kind = fold->classify(entry);
    if (kind == UnitKind::covered || kind == UnitKind::blocked) return true;
    ++out.units_checked;
    const DirectoryNode& parent = directories->node(entry.directory);
    if (const auto refused = log->not_removed.find(ordinal); refused != log->not_removed.end()) {
      if (is_change_by_others(refused->second)) ++out.changed_by_others;
      ++out.units_refused;
      return true;
    }
    const std::string name(entry.name);
    const std::string path = directories->path(entry.directory);
    const bool stable = (*roots)[parent.root].stable_birth;
    const auto wrong = [&](const char* why) {
      if (out.wrong.size() < kMaxWrong)
        out.wrong.push_back({task.roots[parent.root].config.path + "/" + (path.empty() ? "" : path + "/") + name, why});
    };
    const int origin = origins[parent.root].open(path);
    if (origin >= 0 && same(stat_entry(origin, name.c_str(), stable), entry.identity)) {
      wrong("still at its origin");
      return true;
    }
    if (!unlinked) {
      const std::uint32_t number = entry.directory < log->slot_of.size() ? log->slot_of[entry.directory] : 0;
      const int slot = number == 0 || !task_folders[parent.root] ? -1 : slots[parent.root].open(std::to_string(number));
      if (slot < 0 || !same(stat_entry(slot, name.c_str(), stable), entry.identity)) {
        wrong("not in its slot of the quarantine");
        return true;
      }
    }
    ++out.units_in_place;
    if (in_place == nullptr) return true;
    ++in_place->units;
    ++in_place->entries;
    in_place->bytes += entry.allocated;
    if (kind != UnitKind::whole) return true;
    const Fold::Node& below = fold->node(fold->child(entry.directory, entry.name));
    in_place->entries += below.entries;
    in_place->bytes += below.bytes;
    return true;
  });
  if (!read) {
    wrong_record(read.error());
    return out;
  }
  out.complete = log->complete && out.units_in_place + out.units_refused == out.units_checked;
  return out;
}

}  // namespace freshet

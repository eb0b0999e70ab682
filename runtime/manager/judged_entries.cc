#include "runtime/manager/judged_entries.h"

#include <algorithm>

#include "runtime/base/bytes.h"
#include "runtime/manager/directory_table.h"
#include "runtime/manager/entry_file.h"
#include "runtime/manager/fold.h"

namespace freshet {
namespace {

constexpr std::size_t kMaxReasons = 50;  // of one task; more are one
constexpr std::size_t kEntryRoom = 128;  // of its numbers in a packet

}  // namespace

Status JudgedEntries::show(const std::function<bool(const wire::Planned&)>& send) {
  wire::Planned packet;
  std::size_t bytes = 0;
  bool listening = true;
  const auto flush = [&] {
    if (listening && !packet.entries.empty()) listening = send(packet);
    packet.entries.clear();
    bytes = 0;
  };
  for (std::uint32_t i = 0; i < tasks_.size() && listening; ++i) {
    const Status done = show_task(i, [&](const wire::PlannedEntry& entry) {
      const std::size_t room = kEntryRoom + entry.directory.size() + entry.name.size() + entry.task.size() + entry.reason.size();
      if (bytes + room > wire::kMaxPacket - kEntryRoom || packet.entries.size() == wire::kMaxPlannedInPacket) flush();
      packet.entries.push_back(entry);
      bytes += room;
      return listening;
    });
    if (!done) return done;
  }
  flush();
  return {};
}

Status JudgedEntries::show_task(std::uint32_t index, const std::function<bool(const wire::PlannedEntry&)>& add) {
  TaskPlan& task = *tasks_[index];
  const Result<DirectoryTable> directories =
      DirectoryTable::load(directories_file(plan_dir_, task.number), static_cast<std::uint32_t>(task.roots.size()));
  if (!directories) return std::unexpected(directories.error());
  Result<std::unique_ptr<EntryReader>> reader = EntryReader::open(entries_file(plan_dir_, task.number), directories->size());
  if (!reader) return std::unexpected(reader.error());
  std::vector<std::uint32_t> root_of;  // by root of the task
  for (const PlanRoot& root : task.roots) {
    const auto same = std::ranges::find(guard_.roots, root.config.path, [](const PlanRoot& own) { return own.config.path; });
    root_of.push_back(static_cast<std::uint32_t>(same - guard_.roots.begin()));
  }
  DropSet withdrawn;
  for (const std::uint64_t ordinal : task.dropped) withdrawn.add(ordinal);
  wire::PlannedEntry shown;
  shown.task = task.shown.name;
  PlanEntry entry;
  std::uint32_t last = kNoNode;
  for (std::uint64_t ordinal = 0;; ++ordinal) {
    const Result<bool> there = (*reader)->next(entry);
    if (!there) return std::unexpected(there.error());
    if (!*there) return {};
    if (withdrawn.contains(ordinal)) continue;
    shown.root = root_of[directories->node(entry.directory).root];
    if (shown.root == guard_.roots.size()) {
      keep(task, ordinal, "the guard " + guard_.shown.name + " does not see its root");
      continue;
    }
    if (entry.directory != last) shown.directory = directories->path(last = entry.directory);
    shown.name = entry.name;
    shown.type = entry.identity.type;
    shown.kind = entry.kind;
    shown.cost = entry.cost;
    shown.bytes = entry.identity.size;
    shown.allocated = entry.allocated;
    shown.mtime_ns = entry.mtime_ns;
    shown.atime_ns = entry.atime_ns;
    shown.reason = entry.reason;
    places_.push_back({index, false, ordinal});
    if (!add(shown)) return {};
  }
}

bool JudgedEntries::keep(std::uint64_t index, std::string_view reason) {
  if (index >= places_.size()) return false;
  Place& place = places_[index];
  if (std::exchange(place.kept, true)) return true;
  keep(*tasks_[place.task], place.ordinal, "kept by " + guard_.shown.name + (reason.empty() ? "" : ": " + escape_bytes(reason)));
  return true;
}

void JudgedEntries::keep(TaskPlan& task, std::uint64_t ordinal, std::string_view why) {
  ++kept_;
  task.vetoed.push_back(ordinal);
  auto& kept = task.shown.kept;
  std::string text(why);
  if (!kept.contains(text) && kept.size() >= kMaxReasons) text = "kept by " + guard_.shown.name;
  ++kept[text];
}

}  // namespace freshet

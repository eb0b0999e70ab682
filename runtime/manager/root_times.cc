#include "runtime/manager/root_times.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "runtime/base/clock.h"
#include "runtime/base/identity.h"
#include "runtime/manager/directory_contents.h"
#include "runtime/manager/open_roots.h"

namespace freshet {
namespace {

constexpr std::int64_t kSecond = 1'000'000'000;
constexpr std::size_t kRuns = 100;  // of the history, newest first, in which an interrupted one is looked for

bool same_directory(const PlanRoot& a, const PlanRoot& b) {
  if (a.fsid != b.fsid || a.area != b.area || a.top != b.top) return false;
  return a.top || (a.config.path == b.config.path && a.inode == b.inode && a.birth_ns == b.birth_ns);
}

// The newest run that acted with an area in this very directory: a later one would have mended it.
std::optional<DirectoryTimes> times_in_history(const Core& core, const PlanRoot& root) {
  const Result<std::vector<store::RunRow>> runs = core.history->list_runs(kRuns);
  if (!runs) return std::nullopt;
  for (const store::RunRow& run : *runs)
    for (auto row = run.tasks.rbegin(); row != run.tasks.rend(); ++row) {
      const Result<std::vector<PlanRoot>> recorded = roots_from_grant_json(row->grant_json);
      if (!recorded) continue;
      for (const PlanRoot& past : *recorded)
        if (past.times_before && same_directory(past, root)) return past.times_before;
    }
  return std::nullopt;
}

}  // namespace

std::optional<DirectoryTimes> times_of(int directory) {
  const Result<EntryStat> seen = stat_entry(directory, "");
  if (!seen) return std::nullopt;
  return DirectoryTimes{seen->mtime_ns, seen->atime_ns};
}

bool is_unmarked_area_last(int directory, const std::string& area) {
  const Result<EntryStat> place = stat_entry(directory, area.c_str());
  if (!place || place->identity.type != EntryType::directory || place->uid != ::geteuid() || (place->mode & 0777) != 0700)
    return false;
  const Result<EntryStat> around = stat_entry(directory, "");
  // Both stamps are of one mkdir: the place's own first, the directory's right after.
  if (!around || around->mtime_ns < place->mtime_ns || around->mtime_ns - place->mtime_ns > kSecond) return false;
  return holds_nothing_but(directory, area.c_str());
}

bool give_times_back(int directory, const DirectoryTimes& times) {
  const timespec stamps[2] = {timespec_of(times.atime_ns), timespec_of(times.mtime_ns)};
  return ::utimensat(directory, "", stamps, AT_EMPTY_PATH) == 0;
}

void mend_root_times(int directory, const PlanRoot& planned) {
  if (planned.times_before && is_unmarked_area_last(directory, planned.area)) give_times_back(directory, *planned.times_before);
}

namespace {

// Calls `each` with every planned root that is there, and the directory that its area stands in. Of the others whoever
// acts in them says what is wrong.
template <class Roots, class F>
void for_each_area(Roots& roots, F&& each) {
  for (auto& root : roots) {
    const Result<std::vector<channel::OpenRoot>> open = open_planned_roots({root});
    if (!open) continue;
    if (const Result<AreaAccess> areas = AreaAccess::look(*open, {root})) each(root, areas->directory_of(0));
  }
}

}  // namespace

void mend_root_times(const std::vector<PlanRoot>& roots) {
  for_each_area(roots, [](const PlanRoot& root, int directory) { mend_root_times(directory, root); });
}

void note_root_times(const Core& core, std::vector<PlanRoot>& roots) {
  for (PlanRoot& root : roots) root.times_before.reset();
  for_each_area(roots, [&](PlanRoot& root, int directory) {
    if (is_unmarked_area_last(directory, root.area))
      if (const std::optional<DirectoryTimes> before = times_in_history(core, root)) give_times_back(directory, *before);
    root.times_before = times_of(directory);
  });
}

RootTimesWatch::RootTimesWatch(const AreaAccess& areas, const std::vector<PlanRoot>& planned) {
  for (std::size_t i = 0; i < planned.size(); ++i) {
    const int directory = areas.directory_of(i);
    watched_.push_back({directory, planned[i].area, stat_entry(directory, planned[i].area.c_str()).has_value(), times_of(directory)});
  }
}

void RootTimesWatch::broker_died() const {
  for (const Watched& root : watched_) {
    const Result<EntryStat> now = stat_entry(root.directory, "");
    if (!now || !root.before || now->mtime_ns == root.before->mtime_ns) continue;
    const bool has_area = stat_entry(root.directory, root.area.c_str()).has_value();
    const bool made = !root.had_area && is_unmarked_area_last(root.directory, root.area);
    // mtime and ctime are one: the last that happened to it was a change of its entries, whose times nobody set since.
    const bool removed = root.had_area && !has_area && now->mtime_ns == now->ctime_ns;
    if (made || removed) give_times_back(root.directory, *root.before);
  }
}

}  // namespace freshet

#include "runtime/manager/pre_state.h"

#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "runtime/base/bytes.h"
#include "runtime/base/units.h"
#include "runtime/manager/open_roots.h"

namespace freshet {
namespace {

constexpr std::uint64_t kSpare = 64 * 1024;  // for directories, the run's row in the history, and what others write

Status check_room(const struct statvfs& info, std::uint64_t wanted, const std::string& where, const char* what) {
  const std::uint64_t blocks = ::geteuid() == 0 ? info.f_bfree : info.f_bavail;
  const std::uint64_t free = blocks * info.f_frsize;
  if (free >= wanted + kSpare) return {};
  return fail("F1106", ErrorKind::system,
              "there is no room for " + std::string(what) + " in " + escape_bytes(where) + ": " + format_size(wanted + kSpare) +
                  " are needed, " + format_size(free) + " are free",
              "free a little by hand first; quarantine mode `none` needs no room in the root");
}

// An upper bound for the quarantine's table: a line for each directory of the plan. See QUARANTINE.md.
std::uint64_t table_bytes(const TaskPlan& task, const std::string& dir) {
  struct stat info {};
  if (::stat(directories_file(dir, task.number).c_str(), &info) != 0) return 0;
  return static_cast<std::uint64_t>(info.st_size) * 4;
}

}  // namespace

Status check_pre_state(const Core& core, const TaskPlan& task, const std::string& dir) {
  if (task.shown.units == 0) return {};  // nothing to do; its root may even have gone with an earlier task
  const Result<std::vector<channel::OpenRoot>> roots = open_planned_roots(task.roots);
  if (!roots) return std::unexpected(roots.error());
  const std::uint64_t table = table_bytes(task, dir);
  struct statvfs info {};
  if (::statvfs(core.options.state_dir.c_str(), &info) == 0)
    if (const Status room = check_room(info, table, core.options.state_dir, "the run's record"); !room) return room;
  if (task.permission.quarantine_mode == config::QuarantineMode::none) return {};
  for (const channel::OpenRoot& root : *roots)
    if (::fstatvfs(root.directory.get(), &info) == 0)
      if (const Status room = check_room(info, table, root.config.path, "the quarantine's table"); !room) return room;
  return {};
}

}  // namespace freshet

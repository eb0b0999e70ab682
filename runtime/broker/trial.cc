#include "runtime/broker/trial.h"

#include <cerrno>

#include "runtime/broker/area.h"
#include "runtime/broker/file_system.h"

namespace freshet::broker {
namespace {

constexpr const char* kTrialSuffix = "-0";  // of the area's name; scans skip such a name
constexpr const char* kOrigin = "origin";
constexpr const char* kPlace = "1";
constexpr const char* kMoved[] = {"file", "empty", "filled"};

int make_file(int dir, const char* name) {
  int error = 0;
  const Fd file = open_beneath(dir, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, error, 0600);
  return file ? 0 : error;
}

// Where one trial moves its entries from and to.
struct Sides {
  int origin_parent = -1;
  std::string origin;
  int place_parent = -1;
};

// Also after a trial that was interrupted: all names are known.
void sweep_side(int parent, const std::string& name) {
  int error = 0;
  const Fd dir = open_beneath(parent, name, kOpenDirectoryPath, error);
  if (!dir) return;
  const Fd filled = open_beneath(dir.get(), "filled", kOpenDirectoryPath, error);
  if (filled) unlink_entry(filled.get(), "file", false);
  unlink_entry(dir.get(), "filled", true);
  unlink_entry(dir.get(), "empty", true);
  unlink_entry(dir.get(), "file", false);
  unlink_entry(parent, name.c_str(), true);
}

void sweep(int area) {
  int error = 0;
  const Fd trial = open_beneath(area, kTrialName, kOpenDirectoryPath, error);
  if (!trial) return;
  for (const char* side : {kOrigin, kPlace}) sweep_side(trial.get(), side);
  unlink_entry(area, kTrialName, true);
}

// 0 or an errno, with what was tried in `doing`.
int try_renames(const Sides& sides, std::uint64_t& renames, const char*& doing) {
  int error = 0;
  doing = "making folders";
  if ((error = make_directory(sides.origin_parent, sides.origin.c_str(), 0700)) != 0) return error;
  if ((error = make_directory(sides.place_parent, kPlace, 0700)) != 0) return error;
  const Fd origin = open_beneath(sides.origin_parent, sides.origin, kOpenDirectoryPath, error);
  if (!origin) return error;
  const Fd place = open_beneath(sides.place_parent, kPlace, kOpenDirectoryPath, error);
  if (!place) return error;
  doing = "making entries";
  if ((error = make_file(origin.get(), "file")) != 0) return error;
  if ((error = make_directory(origin.get(), "empty", 0700)) != 0) return error;
  if ((error = make_directory(origin.get(), "filled", 0700)) != 0) return error;
  const Fd filled = open_beneath(origin.get(), "filled", kOpenDirectoryPath, error);
  if (!filled) return error;
  if ((error = make_file(filled.get(), "file")) != 0) return error;
  for (const char* name : kMoved) {
    doing = name;
    if ((error = move_entry(origin.get(), name, place.get(), name)) != 0) return error;
    if ((error = move_entry(place.get(), name, origin.get(), name)) != 0) return error;
    ++renames;
  }
  return 0;
}

// In the area alone: it is in the root.
int try_in_area(int area, std::uint64_t& renames, const char*& doing) {
  sweep(area);
  doing = "making folders";
  int error = make_directory(area, kTrialName, 0700);
  const Fd trial = error == 0 ? open_beneath(area, kTrialName, kOpenDirectoryPath, error) : Fd();
  if (trial) error = try_renames({trial.get(), kOrigin, trial.get()}, renames, doing);
  sweep(area);
  return error;
}

// Between the root and an area outside of it: whether that works is another question than whether the area does.
int try_out_of_root(const Session& session, const Root& root, int area, std::uint64_t& renames, const char*& doing) {
  const std::string name = root.area + kTrialSuffix;
  sweep(area);
  doing = "making folders in the root";
  EntryStat there;
  int error = stat_at(root.directory.get(), name.c_str(), false, there);
  if (error == 0 && (there.identity.type != EntryType::directory || there.uid != session.owner || (there.mode & 0777) != 0700))
    return EEXIST;  // not an interrupted trial of ours
  if (error != 0 && error != ENOENT) return error;
  EntryStat before;
  if ((error = stat_at(root.directory.get(), "", false, before)) != 0) return error;
  sweep_side(root.directory.get(), name);
  if ((error = make_directory(area, kTrialName, 0700)) == 0) {
    const Fd trial = open_beneath(area, kTrialName, kOpenDirectoryPath, error);
    if (trial) error = try_renames({root.directory.get(), name, trial.get()}, renames, doing);
  }
  sweep_side(root.directory.get(), name);
  sweep(area);
  set_times(root.directory.get(), before.mtime_ns, before.atime_ns);
  return error;
}

}  // namespace

Verdict run_trial(const Session& session) {
  wire::Finished done;
  for (const Root& root : session.roots) {
    if (root.area.empty()) continue;
    const Area& area = session.areas[root.area_index];
    const Found<Fd> place = make_area(session, area);
    if (!place) return std::unexpected(place.error());
    if (!*place) return give_up(kAreaUnusable, "area " + area_text(area), ENOENT);
    const char* doing = "";
    const int error = area.at_top ? try_out_of_root(session, root, place->get(), done.units, doing)
                                  : try_in_area(place->get(), done.units, doing);
    if (!area.at_top && !remove_empty_area(session, area)) ++done.times_failed;
    if (error != 0)
      return give_up(kTrialFailed, "trial rename " + (area.at_top ? "from " + root.path + " into " : std::string("in ")) +
                                       area_text(area) + " (" + doing + ")", error);
  }
  return session.send(done);
}

}  // namespace freshet::broker

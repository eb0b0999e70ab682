#include "runtime/broker/trial.h"

#include <cerrno>

#include "runtime/broker/area.h"
#include "runtime/broker/file_system.h"

namespace freshet::broker {
namespace {

constexpr const char* kOrigin = "origin";
constexpr const char* kPlace = "1";
constexpr const char* kMoved[] = {"file", "empty", "filled"};

int make_file(int dir, const char* name) {
  int error = 0;
  const Fd file = open_beneath(dir, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, error, 0600);
  return file ? 0 : error;
}

// Also after a trial that was interrupted: all names are known.
void sweep(int area) {
  int error = 0;
  const Fd trial = open_beneath(area, kTrialName, kOpenDirectoryPath, error);
  if (!trial) return;
  for (const char* side : {kOrigin, kPlace}) {
    const Fd dir = open_beneath(trial.get(), side, kOpenDirectoryPath, error);
    if (!dir) continue;
    const Fd filled = open_beneath(dir.get(), "filled", kOpenDirectoryPath, error);
    if (filled) unlink_entry(filled.get(), "file", false);
    unlink_entry(dir.get(), "filled", true);
    unlink_entry(dir.get(), "empty", true);
    unlink_entry(dir.get(), "file", false);
    unlink_entry(trial.get(), side, true);
  }
  unlink_entry(area, kTrialName, true);
}

// 0 or an errno, with what was tried in `doing`.
int try_renames(int area, std::uint64_t& renames, const char*& doing) {
  int error = 0;
  doing = "making folders";
  if ((error = make_directory(area, kTrialName, 0700)) != 0) return error;
  const Fd trial = open_beneath(area, kTrialName, kOpenDirectoryPath, error);
  if (!trial) return error;
  for (const char* side : {kOrigin, kPlace})
    if ((error = make_directory(trial.get(), side, 0700)) != 0) return error;
  const Fd origin = open_beneath(trial.get(), kOrigin, kOpenDirectoryPath, error);
  if (!origin) return error;
  const Fd place = open_beneath(trial.get(), kPlace, kOpenDirectoryPath, error);
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

}  // namespace

Verdict run_trial(const Session& session) {
  wire::Finished done;
  for (const Root& root : session.roots) {
    if (root.area.empty()) continue;
    const Found<Fd> area = make_area(session, root);
    if (!area) return std::unexpected(area.error());
    if (!*area) return give_up(kAreaUnusable, "area " + area_text(root), ENOENT);
    sweep(area->get());
    const char* doing = "";
    const int error = try_renames(area->get(), done.units, doing);
    sweep(area->get());
    if (!remove_empty_area(session, root)) ++done.times_failed;
    if (error != 0) return give_up(kTrialFailed, "trial rename in " + area_text(root) + " (" + doing + ")", error);
  }
  return session.send(done);
}

}  // namespace freshet::broker

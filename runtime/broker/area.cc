#include "runtime/broker/area.h"

#include <cerrno>

#include "runtime/broker/file_system.h"
#include "runtime/broker/listing.h"

namespace freshet::broker {
namespace {

constexpr int kTries = 8;  // against a purge that removes empty folders while they are made

bool holds_only(int dir, std::string_view allowed) {
  rewind_directory(dir);
  Listing listing;
  listing.start(dir);
  ListedEntry entry;
  int error = 0;
  while (listing.next(entry, error))
    if (entry.name != allowed) return false;
  return error == 0;
}

std::unexpected<wire::Failed> foreign(const Area& area, const std::string& why) {
  return give_up(kForeignArea, "foreign area " + area_text(area) + ": " + why);
}

enum class Marker { ours, none, foreign };

Marker find_marker(const Session& session, int area) {
  EntryStat seen;
  const int error = stat_at(area, kMarkerName, false, seen);
  if (error == ENOENT) return Marker::none;
  // Empty: a crash, or a full disk, came between making and writing it.
  const bool ours = error == 0 && seen.identity.type == EntryType::file && seen.uid == session.owner &&
                    (seen.identity.size == kMarkerText.size() || seen.identity.size == 0);
  return ours ? Marker::ours : Marker::foreign;
}

int write_marker(int area) {
  int error = 0;
  const Fd file = open_beneath(area, kMarkerName, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, error, 0600);
  if (!file) return error;
  return write_all(file.get(), kMarkerText);
}

// Opens the area and checks all but its marker. None when nothing stands there.
Found<Fd> open_place(const Session& session, const Area& area) {
  int error = 0;
  EntryStat seen;
  error = stat_at(area.directory, area.name.c_str(), false, seen);
  if (error == ENOENT) return Fd();
  if (error != 0) return give_up(kAreaUnusable, "area " + area_text(area), error);
  if (seen.identity.type != EntryType::directory)
    return foreign(area, "it is a " + std::string(to_string(seen.identity.type)));
  if (seen.mount_root || seen.mount_id != area.stat.mount_id) return foreign(area, "something is mounted on it");
  if (seen.uid != session.owner) return foreign(area, "it belongs to uid " + std::to_string(seen.uid));
  if ((seen.mode & 0777) != 0700) return foreign(area, "its mode is not 0700");
  Fd place = open_directory(area.directory, area.name, error);
  if (!place) return give_up(kAreaUnusable, "area " + area_text(area), error);
  EntryStat opened;  // the one that was looked at, not one swapped in meanwhile
  if (stat_at(place.get(), "", false, opened) != 0 || opened.identity.inode != seen.identity.inode)
    return foreign(area, "it was replaced while it was opened");
  return place;
}

void remember_times(const Area& area, EntryStat& before) {
  if (stat_at(area.directory, "", false, before) != 0) before = area.stat;
}

// One folder below the area; made when `make`. None and ENOENT otherwise.
Fd open_folder(const Session& session, int parent, const std::string& name, bool make, int& error) {
  if (make) {
    error = make_directory(parent, name.c_str(), 0700);
    if (error != 0 && error != EEXIST) return Fd();
  }
  Fd folder = open_directory(parent, name, error);
  EntryStat seen;
  if (folder && (stat_at(folder.get(), "", false, seen) != 0 || seen.uid != session.owner)) {
    error = EPERM;
    return Fd();
  }
  return folder;
}

int open_levels(const Session& session, bool make, TaskFolder& folder) {
  int error = 0;
  folder.channel = open_folder(session, folder.area.get(), session.begin.channel, make, error);
  if (!folder.channel) return error;
  folder.run = open_folder(session, folder.channel.get(), session.begin.run, make, error);
  if (!folder.run) return error;
  folder.task = open_folder(session, folder.run.get(), std::to_string(session.begin.task), make, error);
  return folder.task ? 0 : error;
}

}  // namespace

Found<Fd> open_area(const Session& session, const Area& area) {
  Found<Fd> place = open_place(session, area);
  if (!place || !*place) return place;
  Marker marker = find_marker(session, place->get());
  if (marker == Marker::none) {
    if (holds_only(place->get(), {})) return Fd();
    // Another channel's broker, in an area of both, may have marked it between the two looks.
    marker = find_marker(session, place->get());
  }
  switch (marker) {
    case Marker::ours: return place;
    case Marker::none: return foreign(area, std::string("it has no ") + kMarkerName);
    case Marker::foreign: break;
  }
  return foreign(area, std::string("its ") + kMarkerName + " is not ours");
}

Found<Fd> make_area(const Session& session, const Area& area) {
  Found<Fd> place = open_area(session, area);
  if (!place || *place) return place;
  EntryStat before;
  remember_times(area, before);
  int error = make_directory(area.directory, area.name.c_str(), 0700);
  if (error == 0) set_times(area.directory, before.mtime_ns, before.atime_ns);
  if (error != 0 && error != EEXIST) return give_up(kAreaUnusable, "making area " + area_text(area), error);
  place = open_place(session, area);  // also when it was there: an empty one of ours is a crash's leftover
  if (!place) return place;
  if (!*place) return give_up(kAreaUnusable, "area " + area_text(area), ENOENT);
  if (find_marker(session, place->get()) == Marker::none) {
    error = write_marker(place->get());
    if (error != 0 && error != EEXIST) return give_up(kAreaUnusable, "marking area " + area_text(area), error);
  }
  return open_area(session, area);
}

bool remove_empty_area(const Session& session, const Area& area) {
  const Found<Fd> place = open_place(session, area);
  if (!place || !*place || find_marker(session, place->get()) == Marker::foreign) return true;
  if (!holds_only(place->get(), kMarkerName)) return true;
  EntryStat before;
  remember_times(area, before);
  unlink_entry(place->get(), kMarkerName, false);
  if (unlink_entry(area.directory, area.name.c_str(), true) != 0) {
    write_marker(place->get());  // it was filled meanwhile, or may not go: it has to stay an area
    return true;
  }
  return set_times(area.directory, before.mtime_ns, before.atime_ns) == 0;
}

Found<TaskFolder> open_task_folder(const Session& session, const Area& area) {
  TaskFolder folder;
  Found<Fd> place = open_area(session, area);
  if (!place) return std::unexpected(place.error());
  if (!*place) return folder;
  folder.area = std::move(*place);
  const int error = open_levels(session, false, folder);
  if (error != 0 && error != ENOENT)
    return give_up(kAreaUnusable, "folder " + folder_text(session) + " in " + area_text(area), error);
  return folder;
}

Found<TaskFolder> make_task_folder(const Session& session, const Area& area) {
  int error = 0;
  for (int tries = 0; tries < kTries; ++tries) {
    Found<Fd> place = make_area(session, area);
    if (!place) return std::unexpected(place.error());
    if (!*place) continue;
    TaskFolder folder;
    folder.area = std::move(*place);
    error = open_levels(session, true, folder);
    if (error == 0) return folder;
    if (error != ENOENT) break;
  }
  return give_up(kAreaUnusable, "making folder " + folder_text(session) + " in " + area_text(area), error);
}

int sync_task_folder(const TaskFolder& folder, const Area& area) {
  for (const Fd* level : {&folder.task, &folder.run, &folder.channel, &folder.area}) {
    const int error = sync_directory(level->get());
    if (error != 0) return error;
  }
  int error = 0;
  const Fd readable = open_directory(area.directory, {}, error);
  return readable ? sync_directory(readable.get()) : 0;
}

int settle(int task_folder) {
  const int error = touch(task_folder);
  return error != 0 ? error : sync_directory(task_folder);
}

int TaskFolders::find(std::size_t area, int& error) {
  error = 0;
  if (folder_ && area_ == area) return folder_.get();
  Found<TaskFolder> folder = open_task_folder(session_, session_.areas[area]);
  if (!folder) {
    error = folder.error().error_number != 0 ? folder.error().error_number : EPERM;
    return -1;
  }
  if (!*folder) {
    error = ENOENT;
    return -1;
  }
  folder_ = std::move(folder->task);
  area_ = area;
  return folder_.get();
}

std::string area_text(const Area& area) { return (area.path == "/" ? "" : area.path) + "/" + area.name; }

std::string folder_text(const Session& session) {
  return session.begin.channel + "/" + session.begin.run + "/" + std::to_string(session.begin.task);
}

}  // namespace freshet::broker

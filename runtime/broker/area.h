#pragma once

#include <expected>
#include <string>

#include "runtime/base/fd.h"
#include "runtime/broker/session.h"

// A quarantine area and the folders in it. The lay-out is in QUARANTINE.md.
namespace freshet::broker {

inline constexpr const char* kMarkerName = wire::kAreaMarker;
inline constexpr std::string_view kMarkerText = "freshet quarantine 1\n";
inline constexpr const char* kTrialName = ".trial";

template <class T>
using Found = std::expected<T, wire::Failed>;

// The area, checked to be ours. None when there is none (a crash's leftover without a marker is none).
Found<Fd> open_area(const Session& session, const Area& area);
// Makes it if need be, and gives its directory the times back then.
Found<Fd> make_area(const Session& session, const Area& area);
// Removes the area if nothing but its marker is in it, and gives its directory the times back. Keeps it silently when it is
// not empty or may not go. False when the times could not be given back.
bool remove_empty_area(const Session& session, const Area& area);

// <area>/<channel>/<run>/<task>, each level opened for listing.
struct TaskFolder {
  Fd area, channel, run, task;

  [[nodiscard]] explicit operator bool() const { return static_cast<bool>(task); }
};
// What is missing stays none.
Found<TaskFolder> open_task_folder(const Session& session, const Area& area);
Found<TaskFolder> make_task_folder(const Session& session, const Area& area);

// The task folders of a phase that goes through many areas: the one asked for last stays open.
class TaskFolders {
 public:
  explicit TaskFolders(const Session& session) : session_(session) {}

  // For listing and for calls relative to it, good until another area is asked for; -1 with an errno, ENOENT when there
  // is none.
  int find(std::size_t area, int& error);

 private:
  const Session& session_;
  Fd folder_;
  std::size_t area_ = 0;
};

// fsync of every level and of the area's directory, innermost first. One that is unreadable is left out: the manager has
// synced the top of a mount.
int sync_task_folder(const TaskFolder& folder, const Area& area);

// Makes all earlier changes durable on file systems that order them (QUARANTINE.md), by the task folder. 0 or an errno.
int settle(int task_folder);

std::string area_text(const Area& area);    // "/var/cache/web/.freshet", for people
std::string folder_text(const Session& session);  // "<channel>/<run>/<task>"

}  // namespace freshet::broker

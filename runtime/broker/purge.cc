#include "runtime/broker/purge.h"

#include <cerrno>

#include "runtime/broker/file_system.h"
#include "runtime/broker/table.h"

namespace freshet::broker {

Purging::Purging(const Session& session) : session_(session), stack_(session.free_fds / 2), teller_(session) {}

Verdict Purging::run(const wire::Purge& request) {
  std::vector<bool> keep(session_.areas.size());
  for (const std::uint32_t root : request.keep) {
    if (root >= session_.roots.size()) return give_up(kNotPermitted, "keeping the area of a root that is not here");
    if (const std::size_t area = session_.roots[root].area_index; area != kNoArea) keep[area] = true;
  }
  for (std::size_t i = 0; i < keep.size(); ++i)
    if (const Verdict purged = purge_area(session_.areas[i], request.tidy, keep[i]); !purged) return purged;
  return session_.send(done_);
}

Verdict Purging::purge_area(const Area& area, bool tidy, bool keep) {
  const Found<TaskFolder> folder = open_task_folder(session_, area);
  if (!folder) return std::unexpected(folder.error());
  if (*folder) empty_task(area, folder->task.get(), tidy);
  // What is not empty stays; that is no error here.
  if (folder->run) unlink_entry(folder->run.get(), std::to_string(session_.begin.task).c_str(), true);
  if (folder->channel) unlink_entry(folder->channel.get(), session_.begin.run.c_str(), true);
  if (folder->area) unlink_entry(folder->area.get(), session_.begin.channel.c_str(), true);
  if (!keep && !remove_empty_area(session_, area)) ++done_.times_failed;
  return {};
}

// Slots first: as long as one entry is left the table has to say where it came from.
void Purging::empty_task(const Area& area, int task, bool tidy) {
  std::vector<std::string> slots;
  bool others = false;
  listing_.start(task);
  ListedEntry entry;
  int error = 0;
  while (listing_.next(entry, error)) {
    if (entry.name == kTableName) continue;
    EntryStat seen;
    if (stat_at(task, entry.name.data(), false, seen) == 0 && seen.identity.type == EntryType::directory) {
      slots.emplace_back(entry.name);
    } else if (tidy || unlink_entry(task, entry.name.data(), false) != 0) {
      others = true;  // nothing of ours
      if (!tidy) ++done_.left;
    }
  }
  for (const std::string& slot : slots) {
    if (!tidy) empty_directory(area, task, slot.c_str());
    if (unlink_entry(task, slot.c_str(), true) != 0) others = true;
  }
  if (!others && error == 0) unlink_entry(task, kTableName, false);
}

void Purging::empty_directory(const Area& area, int parent, const char* name) {
  int error = 0;
  Fd top = open_directory(parent, name, error);
  if (!top) {
    if (error != ENOENT) ++done_.left;
    return;
  }
  struct Level {
    std::size_t first_pending = 0;
    std::uint64_t allocated = 0;  // of the directory itself
  };
  std::vector<Level> levels;
  names_.clear();
  pending_.clear();
  stack_.start(std::move(top));
  levels.push_back({0, 0});
  unlink_files(area, stack_.deepest(error));
  std::string left;
  while (true) {
    if (pending_.size() > levels.back().first_pending) {
      const Pending next = pending_.back();
      pending_.pop_back();
      const char* below = names_.data() + next.name;
      error = stack_.push(below);
      if (error == 0) {
        names_.resize(next.name);
        levels.push_back({pending_.size(), next.allocated});
        unlink_files(area, stack_.deepest(error));
        continue;
      }
      // It may be empty all the same; with a mount on it (EXDEV) it stays.
      const int dir = error == EXDEV ? -1 : stack_.deepest(error);
      if (dir < 0)
        ++done_.left;
      else
        remove_directory(dir, below, next.allocated);
      names_.resize(next.name);
      continue;
    }
    if (levels.size() == 1) break;
    stack_.pop(&left);
    const std::uint64_t allocated = levels.back().allocated;
    levels.pop_back();
    const int dir = stack_.deepest(error);
    if (dir < 0)
      ++done_.left;
    else
      remove_directory(dir, left.c_str(), allocated);
  }
  stack_.clear();
}

void Purging::unlink_files(const Area& area, int dir) {
  listing_.start(dir);
  ListedEntry entry;
  int error = 0;
  while (listing_.next(entry, error)) {
    EntryStat seen;
    error = stat_at(dir, entry.name.data(), false, seen);
    if (error == ENOENT) continue;
    if (error != 0 || seen.mount_root || seen.mount_id != area.stat.mount_id) {
      ++done_.left;
      continue;
    }
    if (seen.identity.type == EntryType::directory) {
      pending_.push_back({names_.size(), seen.allocated});
      names_.append(entry.name.data(), entry.name.size() + 1);
      continue;
    }
    error = unlink_entry(dir, entry.name.data(), false);
    if (error == 0) {
      count_unlinked(seen.links <= 1 ? seen.allocated : 0);
    } else if (error != ENOENT) {
      ++done_.left;
    }
  }
  if (error != 0) ++done_.left;
}

void Purging::remove_directory(int parent, const char* name, std::uint64_t allocated) {
  const int error = unlink_entry(parent, name, true);
  if (error == 0) {
    count_unlinked(allocated);
  } else if (error != ENOENT) {
    ++done_.left;
  }
}

void Purging::count_unlinked(std::uint64_t allocated) {
  ++done_.entries;
  done_.bytes += allocated;
  (void)teller_.one_done(allocated);  // what was begun is done whoever looks on
}

}  // namespace freshet::broker

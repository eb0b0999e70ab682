#include "runtime/broker/restoration.h"

#include <algorithm>
#include <cerrno>
#include <charconv>

#include "runtime/broker/file_system.h"

namespace freshet::broker {

using wire::RestoreCode;

namespace {

constexpr std::size_t kReadAt = 64 * 1024;
// Room for the counts and numbers beside the paths of one packet.
constexpr std::size_t kPacketPaths = wire::kMaxPacket - 4096;

RestoreCode code_of_errno(int error) {
  switch (error) {
    case EEXIST: return RestoreCode::name_taken;
    case EACCES:
    case EPERM:
    case EROFS: return RestoreCode::denied;
    default: return RestoreCode::failed;
  }
}

RestoreCode code_of_origin(int error) {
  switch (error) {
    case ENOENT: return RestoreCode::parent_missing;
    case EACCES:
    case EPERM: return RestoreCode::denied;
    default: return RestoreCode::parent_changed;  // a link, a file or a mount on the way
  }
}

// 0 for what is no slot's name.
std::uint32_t slot_number(std::string_view name) {
  std::uint32_t number = 0;
  const auto [stop, error] = std::from_chars(name.data(), name.data() + name.size(), number);
  const bool good = error == std::errc() && stop == name.data() + name.size() && name[0] != '0';
  return good ? number : 0;
}

}  // namespace

Verdict Restoration::run() {
  if (const Verdict read = read_tables(); !read) return read;
  // An origin may itself have to come back first: until a whole round moves nothing.
  std::uint64_t moved = 0;
  do {
    moved = 0;
    for (Item& item : items_)
      if (const Verdict done = put_back(item, false, moved); !done) return done;
  } while (moved > 0);
  for (Item& item : items_)
    if (const Verdict done = put_back(item, true, moved); !done) return done;
  if (const Verdict reported = report_lost_slots(); !reported) return reported;
  if (const Verdict flushed = flush(); !flushed) return flushed;
  give_times_back();
  for (std::size_t area = 0; area < has_folder_.size(); ++area) {
    if (!has_folder_[area]) continue;
    int error = 0;
    const int folder = folders_.find(area, error);
    if (folder >= 0) error = settle(folder);
    if (error != 0) return give_up(kAreaUnusable, "syncing " + area_text(session_.areas[area]), error);
  }
  done_.entries = done_.units;
  return session_.send(done_);
}

Verdict Restoration::read_tables() {
  has_folder_.resize(session_.areas.size());
  known_.resize(session_.areas.size());
  for (std::size_t area = 0; area < has_folder_.size(); ++area)
    if (const Verdict read = read_table(area); !read) return read;
  // Numbers are unique through all roots of a task, and later ones may lie inside earlier ones.
  std::sort(items_.begin(), items_.end(),
            [](const Item& a, const Item& b) { return a.slot.number > b.slot.number; });
  return {};
}

Verdict Restoration::read_table(std::size_t area_index) {
  const Area& area = session_.areas[area_index];
  Found<TaskFolder> folder = open_task_folder(session_, area);
  if (!folder) return std::unexpected(folder.error());
  if (!*folder) return {};
  has_folder_[area_index] = true;
  const int task = folder->task.get();
  const std::string text = "table of " + folder_text(session_) + " in " + area_text(area);

  EntryStat seen;
  int error = stat_at(task, kTableName, false, seen);
  if (error == ENOENT) return {};  // a crash before it was written, or a tidy one after the last slot
  if (error != 0 || seen.identity.type != EntryType::file || seen.uid != session_.owner)
    return give_up(kAreaUnusable, text + " is not ours", error);
  const Fd file = open_beneath(task, kTableName, O_RDONLY | O_NOFOLLOW | O_NONBLOCK, error);
  if (!file) return give_up(kAreaUnusable, "opening " + text, error);
  TableReader reader;
  std::vector<char> buffer(kReadAt);
  std::size_t length = 0;
  do {
    error = read_some(file.get(), buffer, length);
    reader.feed({buffer.data(), length});
  } while (error == 0 && length > 0);
  if (error != 0) return give_up(kAreaUnusable, "reading " + text, error);
  for (TableSlot& slot : reader.take()) take_slot(area_index, std::move(slot));
  return {};
}

void Restoration::take_slot(std::size_t area_index, TableSlot slot) {
  for (std::size_t i = 0; i < session_.roots.size(); ++i) {
    const Root& root = session_.roots[i];
    if (root.area_index != area_index) continue;
    std::optional<std::string> path = path_in_root(root, slot.path);
    if (!path) continue;
    // A table does not name closed places; one that does was not written by us.
    if (is_closed_off(root, *path)) return;
    known_[area_index].insert(slot.number);
    slot.path = std::move(*path);
    items_.push_back({i, std::move(slot), false, false});
    return;
  }
  // At a mount's top: of a root that the manager could not open. It has said so.
  if (session_.areas[area_index].at_top) known_[area_index].insert(slot.number);
}

Fd Restoration::open_origin(const Item& item, RestoreCode& code, int& error) const {
  const Root& root = session_.roots[item.root];
  code = RestoreCode::restored;
  Fd origin = open_beneath(root.directory.get(), item.slot.path, kOpenDirectoryPath, error);
  if (!origin) {
    code = code_of_origin(error);
    return origin;
  }
  EntryStat seen;
  error = stat_at(origin.get(), "", root.with_birth, seen);
  if (error != 0) {
    code = RestoreCode::failed;
  } else if (seen.identity.inode != item.slot.inode || seen.mount_id != root.stat.mount_id ||
             (root.with_birth && seen.identity.birth_ns != item.slot.birth_ns)) {
    code = RestoreCode::parent_changed;
  }
  if (code != RestoreCode::restored) origin.reset();
  return origin;
}

Verdict Restoration::put_back(Item& item, bool report_left, std::uint64_t& moved) {
  if (item.empty) return {};
  int error = 0;
  const int folder = folders_.find(session_.roots[item.root].area_index, error);
  const Fd place = folder < 0 ? Fd() : open_directory(folder, std::to_string(item.slot.number), error);
  if (!place) {
    item.empty = error == ENOENT;  // never used, or removed by an earlier, complete restore
    if (item.empty || !report_left) return {};
    return report(item.root, item.slot.path, code_of_errno(error), error);
  }
  item.made = true;
  RestoreCode code = RestoreCode::restored;
  const Fd origin = open_origin(item, code, error);
  Round round;
  do {  // again from the start until nothing moves: names may be skipped while the directory shrinks
    round = Round();
    rewind_directory(place.get());
    if (const Verdict done = move_entries(item, place.get(), origin.get(), code, error, report_left, round); !done)
      return done;
    moved += round.moved;
    done_.units += round.moved;
  } while (round.moved > 0);
  item.empty = round.left == 0;
  return {};
}

Verdict Restoration::move_entries(Item& item, int place, int origin, RestoreCode refusal, int origin_error,
                                  bool report_left, Round& round) {
  listing_.start(place);
  ListedEntry entry;
  int error = 0;
  while (listing_.next(entry, error)) {
    RestoreCode code = refusal;
    int why = origin_error;
    if (origin >= 0) {
      why = move_entry(place, entry.name.data(), origin, entry.name.data());
      if (why == 0) {
        ++round.moved;
        if (const Verdict told = teller_.one_done(); !told) return told;
        continue;
      }
      if (why == ENOENT) continue;
      code = code_of_errno(why);
    }
    ++round.left;
    if (!report_left) continue;
    const Verdict told = report(item.root, join_path(item.slot.path, entry.name), code, why);
    if (!told) return told;
  }
  if (error == 0) return {};
  ++round.left;  // unknown is not empty
  return report_left ? report(item.root, item.slot.path, RestoreCode::failed, error) : Verdict();
}

Verdict Restoration::report_lost_slots() {
  for (std::size_t area = 0; area < has_folder_.size(); ++area) {
    if (!has_folder_[area]) continue;
    if (const Verdict reported = report_lost_slots_of(area); !reported) return reported;
  }
  return {};
}

// Slots that the table does not name, or not in a way that can be believed. Their entries stay; the path is where they
// are, because nobody knows where they were.
Verdict Restoration::report_lost_slots_of(std::size_t area_index) {
  const Area& area = session_.areas[area_index];
  std::size_t root = 0;
  while (session_.roots[root].area_index != area_index) ++root;
  int error = 0;
  const int folder = folders_.find(area_index, error);
  if (folder < 0) return give_up(kAreaUnusable, "opening " + area_text(area), error);
  std::vector<std::string> lost;
  rewind_directory(folder);
  listing_.start(folder);
  ListedEntry entry;
  while (listing_.next(entry, error))
    if (const std::uint32_t number = slot_number(entry.name); number != 0 && !known_[area_index].contains(number))
      lost.emplace_back(entry.name);
  for (const std::string& name : lost) {
    const std::string where = join_path(join_path(area.name, folder_text(session_)), name);
    const Fd place = open_directory(folder, name, error);
    if (!place) {
      if (const Verdict told = report(root, where, RestoreCode::bad_table, error); !told) return told;
      continue;
    }
    listing_.start(place.get());
    while (listing_.next(entry, error)) {
      const Verdict told = report(root, join_path(where, entry.name), RestoreCode::bad_table, 0);
      if (!told) return told;
    }
  }
  return {};
}

Verdict Restoration::report(std::size_t root, std::string path, RestoreCode code, int error) {
  ++done_.left;
  if (conflicts_.conflicts.size() == 100 || conflict_bytes_ + path.size() > kPacketPaths)
    if (const Verdict flushed = flush(); !flushed) return flushed;
  conflict_bytes_ += path.size();
  conflicts_.conflicts.push_back({static_cast<std::uint32_t>(root), std::move(path), code, error});
  return {};
}

Verdict Restoration::flush() {
  if (conflicts_.conflicts.empty()) return {};
  const Verdict sent = session_.send(conflicts_);
  conflicts_.conflicts.clear();
  conflict_bytes_ = 0;
  return sent;
}

void Restoration::give_times_back() {
  for (const Item& item : items_) {
    if (!item.made || !item.empty) continue;
    RestoreCode code = RestoreCode::restored;
    int error = 0;
    const Fd origin = open_origin(item, code, error);
    if (origin && set_times(origin.get(), item.slot.mtime_ns, item.slot.atime_ns) != 0) ++done_.times_failed;
  }
}

}  // namespace freshet::broker

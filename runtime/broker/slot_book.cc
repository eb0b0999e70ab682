#include "runtime/broker/slot_book.h"

#include <algorithm>
#include <cerrno>

#include "runtime/broker/file_system.h"

namespace freshet::broker {

using wire::OutcomeCode;

namespace {

constexpr std::size_t kWriteAt = 256 * 1024;

// What an unresolvable origin means for its units.
OutcomeCode origin_problem(int error) {
  switch (error) {
    case ENOENT: return OutcomeCode::gone;
    case EXDEV: return OutcomeCode::mount_point;  // something is mounted on the way
    case EACCES:
    case EPERM: return OutcomeCode::denied;
    default: return OutcomeCode::parent_changed;  // ELOOP, ENOTDIR, ..
  }
}

}  // namespace

SlotBook::SlotBook(const Session& session, std::size_t capacity)
    : session_(session),
      capacity_(std::max<std::size_t>(capacity, 1)),
      has_table_(session.areas.size()),
      by_inode_(session.roots.size()),
      folders_(session) {
  open_.reserve(capacity_);
}

const Root& SlotBook::root_of(std::uint32_t number) const { return session_.roots[slot(number).root]; }

Fd SlotBook::resolve(const State& state, EntryStat& seen, OutcomeCode& code, int& error) const {
  const Root& root = session_.roots[state.root];
  code = OutcomeCode::removed;
  Fd origin = open_beneath(root.directory.get(), state.path, kOpenDirectoryPath, error);
  if (!origin) {
    code = origin_problem(error);
    return origin;
  }
  error = stat_at(origin.get(), "", root.with_birth, seen);
  if (error != 0) {
    code = OutcomeCode::failed;
  } else if (seen.mount_id != root.stat.mount_id || seen.dev != root.stat.dev) {
    code = OutcomeCode::mount_point;
  } else if (seen.identity.inode != state.inode || (root.with_birth && seen.identity.birth_ns != state.birth_ns)) {
    code = OutcomeCode::parent_changed;
  }
  if (code != OutcomeCode::removed) origin.reset();
  return origin;
}

Verdict SlotBook::add(const wire::Slot& wanted) {
  if (wanted.number != slots_.size() + 1) return give_up(kOutOfOrder, "slot numbers with a gap");
  if (slots_.size() >= kMaxSlots) return give_up(kOutOfOrder, "too many slots");
  if (wanted.root >= session_.roots.size()) return give_up(kNotPermitted, "a slot in a root that was not granted");
  const Root& root = session_.roots[wanted.root];
  if (!root.remove) return give_up(kNotPermitted, "a slot in a root without `remove`: " + root.path);
  if (!session_.begin.unlink && root.area.empty()) return give_up(kNotPermitted, "a slot in a root without an area");
  if (!is_relative_path(wanted.path)) return give_up(kNotPermitted, "a slot with a path that cannot be");
  if (is_closed_off(root, wanted.path)) return give_up(kNotPermitted, "a slot in an excluded place of " + root.path);

  State state;
  state.path = wanted.path;
  state.root = wanted.root;
  state.inode = wanted.inode;
  state.birth_ns = wanted.birth_ns;
  EntryStat seen;
  int error = 0;
  const Fd origin = resolve(state, seen, state.problem, error);
  state.error_number = error;
  // The table has no line for such a path.
  if (origin && table_path(root, wanted.path).size() > wire::kMaxPath) {
    state.problem = OutcomeCode::failed;
    state.error_number = ENAMETOOLONG;
  }
  if (origin) {
    // A directory that is named twice had its times read before the first effect only the first time.
    const auto [known, is_new] = by_inode_[wanted.root].try_emplace(wanted.inode, wanted.number);
    state.mtime_ns = is_new ? seen.mtime_ns : slot(known->second).mtime_ns;
    state.atime_ns = is_new ? seen.atime_ns : slot(known->second).atime_ns;
  }
  slots_.push_back(std::move(state));
  return {};
}

Verdict SlotBook::publish() {
  if (!session_.begin.unlink) {
    std::vector<bool> concerned(session_.areas.size());
    for (std::size_t i = published_; i < slots_.size(); ++i)
      if (slots_[i].problem == OutcomeCode::removed) concerned[session_.roots[slots_[i].root].area_index] = true;
    for (std::size_t area = 0; area < concerned.size(); ++area) {
      if (!concerned[area]) continue;
      if (const Verdict done = publish_area(area); !done) return done;
    }
  }
  published_ = slots_.size();
  return {};
}

Verdict SlotBook::publish_area(std::size_t area_index) {
  const Area& area = session_.areas[area_index];
  const std::string text = "table of " + folder_text(session_) + " in " + area_text(area);
  const Found<TaskFolder> folder = make_task_folder(session_, area);
  if (!folder) return std::unexpected(folder.error());
  const bool first = !has_table_[area_index];
  int error = 0;
  const Fd file = open_beneath(folder->task.get(), kTableName,
                               O_WRONLY | O_APPEND | O_NOFOLLOW | (first ? O_CREAT | O_EXCL : 0), error, 0600);
  if (!file) return give_up(kAreaUnusable, "opening " + text, error);
  has_table_[area_index] = true;

  std::string lines(first ? kTableHeader : "");
  for (std::size_t i = published_; i <= slots_.size() && error == 0; ++i) {
    const bool end = i == slots_.size();
    if (!end) {
      const State& state = slots_[i];
      const Root& root = session_.roots[state.root];
      if (root.area_index != area_index || state.problem != OutcomeCode::removed) continue;
      lines += format_table_line({static_cast<std::uint32_t>(i + 1), state.inode, state.birth_ns, state.mtime_ns,
                                  state.atime_ns, table_path(root, state.path)});
    }
    if (end || lines.size() >= kWriteAt) {
      error = write_all(file.get(), lines);
      lines.clear();
    }
  }
  if (error == 0) error = sync_data(file.get());
  if (error == 0 && first) error = sync_task_folder(*folder, area);
  if (error != 0) return give_up(kAreaUnusable, "writing " + text, error);
  return {};
}

SlotBook::Open* SlotBook::find_open(std::uint32_t number) {
  for (Open& open : open_)
    if (open.number == number) return &open;
  return nullptr;
}

int SlotBook::open_origin(std::uint32_t number, OutcomeCode& code, int& error) {
  code = OutcomeCode::removed;
  error = 0;
  if (Open* open = find_open(number)) {
    open->used = ++uses_;
    return open->origin.get();
  }
  const State& state = slot(number);
  code = state.problem;
  error = state.error_number;
  if (code != OutcomeCode::removed) return -1;
  EntryStat seen;
  Fd origin = resolve(state, seen, code, error);
  if (!origin) return -1;
  Open* place = nullptr;
  if (open_.size() < capacity_) {
    place = &open_.emplace_back();
  } else {
    place = &*std::min_element(open_.begin(), open_.end(),
                               [](const Open& a, const Open& b) { return a.used < b.used; });
  }
  *place = Open{number, ++uses_, std::move(origin), Fd()};
  return place->origin.get();
}

int SlotBook::open_place(std::uint32_t number, int& error) {
  Open* open = find_open(number);
  if (open == nullptr) {
    error = ESTALE;
    return -1;
  }
  if (!open->place) {
    State& state = slot(number);
    const int folder = folders_.find(session_.roots[state.root].area_index, error);
    if (folder < 0) return -1;
    const std::string name = std::to_string(number);
    if (!state.made) {
      error = make_directory(folder, name.c_str(), 0700);
      if (error != 0) return -1;
      state.made = true;
    }
    open->place = open_beneath(folder, name, kOpenDirectoryPath, error);
  }
  return open->place.get();
}

void SlotBook::forget_directory(std::size_t root, std::uint64_t inode) {
  std::erase_if(open_, [&](const Open& open) {
    const State& state = slot(open.number);
    return state.root == root && state.inode == inode;
  });
}

std::optional<std::int64_t> SlotBook::mtime_before(std::size_t root, std::uint64_t inode) const {
  const auto found = by_inode_[root].find(inode);
  if (found == by_inode_[root].end()) return std::nullopt;
  return slot(found->second).mtime_ns;
}

std::uint64_t SlotBook::give_times_back() {
  forget_open();
  std::uint64_t failed = 0;
  for (const State& state : slots_) {
    if (!state.touched) continue;
    EntryStat seen;
    OutcomeCode code = OutcomeCode::removed;
    int error = 0;
    const Fd origin = resolve(state, seen, code, error);
    if (origin && set_times(origin.get(), state.mtime_ns, state.atime_ns) != 0) ++failed;
  }
  return failed;
}

Verdict SlotBook::settle() {
  if (session_.begin.unlink) return {};
  for (std::size_t area = 0; area < has_table_.size(); ++area) {
    if (!has_table_[area]) continue;
    int error = 0;
    const int folder = folders_.find(area, error);
    if (folder >= 0) error = broker::settle(folder);
    if (error != 0) return give_up(kAreaUnusable, "syncing " + area_text(session_.areas[area]), error);
  }
  return {};
}

}  // namespace freshet::broker

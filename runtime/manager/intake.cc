#include "runtime/manager/intake.h"

#include <fnmatch.h>
#include <freshet/ipc.h>

#include <algorithm>

#include "runtime/base/bytes.h"
#include "runtime/base/lines.h"
#include "runtime/base/units.h"
#include "runtime/manager/ipc_objects.h"

namespace freshet {
namespace {

constexpr std::size_t kMaxExamples = 20;
constexpr std::uint64_t kMostEntries = 1ULL << 40;  // whatever a budget says; so that no sum is too large

std::unexpected<Error> wrong(std::string what) { return fail(ErrorKind::peer, std::move(what)); }

std::unexpected<Error> over_limit(std::string what) { return fail(std::string(kOverLimit), ErrorKind::peer, std::move(what)); }

std::string joined(const std::string& directory, std::string_view name) {
  if (directory.empty()) return std::string(name);
  return directory + "/" + std::string(name);
}

}  // namespace

TakenEntries::TakenEntries() : secret_(TreeDigest::random_key()) {}

std::uint64_t TakenEntries::key(std::uint64_t dev, std::uint64_t parent_inode, std::string_view name) const {
  TreeDigest digest;
  digest.add_listed(secret_, parent_inode, name, dev, EntryType::unknown);
  return digest.value()[0];
}

Result<std::unique_ptr<Intake>> Intake::create(Inputs inputs) {
  std::unique_ptr<Intake> out(new Intake(std::move(inputs)));
  Result<std::unique_ptr<EntryWriter>> writer = EntryWriter::create(entries_file(out->in_.plan_dir, out->in_.task->number));
  if (!writer) return std::unexpected(writer.error());
  out->writer_ = std::move(*writer);
  return out;
}

Status Intake::take(std::string_view packet) {
  if (packet.empty() || static_cast<wire::MessageType>(packet[0]) != wire::MessageType::events)
    return wrong("sent a message out of order");
  wire::Decoder in(packet.substr(1));
  while (in.ok() && !in.empty()) {
    wire::EventType type{};
    in.enumeration(type, wire::kLastEvent);
    if (!in.ok()) break;
    Status taken;
    switch (type) {
      case wire::EventType::directory: {
        wire::DirectoryEvent event;
        visit(in, event);
        if (in.ok()) taken = take_directory(event);
        break;
      }
      case wire::EventType::finding: {
        wire::FindingEvent event;
        visit(in, event);
        if (in.ok()) taken = take_finding(event);
        break;
      }
      case wire::EventType::directory_end: {
        wire::DirectoryEndEvent event;
        visit(in, event);
        if (in.ok()) taken = take_directory_end(event);
        break;
      }
      case wire::EventType::unread: {
        wire::UnreadEvent event;
        visit(in, event);
        if (in.ok()) taken = take_unread(event);
        break;
      }
      case wire::EventType::progress: {
        wire::ProgressEvent event;
        visit(in, event);
        if (in.ok() && in_.progress) in_.progress(event.entries, accepted_, accepted_bytes_);
        break;
      }
      case wire::EventType::ipc: {
        wire::IpcEvent event;
        visit(in, event);
        if (in.ok()) taken = take_ipc(event);
        break;
      }
      case wire::EventType::keep: {
        wire::KeepEvent event;
        visit(in, event);
        if (in.ok()) taken = take_keep(event);
        break;
      }
      case wire::EventType::log: {  // a plugin's error is a warning of ours: it does not decide what is serious
        wire::LogEvent event;
        visit(in, event);
        constexpr LogLevel kLevels[] = {LogLevel::debug, LogLevel::debug, LogLevel::info, LogLevel::warn, LogLevel::warn};
        // The worker's own host counts too, but a hostile plugin writes to the socket itself.
        if (in.ok() && in_.log && ++log_lines_ <= kMaxLogLines) in_.log(kLevels[event.level < 5 ? event.level : 4], event.text);
        break;
      }
      case wire::EventType::together: {
        wire::TogetherEvent event;
        visit(in, event);
        if (in.ok()) taken = take_together(event);
        break;
      }
      case wire::EventType::needed: {
        wire::NeededEvent event;
        visit(in, event);
        if (in.ok()) taken = take_needed(event);
        break;
      }
      case wire::EventType::note: break;  // of rehearsals alone: beyond the last type that is taken here
    }
    if (!taken) return taken;
  }
  if (!in.done()) return wrong("sent events that do not decode");
  return {};
}

Status Intake::take_directory(const wire::DirectoryEvent& event) {
  if (event.id != node_of_id_.size()) return wrong("opened directories out of order");
  if (event.root >= in_.roots->size()) return wrong("opened a root that was not granted");
  const channel::OpenRoot& root = (*in_.roots)[event.root];
  std::uint32_t parent = kNoNode;
  if (event.parent == wire::kNoDirectory) {
    if (!event.name.empty() || event.inode != root.identity.inode) return wrong("opened something else as a root");
  } else {
    if (event.parent >= node_of_id_.size() || !is_entry_name(event.name)) return wrong("opened a directory that has no place");
    parent = node_of_id_[event.parent];
    if (directories_.node(parent).root != event.root) return wrong("opened a directory of another root");
    if (directories_.node(parent).parent == kNoNode && event.name == in_.task->roots[event.root].area)
      return wrong("opened the quarantine");
    if (is_area_name(event.name)) return wrong("opened a quarantine");
    // Its host opens none. With longer ones every name shown would be megabytes.
    if (directories_.path_length(parent) + 1 + event.name.size() > wire::kMaxPath) return wrong("opened directories without end");
  }
  // The same one over and over costs us, not it.
  if (node_of_id_.size() >= kMaxOpened) return over_limit("opened directories more than " + format_count(kMaxOpened) + " times");
  const std::uint64_t parent_inode = parent == kNoNode ? event.root : directories_.node(parent).inode;
  const std::uint64_t key = in_.taken->key(parent == kNoNode ? ~0ULL : root.dev, parent_inode, event.name);
  if (const auto known = node_of_key_.find(key); known != node_of_key_.end()) {
    // Listed twice. Another inode at the same place means that somebody is at work there: then it is never whole.
    if (directories_.node(known->second).inode != event.inode) directories_.node(known->second).complete = false;
    node_of_id_.push_back(known->second);
    return {};
  }
  if (directories_.size() >= kMaxDirectories) return over_limit("opened more than 4,000,000 directories");
  if (directories_.name_bytes() + event.name.size() > kMaxNameBytes)
    return over_limit("opened directories whose names have more than " + format_size(kMaxNameBytes));
  const std::uint32_t node = directories_.add({.parent = parent, .root = event.root, .inode = event.inode,
                                               .birth_ns = event.birth_ns}, event.name);
  if (node == kNoNode) return fail(ErrorKind::refused, "more directories than a plan can hold");
  DirectoryState state;
  if (parent != kNoNode) {
    state.locked = states_[parent].locked;
    state.pinned = states_[parent].pinned;
  }
  if (in_.in_use != nullptr && in_.in_use->locked(root.dev, event.inode)) state.locked = true;
  if (is_excluded(node, {})) return wrong("opened an excluded directory");
  if (!in_.task->permission.floors.pins.empty() && is_pinned(shown_path(node, {}))) state.pinned = true;
  states_.push_back(state);
  node_of_id_.push_back(node);
  node_of_key_.emplace(key, node);
  return {};
}

Status Intake::take_finding(const wire::FindingEvent& event) {
  if (in_.judged != nullptr) return wrong("proposed an entry, though it is a guard");
  if (event.directory >= node_of_id_.size()) return wrong("proposed an entry of a directory it never opened");
  if (!is_entry_name(event.name)) return wrong("proposed an entry whose name cannot be one");
  if (!is_utf8(event.reason)) return wrong("gave a reason that is not UTF-8");
  const std::uint32_t node = node_of_id_[event.directory];
  const DirectoryNode& directory = directories_.node(node);
  const channel::OpenRoot& root = (*in_.roots)[directory.root];
  if (directory.parent == kNoNode && event.name == in_.task->roots[directory.root].area)
    return wrong("proposed the quarantine");
  if (event.identity.type == EntryType::unknown) return wrong("proposed an entry without a type");
  // The plan's rules look at the one, the broker at the other.
  if (event.identity.type != EntryType::directory && event.mtime_ns != event.identity.mtime_ns)
    return wrong("proposed an entry with two times");
  if (!root.config.access.remove) return wrong("proposed an entry of a root without `remove`");
  if (is_excluded(node, event.name)) return wrong("proposed an excluded entry");

  const std::uint64_t key = in_.taken->key(root.dev, directory.inode, event.name);
  if (const auto taken = in_.taken->by_task.find(key); taken != in_.taken->by_task.end()) {
    if (taken->second == in_.task->number) {
      ++in_.task->shown.repeated;
    } else {
      keep(node, event.name, "taken by " + (*in_.task_names)[taken->second]);
    }
    return {};
  }
  if (event.identity.type == EntryType::directory && is_area_name(event.name)) {
    keep(node, event.name, "a quarantine");
    return {};
  }
  if (event.identity.type == EntryType::char_device || event.identity.type == EntryType::block_device) {
    keep(node, event.name, "a device node");
    return {};
  }
  if (const std::string use = use_reason(node, event.identity.inode); !use.empty()) {
    keep(node, event.name, use);
    return {};
  }
  if (const std::string floor = floor_reason(event, node); !floor.empty()) {
    keep(node, event.name, floor);
    return {};
  }
  if (whole_ && !whole_->stays.empty()) {
    ++whole_->not_taken;
    return {};
  }
  // What was withdrawn counts too: it has its place in the file.
  if (writer_->count() >= in_.task->permission.budget.entries + kSpareFindings)
    return over_limit("proposed more than a million entries over its budget of " + format_count(in_.task->permission.budget.entries));
  if (writer_->bytes() >= kPlanBytes + kEntryBytes * std::min(in_.task->permission.budget.entries, kMostEntries))
    return over_limit("proposed entries that need " + format_size(writer_->bytes()) + " in the plan");
  if (event.allocated > kMostBytes - accepted_bytes_ || event.cost_bytes > kMostBytes - fetch_bytes_)
    return wrong("proposed more bytes than there can be");
  in_.taken->by_task.emplace(key, in_.task->number);
  PlanEntry entry;
  entry.directory = node;
  entry.name = event.name;
  entry.identity = event.identity;
  if (event.identity.type == EntryType::directory) entry.identity.mtime_ns = entry.identity.size = 0;
  if (!root.stable_birth) entry.identity.birth_ns = 0;
  entry.mtime_ns = event.mtime_ns;
  entry.atime_ns = event.atime_ns;
  entry.allocated = event.allocated;
  entry.links = event.links;
  entry.kind = event.kind;
  entry.cost = event.cost;
  entry.cost_bytes = event.cost_bytes;
  entry.reason = event.reason;
  const bool orphan = event.kind == wire::FindingKind::orphan;
  if (whole_) {
    entry.whole = in_.task->wholes;
    whole_->taken.push_back(key);
    whole_->bytes += event.allocated;
    if (orphan) ++whole_->orphans;
  }
  if (orphan) ++in_.task->orphans;
  ++accepted_;
  accepted_bytes_ += event.allocated;
  fetch_bytes_ += event.cost_bytes;
  return writer_->add(entry);
}

std::string Intake::use_reason(std::uint32_t node, std::uint64_t inode) const {
  if (in_.in_use == nullptr) return {};
  if (states_[node].locked) return "below a locked directory";
  const InUseOracle::Holder* const holder = in_.in_use->find((*in_.roots)[directories_.node(node).root].dev, inode);
  if (holder == nullptr) return {};
  return holder->locked ? "locked" : "open in a process";
}

std::string Intake::floor_reason(const wire::FindingEvent& event, std::uint32_t node) const {
  const config::FloorsConfig& floors = in_.task->permission.floors;
  if (floors.min_age_ns > 0 && event.mtime_ns > in_.now_ns - floors.min_age_ns)
    return "younger than the floor min-age of " + format_duration(floors.min_age_ns);
  if (states_[node].pinned) return "pinned";
  if (!floors.pins.empty() && is_pinned(shown_path(node, event.name))) return "pinned";
  return {};
}

Status Intake::take_directory_end(const wire::DirectoryEndEvent& event) {
  if (event.id >= node_of_id_.size()) return wrong("closed a directory it never opened");
  const std::uint32_t node = node_of_id_[event.id];
  scanned_ += event.entries;
  if (states_[node].closed) {  // of a directory that was listed twice, the first time counts
    if (event.complete && event.entries != directories_.node(node).seen) directories_.node(node).complete = false;
    return {};
  }
  states_[node].closed = true;
  directories_.node(node).seen = event.entries;
  directories_.node(node).complete = event.complete;
  in_.task->shown.roots[directories_.node(node).root].scanned += event.entries;
  return {};
}

Status Intake::take_unread(const wire::UnreadEvent& event) {
  if (event.root >= in_.roots->size()) return wrong("named a root that was not granted");
  ++in_.task->shown.unread_count;
  if (in_.task->shown.unread.size() >= kMaxExamples) return {};
  std::string path = (*in_.roots)[event.root].config.path;
  if (event.directory != wire::kNoDirectory) {
    if (event.directory >= node_of_id_.size()) return wrong("named a directory it never opened");
    path = shown_path(node_of_id_[event.directory], event.name);
  }
  in_.task->shown.unread.push_back({path, errno_text(event.error_number)});
  return {};
}

// The worker names a place in the list that it was given; what stands there only the manager knows.
Status Intake::take_ipc(const wire::IpcEvent& event) {
  if (in_.objects == nullptr || event.index >= in_.objects->size()) return wrong("proposed an IPC object that it was not shown");
  if (!is_utf8(event.reason)) return wrong("gave a reason that is not UTF-8");
  const wire::IpcObject& object = (*in_.objects)[event.index];
  if (!proposed_ipc_.insert(event.index).second) {
    ++in_.task->shown.repeated;
    return {};
  }
  bool used = object.kind == wire::IpcKind::shm && object.count > 0;
  if (wire::is_posix(object.kind)) used = in_.ipc_in_use != nullptr && in_.ipc_in_use->find(object.dev, object.inode) != nullptr;
  if (object.kind == wire::IpcKind::posix_msg) used = used || (object.alive & FRESHET_IPC_PROCESS_LIVES) != 0;
  if (used) {
    ++in_.task->shown.kept["IPC object in use"];
    return {};
  }
  in_.task->ipc.push_back({object, std::string(event.reason)});
  in_.task->shown.ipc.push_back({ipc_text(object), std::string(event.reason)});
  return {};
}

Status Intake::take_keep(const wire::KeepEvent& event) {
  if (!is_utf8(event.reason)) return wrong("gave a reason that is not UTF-8");
  if (in_.judged == nullptr || !in_.judged->keep(event.index, event.reason)) return wrong("kept an entry that it was not shown");
  return {};
}

Status Intake::take_together(const wire::TogetherEvent& event) {
  if ((event.step == wire::TogetherStep::begin) == whole_.has_value()) return wrong("began or ended a whole out of order");
  if (event.step == wire::TogetherStep::begin) {
    if (in_.task->wholes >= kMaxWholes) return over_limit("proposed more than 4,000,000 wholes");
    ++in_.task->wholes;
    whole_.emplace();
    whole_->first = writer_->count();
    return {};
  }
  if (event.step == wire::TogetherStep::commit && !whole_->stays.empty())
    in_.task->shown.kept["belongs to a whole in which something stays (" + whole_->stays + ")"] +=
        whole_->taken.size() + whole_->not_taken;
  if (event.step == wire::TogetherStep::abandon || !whole_->stays.empty()) withdraw_whole();
  whole_.reset();
  return {};
}

Status Intake::take_needed(const wire::NeededEvent& event) {
  if (!whole_) return wrong("needs an entry outside of a whole");
  if (event.directory >= node_of_id_.size()) return wrong("needs an entry of a directory it never opened");
  if (!is_entry_name(event.name)) return wrong("needs an entry whose name cannot be one");
  const std::uint32_t node = node_of_id_[event.directory];
  if (const std::string use = use_reason(node, event.inode); !use.empty()) keep(node, event.name, use);
  return {};
}

void Intake::withdraw_whole() {
  for (std::uint64_t ordinal = whole_->first; ordinal < writer_->count(); ++ordinal) in_.task->dropped.push_back(ordinal);
  for (const std::uint64_t key : whole_->taken) in_.taken->by_task.erase(key);
  accepted_ -= whole_->taken.size();
  accepted_bytes_ -= whole_->bytes;
  in_.task->orphans -= whole_->orphans;
}

void Intake::keep(std::uint32_t node, std::string_view name, const std::string& reason) {
  if (whole_ && whole_->stays.empty()) whole_->stays = reason;
  ++in_.task->shown.kept[reason];
  if (in_.task->shown.kept_examples.size() < kMaxExamples)
    in_.task->shown.kept_examples.push_back({shown_path(node, name), reason});
}

std::string Intake::shown_path(std::uint32_t node, std::string_view name) const {
  const std::string& root = (*in_.roots)[directories_.node(node).root].config.path;
  std::string path = joined(root, directories_.path(node));
  if (path.back() == '/') path.pop_back();
  return name.empty() ? path : joined(path, name);
}

// Nothing below an excluded one was ever opened.
bool Intake::is_excluded(std::uint32_t node, std::string_view name) const {
  const config::RootConfig& facts = (*in_.roots)[directories_.node(node).root].config;
  const std::size_t before = directories_.path_length(node);
  const std::size_t length = name.empty() ? before : before + (before == 0 ? 0 : 1) + name.size();
  return std::ranges::any_of(facts.exclude, [&](const std::string& exclude) {
    return exclude.size() == facts.path.size() + 1 + length && exclude == shown_path(node, name);
  });
}

bool Intake::is_pinned(const std::string& path) const {
  for (const std::string& pin : in_.task->permission.floors.pins)
    if (::fnmatch(pin.c_str(), path.c_str(), FNM_PATHNAME) == 0) return true;
  return false;
}

void Intake::take_errors(std::string_view text) {
  for_each_line(text, [&](std::string_view line) {
    if (!line.empty() && in_.log && ++log_lines_ <= kMaxLogLines) in_.log(LogLevel::warn, line);
  });
}

Status Intake::finish() {
  if (whole_) withdraw_whole();
  whole_.reset();
  if (const Status ended = writer_->finish(); !ended) return ended;
  return directories_.save(directories_file(in_.plan_dir, in_.task->number));
}

}  // namespace freshet

// The optional features of the host: what goes beyond the twelve functions of plugin.h.
#include <algorithm>
#include <cstring>
#include <iterator>

#include "runtime/base/bytes.h"
#include "runtime/wire/packet.h"
#include "runtime/worker/host.h"
#include "runtime/worker/take_in.h"

namespace freshet::worker {

void Host::offer(const std::vector<std::string>& features) {
  for (const std::string& id : features) {
    contents_offered_ = contents_offered_ || id == FRESHET_CONTENTS_ID;
    links_offered_ = links_offered_ || id == FRESHET_LINKS_ID;
    ipc_offered_ = ipc_offered_ || id == FRESHET_IPC_ID;
    guard_offered_ = guard_offered_ || id == FRESHET_GUARD_ID;
  }
}

void Host::show(std::vector<wire::IpcObject> objects) {
  objects_.insert(objects_.end(), std::make_move_iterator(objects.begin()), std::make_move_iterator(objects.end()));
  const auto first = std::ranges::find(objects_, wire::IpcKind::posix_msg, &wire::IpcObject::kind);
  before_queues_ = static_cast<std::uint64_t>(first - objects_.begin());
}

void Host::show(std::string_view packet, const wire::Planned& planned) {
  planned_.emplace_back(packet, (planned_.empty() ? 0 : planned_.back().second) + planned.entries.size());
}

const void* Host::do_feature(const freshet_host* host, const char* id, std::uint32_t revision) {
  Host& self = of(host);
  if (id == nullptr) return nullptr;
  const void* table = nullptr;
  if (self.contents_offered_ && std::strcmp(id, FRESHET_CONTENTS_ID) == 0 && revision <= FRESHET_CONTENTS_REVISION) table = &self.contents_;
  if (self.ipc_offered_ && std::strcmp(id, FRESHET_IPC_ID) == 0 && revision <= FRESHET_IPC_REVISION) table = revision >= 2 ? &self.ipc_ : &self.ipc_first_;
  if (self.guard_offered_ && std::strcmp(id, FRESHET_GUARD_ID) == 0 && revision <= FRESHET_GUARD_REVISION) table = &self.guard_;
  if (std::strcmp(id, FRESHET_TOGETHER_ID) == 0 && revision <= FRESHET_TOGETHER_REVISION) table = &self.together_;
  if (self.links_offered_ && std::strcmp(id, FRESHET_LINKS_ID) == 0 && revision <= FRESHET_LINKS_REVISION) table = &self.links_;
  if (self.watch_) self.watch_->asked(id, table != nullptr);
  return table;
}

freshet_status Host::do_file_open(const freshet_host* host, freshet_dir* directory, freshet_bytes name, freshet_file** out) try {
  Host& self = of(host);
  if (self.state_ == State::idle || (name.data == nullptr && name.length != 0)) return FRESHET_INVALID;
  if (Watch* const watch = self.watching("open of freshet_contents"))
    watch->used(FRESHET_CONTENTS_ID, "contents open(" + escape_bytes({name.data, std::min<std::size_t>(name.length, wire::kMaxName)}) + ")");
  if (self.replay_) return self.replay_->open_file(directory, {name.data, name.length}, out);
  return self.walker_.open_file(directory, {name.data, name.length}, out);
} catch (...) {
  return FRESHET_FAILED;
}

freshet_status Host::do_file_read(const freshet_host* host, freshet_file* file, std::uint64_t offset, void* to, std::size_t room,
                                  std::size_t* got) {
  Host& self = of(host);
  if (self.state_ == State::idle || got == nullptr) return FRESHET_INVALID;
  return self.replay_ ? self.replay_->read_file(file, offset, to, room, *got) : self.walker_.read_file(file, offset, to, room, *got);
}

void Host::do_file_close(const freshet_host* host, freshet_file* file) {
  Host& self = of(host);
  if (self.state_ == State::idle) return;
  if (self.replay_) self.replay_->close_file(file);
  else self.walker_.close_file(file);
}

freshet_status Host::do_ipc_object(const freshet_host* host, std::uint64_t index, freshet_ipc_object* out) {
  Host& self = of(host);
  if (Watch* const watch = self.watching("object of freshet_ipc")) watch->used(FRESHET_IPC_ID, "ipc object(" + std::to_string(index) + ")");
  if (self.state_ == State::idle || out == nullptr || out->size < sizeof(freshet_ipc_object)) return FRESHET_INVALID;
  if (index >= self.objects_.size()) return FRESHET_END;
  const wire::IpcObject& object = self.objects_[index];
  out->kind = static_cast<freshet_ipc_kind>(object.kind);
  out->name = {object.name.data(), object.name.size()};
  out->id = object.id;
  out->key = object.key;
  out->uid = object.uid;
  out->creator = object.creator;
  out->changed = object.changed_ns;
  out->used = object.used_ns;
  out->bytes = object.bytes;
  out->count = object.count;
  out->alive = object.alive;
  return FRESHET_OK;
}

// Beyond what is there at all it ends, or is refused, as ever.
std::uint64_t Host::first_ipc_place(std::uint64_t index) const { return index < before_queues_ ? index : objects_.size(); }

freshet_status Host::do_ipc_object_first(const freshet_host* host, std::uint64_t index, freshet_ipc_object* out) {
  return do_ipc_object(host, of(host).first_ipc_place(index), out);
}

freshet_status Host::do_ipc_propose_first(const freshet_host* host, std::uint64_t index, freshet_finding_kind kind, freshet_bytes reason) {
  return do_ipc_propose(host, of(host).first_ipc_place(index), kind, reason);
}

freshet_status Host::do_ipc_propose(const freshet_host* host, std::uint64_t index, freshet_finding_kind kind, freshet_bytes reason) try {
  Host& self = of(host);
  const std::string_view text(reason.data, reason.length);
  if (self.state_ != State::scanning || index >= self.objects_.size() || !is_reason(text) || kind < FRESHET_AGED || kind > FRESHET_LEFTOVER)
    return FRESHET_INVALID;
  if (self.cancelled_) return FRESHET_CANCELLED;
  self.events_.add(wire::IpcEvent{index, static_cast<wire::FindingKind>(kind), text});
  ++self.findings_;
  return FRESHET_OK;
} catch (...) {
  return FRESHET_FAILED;
}

const wire::PlannedEntry* Host::find_planned(std::uint64_t index) {
  if (planned_.empty() || index >= planned_.back().second) return nullptr;
  if (shown_.entries.empty() || index < shown_from_ || index - shown_from_ >= shown_.entries.size()) {
    const auto packet = std::ranges::upper_bound(planned_, index, {}, &std::pair<std::string, std::uint64_t>::second);
    shown_.entries.clear();
    if (!wire::decode_message(packet->first, shown_)) return nullptr;  // it did once
    shown_from_ = packet->second - shown_.entries.size();
  }
  return &shown_.entries[index - shown_from_];
}

freshet_status Host::do_planned(const freshet_host* host, std::uint64_t index, freshet_planned* out) try {
  Host& self = of(host);
  if (self.state_ == State::idle || out == nullptr || out->size < sizeof(freshet_planned)) return FRESHET_INVALID;
  const wire::PlannedEntry* const entry = self.find_planned(index);
  if (entry == nullptr) return FRESHET_END;
  const auto bytes = [](const std::string& text) { return freshet_bytes{text.data(), text.size()}; };
  out->root = entry->root;
  out->directory = bytes(entry->directory);
  out->name = bytes(entry->name);
  out->type = static_cast<freshet_entry_type>(entry->type);
  out->kind = static_cast<freshet_finding_kind>(entry->kind);
  out->cost = static_cast<freshet_cost_class>(entry->cost);
  out->bytes = entry->bytes;
  out->allocated = entry->allocated;
  out->mtime = entry->mtime_ns;
  out->atime = entry->atime_ns;
  out->task = bytes(entry->task);
  out->reason = bytes(entry->reason);
  return FRESHET_OK;
} catch (...) {
  return FRESHET_FAILED;
}

freshet_status Host::do_keep(const freshet_host* host, std::uint64_t index, freshet_bytes reason) try {
  Host& self = of(host);
  const std::string_view text(reason.data, reason.length);
  if (self.state_ != State::scanning || self.planned_.empty() || index >= self.planned_.back().second ||
      !is_reason(text))
    return FRESHET_INVALID;
  if (self.cancelled_) return FRESHET_CANCELLED;
  self.events_.add(wire::KeepEvent{index, text});
  return FRESHET_OK;
} catch (...) {
  return FRESHET_FAILED;
}

freshet_status Host::do_together_begin(const freshet_host* host) try {
  Host& self = of(host);
  self.watching("begin of freshet_together");
  if (self.state_ != State::scanning || self.in_whole_) return FRESHET_INVALID;
  if (self.cancelled_) return FRESHET_CANCELLED;
  self.in_whole_ = true;
  self.events_.add(wire::TogetherEvent{wire::TogetherStep::begin});
  return FRESHET_OK;
} catch (...) {
  return FRESHET_FAILED;
}

freshet_status Host::end_whole(wire::TogetherStep step) {
  if (state_ != State::scanning || !in_whole_) return FRESHET_INVALID;
  in_whole_ = false;
  events_.add(wire::TogetherEvent{step});
  return FRESHET_OK;
}

freshet_status Host::do_together_commit(const freshet_host* host) try {
  return of(host).end_whole(wire::TogetherStep::commit);
} catch (...) {
  return FRESHET_FAILED;
}

freshet_status Host::do_together_abandon(const freshet_host* host) try {
  return of(host).end_whole(wire::TogetherStep::abandon);
} catch (...) {
  return FRESHET_FAILED;
}

freshet_status Host::do_needs_free(const freshet_host* host, freshet_dir* directory, const freshet_entry* given) try {
  Host& self = of(host);
  freshet_entry entry{};
  if (self.state_ != State::scanning || !self.in_whole_ || !self.is_open(directory) ||
      !take_in(given, sizeof entry, entry) || entry.name.data == nullptr)
    return FRESHET_INVALID;
  const std::string_view name(entry.name.data, entry.name.length);
  if (!is_entry_name(name) || entry.ordinal >= directory->listed) return FRESHET_INVALID;
  self.events_.add(wire::NeededEvent{directory->id, name, entry.inode});
  return FRESHET_OK;
} catch (...) {
  return FRESHET_FAILED;
}

freshet_status Host::do_link_target(const freshet_host* host, freshet_dir* directory, freshet_bytes name, char* to,
                                    std::size_t room, std::size_t* got) try {
  Host& self = of(host);
  if (self.state_ == State::idle || got == nullptr || name.data == nullptr) return FRESHET_INVALID;
  const std::string_view wanted(name.data, name.length);
  if (Watch* const watch = self.watching("target of freshet_links"))
    watch->used(FRESHET_LINKS_ID, "links target(" + escape_bytes(wanted.substr(0, wire::kMaxName)) + ")");
  return self.replay_ ? self.replay_->read_link(directory, wanted, to, room, *got) : self.walker_.read_link(directory, wanted, to, room, *got);
} catch (...) {
  return FRESHET_FAILED;
}

}  // namespace freshet::worker

#include "runtime/worker/host.h"

#include <unistd.h>

#include <array>
#include <cstddef>
#include <cstring>
#include <iterator>

#include "runtime/base/bytes.h"
#include "runtime/wire/packet.h"

namespace freshet::worker {
namespace {

constexpr std::uint32_t kMaxLogLines = 200;
constexpr std::uint32_t kCancelledEvery = 256;  // a system call for every so many questions

// A copy of a struct the plugin wrote: fields beyond its own `size` stay zero. False when it is too small to mean
// anything.
template <class T>
bool take_in(const T* from, std::size_t least, T& to) {
  if (from == nullptr || from->size < least) return false;
  std::memcpy(&to, from, std::min<std::size_t>(from->size, sizeof to));
  return true;
}

}  // namespace

Host::Host(int socket, std::vector<RootView> roots, std::size_t max_fds)
    : socket_(socket), events_(socket), walker_(std::move(roots), max_fds, events_) {
  table_.size = sizeof table_;
  table_.abi = {FRESHET_ABI_MAJOR, FRESHET_ABI_MINOR};
  table_.context = this;
  table_.feature = do_feature;
  table_.log = do_log;
  table_.now = do_now;
  table_.cancelled = do_cancelled;
  table_.progress = do_progress;
  table_.root = do_root;
  table_.dir_open = do_dir_open;
  table_.dir_next = do_dir_next;
  table_.dir_close = do_dir_close;
  table_.emit_finding = do_emit_finding;
  table_.buffer_get = do_buffer_get;
  table_.buffer_put = do_buffer_put;
  contents_ = {sizeof contents_, FRESHET_CONTENTS_REVISION, do_file_open, do_file_read, do_file_close};
  ipc_ = {sizeof ipc_, FRESHET_IPC_REVISION, do_ipc_object, do_ipc_propose};
}

void Host::offer(const std::vector<std::string>& features) {
  for (const std::string& id : features) {
    contents_offered_ = contents_offered_ || id == FRESHET_CONTENTS_ID;
    ipc_offered_ = ipc_offered_ || id == FRESHET_IPC_ID;
  }
}

void Host::show(std::vector<wire::IpcObject> objects) {
  objects_.insert(objects_.end(), std::make_move_iterator(objects.begin()), std::make_move_iterator(objects.end()));
}

void Host::begin(bool verify, std::int64_t now_ns) {
  state_ = verify ? State::verifying : State::scanning;
  now_ns_ = now_ns;
  findings_ = 0;
  cancelled_ = false;
  const MutexLock lock(log_mutex_);
  lines_ = 0;
  dropped_lines_ = 0;
  complaint_.clear();
  walker_.begin(!verify);
  if (replay_) replay_->begin(!verify);
  thread_ = ::pthread_self();
  notes_ = 0;
  watched_.clear();
}

void Host::end() {
  for (const auto& [directory, watched] : watched_) note(wire::NoteKind::left_open, escape_bytes(watched.path));
  decltype(watched_)().swap(watched_);
  walker_.end();
  if (replay_) replay_->end();
  events_.flush();
  state_ = State::idle;
}

void Host::count_buffers(std::uint32_t& out, std::uint64_t& bytes, std::uint32_t& spoiled) {
  buffers_.trim();
  out = buffers_.borrowed();
  bytes = buffers_.borrowed_bytes();
  spoiled = buffers_.spoiled();
}

void Host::add_log(freshet_log_level level, std::string_view text) {
  if (text.size() > wire::kMaxText) text = text.substr(0, wire::kMaxText);
  if (level < FRESHET_LOG_DEBUG || level > FRESHET_LOG_ERROR) level = FRESHET_LOG_INFO;
  {
    const MutexLock lock(log_mutex_);
    if (level >= FRESHET_LOG_WARNING) complaint_ = text;
    if (lines_ >= kMaxLogLines) {
      ++dropped_lines_;
      return;
    }
    ++lines_;
  }
  events_.add(wire::LogEvent{static_cast<std::uint8_t>(level), text});
}

std::string Host::last_complaint() {
  const MutexLock lock(log_mutex_);
  return complaint_;
}

// During a scan the manager says nothing but Cancel; anything else, and its end, ends this process.
bool Host::look_for_cancel() {
  std::array<char, 64> buffer;
  auto packet = wire::receive_packet(socket_, buffer, false);
  if (packet && packet->again) return false;
  wire::Cancel cancel;
  if (!packet || packet->closed || !wire::decode_message(packet->bytes, cancel)) ::_exit(1);
  cancelled_ = true;
  return true;
}

freshet_status Host::emit(const freshet_finding& finding) {
  if (cancelled_) return FRESHET_CANCELLED;
  freshet_entry entry{};
  if (!take_in(finding.entry, sizeof entry, entry) || !is_open(finding.directory)) return FRESHET_INVALID;
  const std::string_view name(entry.name.data, entry.name.length);
  const std::string_view reason(finding.reason.data, finding.reason.length);
  if (entry.name.data == nullptr || !is_entry_name(name) || entry.ordinal >= finding.directory->listed ||
      (reason.data() == nullptr && !reason.empty()) || reason.size() > wire::kMaxReason || !is_utf8(reason) ||
      finding.kind < FRESHET_AGED || finding.kind > FRESHET_LEFTOVER || finding.cost > FRESHET_REDOWNLOADABLE ||
      entry.type > FRESHET_BLOCK_DEVICE || (entry.flags & FRESHET_ENTRY_MOUNT_POINT) != 0)
    return FRESHET_INVALID;
  wire::FindingEvent event;
  event.directory = finding.directory->id;
  event.name = name;
  event.identity = {entry.inode, entry.btime, static_cast<EntryType>(entry.type), 0, 0};
  if (event.identity.type != EntryType::directory) {
    event.identity.mtime_ns = entry.mtime;
    event.identity.size = entry.bytes;
  }
  event.mtime_ns = entry.mtime;
  event.atime_ns = entry.atime;
  event.allocated = entry.allocated;
  event.links = entry.links;
  event.uid = entry.uid;
  event.kind = static_cast<wire::FindingKind>(finding.kind);
  event.cost = static_cast<wire::CostClass>(finding.cost);
  event.cost_bytes = finding.cost_bytes;
  event.reason = reason;
  events_.add(event);
  ++findings_;
  return FRESHET_OK;
}

void Host::note(wire::NoteKind kind, std::string_view text) {
  if (kind != wire::NoteKind::call && notes_.fetch_add(1, std::memory_order_relaxed) >= kMaxNotes) return;
  events_.add(wire::NoteEvent{kind, text.substr(0, wire::kMaxText)});
}

freshet_status Host::watch_answer(const char* function, const freshet_dir* directory, std::string_view name, freshet_status answer) {
  const auto watched = watched_.find(directory);
  std::string text = std::string(function) + "(" + (watched == watched_.end() ? "" : escape_bytes(watched->second.path));
  if (!name.empty()) text += (text.ends_with('(') ? "" : "/") + escape_bytes(name.substr(0, wire::kMaxName));
  text += ") = " + std::to_string(answer);
  if (trace_) note(wire::NoteKind::call, text);
  if (answer == FRESHET_INVALID) note(wire::NoteKind::bad_argument, text);
  return answer;
}

void Host::watch_close(const freshet_dir* directory) {
  const auto watched = watched_.find(directory);
  if (watched == watched_.end()) {
    if (directory != nullptr) note(wire::NoteKind::bad_argument, "dir_close of a directory that is not open");
    return;
  }
  if (trace_) note(wire::NoteKind::call, "dir_close(" + escape_bytes(watched->second.path) + ")");
  const std::string& path = watched->second.path;
  std::vector<const freshet_dir*> inner;
  for (const auto& [other, one] : watched_)
    if (one.parent == directory) inner.push_back(other);
  for (const freshet_dir* one : inner) {
    note(wire::NoteKind::bad_argument, "dir_close(" + escape_bytes(path) + ") before one that is in it");
    watch_close(one);
  }
  if (const auto parent = watched_.find(watched->second.parent); parent != watched_.end() && watched->second.proposed == directory->listed)
    parent->second.finished.insert(path.substr(path.rfind('/') + 1));
  watched_.erase(watched);
}

void Host::watch_finding(const freshet_finding& finding, freshet_status answer) {
  const auto watched = watched_.find(finding.directory);
  const freshet_entry* const entry = finding.entry;
  if (watched == watched_.end() || entry == nullptr || entry->name.data == nullptr) {
    note(wire::NoteKind::bad_finding, "a finding of no entry, or in a directory that is not open");
    return;
  }
  WatchedDirectory& directory = watched->second;
  const std::string name(entry->name.data, std::min<std::size_t>(entry->name.length, wire::kMaxName + 1));
  const std::string path = escape_bytes(directory.path + "/" + name);
  if (trace_) note(wire::NoteKind::call, "emit_finding(" + path + ") = " + std::to_string(answer));
  if (entry->ordinal >= directory.names.size() || directory.names[entry->ordinal] != name) {
    note(wire::NoteKind::bad_finding, path + " was never listed there");
  } else if (answer == FRESHET_INVALID) {
    note(wire::NoteKind::bad_finding, path + " has a kind, a cost class or a reason that there is none of");
  } else if (answer == FRESHET_OK) {
    ++directory.proposed;
    if (entry->type == FRESHET_DIRECTORY && !directory.finished.contains(name)) note(wire::NoteKind::early_directory, path);
  }
}

const void* Host::do_feature(const freshet_host* host, const char* id, std::uint32_t revision) {
  Host& self = of(host);
  if (id == nullptr) return nullptr;
  if (self.watch_) self.note(wire::NoteKind::feature, escape_bytes(std::string_view(id, ::strnlen(id, wire::kMaxName))));
  if (self.contents_offered_ && std::strcmp(id, FRESHET_CONTENTS_ID) == 0 && revision <= FRESHET_CONTENTS_REVISION)
    return &self.contents_;
  if (self.ipc_offered_ && std::strcmp(id, FRESHET_IPC_ID) == 0 && revision <= FRESHET_IPC_REVISION) return &self.ipc_;
  return nullptr;
}

void Host::do_log(const freshet_host* host, freshet_log_level level, const char* text, std::size_t length) {
  if (text != nullptr) of(host).add_log(level, {text, length});
}

std::int64_t Host::do_now(const freshet_host* host) { return of(host).now_ns_; }

std::int32_t Host::do_cancelled(const freshet_host* host) {
  Host& self = of(host);
  if (self.cancelled_) return 1;
  if (self.cancel_asked_.fetch_add(1, std::memory_order_relaxed) % kCancelledEvery != 0) return 0;
  return self.look_for_cancel() ? 1 : 0;
}

void Host::do_progress(const freshet_host* host, std::uint64_t done, std::uint64_t total) {
  Host& self = of(host);
  self.watch_call("progress");
  if (self.state_ != State::idle)
    self.events_.add(wire::ProgressEvent{self.entries(), self.findings_, done, total});
}

freshet_status Host::do_root(const freshet_host* host, std::uint32_t index, freshet_root* out) {
  const Host& self = of(host);
  const auto& roots = self.walker_.roots();
  if (out == nullptr || out->size < sizeof *out) return FRESHET_INVALID;
  if (self.replay_) {
    const auto& recorded = self.replay_->tree().roots;
    if (index >= recorded.size()) return FRESHET_END;
    out->index = index;
    out->path = {recorded[index].name.data(), recorded[index].name.size()};
    return FRESHET_OK;
  }
  if (index >= roots.size()) return FRESHET_END;
  out->index = index;
  out->path = {roots[index].shown.data(), roots[index].shown.size()};
  return FRESHET_OK;
}

freshet_status Host::do_dir_open(const freshet_host* host, std::uint32_t root, freshet_dir* parent, freshet_bytes name,
                                 freshet_dir** out) try {
  Host& self = of(host);
  self.watch_call("dir_open");
  if (self.state_ == State::idle || (name.data == nullptr && name.length != 0)) return FRESHET_INVALID;
  const std::string_view wanted(name.data, name.length);
  const freshet_status status = self.replay_ ? self.replay_->open(root, parent, wanted, out) : self.walker_.open(root, parent, wanted, out);
  if (!self.watch_) return status;
  if (status == FRESHET_OK) {
    std::string path;
    if (parent != nullptr) path = self.watched_[parent].path + "/" + std::string(wanted);
    else path = self.replay_ ? self.replay_->tree().roots[root].name : self.walker_.roots()[root].shown;
    self.watched_[*out] = {.path = std::move(path), .parent = parent, .names = {}, .finished = {}};
  }
  return self.watch_answer("dir_open", parent, parent == nullptr ? "root " + std::to_string(root) : std::string(wanted), status);
} catch (...) {
  return FRESHET_FAILED;
}

freshet_status Host::do_dir_next(const freshet_host* host, freshet_dir* directory, freshet_entry* out) try {
  Host& self = of(host);
  self.watch_call("dir_next");
  if (self.state_ == State::idle || out == nullptr) return FRESHET_INVALID;
  const freshet_status status = self.replay_ ? self.replay_->next(directory, *out) : self.walker_.next(directory, *out);
  if (!self.watch_) return status;
  std::string name;
  if (status == FRESHET_OK && out->size >= sizeof(freshet_entry)) {
    name.assign(out->name.data, out->name.length);
    std::vector<std::string>& names = self.watched_[directory].names;
    names.resize(out->ordinal + 1);
    names.back() = name;
  }
  return self.watch_answer("dir_next", directory, name, status);
} catch (...) {
  return FRESHET_FAILED;
}

void Host::do_dir_close(const freshet_host* host, freshet_dir* directory) {
  Host& self = of(host);
  self.watch_call("dir_close");
  if (self.state_ == State::idle) return;
  if (self.watch_) self.watch_close(directory);
  if (self.replay_) self.replay_->close(directory);
  else self.walker_.close(directory);
}

freshet_status Host::do_emit_finding(const freshet_host* host, const freshet_finding* given) try {
  Host& self = of(host);
  freshet_finding finding{};
  self.watch_call("emit_finding");
  if (self.state_ != State::scanning || !take_in(given, sizeof finding, finding)) {
    if (self.watch_) self.note(wire::NoteKind::bad_argument, self.state_ == State::verifying ? "emit_finding in verify" : "emit_finding without a finding");
    return FRESHET_INVALID;
  }
  const freshet_status status = self.emit(finding);
  if (self.watch_) self.watch_finding(finding, status);
  return status;
} catch (...) {
  return FRESHET_FAILED;
}

void* Host::do_buffer_get(const freshet_host* host, std::size_t bytes) try {
  return of(host).buffers_.get(bytes);
} catch (...) {
  return nullptr;
}

void Host::do_buffer_put(const freshet_host* host, void* buffer) {
  if (buffer != nullptr) of(host).buffers_.put(buffer);
}

freshet_status Host::do_file_open(const freshet_host* host, freshet_dir* directory, freshet_bytes name, freshet_file** out) try {
  Host& self = of(host);
  if (self.state_ == State::idle || (name.data == nullptr && name.length != 0)) return FRESHET_INVALID;
  self.watch_call("open of freshet_contents");
  if (self.replay_) return self.replay_->is_open(directory) ? FRESHET_UNREADABLE : FRESHET_INVALID;  // it has no contents
  return self.walker_.open_file(directory, {name.data, name.length}, out);
} catch (...) {
  return FRESHET_FAILED;
}

freshet_status Host::do_file_read(const freshet_host* host, freshet_file* file, std::uint64_t offset, void* to, std::size_t room,
                                  std::size_t* got) {
  Host& self = of(host);
  if (self.state_ == State::idle || got == nullptr) return FRESHET_INVALID;
  return self.walker_.read_file(file, offset, to, room, *got);
}

void Host::do_file_close(const freshet_host* host, freshet_file* file) {
  Host& self = of(host);
  if (self.state_ != State::idle) self.walker_.close_file(file);
}

freshet_status Host::do_ipc_object(const freshet_host* host, std::uint64_t index, freshet_ipc_object* out) {
  const Host& self = of(host);
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
  return FRESHET_OK;
}

freshet_status Host::do_ipc_propose(const freshet_host* host, std::uint64_t index, freshet_finding_kind kind, freshet_bytes reason) try {
  Host& self = of(host);
  const std::string_view text(reason.data, reason.length);
  if (self.state_ != State::scanning || index >= self.objects_.size() || (text.data() == nullptr && !text.empty()) ||
      text.size() > wire::kMaxReason || !is_utf8(text) || kind < FRESHET_AGED || kind > FRESHET_LEFTOVER)
    return FRESHET_INVALID;
  if (self.cancelled_) return FRESHET_CANCELLED;
  self.events_.add(wire::IpcEvent{index, static_cast<wire::FindingKind>(kind), text});
  ++self.findings_;
  return FRESHET_OK;
} catch (...) {
  return FRESHET_FAILED;
}

}  // namespace freshet::worker

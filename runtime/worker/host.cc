#include "runtime/worker/host.h"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstring>
#include <iterator>

#include "runtime/base/bytes.h"
#include "runtime/wire/packet.h"
#include "runtime/worker/take_in.h"

namespace freshet::worker {
namespace {

constexpr std::uint32_t kMaxLogLines = 200;
constexpr std::uint32_t kCancelledEvery = 256;  // a system call for every so many questions

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
  ipc_first_ = {sizeof ipc_first_, 1, do_ipc_object_first, do_ipc_propose_first};
  guard_ = {sizeof guard_, FRESHET_GUARD_REVISION, do_planned, do_keep};
  together_ = {sizeof together_, FRESHET_TOGETHER_REVISION, do_together_begin, do_together_commit, do_together_abandon,
               do_needs_free};
  links_ = {sizeof links_, FRESHET_LINKS_REVISION, do_link_target};
}

void Host::begin(bool verify, std::int64_t now_ns) {
  state_ = verify ? State::verifying : State::scanning;
  now_ns_ = now_ns;
  findings_ = 0;
  in_whole_ = false;
  cancelled_ = false;
  const MutexLock lock(log_mutex_);
  lines_ = 0;
  dropped_lines_ = 0;
  complaint_.clear();
  walker_.begin(!verify);
  if (replay_) replay_->begin(!verify);
  if (watch_) watch_->begin();
}

void Host::end() {
  if (watch_) watch_->end();
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
      !is_reason(reason) ||
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
  self.watching("progress");
  if (self.state_ != State::idle)
    self.events_.add(wire::ProgressEvent{self.entries(), self.findings_, done, total});
}

std::string_view Host::root_path(std::uint32_t index) const {
  if (replay_) return index < replay_->tree().roots.size() ? std::string_view(replay_->tree().roots[index].name) : "";
  return index < walker_.roots().size() ? std::string_view(walker_.roots()[index].shown) : "";
}

freshet_status Host::do_root(const freshet_host* host, std::uint32_t index, freshet_root* out) {
  const Host& self = of(host);
  if (out == nullptr || out->size < sizeof *out) return FRESHET_INVALID;
  if (index >= (self.replay_ ? self.replay_->tree().roots.size() : self.walker_.roots().size())) return FRESHET_END;
  const std::string_view path = self.root_path(index);
  out->index = index;
  out->path = {path.data(), path.size()};
  return FRESHET_OK;
}

freshet_status Host::do_dir_open(const freshet_host* host, std::uint32_t root, freshet_dir* parent, freshet_bytes name,
                                 freshet_dir** out) try {
  Host& self = of(host);
  Watch* const watch = self.watching("dir_open");
  if (self.state_ == State::idle || (name.data == nullptr && name.length != 0)) return FRESHET_INVALID;
  const std::string_view wanted(name.data, name.length);
  const freshet_status status = self.replay_ ? self.replay_->open(root, parent, wanted, out) : self.walker_.open(root, parent, wanted, out);
  if (watch != nullptr) watch->opened(root, self.root_path(root), parent, wanted, status == FRESHET_OK ? *out : nullptr, status);
  return status;
} catch (...) {
  return FRESHET_FAILED;
}

freshet_status Host::do_dir_next(const freshet_host* host, freshet_dir* directory, freshet_entry* out) try {
  Host& self = of(host);
  Watch* const watch = self.watching("dir_next");
  if (self.state_ == State::idle || out == nullptr) return FRESHET_INVALID;
  const freshet_status status = self.replay_ ? self.replay_->next(directory, *out) : self.walker_.next(directory, *out);
  if (watch != nullptr) watch->listed(directory, status == FRESHET_OK ? out : nullptr, status);
  return status;
} catch (...) {
  return FRESHET_FAILED;
}

void Host::do_dir_close(const freshet_host* host, freshet_dir* directory) {
  Host& self = of(host);
  if (self.state_ == State::idle) return;
  if (Watch* const watch = self.watching("dir_close")) watch->closes(directory);
  if (self.replay_) self.replay_->close(directory);
  else self.walker_.close(directory);
}

freshet_status Host::do_emit_finding(const freshet_host* host, const freshet_finding* given) try {
  Host& self = of(host);
  freshet_finding finding{};
  Watch* const watch = self.watching("emit_finding");
  if (self.state_ != State::scanning || self.guard_offered_ || !take_in(given, sizeof finding, finding)) {
    if (watch != nullptr)
      watch->refused_finding(self.state_ == State::verifying ? "emit_finding in verify"
                             : self.guard_offered_           ? "emit_finding by a guard"
                                                             : "emit_finding without a finding");
    return FRESHET_INVALID;
  }
  const freshet_status status = self.emit(finding);
  if (watch != nullptr) watch->proposed(finding, status);
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

}  // namespace freshet::worker

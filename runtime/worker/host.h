#pragma once

#include <freshet/draft/guard.h>
#include <freshet/ipc.h>
#include <freshet/links.h>
#include <freshet/plugin.h>
#include <freshet/together.h>

#include <atomic>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "runtime/base/mutex.h"
#include "runtime/worker/buffer_pool.h"
#include "runtime/worker/directory.h"
#include "runtime/wire/messages.h"
#include "runtime/worker/event_writer.h"
#include "runtime/worker/replay.h"
#include "runtime/worker/watch.h"

namespace freshet::worker {

// What a plugin's calls reach: the twelve functions of plugin.h over a Walker, an EventWriter and a BufferPool. It
// checks arguments so that an honest mistake gets an answer; a hostile plugin shares this process anyway, and the
// manager checks everything again.
class Host {
 public:
  Host(int socket, std::vector<RootView> roots, std::size_t max_fds);
  Host(const Host&) = delete;
  Host& operator=(const Host&) = delete;

  [[nodiscard]] const freshet_host* table() const { return &table_; }

  // The optional features that the plugin may have, by id; called before it is loaded. Unknown ids are left out.
  void offer(const std::vector<std::string>& features);
  // What `now` says until a scan begins.
  void set_now(std::int64_t now_ns) { now_ns_ = now_ns; }
  // More of the IPC objects that the task may propose; before the scan.
  void show(std::vector<wire::IpcObject> objects);
  // More of the entries that a guard judges: a packet of them, as it came, which decodes. Before the scan.
  void show(std::string_view packet, const wire::Planned& planned);

  // Before the plugin is loaded. In a rehearsal what it does against the rules, and with `trace` its calls, become notes; a
  // replayed tree takes the place of the granted roots.
  void rehearse(bool trace) { watch_.emplace(events_, trace); }
  void replay(freshet::testing::Tree tree) { replay_.emplace(std::move(tree), events_); }

  // Around the plugin's scan or verify. Between them the directory functions and emit_finding work.
  void begin(bool verify, std::int64_t now_ns);
  void end();

  void add_log(freshet_log_level level, std::string_view text);
  void flush() { events_.flush(); }

  [[nodiscard]] std::uint64_t entries() const { return replay_ ? replay_->entries() : walker_.entries(); }
  [[nodiscard]] std::uint64_t dropped_log_lines() const {
    const MutexLock lock(log_mutex_);
    return dropped_lines_;
  }
  [[nodiscard]] std::uint32_t borrowed_buffers() const { return buffers_.borrowed(); }
  // What the plugin did with the pool: buffers it still has, their bytes, and those it wrote after giving them back.
  // Afterwards nothing is kept for reuse.
  void count_buffers(std::uint32_t& out, std::uint64_t& bytes, std::uint32_t& spoiled);
  // The last line the plugin logged as a warning or an error: why it said no.
  [[nodiscard]] std::string last_complaint();

 private:
  enum class State { idle, scanning, verifying };

  static Host& of(const freshet_host* host) { return *static_cast<Host*>(host->context); }
  bool look_for_cancel();
  // The watch of a rehearsal while the plugin scans or verifies, else null.
  Watch* watching(const char* function) {
    if (!watch_ || state_ == State::idle) return nullptr;
    watch_->on_thread(function);
    return &*watch_;
  }
  [[nodiscard]] std::string_view root_path(std::uint32_t index) const;  // as it is shown; empty: none
  [[nodiscard]] bool is_open(const freshet_dir* directory) const { return replay_ ? replay_->is_open(directory) : walker_.is_open(directory); }
  freshet_status emit(const freshet_finding& finding);

  // The table's functions; none lets an exception out.
  static const void* do_feature(const freshet_host*, const char* id, std::uint32_t revision);
  static void do_log(const freshet_host*, freshet_log_level level, const char* text, std::size_t length);
  static std::int64_t do_now(const freshet_host*);
  static std::int32_t do_cancelled(const freshet_host*);
  static void do_progress(const freshet_host*, std::uint64_t done, std::uint64_t total);
  static freshet_status do_root(const freshet_host*, std::uint32_t index, freshet_root* out);
  static freshet_status do_dir_open(const freshet_host*, std::uint32_t root, freshet_dir* parent, freshet_bytes name,
                                    freshet_dir** out);
  static freshet_status do_dir_next(const freshet_host*, freshet_dir* directory, freshet_entry* out);
  static void do_dir_close(const freshet_host*, freshet_dir* directory);
  static freshet_status do_emit_finding(const freshet_host*, const freshet_finding* finding);
  static void* do_buffer_get(const freshet_host*, std::size_t bytes);
  static void do_buffer_put(const freshet_host*, void* buffer);

  // Of freshet/contents.h.
  static freshet_status do_file_open(const freshet_host*, freshet_dir* directory, freshet_bytes name, freshet_file** out);
  static freshet_status do_file_read(const freshet_host*, freshet_file* file, std::uint64_t offset, void* to, std::size_t room,
                                     std::size_t* got);
  static void do_file_close(const freshet_host*, freshet_file* file);

  // Of freshet/ipc.h.
  static freshet_status do_ipc_object(const freshet_host*, std::uint64_t index, freshet_ipc_object* out);
  // Of revision 1, which knows no POSIX message queues: they come last in the list, which ends before them.
  [[nodiscard]] std::uint64_t first_ipc_place(std::uint64_t index) const;
  static freshet_status do_ipc_object_first(const freshet_host*, std::uint64_t index, freshet_ipc_object* out);
  static freshet_status do_ipc_propose_first(const freshet_host*, std::uint64_t index, freshet_finding_kind, freshet_bytes reason);
  static freshet_status do_ipc_propose(const freshet_host*, std::uint64_t index, freshet_finding_kind kind, freshet_bytes reason);
  // Of freshet/together.h and freshet/links.h.
  freshet_status end_whole(wire::TogetherStep step);
  static freshet_status do_together_begin(const freshet_host*);
  static freshet_status do_together_commit(const freshet_host*);
  static freshet_status do_together_abandon(const freshet_host*);
  static freshet_status do_needs_free(const freshet_host*, freshet_dir* directory, const freshet_entry* entry);
  static freshet_status do_link_target(const freshet_host*, freshet_dir* directory, freshet_bytes name, char* to,
                                       std::size_t room, std::size_t* got);

  // Of freshet/draft/guard.h.
  static freshet_status do_planned(const freshet_host*, std::uint64_t index, freshet_planned* out);
  static freshet_status do_keep(const freshet_host*, std::uint64_t index, freshet_bytes reason);
  const wire::PlannedEntry* find_planned(std::uint64_t index);

  // Constant after construction.
  const int socket_;
  freshet_host table_{};
  freshet_contents contents_{};
  freshet_ipc ipc_{};
  freshet_ipc ipc_first_{};  // revision 1
  freshet_guard guard_{};
  freshet_together together_{};
  freshet_links links_{};

  bool contents_offered_ = false;  // constant once a plugin is loaded, like the next
  bool links_offered_ = false;
  bool ipc_offered_ = false;
  bool guard_offered_ = false;
  std::vector<wire::IpcObject> objects_;  // constant once a scan has begun, like the next
  std::uint64_t before_queues_ = 0;       // objects before the first POSIX message queue
  // Likewise: as packets, which take less room than what they decode to, and the index behind the last entry of each.
  std::vector<std::pair<std::string, std::uint64_t>> planned_;

  // Only touched by the thread that runs the plugin's call.
  EventWriter events_;  // thread-safe in itself
  BufferPool buffers_;  // thread-safe in itself
  Walker walker_;
  std::optional<Replay> replay_;
  std::optional<Watch> watch_;  // only in a rehearsal
  State state_ = State::idle;
  std::uint64_t findings_ = 0;
  wire::Planned shown_;                // the packet that was asked for last, decoded
  std::uint64_t shown_from_ = 0;       // index of its first entry
  bool in_whole_ = false;  // begun, and not ended

  std::atomic<std::int64_t> now_ns_{0};
  std::atomic<std::uint32_t> cancel_asked_{0};
  std::atomic<bool> cancelled_{false};

  mutable Mutex log_mutex_;
  std::uint32_t lines_ FRESHET_GUARDED_BY(log_mutex_) = 0;
  std::uint64_t dropped_lines_ FRESHET_GUARDED_BY(log_mutex_) = 0;
  std::string complaint_ FRESHET_GUARDED_BY(log_mutex_);
};

}  // namespace freshet::worker

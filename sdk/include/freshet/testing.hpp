// A test kit for plugins: a host in the test's own process that hands out a tree in memory. No sandbox, no root and no
// library are needed; any test framework will do. C++17, header only; the plugin may be in C.
//
//   freshet::testing::FakeHost host;
//   auto& root = host.add_root("/var/cache/x");
//   root.file("old", 41);                         // 41 days old
//   root.directory("closed").unreadable = true;
//   freshet::testing::RunningTask task(host, freshet_plugin_entry, "my-task",
//                                      freshet::testing::FakeSettings().duration("older-than", 30 * freshet::testing::kDay));
//   assert(task.scan() == FRESHET_UNREADABLE);
//   assert(host.proposed() == std::vector<std::string>{"/var/cache/x/old"});
//   assert(host.broken_rules.empty());
//
// It answers as the real host does, and in addition keeps every rule of plugin.h that the plugin broke. Stricter than the
// real one where that costs a plugin nothing: it knows at once that a proposed entry is not there.
//
// Errors: functions do not fail but for memory. Threads: what plugin.h allows on a worker thread may be called on any; all
// else, and the test itself, belong to the thread that calls `scan`.
#ifndef FRESHET_TESTING_HPP
#define FRESHET_TESTING_HPP

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <thread>
#include <unordered_map>
#include <utility>
#include <vector>

#include "freshet/contents.h"
#include "freshet/draft/guard.h"
#include "freshet/ipc.h"
#include "freshet/links.h"
#include "freshet/plugin.h"
#include "freshet/together.h"
#include "freshet/tree.hpp"

namespace freshet::testing {

struct FakeFinding {
  std::string path;  // root's path and names
  std::string reason;
  freshet_finding_kind kind;
  freshet_cost_class cost;
  std::uint64_t cost_bytes;
};

// An entry that another task is to remove: what a guard is asked about.
struct FakePlanned {
  std::uint32_t root = 0;   // of the host's own, by index
  std::string directory;    // below it
  std::string name;
  std::string task = "other";
  std::string reason = "it is old";
  freshet_entry_type type = FRESHET_FILE;
  freshet_finding_kind kind = FRESHET_AGED;
  freshet_cost_class cost = FRESHET_UNIQUE;
  std::uint64_t bytes = 0, allocated = 0;
  std::int64_t mtime = 0, atime = 0;
};

struct FakeIpcFinding {
  std::uint64_t index;  // in what was granted
  freshet_finding_kind kind;
  std::string reason;
};

namespace detail {

// An open directory.
struct OpenDirectory {
  Node* node = nullptr;
  OpenDirectory* parent = nullptr;
  std::string path;
  bool ended = false;
  std::size_t next = 0;              // child
  std::uint64_t listed = 0;          // the ordinal of the next entry
  std::vector<std::size_t> shown;    // by ordinal: child, from 1; 0 for one that is counted and not shown
  std::size_t open_children = 0;
  std::set<std::size_t> proposed;    // ordinals
  std::set<std::string> inner;       // names of directories that were closed with everything in them proposed
  std::unique_ptr<std::string> name; // of the entry in hand; on the heap, so that a stale use is seen by sanitizers
};

// Well-formed UTF-8: no overlong forms, no surrogates.
inline bool is_utf8(std::string_view text) {
  for (std::size_t i = 0; i < text.size();) {
    const auto lead = static_cast<unsigned char>(text[i]);
    const std::size_t length = lead < 0x80 ? 1 : lead >= 0xc2 && lead < 0xe0 ? 2 : (lead & 0xf0) == 0xe0 ? 3
                               : lead >= 0xf0 && lead < 0xf5                 ? 4
                                                                             : 0;
    if (length == 0 || text.size() - i < length) return false;
    for (std::size_t k = 1; k < length; ++k) {
      if ((static_cast<unsigned char>(text[i + k]) & 0xc0) != 0x80) return false;
    }
    const auto second = length > 1 ? static_cast<unsigned char>(text[i + 1]) : 0;
    if ((lead == 0xe0 && second < 0xa0) || (lead == 0xed && second > 0x9f) || (lead == 0xf0 && second < 0x90) ||
        (lead == 0xf4 && second > 0x8f))
      return false;
    i += length;
  }
  return true;
}

}  // namespace detail

class FakeHost {
 public:
  FakeHost() : FakeHost(Tree()) {}
  // The clock is the tree's.
  explicit FakeHost(Tree tree) : now(tree.recorded), tree_(std::move(tree)) {
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
    together_ = {sizeof together_, FRESHET_TOGETHER_REVISION, do_together_begin, do_together_commit, do_together_abandon,
                 do_needs_free};
    contents_ = {sizeof contents_, FRESHET_CONTENTS_REVISION, do_file_open, do_file_read, do_file_close};
    links_ = {sizeof links_, FRESHET_LINKS_REVISION, do_link_target};
    ipc_ = {sizeof ipc_, FRESHET_IPC_REVISION, do_ipc_object, do_ipc_propose};
    ipc_first_ = {sizeof ipc_first_, 1, do_ipc_object_first, do_ipc_propose_first};
    features[FRESHET_TOGETHER_ID] = {FRESHET_TOGETHER_REVISION, &together_};
  }
  ~FakeHost() {
    for (void* const buffer : buffers_) std::free(buffer);  // that a plugin never gave back
  }
  FakeHost(const FakeHost&) = delete;
  FakeHost& operator=(const FakeHost&) = delete;

  // Roots stay where they are when more are added.
  Node& add_root(std::string path) { return tree_.add_root(std::move(path)); }
  [[nodiscard]] Tree& tree() { return tree_; }
  [[nodiscard]] const freshet_host* table() const { return &table_; }

  // Grants `read` on every root: Node::text and Node::target.
  void grant_read() {
    features[FRESHET_CONTENTS_ID] = {FRESHET_CONTENTS_REVISION, &contents_};
    features[FRESHET_LINKS_ID] = {FRESHET_LINKS_REVISION, &links_};
  }
  // Grants `ipc`, of these objects: POSIX message queues last, which revision 1 of the feature ends before. Their names have
  // to outlive the host.
  void grant_ipc(std::vector<freshet_ipc_object> objects) {
    ipc_objects_ = std::move(objects);
    features[FRESHET_IPC_ID] = {FRESHET_IPC_REVISION, &ipc_};
  }

  // Sorted paths.
  [[nodiscard]] std::vector<std::string> proposed() const {
    std::vector<std::string> out;
    for (const FakeFinding& finding : findings) out.push_back(finding.path);
    std::sort(out.begin(), out.end());
    return out;
  }
  [[nodiscard]] std::string reason_of(std::string_view path) const {
    for (const FakeFinding& finding : findings) {
      if (finding.path == path) return finding.reason;
    }
    return "(not proposed)";
  }

  // What the plugin did; grows from scan to scan.
  std::vector<FakeFinding> findings;
  std::map<std::uint64_t, std::string> kept;     // of `planned`, with the reason
  std::vector<FakeIpcFinding> ipc_findings;
  std::vector<std::string> log;                  // at most 200 lines a scan, each cut at 1024 bytes
  std::vector<freshet_log_level> log_levels;     // of the lines
  std::vector<std::string> broken_rules;
  std::vector<std::string> unread;               // paths that could not be opened, listed or read
  std::vector<std::string> spared;               // paths that are held in a process: proposed or needed, and in no finding
  std::size_t open_directories = 0;
  std::size_t most_open_directories = 0;
  std::size_t buffers_out = 0;
  std::uint64_t entries = 0;                     // shown or counted, of the last scan
  std::uint64_t progress_done = 0, progress_total = 0;

  // What the test sets.
  std::int64_t now = kNow;
  std::atomic<bool> cancelled{false};
  std::optional<std::size_t> cancel_after_findings;
  std::optional<std::uint64_t> cancel_after_entries;
  bool backwards = false;                                 // directories are listed from the last entry on
  std::function<void(const std::string& path)> on_open;   // before a directory is opened; may change the tree
  // Id to revision and table. What every host has is here from the start; without it the plugin sees an older one.
  std::map<std::string, std::pair<std::uint32_t, const void*>> features;
  std::optional<std::vector<FakePlanned>> planned;        // of a guard, whose feature is there with it

  // Around a call of scan or verify; RunningTask does it.
  void begin(bool verify) {
    state_ = verify ? State::verifying : State::scanning;
    thread_ = std::this_thread::get_id();
    entries = 0;
    in_whole_ = false;
    const std::lock_guard<std::mutex> lock(mutex_);
    lines_ = 0;
  }
  void end() {
    for (auto& one : open_) broke("a directory was left open: " + one.second->path);
    if (in_whole_) {
      broke("a whole was neither committed nor abandoned");
      withdraw();
    }
    open_directories = 0;
    open_.clear();
    closed_.clear();
    files_.clear();
    state_ = State::idle;
  }
  void broke(std::string rule) {
    const std::lock_guard<std::mutex> lock(mutex_);
    broken_rules.push_back(std::move(rule));
  }

 private:
  using Dir = detail::OpenDirectory;
  enum class State { idle, scanning, verifying };
  static constexpr std::size_t kMaxReason = 512;
  static constexpr std::size_t kMaxLogLines = 200;
  static constexpr std::size_t kMaxLogLine = 1024;

  static FakeHost& of(const freshet_host* host) { return *static_cast<FakeHost*>(host->context); }

  // In a scan (or verify), on its thread.
  bool in_scan(const char* function) {
    if (state_ == State::idle) {
      broke(std::string(function) + " was called outside of scan and verify");
      return false;
    }
    if (thread_ != std::this_thread::get_id()) broke(std::string(function) + " was called on another thread than scan's");
    return true;
  }
  Dir* known(freshet_dir* handle) {
    const auto found = open_.find(handle);
    return found == open_.end() ? nullptr : found->second.get();
  }
  static freshet_dir* handle_of(Dir& directory) { return reinterpret_cast<freshet_dir*>(&directory); }
  freshet_status wrong(std::string rule) {
    broke(std::move(rule));
    return FRESHET_INVALID;
  }

  static const void* do_feature(const freshet_host* host, const char* id, std::uint32_t revision) {
    FakeHost& self = of(host);
    if (self.planned && id != nullptr && std::strcmp(id, FRESHET_GUARD_ID) == 0 && revision <= FRESHET_GUARD_REVISION) {
      self.guard_ = {sizeof self.guard_, FRESHET_GUARD_REVISION, do_planned, do_keep};
      return &self.guard_;
    }
    const auto& features = self.features;
    const auto found = id == nullptr ? features.end() : features.find(id);
    if (found == features.end() || found->second.first < revision) return nullptr;
    return found->second.second == &self.ipc_ && revision < 2 ? &self.ipc_first_ : found->second.second;
  }

  static void do_log(const freshet_host* host, freshet_log_level level, const char* text, std::size_t length) {
    FakeHost& self = of(host);
    if (text == nullptr) return self.broke("log was given no text");
    if (level < FRESHET_LOG_DEBUG || level > FRESHET_LOG_ERROR) {
      self.broke("log was given a level that there is none of");
      level = FRESHET_LOG_INFO;
    }
    const std::lock_guard<std::mutex> lock(self.mutex_);
    if (self.lines_++ >= kMaxLogLines) return;
    self.log.emplace_back(text, std::min(length, kMaxLogLine));
    self.log_levels.push_back(level);
  }

  static std::int64_t do_now(const freshet_host* host) { return of(host).now; }
  static std::int32_t do_cancelled(const freshet_host* host) { return of(host).cancelled ? 1 : 0; }

  static void do_progress(const freshet_host* host, std::uint64_t done, std::uint64_t total) {
    FakeHost& self = of(host);
    if (!self.in_scan("progress")) return;
    self.progress_done = done;
    self.progress_total = total;
  }

  static freshet_status do_root(const freshet_host* host, std::uint32_t index, freshet_root* out) {
    FakeHost& self = of(host);
    if (out == nullptr || out->size < sizeof(freshet_root)) return self.wrong("root was given no room, or no size");
    if (index >= self.tree_.roots.size()) return FRESHET_END;
    const std::string& path = self.tree_.roots[index].name;
    out->index = index;
    out->path = {path.data(), path.size()};
    return FRESHET_OK;
  }

  freshet_status cannot_read(const std::string& path) {
    unread.push_back(path);
    return FRESHET_UNREADABLE;
  }

  static freshet_status do_dir_open(const freshet_host* host, std::uint32_t root, freshet_dir* parent_handle,
                                    freshet_bytes name, freshet_dir** out) {
    FakeHost& self = of(host);
    if (!self.in_scan("dir_open")) return FRESHET_INVALID;
    if (out == nullptr || (name.data == nullptr && name.length != 0)) return self.wrong("dir_open was given null");
    *out = nullptr;
    const std::string wanted(name.data == nullptr ? "" : name.data, name.length);
    Dir* parent = nullptr;
    Node* found = nullptr;
    std::string path;
    if (parent_handle == nullptr) {
      if (root >= self.tree_.roots.size()) return self.wrong("dir_open was given a root that there is none of");
      if (!wanted.empty()) return self.wrong("dir_open was given a name and no parent: " + wanted);
      found = &self.tree_.roots[root];
      path = found->name;
    } else {
      parent = self.known(parent_handle);
      if (parent == nullptr) return self.wrong("dir_open was given a parent that is not open: " + wanted);
      if (!detail::is_name(wanted)) return self.wrong("dir_open was given what is no name: " + wanted);
      path = parent->path + "/" + wanted;
    }
    if (self.on_open) self.on_open(path);
    if (parent != nullptr) {
      // The entry in hand is the one that is opened, nearly always.
      const bool in_hand = parent->next != 0 && parent->next <= parent->node->children.size();
      if (in_hand && self.child(*parent, parent->next - 1).name == wanted) found = &self.child(*parent, parent->next - 1);
      if (found == nullptr) found = parent->node->find(wanted);
      if (found == nullptr) {
        self.broke("dir_open was given a name that is not there: " + path);
        return self.cannot_read(path);
      }
    }
    if (parent != nullptr && detail::is_hidden(*found)) return self.wrong("dir_open was given what is excluded: " + path);
    if (found->type != FRESHET_DIRECTORY) return self.wrong("dir_open was given what is no directory: " + path);
    if (parent != nullptr && (found->flags & FRESHET_ENTRY_MOUNT_POINT) != 0)
      return self.wrong("dir_open was given a mount point: " + path);
    if (found->unreadable || found->vanishes) return self.cannot_read(path);
    auto owned = std::make_unique<Dir>();
    Dir& made = *owned;
    self.open_.emplace(handle_of(made), std::move(owned));
    made.node = found;
    made.parent = parent;
    made.path = std::move(path);
    if (parent != nullptr) ++parent->open_children;
    self.most_open_directories = std::max(self.most_open_directories, ++self.open_directories);
    *out = handle_of(made);
    return FRESHET_OK;
  }

  Node& child(const Dir& directory, std::size_t index) const {
    const auto& children = directory.node->children;
    return *children[backwards ? children.size() - 1 - index : index];
  }

  static freshet_status do_dir_next(const freshet_host* host, freshet_dir* handle, freshet_entry* out) {
    FakeHost& self = of(host);
    if (!self.in_scan("dir_next")) return FRESHET_INVALID;
    Dir* const dir = self.known(handle);
    if (dir == nullptr) return self.wrong("dir_next was given a directory that is not open");
    if (out == nullptr || out->size < offsetof(freshet_entry, bytes)) return self.wrong("dir_next was given no room, or no size");
    dir->name.reset();
    for (;;) {
      if (dir->next >= dir->node->children.size()) {
        if (dir->ended || !dir->node->breaks_off) {
          dir->ended = true;
          return FRESHET_END;
        }
        dir->ended = true;
        return self.cannot_read(dir->path);
      }
      Node& node = self.child(*dir, dir->next++);
      if (node.vanishes && node.type != FRESHET_DIRECTORY) continue;
      ++self.entries;
      if (self.cancel_after_entries && self.entries > *self.cancel_after_entries) self.cancelled = true;
      if (detail::is_hidden(node)) {
        ++dir->listed;
        dir->shown.push_back(0);
        continue;
      }
      if (node.inode == 0) node.inode = ++self.last_inode_;
      dir->name = std::make_unique<std::string>(node.name);
      freshet_entry entry = detail::entry_of(node);
      entry.name = {dir->name->data(), dir->name->size()};
      entry.ordinal = dir->listed++;
      dir->shown.push_back(dir->next);
      detail::copy_entry(entry, *out);
      return FRESHET_OK;
    }
  }

  static void do_dir_close(const freshet_host* host, freshet_dir* handle) {
    FakeHost& self = of(host);
    if (!self.in_scan("dir_close") || handle == nullptr) return;
    Dir* const dir = self.known(handle);
    if (dir == nullptr) return self.broke("dir_close was given a directory that is not open");
    self.close(*dir);
  }

  void close(Dir& dir) {
    while (dir.open_children != 0) {
      broke("a directory was closed before one that is in it: " + dir.path);
      close(*std::find_if(open_.begin(), open_.end(), [&](const auto& one) { return one.second->parent == &dir; })->second);
    }
    dir.name.reset();
    --open_directories;
    if (dir.parent != nullptr) {
      --dir.parent->open_children;
      if (dir.proposed.size() == dir.listed && dir.next >= dir.node->children.size()) dir.parent->inner.insert(dir.node->name);
    }
    dir.proposed.clear();
    dir.inner.clear();
    // Its memory is kept for a while: no new directory gets the same handle, and a use after the end is known as one.
    const auto self = open_.find(handle_of(dir));
    closed_.push_back(std::move(self->second));
    open_.erase(self);
    if (closed_.size() > kKeptHandles) closed_.pop_front();
  }

  static freshet_status do_planned(const freshet_host* host, std::uint64_t index, freshet_planned* out) {
    FakeHost& self = of(host);
    if (!self.in_scan("planned")) return FRESHET_INVALID;
    if (out == nullptr || out->size < sizeof(freshet_planned)) return self.wrong("planned was given no room, or no size");
    if (index >= self.planned->size()) return FRESHET_END;
    const FakePlanned& entry = (*self.planned)[index];
    self.in_hand_ = std::make_unique<FakePlanned>(entry);  // on the heap, so that a stale use is seen by sanitizers
    const auto bytes = [](const std::string& text) { return freshet_bytes{text.data(), text.size()}; };
    out->root = entry.root;
    out->directory = bytes(self.in_hand_->directory);
    out->name = bytes(self.in_hand_->name);
    out->type = entry.type;
    out->kind = entry.kind;
    out->cost = entry.cost;
    out->bytes = entry.bytes;
    out->allocated = entry.allocated;
    out->mtime = entry.mtime;
    out->atime = entry.atime;
    out->task = bytes(self.in_hand_->task);
    out->reason = bytes(self.in_hand_->reason);
    return FRESHET_OK;
  }

  static freshet_status do_keep(const freshet_host* host, std::uint64_t index, freshet_bytes reason) {
    FakeHost& self = of(host);
    if (!self.in_scan("keep")) return FRESHET_INVALID;
    if (self.state_ == State::verifying) return self.wrong("keep was called in verify");
    if (index >= self.planned->size()) return self.wrong("keep was given an index that there is none of");
    const std::string text(reason.data == nullptr ? "" : reason.data, reason.data == nullptr ? 0 : reason.length);
    if (text.size() > kMaxReason || !detail::is_utf8(text)) return self.wrong("a reason to keep is too long, or not UTF-8");
    if (text.empty()) self.broke("an entry was kept without a reason");
    if (self.cancelled) return FRESHET_CANCELLED;
    self.kept.emplace(index, text);
    return FRESHET_OK;
  }

  static freshet_status do_emit_finding(const freshet_host* host, const freshet_finding* given) {
    FakeHost& self = of(host);
    if (!self.in_scan("emit_finding")) return FRESHET_INVALID;
    if (self.state_ == State::verifying) return self.wrong("emit_finding was called in verify");
    if (self.planned) return self.wrong("emit_finding was called by a guard");
    if (given == nullptr || given->size < sizeof(freshet_finding)) return self.wrong("emit_finding was given a finding without its size");
    const freshet_finding& finding = *given;
    if (self.cancel_after_findings && self.findings.size() >= *self.cancel_after_findings) self.cancelled = true;
    if (self.cancelled) return FRESHET_CANCELLED;
    Dir* const dir = self.known(finding.directory);
    if (dir == nullptr) return self.wrong("a finding's directory is not open");
    const freshet_entry* const entry = finding.entry;
    if (entry == nullptr || entry->size < sizeof(freshet_entry)) return self.wrong("a finding has no entry, or one without its size: " + dir->path);
    const std::string name(entry->name.data == nullptr ? "" : entry->name.data, entry->name.length);
    const std::string path = dir->path + "/" + name;
    if (entry->ordinal >= dir->listed || dir->shown[entry->ordinal] == 0 ||
        self.child(*dir, dir->shown[entry->ordinal] - 1).name != name)
      return self.wrong("a finding is of what was not listed there: " + path);
    if (finding.reason.data == nullptr && finding.reason.length != 0) return self.wrong("a finding's reason is null: " + path);
    const std::string reason(finding.reason.data == nullptr ? "" : finding.reason.data, finding.reason.length);
    if (reason.size() > kMaxReason) return self.wrong("a finding's reason is longer than 512 bytes: " + path);
    if (!detail::is_utf8(reason)) return self.wrong("a finding's reason is not UTF-8: " + path);
    if (finding.kind < FRESHET_AGED || finding.kind > FRESHET_LEFTOVER) return self.wrong("a finding has a kind that there is none of: " + path);
    if (finding.cost > FRESHET_REDOWNLOADABLE) return self.wrong("a finding has a cost class that there is none of: " + path);
    if ((entry->flags & FRESHET_ENTRY_MOUNT_POINT) != 0) return self.wrong("a finding is of a mount point: " + path);
    if (reason.empty()) self.broke("a finding has no reason: " + path);
    if (entry->type == FRESHET_DIRECTORY && dir->inner.find(name) == dir->inner.end())
      self.broke("a directory was proposed before what is in it: " + path);
    if (!dir->proposed.insert(entry->ordinal).second) self.broke("an entry was proposed twice: " + path);
    const Node& node = self.child(*dir, dir->shown[entry->ordinal] - 1);
    if (node.held) {
      self.spared.push_back(path);
      self.whole_stays_ = self.whole_stays_ || self.in_whole_;
      return FRESHET_OK;
    }
    self.findings.push_back({path, reason, finding.kind, finding.cost, finding.cost_bytes});
    return FRESHET_OK;
  }

  void withdraw() {
    findings.resize(whole_from_);
    in_whole_ = false;
  }

  static freshet_status do_together_begin(const freshet_host* host) {
    FakeHost& self = of(host);
    if (!self.in_scan("together.begin")) return FRESHET_INVALID;
    if (self.state_ == State::verifying) return self.wrong("a whole was begun in verify");
    if (self.in_whole_) return self.wrong("a whole was begun within another");
    if (self.cancelled) return FRESHET_CANCELLED;
    self.in_whole_ = true;
    self.whole_stays_ = false;
    self.whole_from_ = self.findings.size();
    return FRESHET_OK;
  }

  static freshet_status do_together_commit(const freshet_host* host) {
    FakeHost& self = of(host);
    if (!self.in_scan("together.commit")) return FRESHET_INVALID;
    if (!self.in_whole_) return self.wrong("a whole was committed that never began");
    if (self.whole_stays_) self.withdraw();
    self.in_whole_ = false;
    return FRESHET_OK;
  }

  static freshet_status do_together_abandon(const freshet_host* host) {
    FakeHost& self = of(host);
    if (!self.in_scan("together.abandon")) return FRESHET_INVALID;
    if (!self.in_whole_) return self.wrong("a whole was abandoned that never began");
    self.withdraw();
    return FRESHET_OK;
  }

  // The entry that `name` is in the listing of an open directory, by its ordinal; null with a broken rule when it is none.
  const Node* listed(freshet_dir* handle, const freshet_entry* entry, const char* function) {
    Dir* const dir = known(handle);
    if (dir == nullptr || entry == nullptr || entry->size < sizeof(freshet_entry) || entry->name.data == nullptr ||
        entry->ordinal >= dir->listed || dir->shown[entry->ordinal] == 0) {
      broke(std::string(function) + " was given what was not listed");
      return nullptr;
    }
    const Node& node = child(*dir, dir->shown[entry->ordinal] - 1);
    if (node.name == std::string_view(entry->name.data, entry->name.length)) return &node;
    broke(std::string(function) + " was given what was not listed there: " + node.name);
    return nullptr;
  }

  static freshet_status do_needs_free(const freshet_host* host, freshet_dir* directory, const freshet_entry* entry) {
    FakeHost& self = of(host);
    if (!self.in_scan("together.needs_free")) return FRESHET_INVALID;
    if (!self.in_whole_) return self.wrong("needs_free was called outside of a whole");
    const Node* const node = self.listed(directory, entry, "needs_free");
    if (node == nullptr) return FRESHET_INVALID;
    if (node->held) self.spared.push_back(self.known(directory)->path + "/" + node->name);
    self.whole_stays_ = self.whole_stays_ || node->held;
    return FRESHET_OK;
  }

  static freshet_status do_link_target(const freshet_host* host, freshet_dir* directory, freshet_bytes name, char* to,
                                       std::size_t room, std::size_t* got) {
    FakeHost& self = of(host);
    if (!self.in_scan("links.target")) return FRESHET_INVALID;
    Dir* const dir = self.known(directory);
    if (dir == nullptr || name.data == nullptr || to == nullptr || got == nullptr) return self.wrong("target was given null, or what is not open");
    *got = 0;
    const std::string wanted(name.data, name.length);
    Node* const node = dir->node->find(wanted);
    if (node == nullptr || detail::is_hidden(*node)) return self.wrong("target was given a name that is not there: " + wanted);
    if (node->type != FRESHET_SYMLINK) return self.wrong("target was given what is no link: " + wanted);
    if (node->unreadable || node->vanishes) return self.cannot_read(dir->path + "/" + wanted);
    if (node->target.size() > room || (node->target.size() == room && room < FRESHET_LINKS_LONGEST)) return FRESHET_INVALID;
    std::memcpy(to, node->target.data(), node->target.size());
    *got = node->target.size();
    return FRESHET_OK;
  }

  static freshet_status do_file_open(const freshet_host* host, freshet_dir* directory, freshet_bytes name, freshet_file** out) {
    FakeHost& self = of(host);
    if (!self.in_scan("contents.open")) return FRESHET_INVALID;
    Dir* const dir = self.known(directory);
    if (dir == nullptr || name.data == nullptr || out == nullptr) return self.wrong("contents.open was given null, or what is not open");
    *out = nullptr;
    const std::string wanted(name.data, name.length);
    Node* const node = dir->node->find(wanted);
    if (node == nullptr || detail::is_hidden(*node)) return self.wrong("contents.open was given a name that is not there: " + wanted);
    if (node->type != FRESHET_FILE) return self.wrong("contents.open was given what is no file: " + wanted);
    if (node->unreadable || node->vanishes) return self.cannot_read(dir->path + "/" + wanted);
    if (self.files_.size() >= FRESHET_CONTENTS_OPEN) return FRESHET_FAILED;
    self.files_.push_back(std::make_unique<std::string>(node->text));
    *out = reinterpret_cast<freshet_file*>(self.files_.back().get());
    return FRESHET_OK;
  }

  // The place of an open file; the end for one that is none.
  auto file_at(const freshet_file* file) {
    return std::find_if(files_.begin(), files_.end(),
                        [&](const auto& one) { return reinterpret_cast<const freshet_file*>(one.get()) == file; });
  }

  static freshet_status do_file_read(const freshet_host* host, freshet_file* file, std::uint64_t offset, void* to,
                                     std::size_t room, std::size_t* got) {
    FakeHost& self = of(host);
    if (!self.in_scan("contents.read")) return FRESHET_INVALID;
    const auto found = self.file_at(file);
    if (found == self.files_.end() || to == nullptr || room == 0 || got == nullptr)
      return self.wrong("contents.read was given null, no room, or what is not open");
    const std::string& text = **found;
    *got = offset >= text.size() ? 0 : std::min(room, text.size() - static_cast<std::size_t>(offset));
    if (*got == 0) return FRESHET_END;
    std::memcpy(to, text.data() + offset, *got);
    return FRESHET_OK;
  }

  static void do_file_close(const freshet_host* host, freshet_file* file) {
    FakeHost& self = of(host);
    if (file == nullptr || !self.in_scan("contents.close")) return;
    const auto found = self.file_at(file);
    if (found == self.files_.end()) return self.broke("contents.close was given what is not open");
    self.files_.erase(found);
  }

  static freshet_status do_ipc_object(const freshet_host* host, std::uint64_t index, freshet_ipc_object* out) {
    FakeHost& self = of(host);
    if (!self.in_scan("ipc.object")) return FRESHET_INVALID;
    if (out == nullptr || out->size < sizeof(freshet_ipc_object)) return self.wrong("ipc.object was given no room, or no size");
    if (index >= self.ipc_objects_.size()) return FRESHET_END;
    const std::uint32_t size = out->size;
    *out = self.ipc_objects_[static_cast<std::size_t>(index)];
    out->size = size;
    return FRESHET_OK;
  }

  static freshet_status do_ipc_propose(const freshet_host* host, std::uint64_t index, freshet_finding_kind kind, freshet_bytes reason) {
    FakeHost& self = of(host);
    if (!self.in_scan("ipc.propose")) return FRESHET_INVALID;
    if (self.state_ == State::verifying) return self.wrong("an IPC object was proposed in verify");
    const std::string_view text(reason.data == nullptr ? "" : reason.data, reason.length);
    if (index >= self.ipc_objects_.size() || kind < FRESHET_AGED || kind > FRESHET_LEFTOVER || text.size() > kMaxReason ||
        !detail::is_utf8(text))
      return self.wrong("ipc.propose was given what is no object, no kind or no reason");
    if (self.cancelled) return FRESHET_CANCELLED;
    self.ipc_findings.push_back({index, kind, std::string(text)});
    return FRESHET_OK;
  }

  // Of revision 1: the place of an object that it has, else one that nobody has.
  [[nodiscard]] std::uint64_t first_ipc_place(std::uint64_t index) const {
    for (std::uint64_t i = 0; i < ipc_objects_.size() && i <= index; ++i) {
      if (ipc_objects_[static_cast<std::size_t>(i)].kind == FRESHET_IPC_POSIX_MSG) return ipc_objects_.size();
    }
    return index;
  }
  static freshet_status do_ipc_object_first(const freshet_host* host, std::uint64_t index, freshet_ipc_object* out) {
    return do_ipc_object(host, of(host).first_ipc_place(index), out);
  }
  static freshet_status do_ipc_propose_first(const freshet_host* host, std::uint64_t index, freshet_finding_kind kind,
                                             freshet_bytes reason) {
    return do_ipc_propose(host, of(host).first_ipc_place(index), kind, reason);
  }

  static void* do_buffer_get(const freshet_host* host, std::size_t bytes) {
    FakeHost& self = of(host);
    void* const out = std::malloc(bytes == 0 ? 1 : bytes);
    const std::lock_guard<std::mutex> lock(self.mutex_);
    if (out != nullptr && self.buffers_.insert(out).second) ++self.buffers_out;
    return out;
  }
  static void do_buffer_put(const freshet_host* host, void* buffer) {
    if (buffer == nullptr) return;
    FakeHost& self = of(host);
    {
      const std::lock_guard<std::mutex> lock(self.mutex_);
      if (self.buffers_.erase(buffer) == 0) {
        self.broken_rules.emplace_back("buffer_put was given what buffer_get did not hand out");
        return;
      }
      --self.buffers_out;
    }
    std::free(buffer);
  }

  static constexpr std::size_t kKeptHandles = 4096;

  freshet_host table_{};
  freshet_guard guard_{};
  std::unique_ptr<FakePlanned> in_hand_;
  freshet_together together_{};
  freshet_contents contents_{};
  freshet_links links_{};
  freshet_ipc ipc_{};
  freshet_ipc ipc_first_{};
  std::vector<freshet_ipc_object> ipc_objects_;
  std::vector<std::unique_ptr<std::string>> files_;  // open ones
  bool in_whole_ = false;       // begun, and not ended
  bool whole_stays_ = false;    // something in it is held
  std::size_t whole_from_ = 0;  // its first finding
  Tree tree_;
  State state_ = State::idle;
  std::thread::id thread_;
  std::unordered_map<const freshet_dir*, std::unique_ptr<Dir>> open_;
  std::deque<std::unique_ptr<Dir>> closed_;
  std::uint64_t last_inode_ = 1'000'000'000;

  std::mutex mutex_;  // the log, the broken rules and the buffers
  std::size_t lines_ = 0;
  std::set<void*> buffers_;
};

// Owns the values that a freshet_setting only points to. Set again, a name has the later value.
class FakeSettings {
 public:
  FakeSettings& boolean(std::string name, bool value) { return whole(std::move(name), value ? 1 : 0, FRESHET_BOOLEAN); }
  FakeSettings& integer(std::string name, std::int64_t value) { return whole(std::move(name), value, FRESHET_INTEGER); }
  // Nanoseconds.
  FakeSettings& duration(std::string name, std::int64_t value) { return whole(std::move(name), value, FRESHET_DURATION); }
  // Bytes.
  FakeSettings& size(std::string name, std::int64_t value) { return whole(std::move(name), value, FRESHET_SIZE); }
  FakeSettings& number(std::string name, double value) {
    slot(std::move(name), FRESHET_NUMBER).number = value;
    return *this;
  }
  FakeSettings& string(std::string name, std::string value) {
    const freshet_bytes text = keep(std::move(value));
    slot(std::move(name), FRESHET_STRING).string = text;
    return *this;
  }
  FakeSettings& strings(std::string name, std::vector<std::string> values) {
    lists_.emplace_back();
    for (std::string& value : values) lists_.back().push_back(keep(std::move(value)));
    freshet_setting& setting = slot(std::move(name), FRESHET_STRINGS);
    setting.strings = lists_.back().data();
    setting.count = lists_.back().size();
    return *this;
  }

  [[nodiscard]] const freshet_setting* data() const { return settings_.data(); }
  [[nodiscard]] std::uint64_t count() const { return settings_.size(); }

 private:
  freshet_bytes keep(std::string text) {
    texts_.push_back(std::move(text));
    return {texts_.back().data(), texts_.back().size()};
  }
  freshet_setting& slot(std::string name, freshet_value_type type) {
    settings_.erase(std::remove_if(settings_.begin(), settings_.end(), [&](const freshet_setting& one) { return name == one.name; }),
                    settings_.end());
    freshet_setting out{};
    out.size = sizeof out;
    out.type = type;
    out.name = keep(std::move(name)).data;
    settings_.push_back(out);
    return settings_.back();
  }
  FakeSettings& whole(std::string name, std::int64_t value, freshet_value_type type) {
    slot(std::move(name), type).integer = value;
    return *this;
  }

  std::deque<std::string> texts_;
  std::deque<std::vector<freshet_bytes>> lists_;
  std::vector<freshet_setting> settings_;
};

// One task of a plugin, configured. The host outlives it.
class RunningTask {
 public:
  using Entry = freshet_status (*)(const freshet_host*, freshet_plugin*);

  RunningTask(FakeHost& host, Entry entry, const char* kind, const FakeSettings& settings) : host_(host) {
    plugin_.size = sizeof plugin_;
    configured = entry(host.table(), &plugin_);
    if (configured == FRESHET_OK) check_table();
    if (configured == FRESHET_OK)
      configured = plugin_.configure(host.table(), kind, settings.data(), settings.count(), &task_);
    if (configured == FRESHET_OK && task_ == nullptr) host.broke("configure returned OK and no task");
  }
  ~RunningTask() {
    if (task_ != nullptr) plugin_.destroy(task_);
    if (host_.buffers_out != 0) host_.broke("a buffer of the host's was never given back");
  }
  RunningTask(const RunningTask&) = delete;
  RunningTask& operator=(const RunningTask&) = delete;

  freshet_status configured = FRESHET_FAILED;

  freshet_status scan() { return call(plugin_.scan, false); }
  // OK for a plugin that has none.
  freshet_status verify() { return plugin_.verify == nullptr ? freshet_status{FRESHET_OK} : call(plugin_.verify, true); }
  [[nodiscard]] bool has_verify() const { return plugin_.verify != nullptr; }
  [[nodiscard]] const freshet_plugin& plugin() const { return plugin_; }

 private:
  void check_table() {
    if (plugin_.describe != nullptr && plugin_.configure != nullptr && plugin_.scan != nullptr && plugin_.destroy != nullptr &&
        freshet_abi_compatible(host_.table()->abi, plugin_.abi) != 0)
      return;
    host_.broke("the entry left out a required function, or is of another ABI");
    configured = FRESHET_FAILED;
  }
  freshet_status call(freshet_status (*function)(freshet_task*, const freshet_host*), bool verify) {
    if (task_ == nullptr) return FRESHET_FAILED;
    host_.begin(verify);
    const freshet_status out = function(task_, host_.table());
    host_.end();
    return out;
  }

  FakeHost& host_;
  freshet_plugin plugin_{};
  freshet_task* task_ = nullptr;
};

}  // namespace freshet::testing

#endif  // FRESHET_TESTING_HPP

// C++17 on top of freshet/plugin.h: tasks as classes, settings by name, directories as ranges. Header only; nothing of
// it crosses the border but the C structs, so plugin and host may be built with different compilers.
//
//   class OldLogs final : public freshet::Task {
//    public:
//     explicit OldLogs(const freshet::Settings& settings) : limit_(settings.duration("older-than")) {}
//     void scan(freshet::Host& host) override;
//     ...
//   };
//   FRESHET_MANIFEST("id = \"org.example.old-logs\"\n...");
//   FRESHET_PLUGIN(freshet::kind<OldLogs>("old-logs"))
//
// Exceptions: a task may throw. Every callback catches, writes one line to the log and returns a status.
// Threads: a Host may be copied to other threads of a scan for log, now, cancelled and buffer; all else stays on the
// thread that called `scan`.
#ifndef FRESHET_PLUGIN_HPP
#define FRESHET_PLUGIN_HPP

#include <cstddef>
#include <cstdint>
#include <exception>
#include <iterator>
#include <memory>
#include <new>
#include <stdexcept>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "freshet/plugin.h"

namespace freshet {

// Settings that do not make sense together: throw it from a task's constructor. The text is shown to the operator.
class Invalid : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

// The host wants the scan to end. Thrown by `propose` and `Host::stop_if_cancelled`; let it through.
class Cancelled : public std::exception {
 public:
  [[nodiscard]] const char* what() const noexcept override { return "cancelled"; }
};

inline std::string_view view(freshet_bytes bytes) { return {bytes.data, bytes.length}; }
inline freshet_bytes bytes(std::string_view text) { return {text.data(), text.size()}; }

// What the operator set, by the manifest's names; types, ranges and defaults have been seen to. Valid inside the task's
// constructor only: take what you need. Asking for a name or type that the manifest does not have throws Invalid.
class Settings {
 public:
  Settings(const freshet_setting* settings, std::uint64_t count) : settings_(settings), count_(count) {}

  [[nodiscard]] bool boolean(std::string_view name) const { return find(name, FRESHET_BOOLEAN).integer != 0; }
  [[nodiscard]] std::int64_t integer(std::string_view name) const { return find(name, FRESHET_INTEGER).integer; }
  [[nodiscard]] double number(std::string_view name) const { return find(name, FRESHET_NUMBER).number; }
  // Nanoseconds.
  [[nodiscard]] std::int64_t duration(std::string_view name) const { return find(name, FRESHET_DURATION).integer; }
  // Bytes.
  [[nodiscard]] std::uint64_t size(std::string_view name) const {
    return static_cast<std::uint64_t>(find(name, FRESHET_SIZE).integer);
  }
  [[nodiscard]] std::string string(std::string_view name) const {
    return std::string(view(find(name, FRESHET_STRING).string));
  }
  [[nodiscard]] std::vector<std::string> strings(std::string_view name) const {
    const freshet_setting& setting = find(name, FRESHET_STRINGS);
    std::vector<std::string> out;
    for (std::uint64_t i = 0; i < setting.count; ++i) out.emplace_back(view(setting.strings[i]));
    return out;
  }

 private:
  [[nodiscard]] const freshet_setting& find(std::string_view name, freshet_value_type type) const {
    const auto* at = reinterpret_cast<const char*>(settings_);
    for (std::uint64_t i = 0; i < count_; ++i) {
      // A newer host's settings may be longer than ours: its own size is the step.
      const auto& setting = *reinterpret_cast<const freshet_setting*>(at);
      if (setting.name == name && setting.type == type) return setting;
      at += setting.size;
    }
    throw Invalid("the manifest has no setting `" + std::string(name) + "` of the type the plugin asks for");
  }

  const freshet_setting* settings_;
  std::uint64_t count_;
};

// One entry of a directory. Its name is valid until the directory goes on to the next.
struct Entry : freshet_entry {
  [[nodiscard]] std::string_view file_name() const { return view(name); }
  [[nodiscard]] bool is_directory() const { return type == FRESHET_DIRECTORY; }
  [[nodiscard]] bool is_mount_point() const { return (flags & FRESHET_ENTRY_MOUNT_POINT) != 0; }
};

struct Finding {
  std::string_view reason;  // plain words, at most 512 bytes
  freshet_finding_kind kind = FRESHET_AGED;
  freshet_cost_class cost = FRESHET_UNIQUE;
  std::uint64_t cost_bytes = 0;
};

namespace detail {
// What a scan has run into; one for all copies of a Host.
struct ScanState {
  bool unreadable = false;
};
}  // namespace detail

// An open directory, closed at the end of its scope (children have to be closed first). Iterate once; `for (const Entry& entry : directory)`. One that
// could not be opened is false and has no entries; the host has noted why, and the scan ends as incomplete.
class Directory {
 public:
  Directory() = default;
  Directory(Directory&& other) noexcept
      : host_(other.host_), state_(other.state_), dir_(std::exchange(other.dir_, nullptr)), complete_(other.complete_) {}
  Directory& operator=(Directory&& other) noexcept {
    if (this != &other) {
      close();
      host_ = other.host_;
      state_ = other.state_;
      dir_ = std::exchange(other.dir_, nullptr);
      complete_ = other.complete_;
    }
    return *this;
  }
  Directory(const Directory&) = delete;
  Directory& operator=(const Directory&) = delete;
  ~Directory() { close(); }

  explicit operator bool() const { return dir_ != nullptr; }

  // The next entry; false at the end and where the listing broke off (then `complete` stays false).
  bool next(Entry& out) {
    if (!dir_) return false;
    out.size = sizeof(freshet_entry);
    const freshet_status status = host_->dir_next(host_, dir_, &out);
    if (status == FRESHET_OK) return true;
    complete_ = status == FRESHET_END;
    if (!complete_) state_->unreadable = true;
    return false;
  }
  // True once the listing came to its end.
  [[nodiscard]] bool complete() const { return complete_; }
  // For tables of optional features; owned by this object.
  [[nodiscard]] freshet_dir* raw() const { return dir_; }

  // A subdirectory.
  [[nodiscard]] Directory open(const Entry& entry) { return opened(host_, state_, 0, dir_, entry.name); }

  // Proposes an entry of this directory. Throws Cancelled.
  void propose(const Entry& entry, const Finding& finding) {
    freshet_finding raw{};
    raw.size = sizeof raw;
    raw.kind = finding.kind;
    raw.directory = dir_;
    raw.entry = &entry;
    raw.reason = bytes(finding.reason);
    raw.cost = finding.cost;
    raw.cost_bytes = finding.cost_bytes;
    const freshet_status status = host_->emit_finding(host_, &raw);
    if (status == FRESHET_CANCELLED) throw Cancelled();
    if (status != FRESHET_OK)
      throw std::runtime_error("the host refused the finding `" + std::string(entry.file_name()) + "`");
  }

  void close() {
    if (dir_) host_->dir_close(host_, std::exchange(dir_, nullptr));
  }

  // So that range-for works; the entry lives in the iterator.
  class Iterator {
   public:
    Iterator() = default;
    explicit Iterator(Directory* directory) : directory_(directory) { ++*this; }
    const Entry& operator*() const { return entry_; }
    const Entry* operator->() const { return &entry_; }
    Iterator& operator++() {
      if (!directory_->next(entry_)) directory_ = nullptr;
      return *this;
    }
    bool operator!=(const Iterator& other) const { return directory_ != other.directory_; }

   private:
    Directory* directory_ = nullptr;
    Entry entry_{};
  };
  Iterator begin() { return Iterator(this); }
  Iterator end() { return {}; }

 private:
  friend class Host;

  static Directory opened(const freshet_host* host, detail::ScanState* state, std::uint32_t root, freshet_dir* parent,
                          freshet_bytes name) {
    Directory out;
    out.host_ = host;
    out.state_ = state;
    if (host->dir_open(host, root, parent, name, &out.dir_) != FRESHET_OK) {
      out.dir_ = nullptr;
      state->unreadable = true;
    }
    return out;
  }

  const freshet_host* host_ = nullptr;
  detail::ScanState* state_ = nullptr;
  freshet_dir* dir_ = nullptr;
  bool complete_ = false;
};

struct Root {
  std::uint32_t index = 0;
  std::string_view path;  // as the operator wrote it; for messages only
};

// A buffer from the host's pool, given back at the end of its scope.
class Buffer {
 public:
  Buffer(const freshet_host* host, std::size_t size)
      : host_(host), data_(static_cast<std::byte*>(host->buffer_get(host, size))), size_(size) {
    if (!data_) throw std::bad_alloc();
  }
  Buffer(const Buffer&) = delete;
  Buffer& operator=(const Buffer&) = delete;
  ~Buffer() { host_->buffer_put(host_, data_); }

  [[nodiscard]] std::byte* data() const { return data_; }
  [[nodiscard]] std::size_t size() const { return size_; }

 private:
  const freshet_host* host_;
  std::byte* data_;
  std::size_t size_;
};

// The host of one scan.
class Host {
 public:
  Host(const freshet_host* host, detail::ScanState* state) : host_(host), state_(state) {}

  void log(freshet_log_level level, std::string_view text) const { host_->log(host_, level, text.data(), text.size()); }
  // The time of the plan, nanoseconds since the epoch; one value for the whole scan.
  [[nodiscard]] std::int64_t now() const { return host_->now(host_); }
  [[nodiscard]] bool cancelled() const { return host_->cancelled(host_) != 0; }
  // Call it now and then in a long loop: throws Cancelled.
  void stop_if_cancelled() const {
    if (cancelled()) throw Cancelled();
  }
  void progress(std::uint64_t done, std::uint64_t total = 0) const { host_->progress(host_, done, total); }
  [[nodiscard]] Buffer buffer(std::size_t size) const { return Buffer(host_, size); }

  // An optional feature by its own header's table, or nullptr.
  template <class Table>
  [[nodiscard]] const Table* feature(const char* id, std::uint32_t revision) const {
    return static_cast<const Table*>(host_->feature(host_, id, revision));
  }

  // The granted roots.
  [[nodiscard]] std::vector<Root> roots() const {
    std::vector<Root> out;
    freshet_root raw{};
    raw.size = sizeof raw;
    while (host_->root(host_, static_cast<std::uint32_t>(out.size()), &raw) == FRESHET_OK)
      out.push_back({raw.index, view(raw.path)});
    return out;
  }
  [[nodiscard]] Directory open(const Root& root) const {
    return Directory::opened(host_, state_, root.index, nullptr, freshet_bytes{nullptr, 0});
  }

  // Calls visit(directory, entry) for every entry below the root, at any depth on a small stack. A directory comes after
  // what is in it; one that cannot be opened (a mount point, an unreadable one) comes alone. Throws Cancelled when the host
  // wants the scan to end.
  template <class Visit>
  void walk(const Root& root, Visit&& visit) const;

  // Makes the scan count as incomplete.
  void mark_incomplete() { state_->unreadable = true; }

  [[nodiscard]] const freshet_host* raw() const { return host_; }

 private:
  const freshet_host* host_;
  detail::ScanState* state_;
};

template <class Visit>
void Host::walk(const Root& root, Visit&& visit) const {
  struct Level {
    Directory directory;
    Entry entry{};
  };
  struct Levels : std::vector<Level> {
    ~Levels() {  // children close before parents, also when an exception passes; a vector's own order is the other
      while (!this->empty()) this->pop_back();
    }
  } levels;
  levels.push_back({open(root), {}});
  while (!levels.empty()) {
    stop_if_cancelled();
    Level& level = levels.back();
    if (!level.directory.next(level.entry)) {
      levels.pop_back();
      if (!levels.empty()) visit(levels.back().directory, std::as_const(levels.back().entry));
    } else if (level.entry.is_directory() && !level.entry.is_mount_point()) {
      Directory inner = level.directory.open(level.entry);
      levels.push_back({std::move(inner), {}});
    } else {
      visit(level.directory, std::as_const(level.entry));
    }
  }
}

// A configured task. Its constructor takes a `const Settings&` and throws Invalid when they make no sense.
class Task {
 public:
  Task() = default;
  Task(const Task&) = delete;
  Task& operator=(const Task&) = delete;
  virtual ~Task() = default;

  // Walks the roots and proposes. The scan is complete unless something could not be opened or read.
  virtual void scan(Host& host) = 0;
  // Looks again after the removal, proposing nothing; true when the world is as the task wants it. Optional.
  virtual bool verify(Host& host) {
    (void)host;
    return true;
  }
};

struct Kind {
  const char* name;
  std::unique_ptr<Task> (*make)(const Settings& settings);
  bool has_verify;
};

// A task kind: the name in the manifest and the class behind it.
template <class T>
constexpr Kind kind(const char* name) {
  static_assert(std::is_base_of_v<Task, T>, "a task kind needs a class derived from freshet::Task");
  return {name, [](const Settings& settings) -> std::unique_ptr<Task> { return std::make_unique<T>(settings); },
          !std::is_same_v<decltype(&T::verify), bool (Task::*)(Host&)>};
}

namespace detail {

inline void log_error(const freshet_host* host, std::string_view text) noexcept {
  host->log(host, FRESHET_LOG_ERROR, text.data(), text.size());
}

// Runs `body` and turns whatever it throws into a status.
template <class Body>
freshet_status guarded(const freshet_host* host, Body&& body) noexcept {
  try {
    return body();
  } catch (const Cancelled&) {
    return FRESHET_CANCELLED;
  } catch (const Invalid& error) {
    log_error(host, error.what());
    return FRESHET_INVALID;
  } catch (const std::bad_alloc&) {
    return FRESHET_NO_MEMORY;
  } catch (const std::exception& error) {
    log_error(host, error.what());
    return FRESHET_FAILED;
  } catch (...) {
    log_error(host, "an exception of unknown type");
    return FRESHET_FAILED;
  }
}

// The C functions of a plugin with these kinds.
template <const auto& kKinds>
struct Functions {
  static freshet_status describe(std::uint32_t index, const char** name) noexcept {
    if (index >= std::size(kKinds)) return FRESHET_END;
    *name = kKinds[index].name;
    return FRESHET_OK;
  }

  static freshet_status configure(const freshet_host* host, const char* name, const freshet_setting* settings,
                                  std::uint64_t count, freshet_task** out) noexcept {
    return guarded(host, [&]() -> freshet_status {
      for (const Kind& kind : kKinds) {
        if (std::string_view(kind.name) != name) continue;
        *out = reinterpret_cast<freshet_task*>(kind.make(Settings(settings, count)).release());
        return FRESHET_OK;
      }
      return FRESHET_UNKNOWN;
    });
  }

  static freshet_status scan(freshet_task* task, const freshet_host* host) noexcept {
    return guarded(host, [&]() -> freshet_status {
      ScanState state;
      Host wrapped(host, &state);
      reinterpret_cast<Task*>(task)->scan(wrapped);
      return state.unreadable ? FRESHET_UNREADABLE : FRESHET_OK;
    });
  }

  static freshet_status verify(freshet_task* task, const freshet_host* host) noexcept {
    return guarded(host, [&]() -> freshet_status {
      ScanState state;
      Host wrapped(host, &state);
      if (!reinterpret_cast<Task*>(task)->verify(wrapped)) return FRESHET_FAILED;
      return state.unreadable ? FRESHET_UNREADABLE : FRESHET_OK;
    });
  }

  static void destroy(freshet_task* task) noexcept { delete reinterpret_cast<Task*>(task); }

  static freshet_status entry(const freshet_host* host, freshet_plugin* out) noexcept {
    const freshet_version mine{FRESHET_ABI_MAJOR, FRESHET_ABI_MINOR};
    if (!freshet_abi_compatible(host->abi, mine) || out->size < sizeof(freshet_plugin)) {
      log_error(host, "this host speaks another plugin ABI");
      return FRESHET_FAILED;
    }
    bool any_verify = false;
    for (const Kind& kind : kKinds) any_verify = any_verify || kind.has_verify;
    *out = freshet_plugin{sizeof(freshet_plugin), mine, describe, configure, scan, any_verify ? verify : nullptr,
                          destroy, nullptr};
    return FRESHET_OK;
  }
};

}  // namespace detail
}  // namespace freshet

// Defines the plugin: FRESHET_PLUGIN(freshet::kind<A>("a"), freshet::kind<B>("b")), once, at file scope.
#define FRESHET_PLUGIN(...)                                                                               \
  namespace {                                                                                             \
  constexpr ::freshet::Kind freshet_plugin_kinds[] = {__VA_ARGS__};                                       \
  }                                                                                                       \
  extern "C" FRESHET_EXPORT freshet_status freshet_plugin_entry(const freshet_host* host,                 \
                                                                freshet_plugin* out) {                    \
    return ::freshet::detail::Functions<freshet_plugin_kinds>::entry(host, out);                          \
  }

#endif  // FRESHET_PLUGIN_HPP

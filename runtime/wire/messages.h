#pragma once

#include <array>
#include <concepts>
#include <cstdint>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

#include "runtime/base/identity.h"
#include "runtime/base/tree_digest.h"
#include "runtime/wire/codec.h"

// Every message between the manager and a role. PROTOCOL.md beside this file says who sends which and when; the caps
// here are the ones it names.
namespace freshet::wire {

inline constexpr std::uint32_t kProtocolVersion = 9;
inline constexpr std::uint32_t kMagic = 0x54485246;  // "FRHT"

inline constexpr std::size_t kMaxName = 255;
inline constexpr std::size_t kMaxPath = 48 * 1024;  // of a directory below a root; longer ones are refused by name
inline constexpr std::size_t kMaxText = 1024;
inline constexpr std::size_t kMaxReason = 512;
inline constexpr std::size_t kMaxRoots = 48;
inline constexpr std::size_t kMaxExcludes = 256;
inline constexpr std::size_t kMaxFilter = 4096;      // BPF instructions, the kernel's own limit
inline constexpr std::size_t kMaxSettings = 256;
inline constexpr std::size_t kMaxSettingText = 4096;
inline constexpr std::size_t kMaxKinds = 64;

template <class M, class T>
concept Is = std::same_as<std::remove_const_t<M>, T>;

enum class MessageType : std::uint8_t {
  hello = 1,
  setup = 2,
  locked = 3,
  canary = 4,
  failed = 5,
  // worker
  load = 16,
  loaded = 17,
  scan = 18,
  events = 19,
  scan_end = 20,
  cancel = 21,
  verify = 22,
  release = 23,
  released = 24,
  prove = 25,
  proved = 26,
  ipc_listing = 27,
  rehearse = 28,
  tree = 29,
  planned = 30,
  // broker
  begin = 32,
  slots = 33,
  slots_ready = 34,
  units = 35,
  outcomes = 36,
  finish = 37,
  finished = 38,
  in_use = 39,
  purge = 40,
  restore = 41,
  restored = 42,
  trial = 43,
  working = 44,
  ipc_remove = 45,
  ipc_outcomes = 46,
  // probe
  inspect = 48,
  inspected = 49,
};

enum class Role : std::uint8_t { worker = 0, broker = 1, probe = 2 };

// ---- start of every role ----

// Role to manager, first of all.
struct Hello {
  static constexpr auto kType = MessageType::hello;
  std::uint32_t magic = kMagic;
  std::uint32_t version = kProtocolVersion;
  Role role = Role::worker;
};
template <class A, Is<Hello> M>
void visit(A& a, M& m) {
  a.number(m.magic);
  a.number(m.version);
  a.enumeration(m.role, Role::probe);
}

// One granted root as a role gets it. Its directory descriptor comes with the packet, in the order of the list.
struct RootSpec {
  std::string path;                   // absolute; the worker opens it again in its own mount namespace
  bool read_contents = false;
  bool remove = false;                // broker: entries may leave it; else it has no right at all there
  std::vector<std::string> excludes;  // relative to the root; never seen, never touched
  std::uint64_t dev = 0;              // as the manager sees it now: the worker's must be the same directory
  std::uint64_t inode = 0;
  bool stable_birth = true;           // false on overlayfs: identities leave the birth time out
  std::uint32_t top = 0;              // broker: its area stands in Setup::tops[top - 1]; 0: in the root itself
  std::string below_top;              // the root, relative to that directory; "" is the directory itself
};
template <class A, Is<RootSpec> M>
void visit(A& a, M& m) {
  a.string(m.path, 4096);
  a.boolean(m.read_contents);
  a.boolean(m.remove);
  a.list(m.excludes, kMaxExcludes, [](auto& x, auto& s) { x.string(s, 4096); });
  a.number(m.dev);
  a.number(m.inode);
  a.boolean(m.stable_birth);
  a.number(m.top);
  a.string(m.below_top, 4096);
}

// In every quarantine area: the file that says so.
inline constexpr const char* kAreaMarker = ".freshet-area";

// What a directory beside the roots is for: quarantine areas of roots below it, at the top of their mount; or, of a broker
// of IPC objects, where POSIX objects are files.
enum class TopUse : std::uint8_t { areas = 0, shm, queues };

// Its descriptor comes with the packet.
struct TopSpec {
  std::string path;  // for texts
  std::uint64_t dev = 0;
  std::uint64_t inode = 0;
  TopUse use = TopUse::areas;
};
template <class A, Is<TopSpec> M>
void visit(A& a, M& m) {
  a.string(m.path, 4096);
  a.number(m.dev);
  a.number(m.inode);
  a.enumeration(m.use, TopUse::queues);
}

// Everything a role needs to lock itself; made by the manager's sandbox layer, obeyed without a choice.
// Descriptors: the roots', then for a broker the tops', then for worker and probe the plugin's sealed memfd (if
// `has_plugin`).
struct Setup {
  static constexpr auto kType = MessageType::setup;
  Role role = Role::worker;
  bool strict = true;            // a layer that cannot be had ends the role
  bool private_root = true;      // pivot_root to a tmpfs (worker and probe with a mount namespace)
  bool cloned_roots = false;     // .. and the roots' descriptors are unattached clones, mapped for this role's namespace
  bool own_user_namespace = true;
  bool own_pid_namespace = true;
  bool has_plugin = false;
  std::uint8_t libraries = 0;    // manifest::LibrarySet, of the worker's plugin
  std::uint32_t uid = 0;         // to become, as the role's own user namespace numbers it; 0 with keep_ids
  std::uint32_t gid = 0;
  bool keep_ids = false;         // an ordinary user, or no right to change ids
  std::uint32_t fs_uid = 0;      // broker: owner of what it makes
  std::uint32_t fs_gid = 0;
  std::uint64_t keep_capabilities = 0;  // mask; everything else is dropped for good
  std::uint32_t landlock_abi = 0;       // best to use; 0: none (best-effort only)
  bool deny_write_execute = true;       // PR_SET_MDWE where the kernel has it
  std::uint64_t memory_bytes = 0;       // RLIMIT_AS; 0: none
  std::uint64_t cpu_seconds = 0;
  std::uint64_t file_size_bytes = 0;
  std::uint32_t open_files = 64;
  std::uint32_t processes = 1;          // RLIMIT_NPROC; 0: not set
  bool ipc = false;                     // broker of IPC objects: no root, and of the tops only that files in them may go
  bool area_only = false;               // purge: Landlock grants the areas, and of a root only the removal of its area
  bool read_area = false;               // restore, purge: Landlock lets files in the areas be read (tables, markers)
  std::vector<RootSpec> roots;
  std::vector<std::string> areas;       // per root: name of its quarantine area, in the root or its top; "" for none.
                                        // In the root nothing of that name is shown or touched, wherever the area is
  std::vector<TopSpec> tops;            // broker
  std::vector<std::array<std::uint8_t, 8>> filter;  // struct sock_filter; empty: none (best-effort only)
};
template <class A, Is<Setup> M>
void visit(A& a, M& m) {
  a.enumeration(m.role, Role::probe);
  a.boolean(m.strict);
  a.boolean(m.private_root);
  a.boolean(m.cloned_roots);
  a.boolean(m.own_user_namespace);
  a.boolean(m.own_pid_namespace);
  a.boolean(m.has_plugin);
  a.number(m.libraries);
  a.number(m.uid);
  a.number(m.gid);
  a.boolean(m.keep_ids);
  a.number(m.fs_uid);
  a.number(m.fs_gid);
  a.number(m.keep_capabilities);
  a.number(m.landlock_abi);
  a.boolean(m.deny_write_execute);
  a.number(m.memory_bytes);
  a.number(m.cpu_seconds);
  a.number(m.file_size_bytes);
  a.number(m.open_files);
  a.number(m.processes);
  a.boolean(m.ipc);
  a.boolean(m.area_only);
  a.boolean(m.read_area);
  a.list(m.roots, kMaxRoots, [](auto& x, auto& r) { visit(x, r); });
  a.list(m.areas, kMaxRoots, [](auto& x, auto& s) { x.string(s, kMaxName); });
  a.list(m.tops, kMaxRoots, [](auto& x, auto& t) { visit(x, t); });
  a.list(m.filter, kMaxFilter, [](auto& x, auto& f) { x.bytes(f); });
}

// Role to manager: everything is locked; the listener of its seccomp filter comes with it (if there is a filter).
// Right after it the role makes one forbidden call, which the manager answers with errno = a nonce it chose.
struct Locked {
  static constexpr auto kType = MessageType::locked;
  std::vector<std::string> missing;  // layers that could not be had (best-effort)
};
template <class A, Is<Locked> M>
void visit(A& a, M& m) {
  a.list(m.missing, 32, [](auto& x, auto& s) { x.string(s, kMaxText); });
}

// Role to manager: the errno the forbidden call got. Proves that the filter is on and that its listener is this one.
struct Canary {
  static constexpr auto kType = MessageType::canary;
  std::uint32_t seen = 0;
};
template <class A, Is<Canary> M>
void visit(A& a, M& m) {
  a.number(m.seen);
}

// Role to manager: it cannot go on, and ends.
struct Failed {
  static constexpr auto kType = MessageType::failed;
  std::string code;  // "F2010", or empty
  std::string what;
  std::int32_t error_number = 0;
};
template <class A, Is<Failed> M>
void visit(A& a, M& m) {
  a.string(m.code, 16);
  a.string(m.what, kMaxText);
  a.number(m.error_number);
}

// ---- worker ----

enum class SettingTag : std::uint8_t { boolean = 0, integer, number, string, duration, size, strings };

struct Setting {
  std::string name;
  SettingTag tag = SettingTag::boolean;
  std::int64_t integer = 0;
  double number = 0;
  std::string string;
  std::vector<std::string> strings;
};
template <class A, Is<Setting> M>
void visit(A& a, M& m) {
  a.string(m.name, kMaxName);
  a.enumeration(m.tag, SettingTag::strings);
  a.number(m.integer);
  a.number(m.number);
  a.string(m.string, kMaxSettingText);
  a.list(m.strings, kMaxSettings, [](auto& x, auto& s) { x.string(s, kMaxSettingText); });
}

// Manager to worker: load the plugin and make this task.
struct Load {
  static constexpr auto kType = MessageType::load;
  std::string kind;
  std::vector<std::string> announced;  // the manifest's task kinds; `describe` may name no other (F2011)
  std::vector<Setting> settings;
  std::vector<std::string> features;   // ids that the task's permission allows the host to give; no other is given
  std::int64_t now_ns = 0;             // until a scan says another
};
template <class A, Is<Load> M>
void visit(A& a, M& m) {
  a.string(m.kind, kMaxName);
  a.list(m.announced, kMaxKinds, [](auto& x, auto& s) { x.string(s, kMaxName); });
  a.list(m.settings, kMaxSettings, [](auto& x, auto& s) { visit(x, s); });
  a.list(m.features, 64, [](auto& x, auto& s) { x.string(s, kMaxName); });
  a.number(m.now_ns);
}

// Manager to worker, before Load: this is no real scan, and what the plugin does against the rules is noted. `trace`: its
// calls of the host are, too.
struct Rehearse {
  static constexpr auto kType = MessageType::rehearse;
  bool trace = false;
};
template <class A, Is<Rehearse> M>
void visit(A& a, M& m) {
  a.boolean(m.trace);
}

// Manager to worker, before Load: a piece of a recorded tree (sdk/TREE.md) that is scanned instead of the granted roots.
// The piece with `last` is answered with an empty one, or with Failed when the text is no tree.
struct TreePart {
  static constexpr auto kType = MessageType::tree;
  static constexpr std::size_t kMaxPart = 48 * 1024;
  std::string bytes;
  bool last = false;
};
template <class A, Is<TreePart> M>
void visit(A& a, M& m) {
  a.string(m.bytes, TreePart::kMaxPart);
  a.boolean(m.last);
}

struct Loaded {
  static constexpr auto kType = MessageType::loaded;
  bool has_verify = false;
};
template <class A, Is<Loaded> M>
void visit(A& a, M& m) {
  a.boolean(m.has_verify);
}

struct Scan {
  static constexpr auto kType = MessageType::scan;
  std::int64_t now_ns = 0;
};
template <class A, Is<Scan> M>
void visit(A& a, M& m) {
  a.number(m.now_ns);
}

struct Cancel {
  static constexpr auto kType = MessageType::cancel;
};
template <class A, Is<Cancel> M>
void visit(A&, M&) {}

// Manager to worker: call the plugin's `verify`. The answer is events and a ScanEnd; a directory or finding event in it
// is a breach of order.
struct Verify {
  static constexpr auto kType = MessageType::verify;
  std::int64_t now_ns = 0;
};
template <class A, Is<Verify> M>
void visit(A& a, M& m) {
  a.number(m.now_ns);
}

// Events of a scan: a packet of type `events` is a run of these, each behind its EventType byte. Decoded with
// Decoder one after another (see events.h of the manager and of the worker).
enum class EventType : std::uint8_t { directory = 0, finding, directory_end, unread, progress, log, ipc, together, needed, keep, note };
inline constexpr EventType kLastEvent = EventType::keep;  // of a scan; only rehearsals have notes

inline constexpr std::uint32_t kNoDirectory = 0xFFFFFFFFU;

// A directory was opened. Ids count up from 0 without gaps. A root has no parent and an empty name.
struct DirectoryEvent {
  static constexpr auto kEvent = EventType::directory;
  std::uint32_t id = 0;
  std::uint32_t parent = kNoDirectory;
  std::uint32_t root = 0;
  std::string_view name;
  std::uint64_t inode = 0;
  std::int64_t birth_ns = 0;
  std::int64_t mtime_ns = 0;
};
template <class A, Is<DirectoryEvent> M>
void visit(A& a, M& m) {
  a.number(m.id);
  a.number(m.parent);
  a.number(m.root);
  a.string(m.name, kMaxName);
  a.number(m.inode);
  a.number(m.birth_ns);
  a.number(m.mtime_ns);
}

template <class A, Is<Identity> M>
void visit(A& a, M& m) {
  a.number(m.inode);
  a.number(m.birth_ns);
  a.enumeration(m.type, EntryType::block_device);
  a.number(m.mtime_ns);
  a.number(m.size);
}

enum class FindingKind : std::uint8_t { none = 0, aged, orphan, over_quota, leftover };
enum class CostClass : std::uint8_t { unique = 0, regenerable, redownloadable };
inline constexpr std::size_t kCostClasses = 3;

struct FindingEvent {
  static constexpr auto kEvent = EventType::finding;
  std::uint32_t directory = 0;
  std::string_view name;
  Identity identity;
  std::int64_t mtime_ns = 0;   // of directories too
  std::int64_t atime_ns = 0;
  std::uint64_t allocated = 0;
  std::uint32_t links = 1;
  std::uint32_t uid = 0;
  FindingKind kind = FindingKind::aged;
  CostClass cost = CostClass::unique;
  std::uint64_t cost_bytes = 0;
  std::string_view reason;
};
template <class A, Is<FindingEvent> M>
void visit(A& a, M& m) {
  a.number(m.directory);
  a.string(m.name, kMaxName);
  visit(a, m.identity);
  a.number(m.mtime_ns);
  a.number(m.atime_ns);
  a.number(m.allocated);
  a.number(m.links);
  a.number(m.uid);
  a.enumeration(m.kind, FindingKind::leftover);
  a.enumeration(m.cost, CostClass::redownloadable);
  a.number(m.cost_bytes);
  a.string(m.reason, kMaxReason);
}

enum class TogetherStep : std::uint8_t { begin = 0, commit, abandon };

// What is proposed from `begin` to `commit` goes all or not at all; `abandon` withdraws it. One at a time.
struct TogetherEvent {
  static constexpr auto kEvent = EventType::together;
  TogetherStep step = TogetherStep::begin;
};
template <class A, Is<TogetherEvent> M>
void visit(A& a, M& m) {
  a.enumeration(m.step, TogetherStep::abandon);
}

// Between `begin` and `commit`: all of it stays when a process holds this entry, which is not proposed by that.
struct NeededEvent {
  static constexpr auto kEvent = EventType::needed;
  std::uint32_t directory = 0;
  std::string_view name;
  std::uint64_t inode = 0;
};
template <class A, Is<NeededEvent> M>
void visit(A& a, M& m) {
  a.number(m.directory);
  a.string(m.name, kMaxName);
  a.number(m.inode);
}

// A directory was closed.
struct DirectoryEndEvent {
  static constexpr auto kEvent = EventType::directory_end;
  std::uint32_t id = 0;
  std::uint64_t entries = 0;  // listed, without the quarantine area; excluded ones and mount points count
  bool complete = false;      // listed to the end without an error
};
template <class A, Is<DirectoryEndEvent> M>
void visit(A& a, M& m) {
  a.number(m.id);
  a.number(m.entries);
  a.boolean(m.complete);
}

// Something below `directory` could not be read: its own listing (empty name) or the directory `name`.
struct UnreadEvent {
  static constexpr auto kEvent = EventType::unread;
  std::uint32_t directory = kNoDirectory;
  std::uint32_t root = 0;
  std::string_view name;
  std::int32_t error_number = 0;
};
template <class A, Is<UnreadEvent> M>
void visit(A& a, M& m) {
  a.number(m.directory);
  a.number(m.root);
  a.string(m.name, kMaxName);
  a.number(m.error_number);
}

struct ProgressEvent {
  static constexpr auto kEvent = EventType::progress;
  std::uint64_t entries = 0;  // listed so far
  std::uint64_t findings = 0;
  std::uint64_t done = 0;     // the plugin's own count
  std::uint64_t total = 0;
};
template <class A, Is<ProgressEvent> M>
void visit(A& a, M& m) {
  a.number(m.entries);
  a.number(m.findings);
  a.number(m.done);
  a.number(m.total);
}

struct LogEvent {
  static constexpr auto kEvent = EventType::log;
  std::uint8_t level = 2;  // freshet_log_level
  std::string_view text;   // the plugin's bytes: escape before showing
};
template <class A, Is<LogEvent> M>
void visit(A& a, M& m) {
  a.number(m.level);
  a.string(m.text, kMaxText);
}

enum class NoteKind : std::uint8_t { call = 0, wrong_thread, bad_argument, bad_finding, left_open, early_directory, feature, refused_feature, used_feature };

// Only in a rehearsal: what the plugin did. The host's own words, with the plugin's names escaped.
struct NoteEvent {
  static constexpr auto kEvent = EventType::note;
  NoteKind kind = NoteKind::call;
  std::string_view text;
};
template <class A, Is<NoteEvent> M>
void visit(A& a, M& m) {
  a.enumeration(m.kind, NoteKind::used_feature);
  a.string(m.text, kMaxText);
}

// An IPC object is proposed: one of IpcListing, by its place there.
struct IpcEvent {
  static constexpr auto kEvent = EventType::ipc;
  std::uint64_t index = 0;
  FindingKind kind = FindingKind::aged;
  std::string_view reason;
};
template <class A, Is<IpcEvent> M>
void visit(A& a, M& m) {
  a.number(m.index);
  a.enumeration(m.kind, FindingKind::leftover);
  a.string(m.reason, kMaxReason);
}

enum class IpcKind : std::uint8_t { shm = 0, sem, msg, posix_shm, posix_sem, posix_msg };
std::string_view to_string(IpcKind kind);
// One that is a file with a name, in /dev/shm or among the queues; the others have a number and a key.
constexpr bool is_posix(IpcKind kind) { return kind >= IpcKind::posix_shm; }

// An object of the host as the manager saw it, and what says that it is still the same one.
struct IpcObject {
  IpcKind kind = IpcKind::shm;
  std::string name;             // of a POSIX object: of its file in /dev/shm, or of the queue without its slash
  std::int32_t id = 0;          // of a System V object
  std::int32_t key = 0;
  std::uint32_t uid = 0;        // owner
  std::uint32_t creator = 0;
  std::uint64_t dev = 0;        // of a POSIX object, like the next two
  std::uint64_t inode = 0;
  std::int64_t birth_ns = 0;
  std::int64_t changed_ns = 0;  // System V: ctime, whole seconds; POSIX: mtime
  std::int64_t used_ns = 0;     // System V: the latest of its other times; POSIX: atime, which says nothing of identity
  std::uint64_t bytes = 0;      // of a set of semaphores 0; of a POSIX queue what its messages take at most
  std::uint64_t count = 0;      // attached; semaphores; messages
  std::uint32_t alive = 0;      // freshet_ipc_object's
  bool operator==(const IpcObject&) const = default;
};
template <class A, Is<IpcObject> M>
void visit(A& a, M& m) {
  a.enumeration(m.kind, IpcKind::posix_msg);
  a.string(m.name, kMaxName);
  a.number(m.id);
  a.number(m.key);
  a.number(m.uid);
  a.number(m.creator);
  a.number(m.dev);
  a.number(m.inode);
  a.number(m.birth_ns);
  a.number(m.changed_ns);
  a.number(m.used_ns);
  a.number(m.bytes);
  a.number(m.count);
  a.number(m.alive);
}
inline constexpr std::size_t kMaxIpcInPacket = 150;

// Manager to worker, between Loaded and Scan, as often as it takes: the objects that the task's permission covers. A worker
// sees none by itself.
struct IpcListing {
  static constexpr auto kType = MessageType::ipc_listing;
  std::vector<IpcObject> objects;
};
template <class A, Is<IpcListing> M>
void visit(A& a, M& m) {
  a.list(m.objects, kMaxIpcInPacket, [](auto& x, auto& o) { visit(x, o); });
}

// An entry that another task of the channel is to remove, as a guard is shown it.
struct PlannedEntry {
  std::uint32_t root = 0;  // of the guard's own
  std::string directory;   // below that root; empty: the root itself
  std::string name;
  EntryType type = EntryType::unknown;
  FindingKind kind = FindingKind::aged;
  CostClass cost = CostClass::unique;
  std::uint64_t bytes = 0;
  std::uint64_t allocated = 0;
  std::int64_t mtime_ns = 0;
  std::int64_t atime_ns = 0;
  std::string task;    // whose plan it is in
  std::string reason;  // that task's
  bool operator==(const PlannedEntry&) const = default;
};
template <class A, Is<PlannedEntry> M>
void visit(A& a, M& m) {
  a.number(m.root);
  a.string(m.directory, kMaxPath);
  a.string(m.name, kMaxName);
  a.enumeration(m.type, EntryType::block_device);
  a.enumeration(m.kind, FindingKind::leftover);
  a.enumeration(m.cost, CostClass::redownloadable);
  a.number(m.bytes);
  a.number(m.allocated);
  a.number(m.mtime_ns);
  a.number(m.atime_ns);
  a.string(m.task, kMaxName);
  a.string(m.reason, kMaxReason);
}
inline constexpr std::size_t kMaxPlannedInPacket = 1024;

// Manager to worker of a guard, between Loaded and Scan, as often as it takes.
struct Planned {
  static constexpr auto kType = MessageType::planned;
  std::vector<PlannedEntry> entries;
};
template <class A, Is<Planned> M>
void visit(A& a, M& m) {
  a.list(m.entries, kMaxPlannedInPacket, [](auto& x, auto& e) { visit(x, e); });
}

// A guard's word: this one of `Planned`, by its place over all packets, stays.
struct KeepEvent {
  static constexpr auto kEvent = EventType::keep;
  std::uint64_t index = 0;
  std::string_view reason;
};
template <class A, Is<KeepEvent> M>
void visit(A& a, M& m) {
  a.number(m.index);
  a.string(m.reason, kMaxReason);
}

struct ScanEnd {
  static constexpr auto kType = MessageType::scan_end;
  std::int32_t status = 0;  // freshet_status of the plugin's function
  std::uint64_t entries = 0;
  std::uint64_t dropped_log_lines = 0;
};
template <class A, Is<ScanEnd> M>
void visit(A& a, M& m) {
  a.number(m.status);
  a.number(m.entries);
  a.number(m.dropped_log_lines);
}

// Manager to worker: destroy the plugin's task and say what is left of it. Nothing but the end comes after it.
struct Release {
  static constexpr auto kType = MessageType::release;
};
template <class A, Is<Release> M>
void visit(A&, M&) {}

// Worker to manager. The figures are the host's own, in the plugin's process: they catch mistakes, not lies.
struct Released {
  static constexpr auto kType = MessageType::released;
  std::uint64_t heap_before = 0;    // bytes in use (mallinfo2) before the plugin was loaded
  std::uint64_t heap_after = 0;
  std::uint32_t fds_before = 0, fds_after = 0;
  std::uint32_t buffers_out = 0;    // of the host's pool, never given back
  std::uint64_t buffer_bytes = 0;   // in them
  std::uint32_t buffers_spoiled = 0;  // written after they were given back
};
template <class A, Is<Released> M>
void visit(A& a, M& m) {
  a.number(m.heap_before);
  a.number(m.heap_after);
  a.number(m.fds_before);
  a.number(m.fds_after);
  a.number(m.buffers_out);
  a.number(m.buffer_bytes);
  a.number(m.buffers_spoiled);
}

// ---- broker ----

enum class BrokerPhase : std::uint8_t { remove = 0, restore, purge, trial, ipc };

// Manager to broker: what this process is for; exactly once, after Canary. The area of root i is Setup::areas[i]; the
// run's folder below it is <channel>/<run>/<task number>.
struct Begin {
  static constexpr auto kType = MessageType::begin;
  BrokerPhase phase = BrokerPhase::remove;
  std::string channel;
  std::string run;
  std::uint32_t task = 0;
  bool unlink = false;                 // quarantine mode `none`: units are unlinked, never whole directories
  std::uint64_t max_entries = 0;       // the task's budget, enforced again here
  std::uint64_t max_bytes = ~0ULL;     // allocated bytes
  std::int64_t not_younger_than_ns = 0;  // floor min-age: mtime must be below this; 0: no floor
  std::int64_t not_after_ns = 0;         // floor hours: nothing is removed from then on (CLOCK_REALTIME); 0: no floor
  TreeDigest::Key key{};
};
template <class A, Is<Begin> M>
void visit(A& a, M& m) {
  a.enumeration(m.phase, BrokerPhase::ipc);
  a.string(m.channel, kMaxName);
  a.string(m.run, kMaxName);
  a.number(m.task);
  a.boolean(m.unlink);
  a.number(m.max_entries);
  a.number(m.max_bytes);
  a.number(m.not_younger_than_ns);
  a.number(m.not_after_ns);
  a.bytes(m.key);
}

// Inodes (of one root's file system) that are in use or locked now; any number of packets after Begin, before Slots.
struct InUse {
  static constexpr auto kType = MessageType::in_use;
  std::uint64_t dev = 0;
  std::vector<std::uint64_t> inodes;
};
template <class A, Is<InUse> M>
void visit(A& a, M& m) {
  a.number(m.dev);
  a.list(m.inodes, 8000, [](auto& x, auto& i) { x.number(i); });
}

// One origin parent. Numbers count up from 1 without gaps, per task.
struct Slot {
  std::uint32_t number = 0;
  std::uint32_t root = 0;
  std::string path;  // of the parent, relative to the root; "" is the root itself
  std::uint64_t inode = 0;
  std::int64_t birth_ns = 0;
};
template <class A, Is<Slot> M>
void visit(A& a, M& m) {
  a.number(m.number);
  a.number(m.root);
  a.string(m.path, kMaxPath);
  a.number(m.inode);
  a.number(m.birth_ns);
}

// Any number of packets; `last` makes the broker write and sync the table, and answer SlotsReady. More slots may
// follow later (a whole directory that has to go entry by entry), again closed by `last`.
struct Slots {
  static constexpr auto kType = MessageType::slots;
  std::vector<Slot> slots;
  bool last = false;
};
template <class A, Is<Slots> M>
void visit(A& a, M& m) {
  a.list(m.slots, 1200, [](auto& x, auto& s) { visit(x, s); });
  a.boolean(m.last);
}

struct SlotsReady {
  static constexpr auto kType = MessageType::slots_ready;
  std::uint32_t count = 0;
};
template <class A, Is<SlotsReady> M>
void visit(A& a, M& m) {
  a.number(m.count);
}

// One removal. Sequence numbers count up from 0 without gaps; outcomes come in the same order.
struct Unit {
  std::uint64_t sequence = 0;
  std::uint32_t slot = 0;
  std::string name;
  Identity identity;
  bool whole = false;          // a directory with everything below it
  std::uint64_t entries = 1;   // whole: all entries, itself included
  std::uint64_t bytes = 0;     // allocated
  TreeDigest::Value digest{};  // whole: sum of full terms over everything below it (not itself)
};
template <class A, Is<Unit> M>
void visit(A& a, M& m) {
  a.number(m.sequence);
  a.number(m.slot);
  a.string(m.name, kMaxName);
  visit(a, m.identity);
  a.boolean(m.whole);
  a.number(m.entries);
  a.number(m.bytes);
  a.number(m.digest[0]);
  a.number(m.digest[1]);
}

struct Units {
  static constexpr auto kType = MessageType::units;
  std::vector<Unit> units;
};
template <class A, Is<Units> M>
void visit(A& a, M& m) {
  a.list(m.units, 1000, [](auto& x, auto& u) { visit(x, u); });
}

// What became of a unit. Only `removed` had an effect.
enum class OutcomeCode : std::uint8_t {
  removed = 0,
  gone,            // absent already: changed by others
  changed,         // another identity stands there now: changed by others
  parent_changed,  // the origin's directory is not the planned one (or a link is on its way)
  digest_changed,  // a whole directory has other contents than planned: may go entry by entry
  not_empty,
  in_use,
  too_young,       // floor min-age
  mount_point,     // the entry or something below it
  device,          // device nodes are never touched
  cross_device,    // EXDEV: the file system cannot rename it into the quarantine
  denied,          // EACCES, EPERM, EROFS
  over_budget,
  name_taken,      // the slot already has that name
  moved_back,      // it was not what was planned once it was moved, and stands at its origin again
  stranded,        // the same, but the origin was taken meanwhile: it is in the slot and is named
  failed,          // any other errno
  out_of_hours,    // floor hours: its time is over
};
inline constexpr OutcomeCode kLastOutcome = OutcomeCode::out_of_hours;
std::string_view to_string(OutcomeCode code);  // plain words for reports

struct Outcome {
  std::uint64_t sequence = 0;
  OutcomeCode code = OutcomeCode::removed;
  std::int32_t error_number = 0;
  std::uint64_t entries = 0;  // removed
};
template <class A, Is<Outcome> M>
void visit(A& a, M& m) {
  a.number(m.sequence);
  a.enumeration(m.code, kLastOutcome);
  a.number(m.error_number);
  a.number(m.entries);
}

struct Outcomes {
  static constexpr auto kType = MessageType::outcomes;
  std::vector<Outcome> outcomes;
};
template <class A, Is<Outcomes> M>
void visit(A& a, M& m) {
  a.list(m.outcomes, 1000, [](auto& x, auto& o) { visit(x, o); });
}

// Manager to broker: no more units. The broker gives the surviving parents their times back, syncs, answers Finished
// and ends.
struct Finish {
  static constexpr auto kType = MessageType::finish;
};
template <class A, Is<Finish> M>
void visit(A&, M&) {}

struct Finished {
  static constexpr auto kType = MessageType::finished;
  std::uint64_t units = 0;    // removed (or restored)
  std::uint64_t entries = 0;
  std::uint64_t bytes = 0;    // allocated ones: purge and mode none: unlinked; else moved, that come free by the purge
  std::uint64_t left = 0;     // purge: entries that could not be unlinked
  std::uint64_t times_failed = 0;  // parents whose times could not be given back
};
template <class A, Is<Finished> M>
void visit(A& a, M& m) {
  a.number(m.units);
  a.number(m.entries);
  a.number(m.bytes);
  a.number(m.left);
  a.number(m.times_failed);
}

// Manager to broker, phase purge: unlink everything of (channel, run, task), then empty parents of it, and the area
// itself when nothing is left in it. Answers: any number of Working, then Finished. `tidy` removes only empty slots,
// tables without slots and empty folders (after a rollback), never an entry. The areas of the roots in `keep` stay, though
// they be empty: others may be about to use them.
struct Purge {
  static constexpr auto kType = MessageType::purge;
  bool tidy = false;
  std::vector<std::uint32_t> keep{};
};
template <class A, Is<Purge> M>
void visit(A& a, M& m) {
  a.boolean(m.tidy);
  a.list(m.keep, kMaxRoots, [](auto& x, auto& r) { x.number(r); });
}

// Manager to broker, phase restore: put everything of (channel, run, task) back. Answers: any number of Restored and
// Working, then Finished.
struct Restore {
  static constexpr auto kType = MessageType::restore;
};
template <class A, Is<Restore> M>
void visit(A&, M&) {}

enum class RestoreCode : std::uint8_t {
  restored = 0,
  name_taken,      // something stands at the origin: never overwritten
  parent_missing,
  parent_changed,  // another directory stands there, or a link is on its way
  denied,
  bad_table,       // the slot is not in the table, or its line does not check
  failed,
};
std::string_view to_string(RestoreCode code);

// Conflicts only, by name (restored entries are counted in Finished).
struct RestoreConflict {
  std::uint32_t root = 0;
  std::string path;  // of the origin, relative to the root; bad_table: where it lies, relative to the area's directory
  RestoreCode code = RestoreCode::failed;
  std::int32_t error_number = 0;
};
template <class A, Is<RestoreConflict> M>
void visit(A& a, M& m) {
  a.number(m.root);
  a.string(m.path, kMaxPath + 256);
  a.enumeration(m.code, RestoreCode::failed);
  a.number(m.error_number);
}

struct Restored {
  static constexpr auto kType = MessageType::restored;
  std::vector<RestoreConflict> conflicts;
};
template <class A, Is<Restored> M>
void visit(A& a, M& m) {
  a.list(m.conflicts, 100, [](auto& x, auto& c) { visit(x, c); });
}

// Phases restore and purge, while they last: how far it has come. For people only.
struct Working {
  static constexpr auto kType = MessageType::working;
  std::uint64_t done = 0;   // units put back, or entries unlinked
  std::uint64_t bytes = 0;  // purge: allocated bytes unlinked
};
template <class A, Is<Working> M>
void visit(A& a, M& m) {
  a.number(m.done);
  a.number(m.bytes);
}

// Manager to broker, phase trial: make an area in each root, move a file, a directory and a directory with a file into
// a slot and back, remove it all again, give the root its times back. With an area at a top they move from the root into
// that area and back, and the area stays. Answer: Finished, or Failed that says which.
struct Trial {
  static constexpr auto kType = MessageType::trial;
};
template <class A, Is<Trial> M>
void visit(A&, M&) {}

// Manager to broker, phase ipc: remove these, all of the owner that the broker runs as. Answer: IpcOutcomes, in their
// order.
struct IpcRemove {
  static constexpr auto kType = MessageType::ipc_remove;
  std::vector<IpcObject> objects;
};
template <class A, Is<IpcRemove> M>
void visit(A& a, M& m) {
  a.list(m.objects, kMaxIpcInPacket, [](auto& x, auto& o) { visit(x, o); });
}

enum class IpcCode : std::uint8_t {
  removed = 0,
  gone,     // no object has that id or name any more
  changed,  // another object, or it was used or changed since
  in_use,   // attached, or a process waits for it
  denied,
  failed,
};
std::string_view to_string(IpcCode code);

struct IpcOutcome {
  IpcCode code = IpcCode::failed;
  std::int32_t error_number = 0;
};
template <class A, Is<IpcOutcome> M>
void visit(A& a, M& m) {
  a.enumeration(m.code, IpcCode::failed);
  a.number(m.error_number);
}

struct IpcOutcomes {
  static constexpr auto kType = MessageType::ipc_outcomes;
  std::vector<IpcOutcome> outcomes;
};
template <class A, Is<IpcOutcomes> M>
void visit(A& a, M& m) {
  a.list(m.outcomes, kMaxIpcInPacket, [](auto& x, auto& o) { visit(x, o); });
}

// ---- probe ----

// Manager to probe: read the plugin in the sealed memfd. Answer: Inspected or Failed.
struct Inspect {
  static constexpr auto kType = MessageType::inspect;
  static constexpr std::size_t kMaxAddresses = 32;
  std::vector<std::uint64_t> addresses;  // in its code, to be named
};
template <class A, Is<Inspect> M>
void visit(A& a, M& m) {
  a.list(m.addresses, Inspect::kMaxAddresses, [](auto& x, auto& n) { x.number(n); });
}

// The manifest as a typed message; visit() of manifest types is in manifest_message.h.

}  // namespace freshet::wire

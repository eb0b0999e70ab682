#include "runtime/manager/ipc_objects.h"

#include <fcntl.h>
#include <freshet/ipc.h>
#include <mqueue.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <fstream>
#include <set>

#include "runtime/base/clock.h"
#include "runtime/base/identity.h"
#include "runtime/base/lines.h"
#include "runtime/base/listing.h"
#include "runtime/base/proc_file.h"
#include "runtime/base/units.h"
#include "runtime/manager/queue_directory.h"

namespace freshet {
namespace {

constexpr std::int64_t kSecond = 1'000'000'000;
constexpr std::size_t kMaxColumns = 16;

// Of the columns: where what we want of each kind stands.
struct Columns {
  std::size_t least, uid, creator, count, changed, used, used_too, maker, user;
};
constexpr Columns kShm{14, 7, 9, 6, 13, 11, 12, 4, 5};
constexpr Columns kSem{10, 4, 6, 3, 9, 8, 8, 0, 0};  // names no process
constexpr Columns kMsg{14, 7, 9, 4, 13, 11, 12, 5, 6};

// The users of all processes that can be seen, by their real and effective ids.
std::set<std::uint32_t> users_with_processes() {
  std::set<std::uint32_t> out;
  const Listing proc = list_directory(AT_FDCWD, "/proc");
  while (const dirent* entry = proc ? ::readdir(proc.get()) : nullptr) {
    if (entry->d_name[0] < '0' || entry->d_name[0] > '9') continue;
    const std::string status = read_proc(::dirfd(proc.get()), (std::string(entry->d_name) + "/status").c_str());
    for_each_line(status, [&](std::string_view line) {
      if (next_word(line) != "Uid:") return;
      for (int i = 0; i < 2; ++i) {
        const std::string_view word = next_word(line);
        std::uint32_t id = 0;
        if (std::from_chars(word.data(), word.data() + word.size(), id).ec == std::errc()) out.insert(id);
      }
    });
  }
  return out;
}

bool lives(pid_t pid) { return pid > 0 && (::kill(pid, 0) == 0 || errno != ESRCH); }

void add(IpcListing& out, wire::IpcObject object, const std::vector<config::IpcConfig>& grants) {
  if (!is_covered(object, grants)) return;
  if (out.objects.size() < kMaxIpcObjects) out.objects.push_back(std::move(object));
  else out.more = true;
}

void list_system_v(wire::IpcKind kind, const char* file, const std::vector<config::IpcConfig>& grants, IpcListing& out) {
  std::ifstream in(file);
  std::string line;
  while (std::getline(in, line)) {
    wire::IpcObject object;
    IpcProcesses processes;
    if (!parse_ipc_line(kind, line, object, processes)) continue;
    // A segment's maker that has no number here may well live.
    const bool unknown = kind == wire::IpcKind::shm && processes.made == 0;
    if (unknown || lives(processes.made) || lives(processes.used_last)) object.alive |= FRESHET_IPC_PROCESS_LIVES;
    add(out, std::move(object), grants);
  }
}

// `queues`: the files are message queues, else shared memory and semaphores.
void list_posix(const Listing& directory, bool queues, const std::vector<config::IpcConfig>& grants, IpcListing& out) {
  while (const dirent* entry = directory ? ::readdir(directory.get()) : nullptr) {
    const Result<EntryStat> stat = stat_entry(::dirfd(directory.get()), entry->d_name);
    if (!stat || stat->identity.type != EntryType::file || stat->links != 1) continue;
    wire::IpcObject object;
    object.name = entry->d_name;
    object.kind = queues                             ? wire::IpcKind::posix_msg
                  : object.name.starts_with("sem.") ? wire::IpcKind::posix_sem
                                                    : wire::IpcKind::posix_shm;
    object.uid = object.creator = stat->uid;
    object.dev = stat->dev;
    object.inode = stat->identity.inode;
    object.birth_ns = stat->identity.birth_ns;
    object.bytes = stat->identity.size;
    object.changed_ns = stat->mtime_ns;
    object.used_ns = stat->atime_ns;
    add(out, std::move(object), grants);
  }
}

bool grants_kind(const std::vector<config::IpcConfig>& grants, wire::IpcKind kind) {
  return std::ranges::any_of(grants, [&](const config::IpcConfig& grant) { return (grant.kinds & (1U << static_cast<unsigned>(kind))) != 0; });
}

void list_queues(const std::vector<config::IpcConfig>& grants, IpcListing& out) {
  if (!grants_kind(grants, wire::IpcKind::posix_msg)) return;
  Result<channel::OpenRoot> place = open_queue_directory();
  const Listing directory = place ? list_directory(place->directory.get(), ".") : nullptr;
  if (place && !directory) place = fail_errno("listing POSIX message queues");
  if (place) return list_posix(directory, true, grants, out);
  if (place.error().kind != ErrorKind::missing) out.unseen_queues = std::move(place.error());
}

// What is in a queue that nobody has open. The text that reading its file gives says more, and reading it changes its times;
// whom a message would be announced to, which that text has, is a process that has it open. False when it cannot be had.
bool measure_queue(wire::IpcObject& object) {
  const Fd queue = open_queue(object.name);
  if (!queue) return false;
  const Result<EntryStat> stat = stat_entry(queue.get(), "");
  mq_attr facts{};
  // Another one: what is mounted there is not of this IPC namespace, or the name has a new queue.
  if (!stat || stat->dev != object.dev || stat->identity.inode != object.inode || ::mq_getattr(queue.get(), &facts) != 0) return false;
  object.count = static_cast<std::uint64_t>(facts.mq_curmsgs);
  object.bytes = object.count * static_cast<std::uint64_t>(facts.mq_msgsize);
  return true;
}

// After the look at who has one open, for then this process opens them.
void measure_queues(IpcListing& out, std::int64_t now_ns) {
  std::vector<wire::IpcObject> seen;
  for (wire::IpcObject& object : out.objects) {
    if (object.kind == wire::IpcKind::posix_msg) {
      object.bytes = 0;
      const bool open = out.in_use.find(object.dev, object.inode) != nullptr;
      const bool young = object.changed_ns > now_ns - kQueueClockNs;
      if (open || young) object.alive |= FRESHET_IPC_PROCESS_LIVES;
      if (!open && !measure_queue(object)) {
        ++out.unread_queues;
        continue;
      }
    }
    seen.push_back(std::move(object));
  }
  out.objects = std::move(seen);
}

}  // namespace

bool parse_ipc_line(wire::IpcKind kind, std::string_view line, wire::IpcObject& out, IpcProcesses& processes) {
  std::array<std::int64_t, kMaxColumns> values{};
  std::size_t count = 0;
  for (std::string_view word = next_word(line); !word.empty() && count < kMaxColumns; word = next_word(line)) {
    const auto [end, error] = std::from_chars(word.data(), word.data() + word.size(), values[count]);
    if (error != std::errc() || end != word.data() + word.size()) return false;
    ++count;
  }
  const Columns& at = kind == wire::IpcKind::shm ? kShm : kind == wire::IpcKind::sem ? kSem : kMsg;
  if (count < at.least) return false;
  out.kind = kind;
  out.key = static_cast<std::int32_t>(values[0]);
  out.id = static_cast<std::int32_t>(values[1]);
  out.uid = static_cast<std::uint32_t>(values[at.uid]);
  out.creator = static_cast<std::uint32_t>(values[at.creator]);
  out.count = static_cast<std::uint64_t>(values[at.count]);
  out.changed_ns = values[at.changed] * kSecond;
  out.used_ns = std::max(values[at.used], values[at.used_too]) * kSecond;
  if (kind == wire::IpcKind::sem) return true;
  out.bytes = static_cast<std::uint64_t>(values[3]);
  processes = {static_cast<pid_t>(values[at.maker]), static_cast<pid_t>(values[at.user])};
  return true;
}

bool is_covered(const wire::IpcObject& object, const std::vector<config::IpcConfig>& grants) {
  return std::ranges::any_of(grants, [&](const config::IpcConfig& grant) {
    return grant.uid == object.uid && (grant.kinds & (1U << static_cast<unsigned>(object.kind))) != 0;
  });
}

IpcListing list_ipc_objects(const std::vector<config::IpcConfig>& grants) {
  const std::int64_t now_ns = SystemClock().now();  // of the kernel's stamps, and before they are read
  IpcListing out;
  if (grants.empty()) return out;
  list_system_v(wire::IpcKind::shm, "/proc/sysvipc/shm", grants, out);
  list_system_v(wire::IpcKind::sem, "/proc/sysvipc/sem", grants, out);
  list_system_v(wire::IpcKind::msg, "/proc/sysvipc/msg", grants, out);
  list_posix(list_directory(AT_FDCWD, "/dev/shm"), false, grants, out);
  list_queues(grants, out);
  if (out.objects.empty()) return out;
  std::set<std::uint64_t> devices;
  for (const wire::IpcObject& object : out.objects)
    if (wire::is_posix(object.kind)) devices.insert(object.dev);
  if (!devices.empty()) out.in_use = InUseOracle::look(devices, true);
  measure_queues(out, now_ns);
  const std::set<std::uint32_t> users = users_with_processes();
  const bool unknown = !users.contains(::geteuid());  // /proc does not even show this process
  for (wire::IpcObject& object : out.objects)
    if (unknown || users.contains(object.uid) || users.contains(object.creator)) object.alive |= FRESHET_IPC_OWNER_LIVES;
  return out;
}

std::string ipc_text(const wire::IpcObject& object) {
  std::string out(wire::to_string(object.kind));
  if (object.name.empty()) {
    char key[16];
    std::snprintf(key, sizeof key, "0x%08x", static_cast<unsigned>(object.key));
    out += " " + std::to_string(object.id) + " (key " + key;
  } else {
    out += " " + object.name + " (";
  }
  if (object.kind != wire::IpcKind::sem) out += (object.name.empty() ? ", " : "") + format_size(object.bytes);
  return out + ", uid " + std::to_string(object.uid) + ")";
}

}  // namespace freshet

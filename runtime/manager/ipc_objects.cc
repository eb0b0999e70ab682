#include "runtime/manager/ipc_objects.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <fstream>

#include "runtime/base/bytes.h"
#include "runtime/base/identity.h"
#include "runtime/base/lines.h"
#include "runtime/base/listing.h"
#include "runtime/base/units.h"

namespace freshet {
namespace {

constexpr std::int64_t kSecond = 1'000'000'000;
constexpr std::size_t kMaxColumns = 16;

// Of the columns: where what we want of each kind stands.
struct Columns {
  std::size_t least, uid, creator, count, changed, used, used_too;
};
constexpr Columns kShm{14, 7, 9, 6, 13, 11, 12};
constexpr Columns kSem{10, 4, 6, 3, 9, 8, 8};
constexpr Columns kMsg{14, 7, 9, 4, 13, 11, 12};

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
    if (parse_ipc_line(kind, line, object)) add(out, std::move(object), grants);
  }
}

void list_posix(const std::vector<config::IpcConfig>& grants, IpcListing& out) {
  const Listing directory = list_directory(AT_FDCWD, "/dev/shm");
  while (const dirent* entry = directory ? ::readdir(directory.get()) : nullptr) {
    const Result<EntryStat> stat = stat_entry(::dirfd(directory.get()), entry->d_name);
    if (!stat || stat->identity.type != EntryType::file || stat->links != 1) continue;
    wire::IpcObject object;
    object.name = entry->d_name;
    object.kind = object.name.starts_with("sem.") ? wire::IpcKind::posix_sem : wire::IpcKind::posix_shm;
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

}  // namespace

bool parse_ipc_line(wire::IpcKind kind, std::string_view line, wire::IpcObject& out) {
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
  if (kind != wire::IpcKind::sem) out.bytes = static_cast<std::uint64_t>(values[3]);
  return true;
}

bool is_covered(const wire::IpcObject& object, const std::vector<config::IpcConfig>& grants) {
  return std::ranges::any_of(grants, [&](const config::IpcConfig& grant) {
    return grant.uid == object.uid && (grant.kinds & (1U << static_cast<unsigned>(object.kind))) != 0;
  });
}

IpcListing list_ipc_objects(const std::vector<config::IpcConfig>& grants) {
  IpcListing out;
  if (grants.empty()) return out;
  list_system_v(wire::IpcKind::shm, "/proc/sysvipc/shm", grants, out);
  list_system_v(wire::IpcKind::sem, "/proc/sysvipc/sem", grants, out);
  list_system_v(wire::IpcKind::msg, "/proc/sysvipc/msg", grants, out);
  list_posix(grants, out);
  return out;
}

std::string ipc_text(const wire::IpcObject& object) {
  std::string out(wire::to_string(object.kind));
  if (object.name.empty()) {
    char key[16];
    std::snprintf(key, sizeof key, "0x%08x", static_cast<unsigned>(object.key));
    out += " " + std::to_string(object.id) + " (key " + key;
  } else {
    out += " " + escape_bytes(object.name) + " (";
  }
  if (object.kind != wire::IpcKind::sem) out += (object.name.empty() ? ", " : "") + format_size(object.bytes);
  return out + ", uid " + std::to_string(object.uid) + ")";
}

}  // namespace freshet

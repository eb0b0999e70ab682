#include "runtime/sandbox/user_map.h"

#include <fcntl.h>
#include <unistd.h>

#include <cstdio>
#include <sstream>
#include <vector>

#include "runtime/base/fd.h"

namespace freshet::sandbox {
namespace {

constexpr std::size_t kMaxMapBytes = 64 * 1024;  // 340 lines of at most 33 bytes, the kernel's own limit

struct Extent {
  std::uint64_t inside = 0;
  std::uint64_t outside = 0;
  std::uint64_t count = 0;
};

Result<std::vector<Extent>> read_extents(const char* path) {
  const Fd file(::open(path, O_RDONLY | O_CLOEXEC));
  if (!file) return fail_errno(std::string("opening ") + path);
  std::string text(kMaxMapBytes, '\0');
  std::size_t length = 0;
  while (length < text.size()) {
    const ssize_t got = ::read(file.get(), text.data() + length, text.size() - length);
    if (got < 0) return fail_errno(std::string("reading ") + path);
    if (got == 0) break;
    length += static_cast<std::size_t>(got);
  }
  text.resize(length);
  std::vector<Extent> extents;
  std::istringstream lines(text);
  Extent extent;
  while (lines >> extent.inside >> extent.outside >> extent.count) extents.push_back(extent);
  if (extents.empty()) return fail(ErrorKind::system, std::string(path) + " is empty");
  return extents;
}

Result<std::string> identity_map(const char* path) {
  auto extents = read_extents(path);
  if (!extents) return std::unexpected(extents.error());
  std::string text;
  for (const Extent& extent : *extents)
    text += std::to_string(extent.inside) + " " + std::to_string(extent.inside) + " " + std::to_string(extent.count) + "\n";
  return text;
}

bool contains(const char* path, std::uint32_t id) {
  const auto extents = read_extents(path);
  if (!extents) return false;
  for (const Extent& extent : *extents)
    if (id >= extent.inside && id - extent.inside < extent.count) return true;
  return false;
}

// The kernel takes a map in exactly one write.
Status write_file(pid_t child, const char* name, std::string_view text) {
  char path[64];
  std::snprintf(path, sizeof path, "/proc/%d/%s", static_cast<int>(child), name);
  const Fd file(::open(path, O_WRONLY | O_CLOEXEC));
  if (!file) return fail_errno(std::string("opening ") + path);
  if (::write(file.get(), text.data(), text.size()) != static_cast<ssize_t>(text.size()))
    return fail_errno(std::string("writing ") + path);
  return {};
}

}  // namespace

Result<IdMaps> full_maps() {
  auto uids = identity_map("/proc/self/uid_map");
  if (!uids) return std::unexpected(uids.error());
  auto gids = identity_map("/proc/self/gid_map");
  if (!gids) return std::unexpected(gids.error());
  return IdMaps{std::move(*uids), std::move(*gids), false};
}

IdMaps own_maps() {
  const std::string uid = std::to_string(::geteuid());
  const std::string gid = std::to_string(::getegid());
  return {uid + " " + uid + " 1\n", gid + " " + gid + " 1\n", true};
}

bool is_mapped_id(std::uint32_t id) {
  return contains("/proc/self/uid_map", id) && contains("/proc/self/gid_map", id);
}

Status write_maps(pid_t child, const IdMaps& maps) {
  if (maps.deny_setgroups)
    if (auto done = write_file(child, "setgroups", "deny"); !done) return done;
  if (auto done = write_file(child, "uid_map", maps.uid_map); !done) return done;
  return write_file(child, "gid_map", maps.gid_map);
}

}  // namespace freshet::sandbox

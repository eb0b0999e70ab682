#include "runtime/sandbox/user_map.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <sstream>
#include <vector>

#include "runtime/base/fd.h"

namespace freshet::sandbox {
namespace {

constexpr std::size_t kMaxMapBytes = 64 * 1024;  // 340 lines of at most 33 bytes, the kernel's own limit

Result<std::vector<IdRanges::Range>> read_ranges(const char* path) {
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
  std::vector<IdRanges::Range> ranges;
  std::istringstream lines(text);
  IdRanges::Range range;
  std::uint64_t outside = 0;
  while (lines >> range.first >> outside >> range.count) ranges.push_back(range);
  if (ranges.empty()) return fail(ErrorKind::system, std::string(path) + " is empty");
  return ranges;
}

std::string identity_map(const std::vector<IdRanges::Range>& ranges) {
  std::string text;
  for (const IdRanges::Range& range : ranges)
    text += std::to_string(range.first) + " " + std::to_string(range.first) + " " + std::to_string(range.count) + "\n";
  return text;
}

bool any_contains(const std::vector<IdRanges::Range>& ranges, std::uint32_t id) {
  return std::ranges::any_of(ranges, [&](const auto& range) { return id >= range.first && id - range.first < range.count; });
}

// The kernel takes a map in exactly one write.
StepError put_file(pid_t child, const char* name, std::string_view text) {
  char path[64];
  if (child == 0) std::snprintf(path, sizeof path, "/proc/thread-self/%s", name);
  else std::snprintf(path, sizeof path, "/proc/%d/%s", static_cast<int>(child), name);
  const Fd file(::open(path, O_WRONLY | O_CLOEXEC));
  if (!file || ::write(file.get(), text.data(), text.size()) != static_cast<ssize_t>(text.size())) return {name, errno};
  return {};
}

}  // namespace

bool IdRanges::contains(std::uint32_t id) const { return any_contains(uids, id) && any_contains(gids, id); }

Result<IdRanges> own_ids() {
  auto uids = read_ranges("/proc/self/uid_map");
  if (!uids) return std::unexpected(uids.error());
  auto gids = read_ranges("/proc/self/gid_map");
  if (!gids) return std::unexpected(gids.error());
  return IdRanges{std::move(*uids), std::move(*gids)};
}

IdMaps full_maps(const IdRanges& ids) { return {identity_map(ids.uids), identity_map(ids.gids), false}; }

IdMaps own_maps() {
  const std::string uid = std::to_string(::geteuid());
  const std::string gid = std::to_string(::getegid());
  return {uid + " " + uid + " 1\n", gid + " " + gid + " 1\n", true};
}

IdMaps view_maps() {
  const std::string map = "0 " + std::to_string(kViewFirst) + " " + std::to_string(kViewCount) + "\n";
  return {map, map, false};
}

IdMaps viewer_maps(std::uint32_t id) {
  // Inside as outside every id may occur once only.
  std::vector<std::uint64_t> taken;
  if (id < kViewCount) taken.push_back(id);
  if (id >= kViewFirst && id - kViewFirst < kViewCount) taken.push_back(id - kViewFirst);
  std::ranges::sort(taken);
  std::string map = std::to_string(id) + " " + std::to_string(id) + " 1\n";
  std::uint64_t next = 0;
  const auto map_up_to = [&](std::uint64_t end) {
    if (end > next)
      map += std::to_string(next) + " " + std::to_string(kViewFirst + next) + " " + std::to_string(end - next) + "\n";
    next = end + 1;
  };
  for (const std::uint64_t one : taken) map_up_to(one);
  map_up_to(kViewCount);
  return {map, map, false};
}

StepError put_maps(pid_t child, const IdMaps& maps) {
  StepError failed;
  if (maps.deny_setgroups) failed = put_file(child, "setgroups", "deny");
  if (failed.step == nullptr) failed = put_file(child, "uid_map", maps.uid_map);
  if (failed.step == nullptr) failed = put_file(child, "gid_map", maps.gid_map);
  return failed;
}

Status write_maps(pid_t child, const IdMaps& maps) {
  const StepError failed = put_maps(child, maps);
  if (failed.step != nullptr) return fail_errno("writing /proc/" + std::to_string(child) + "/" + failed.step, failed.error_number);
  return {};
}

}  // namespace freshet::sandbox

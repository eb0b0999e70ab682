#include "runtime/policy/boundaries.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <optional>
#include <utility>

#include "runtime/base/bytes.h"
#include "runtime/base/error.h"
#include "runtime/base/fd.h"
#include "runtime/base/units.h"
#include "runtime/config/names.h"
#include "runtime/config/overlap.h"
#include "runtime/policy/places.h"

namespace freshet::policy {
namespace {

using config::is_below;
using config::RootConfig;

std::string shown(std::string_view path) {
  return "`" + ellipsize(escape_bytes(path), 300) + "`";
}

// What stands at a root's path, to know a place by when it goes by another name: a bind mount, say.
class Standing {
 public:
  explicit Standing(const std::string& path) : known_(::lstat(path.c_str(), &info_) == 0) {}
  bool is(std::string_view place) const {
    struct stat other {};
    return known_ && ::stat(std::string(place).c_str(), &other) == 0 && other.st_dev == info_.st_dev && other.st_ino == info_.st_ino;
  }

 private:
  struct stat info_ {};
  bool known_;
};

std::string by_another_name(std::string_view place) { return "is " + shown(place) + " by another name"; }

std::optional<std::string> why_never(std::string_view path, const Standing& standing) {
  if (path == "/" || standing.is("/")) return "is the whole system";
  for (const std::string_view place : kKernelPlaces) {
    if (path == place || is_below(path, place)) return "belongs to the kernel or to devices";
    if (standing.is(place)) return by_another_name(place);
  }
  return std::nullopt;
}

// Why a root needs the operator's word; none when it does not.
std::optional<std::string> why_protected(std::string_view path, const Standing& standing, const HostFacts& host) {
  const auto of_system = [&](std::string_view place) -> std::optional<std::string> {
    if (path == place) return "is a directory of the system";
    if (is_below(place, path)) return "holds " + shown(place) + ", a directory of the system";
    return std::nullopt;
  };
  for (const std::string_view place : kSystemPlaces) {
    if (auto why = of_system(place)) return why;
  }
  for (const std::string& place : host.real_places) {
    if (auto why = of_system(place)) return why;
  }
  for (const std::string& home : host.homes) {
    if (path == home) return "is a home directory";
    if (is_below(home, path)) return "holds the home directory " + shown(home);
  }
  if (!host.state_dir.empty() && is_below(host.state_dir, path)) {
    return "holds the state directory " + shown(host.state_dir) + ", from which runs are taken back";
  }
  for (const std::string_view place : kSystemPlaces) {
    if (standing.is(place)) return by_another_name(place);
  }
  for (const std::string& home : host.homes) {
    if (standing.is(home)) return by_another_name(home);
  }
  return std::nullopt;
}

// What stands at a root's path.
enum class RootState { directory, missing, link, no_directory, unreachable };
struct RootFinding {
  RootState state = RootState::directory;
  std::string at;        // the part of the path that decided it
  int error_number = 0;  // unreachable
};

// Part by part from "/" on, following no link, so that the culprit can be named.
RootFinding look_at_root(const std::string& path) {
  Fd directory(::open("/", O_PATH | O_DIRECTORY | O_CLOEXEC));
  for (std::size_t from = 1; from < path.size();) {
    const std::size_t end = std::min(path.find('/', from), path.size());
    const std::string part = path.substr(from, end - from);
    std::string so_far = path.substr(0, end);
    Fd next(::openat(directory.get(), part.c_str(), O_PATH | O_NOFOLLOW | O_CLOEXEC));
    if (!next) {
      const int error_number = errno;
      return {error_number == ENOENT ? RootState::missing : RootState::unreachable, std::move(so_far),
              error_number};
    }
    struct stat info {};
    if (::fstat(next.get(), &info) != 0) return {RootState::unreachable, std::move(so_far), errno};
    if (S_ISLNK(info.st_mode)) return {RootState::link, std::move(so_far), 0};
    if (!S_ISDIR(info.st_mode)) return {RootState::no_directory, std::move(so_far), 0};
    directory = std::move(next);
    from = end + 1;
  }
  return {};
}

void check_place(const RootConfig& root, const HostFacts& host, std::vector<Violation>& out) {
  const std::string name = "root " + shown(root.path) + " ";
  const Standing standing(root.path);
  if (const auto why = why_never(root.path, standing)) {
    out.push_back({"F1010", name + *why + ": it is never cleaned", "name a directory of files that may go",
                   root.position});
    return;
  }
  if (!host.state_dir.empty() &&
      (root.path == host.state_dir || is_below(root.path, host.state_dir) || standing.is(host.state_dir))) {
    out.push_back(
        {"F1011",
         name + "is or lies in the state directory, from which runs are taken back: it is never cleaned",
         "name another directory, or give Freshet another --state-dir", root.position});
    return;
  }
  if (root.i_know_what_this_is) return;
  if (const auto why = why_protected(root.path, standing, host)) {
    out.push_back(
        {"F1011", name + *why,
         "name a directory below it, or write i-know-what-this-is = true for this root if it is meant",
         root.position});
  }
}

void check_presence(const RootConfig& root, std::vector<Violation>& out) {
  const std::string name = "root " + shown(root.path) + " ";
  RootFinding found = look_at_root(root.path);
  const std::string at = found.at == root.path ? "" : shown(found.at) + " on its way ";
  switch (found.state) {
    case RootState::directory:
      return;
    case RootState::missing:
      if (root.optional) return;
      out.push_back(
          {"F1012", name + "does not exist" + (at.empty() ? "" : ": " + shown(found.at) + " is missing"),
           "make the directory, correct the path, or write optional = true for this root", root.position});
      return;
    case RootState::link:
      out.push_back({"F1013",
                     name + (at.empty() ? "is a symbolic link"
                                        : "is reached through a symbolic link: " + shown(found.at)),
                     "write the real path; `realpath " + escape_bytes(root.path) + "` shows it",
                     root.position});
      return;
    case RootState::no_directory:
      out.push_back(
          {"F1013",
           name + (at.empty() ? "is no directory" : "cannot be a directory: " + shown(found.at) + " is none"),
           "name a directory", root.position});
      return;
    case RootState::unreachable:
      out.push_back({"F1015",
                     name + "cannot be reached: " + shown(found.at) + ": " + errno_text(found.error_number),
                     "run Freshet as a user who may, or correct the path", root.position});
      return;
  }
}

// A generated channel none of whose tasks would run.
bool out_of_use(const config::Config& config, const config::ChannelConfig& channel) {
  if (!channel.generated) return false;
  bool has_task = false;
  for (const auto& [name, task] : config.tasks) {
    if (task.channel != channel.name) continue;
    if (task.enabled) return false;
    has_task = true;
  }
  return has_task;
}

Violation overlap(const config::ChannelConfig& outer_channel, const RootConfig& outer,
                  const config::ChannelConfig& inner_channel, const RootConfig& inner) {
  const std::string where = to_string(outer.position);
  const bool equal = outer.path == inner.path;
  return {"F1020",
          "root " + shown(inner.path) + " of channel `" + inner_channel.name + "` " +
              (equal ? "is also a root" : "lies below root " + shown(outer.path)) + " of channel `" +
              outer_channel.name + "`" + (where.empty() ? "" : " (" + where + ")"),
          equal ? "let both tasks work in one channel, or change one of the paths"
                : "add " + shown(inner.path) + " to the `exclude` of the outer root, or use one channel",
          inner.position};
}

}  // namespace

std::vector<Violation> check_roots(const config::ChannelConfig& channel, const HostFacts& host) {
  std::vector<Violation> out;
  for (const RootConfig& root : channel.roots) {
    if (config::PathProblem problem = config::check_absolute_path(root.path); !problem.why.empty()) {
      // Only a configuration that came as a plain struct gets here.
      out.push_back({"F1010", "root " + shown(root.path) + " " + problem.why, std::move(problem.remedy),
                     root.position});
      continue;
    }
    check_place(root, host, out);
    check_presence(root, out);
    for (const std::string& exclude : root.exclude) {
      if (is_below(exclude, root.path) && config::check_absolute_path(exclude).why.empty()) continue;
      out.push_back({"F1014", "exclude " + shown(exclude) + " is not below its root " + shown(root.path),
                     "excludes are absolute paths below the root they stand with", root.position});
    }
  }
  return out;
}

void exclude_state_dir(EffectivePermission& permission, const HostFacts& host) {
  if (host.state_dir.empty()) return;
  for (RootConfig& root : permission.roots) {
    if (!is_below(host.state_dir, root.path) || config::excludes(root, host.state_dir)) continue;
    root.exclude.push_back(host.state_dir);
  }
}

std::vector<Violation> check_overlaps(const config::Config& config) {
  std::vector<const config::ChannelConfig*> channels;
  std::vector<config::OwnedRoot> roots;
  for (const auto& [name, channel] : config.channels) {
    for (const RootConfig& root : channel.roots) roots.push_back({&root, channels.size()});
    channels.push_back(&channel);
  }
  std::vector<Violation> out;
  config::for_each_overlap(roots, [&](const config::OwnedRoot& outer, const config::OwnedRoot& inner) {
    const config::ChannelConfig& outer_channel = *channels[outer.owner];
    const config::ChannelConfig& inner_channel = *channels[inner.owner];
    if (outer.owner == inner.owner || out_of_use(config, outer_channel) || out_of_use(config, inner_channel))
      return;
    out.push_back(overlap(outer_channel, *outer.root, inner_channel, *inner.root));
  });
  return out;
}

std::vector<Violation> check_overlaps_of(const config::Config& config, const std::string& channel) {
  std::vector<Violation> out;
  const auto found = config.channels.find(channel);
  if (found == config.channels.end()) return out;
  const config::ChannelConfig& own = found->second;
  for (const auto& [name, other] : config.channels) {
    if (name == channel) continue;
    for (const RootConfig& theirs : other.roots) {
      for (const RootConfig& ours : own.roots) {
        const bool inside = is_below(ours.path, theirs.path);
        if (ours.path != theirs.path && !inside && !is_below(theirs.path, ours.path)) continue;
        const RootConfig& outer = inside ? theirs : ours;
        const RootConfig& inner = inside ? ours : theirs;
        // The last question is the dearest, and rarely asked.
        if (config::excludes(outer, inner.path) || out_of_use(config, other)) continue;
        out.push_back(inside ? overlap(other, outer, own, inner) : overlap(own, outer, other, inner));
      }
    }
  }
  return out;
}

std::vector<Violation> check_uid_base(const config::Config& config, std::string_view file,
                                      std::string_view text) {
  const std::uint64_t first = config.uid_base;
  const std::uint64_t end = first + config::kUidCount;
  std::vector<Violation> out;
  std::size_t number = 0;
  while (!text.empty()) {
    const std::string_view line = text.substr(0, text.find('\n'));
    text.remove_prefix(std::min(text.size(), line.size() + 1));
    ++number;
    // name:first:count; what cannot be read gives nobody anything.
    const std::size_t one = line.find(':');
    const std::size_t two = one == std::string_view::npos ? one : line.find(':', one + 1);
    if (two == std::string_view::npos) continue;
    std::uint64_t from = 0;
    std::uint64_t count = 0;
    if (std::from_chars(line.data() + one + 1, line.data() + two, from).ec != std::errc()) continue;
    if (std::from_chars(line.data() + two + 1, line.data() + line.size(), count).ec != std::errc()) continue;
    if (count == 0 || from >= end || (from < first && count <= first - from)) continue;
    out.push_back({"F1051",
                   "the user ids " + std::to_string(first) + " to " + std::to_string(end - 1) +
                       " of sandbox.uid-base overlap those of " + shown(line.substr(0, one)) + " (" +
                       escape_bytes(file) + ":" + std::to_string(number) + ")",
                   "write a uid-base in [sandbox] that no line of that file covers",
                   config.uid_base_position});
  }
  return out;
}

}  // namespace freshet::policy

#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "runtime/config/config.h"
#include "runtime/policy/permission.h"

namespace freshet::policy {

// Facts about this host that boundaries are judged against; filled by find_host_facts, faked in tests.
struct HostFacts {
  // Home directories of people (uid 0, and 1000 up to nobody's) in /etc/passwd, and $HOME; as written and, where links
  // are on their way, as real paths too.
  std::vector<std::string> homes;
  std::string state_dir;           // real path; never cleaned
  std::vector<std::string> config_files;
  std::vector<std::string> real_places;  // real paths of protected places that are links (/bin is /usr/bin)
  bool root = false;               // effective uid 0
  std::uint32_t uid = 0;
};
// A fact that cannot be found is left out. `state_dir` need not exist yet.
HostFacts find_host_facts(std::string state_dir, std::vector<std::string> config_files);

// F1010 root is `/`, /proc, /sys, /dev or below /proc, /sys, /dev: never.
// F1011 root is /home, /etc, /usr, /boot (or the like), a home itself, the state directory, or an ancestor of one of
//       them: refused unless `i-know-what-this-is`. The state directory and what lies below it: always.
// Both also where the root is one of these places by another name, as of a bind mount.
// F1012 root is missing (unless optional).  F1013 root is a symbolic link or has one on its way, or is no directory.
// F1014 an exclude is not below its root.  F1015 root cannot be reached (permission, I/O error).
std::vector<Violation> check_roots(const config::ChannelConfig& channel, const HostFacts& host);

// An ancestor of the state directory that the operator grants all the same: adds the state directory to the excludes of
// each such root, so that no run can remove the history that takes it back. For every effective permission.
void exclude_state_dir(EffectivePermission& permission, const HostFacts& host);

// F1020: two channels whose roots are equal or nested, unless the outer one excludes the inner root. A generated channel
// whose tasks are all disabled is left out.
std::vector<Violation> check_overlaps(const config::Config& config);
// Those in which `channel` of `config` takes part: what concerns one of its tasks. Linear in the number of roots.
std::vector<Violation> check_overlaps_of(const config::Config& config, const std::string& channel);

// F1030: with root's rights, a file or one of its parent directories is writable by others (group or world, or owned by
// somebody but root; sticky directories count as safe for the directory's own entry only when it is root's).
// `what` names it for people ("plugin directory"); a relative `path` starts at the working directory. Links are followed,
// and each directory on the way is looked at. A missing path has no violation.
std::vector<Violation> check_not_writable_by_others(std::string_view path, std::string_view what, const HostFacts& host);

// F1051: the ids that workers and brokers run under (kUidCount from `uid-base` on) overlap a range of `file`, which is
// /etc/subuid or /etc/subgid with its `text`: that user could stop or change them. Matters with root's rights only.
std::vector<Violation> check_uid_base(const config::Config& config, std::string_view file, std::string_view text);

}  // namespace freshet::policy

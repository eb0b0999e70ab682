#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "runtime/config/config.h"
#include "runtime/policy/permission.h"

namespace freshet::policy {

// Facts about this host that boundaries are judged against; filled by find_host_facts, faked in tests.
struct HostFacts {
  std::vector<std::string> homes;  // home directories of /etc/passwd and $HOME
  std::string state_dir;           // real path; never cleaned
  std::vector<std::string> config_files;
  bool root = false;               // effective uid 0
  std::uint32_t uid = 0;
};
HostFacts find_host_facts(std::string state_dir, std::vector<std::string> config_files);

// F1010 root is `/`, /proc, /sys, /dev or below /proc, /sys, /dev: never.
// F1011 root is /home, /etc, /usr, /boot (or the like), a home itself, the state directory, or an ancestor of one of
//       them: refused unless `i-know-what-this-is`.
// F1012 root is missing (unless optional).  F1013 root is a symbolic link or has one on its way, or is no directory.
// F1014 an exclude is not below its root.
std::vector<Violation> check_roots(const config::ChannelConfig& channel, const HostFacts& host);

// F1020: two channels whose roots are equal or nested, unless the outer one excludes the inner root.
std::vector<Violation> check_overlaps(const config::Config& config);

// F1030: with root's rights, a file or one of its parent directories is writable by others (group or world, or owned by
// somebody but root; sticky directories count as safe for the directory's own entry only when it is root's).
std::vector<Violation> check_not_writable_by_others(std::string_view path, std::string_view what, const HostFacts& host);

}  // namespace freshet::policy

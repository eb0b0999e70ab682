#include "runtime/sandbox/mechanisms.h"

#include <algorithm>
#include <utility>

namespace freshet::sandbox {
namespace {

constexpr const char* kNamespaces =
    "root with CAP_SYS_ADMIN, or user namespaces (sysctl user.max_user_namespaces, and kernel.unprivileged_userns_clone or "
    "kernel.apparmor_restrict_unprivileged_userns where they exist; in a container its seccomp profile too)";
constexpr std::uint32_t kLeastAbi = 2;
constexpr std::uint32_t kWholeAbi = 6;

std::string lost_below(std::uint32_t abi) {
  std::string lost;
  const auto rests_on_others = [&](std::uint32_t since, const char* what) {
    if (abi < since) lost += (lost.empty() ? "" : ", ") + std::string(what);
  };
  rests_on_others(3, "truncating");
  rests_on_others(4, "TCP");
  rests_on_others(5, "ioctl on devices");
  rests_on_others(6, "signals and abstract sockets");
  return lost + (lost.find(',') == std::string::npos ? " rests" : " rest") + " on the other layers";
}

}  // namespace

std::vector<Mechanism> mechanisms(const HostSupport& support) {
  std::vector<Mechanism> out;
  const auto add = [&](const char* name, bool available, bool strict, const char* lost, const char* remedy) {
    out.push_back({name, available, strict, available ? "works" : "does not work", lost, remedy});
  };
  add("private root", support.mount_namespace, true, "names outside the grant could be seen", kNamespaces);
  add("pid namespace", support.pid_namespace, true, "other processes could be seen and signalled", kNamespaces);
  add("net namespace", support.net_namespace, true, "the network rests on seccomp alone", kNamespaces);
  add("ipc namespace", support.ipc_namespace, true, "System V IPC rests on seccomp alone", kNamespaces);
  add("seccomp with user notification", support.seccomp_notify, true, "forbidden calls could not be stopped and named",
      "Linux 5.0 or newer, and no outer filter that forbids seccomp(2)");
  add("Landlock ABI 2", support.landlock_abi >= kLeastAbi, true,
      "contents of granted files could be read, and the broker could act outside its roots",
      "Linux 5.19 or newer with landlock in the kernel parameter lsm=");
  out.back().seen = "ABI " + std::to_string(support.landlock_abi);
  add("openat2", support.openat2, true, "links on the way could not be refused", "Linux 5.6 or newer");
  add("renameat2", support.renameat2, true, "nothing could be moved without the risk of overwriting", "Linux 3.15 or newer");
  add("Landlock ABI 6", support.landlock_abi >= kWholeAbi, false, "", "Linux 6.12 or newer");
  out.back().seen = "ABI " + std::to_string(support.landlock_abi);
  if (!out.back().available) out.back().lost = lost_below(support.landlock_abi);
  add("user namespace", support.user_namespace, false,
      "what root's roles give up is given up of the host's own rights, and a role may try to make such a namespace",
      "sysctl user.max_user_namespaces, and kernel.unprivileged_userns_clone where it exists");
  add("uts namespace", support.uts_namespace, false, "the host's name could be seen", kNamespaces);
  add("cgroup namespace", support.cgroup_namespace, false, "the names of the host's control groups could be seen", kNamespaces);
  add("uid of its own for each role", support.change_ids, false, "roles run as this user", "root with CAP_SETUID and CAP_SETGID");
  add("mapped mounts on /", support.idmapped_mounts, false, "private directories of other owners are not read there",
      "root of the host itself, and a file system that can (ext4, xfs and btrfs since Linux 5.15, tmpfs since 6.3)");
  constexpr const char* kDelegated =
      "a cgroup version 2 group of its own with that controller: Delegate=yes in the unit, or `systemd-run --scope -p Delegate=yes`";
  const ControlGroups* const groups = support.control_groups.get();
  add("memory limit by control group", groups != nullptr && groups->limits_memory(), false,
      "the limit of memory rests on RLIMIT_AS and on a look from outside", kDelegated);
  add("process limit by control group", groups != nullptr && groups->limits_processes(), false,
      groups == nullptr && !support.user_namespace && !support.change_ids
          ? "the limit of threads rests on seccomp and on the manager, which counts them"
          : "the limit of threads rests on RLIMIT_NPROC and seccomp",
      kDelegated);
  add("memory-deny-write-execute", support.mdwe, false, "W^X rests on seccomp alone", "Linux 6.3 or newer");
  return out;
}

std::vector<std::string> HostSupport::missing_for_strict() const {
  std::vector<std::pair<std::string, std::string>> lost;  // what one remedy would give back
  for (const Mechanism& one : mechanisms(*this)) {
    if (!one.strict || one.available) continue;
    const auto same = std::ranges::find(lost, one.remedy, &std::pair<std::string, std::string>::first);
    const std::string text = one.name + ": without it " + one.lost;
    if (same == lost.end()) lost.emplace_back(one.remedy, text);
    else same->second += "; " + text;
  }
  std::vector<std::string> missing;
  for (const auto& [remedy, text] : lost) missing.push_back(text + "; needs " + remedy);
  return missing;
}

std::vector<std::string> HostSupport::missing_layers() const {
  std::vector<std::string> missing;
  for (const Mechanism& one : mechanisms(*this))
    if (one.strict && !one.available) missing.push_back(one.name + " (" + one.lost + ")");
  return missing;
}

}  // namespace freshet::sandbox

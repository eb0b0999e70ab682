#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "runtime/base/fd.h"
#include "runtime/sandbox/control_group.h"
#include "runtime/sandbox/user_map.h"

namespace freshet::sandbox {

// What this kernel and these rights allow, found by trying in a throw-away child, never by uid or version number.
struct HostSupport {
  bool user_namespace = false;      // a child can make one and get its ids mapped
  bool map_all_ids = false;         // .. with every id of this process's own map (root)
  bool mount_namespace = false;     // private root: clone, attach, pivot
  bool pid_namespace = false;
  bool net_namespace = false;
  bool ipc_namespace = false;
  bool uts_namespace = false;
  bool cgroup_namespace = false;
  bool seccomp_notify = false;      // user notification with a listener
  std::uint32_t landlock_abi = 0;
  bool mdwe = false;                // PR_SET_MDWE, Linux 6.3
  bool change_ids = false;          // may give a role a uid of its own (root)
  IdRanges own_ids;                 // .. one of these
  // owner_view.h: how root's workers see owners. None: they read no private directory of another.
  std::shared_ptr<const Fd> owner_view;
  bool idmapped_mounts = false;     // .. tried on "/"; another file system may answer differently
  std::shared_ptr<ControlGroups> control_groups;  // none: no limit by them
  bool openat2 = false;
  bool renameat2 = false;
  std::vector<std::string> reasons; // "user namespace: EPERM (..)": one line for each thing that failed

  // Empty, or what strict isolation lacks, each with what it stops and how to get it (mechanisms.h): a text for each remedy.
  [[nodiscard]] std::vector<std::string> missing_for_strict() const;
  // The same for reports: each with what is lost.
  [[nodiscard]] std::vector<std::string> missing_layers() const;
};

// Tests force a lesser host; every field only ever takes something away.
struct SupportLimits {
  bool no_user_namespace = false;
  bool no_namespaces = false;
  bool no_seccomp = false;
  std::uint32_t landlock_abi_at_most = 1000;
  bool no_mdwe = false;
  bool no_idmapped_mounts = false;
  bool no_control_groups = false;
};

HostSupport find_host_support(const SupportLimits& limits = {});

}  // namespace freshet::sandbox

#include "runtime/sandbox/host_support.h"

#include <fcntl.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/openat2.h>
#include <sched.h>
#include <signal.h>
#include <sys/prctl.h>

#include <algorithm>
#include <cerrno>
#include <memory>
#include <optional>

#include "runtime/base/fd.h"
#include "runtime/sandbox/child.h"
#include "runtime/sandbox/kernel.h"
#include "runtime/sandbox/owner_view.h"
#include "runtime/sandbox/private_tmpfs.h"
#include "runtime/sandbox/user_map.h"

namespace freshet::sandbox {
namespace {

struct NamespaceName {
  int flag;
  bool HostSupport::*field;
  const char* name;
};
constexpr NamespaceName kNamespaces[] = {
    {CLONE_NEWNS, &HostSupport::mount_namespace, "mount namespace"},
    {CLONE_NEWPID, &HostSupport::pid_namespace, "pid namespace"},
    {CLONE_NEWNET, &HostSupport::net_namespace, "net namespace"},
    {CLONE_NEWIPC, &HostSupport::ipc_namespace, "ipc namespace"},
    {CLONE_NEWUTS, &HostSupport::uts_namespace, "uts namespace"},
    {CLONE_NEWCGROUP, &HostSupport::cgroup_namespace, "cgroup namespace"},
};
constexpr int kAllNamespaces =
    CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWNET | CLONE_NEWIPC | CLONE_NEWUTS | CLONE_NEWCGROUP;

// What a throw-away child found; in memory shared with it. 0: worked, else errno; -1: not tried.
struct Findings {
  int root_error = -1;
  char root_step[48] = {};
  int ids_error = -1;
  int mdwe_error = -1;
  int landlock_error = -1;
  int notify_error = -1;
};

struct Trial {
  int flags = 0;
  const IdMaps* maps = nullptr;
  std::uint32_t other_id = 0;  // to become, 0: do not try

  int clone_error = 0;
  std::string maps_error;
  Findings found;

  [[nodiscard]] bool made() const { return clone_error == 0 && maps_error.empty(); }
};

struct ChildArgument {
  int go_fd;
  int manager_fd;  // the other end
  int flags;
  std::uint32_t other_id;
  Findings* found;
};

int errno_of(long result) { return result < 0 ? errno : 0; }

// Only raw system calls: it is cloned from a program that may have threads, and glibc's own locks and its list of
// threads are then not to be relied on (setresuid() would wait for threads that are not here).
int run_trial(void* raw) {
  const auto& argument = *static_cast<ChildArgument*>(raw);
  Findings& found = *argument.found;
  char go = 0;
  ::close(argument.manager_fd);  // or the end of a manager that is killed now would never be seen
  if (::read(argument.go_fd, &go, 1) != 1) return 1;
  if (argument.flags & CLONE_NEWNS) {
    StepError error = enter_private_tmpfs();
    if (error.step == nullptr) error = pivot_to_private_tmpfs();
    found.root_error = error.step == nullptr ? 0 : error.error_number;
    for (std::size_t i = 0; error.step != nullptr && error.step[i] != '\0' && i + 1 < sizeof found.root_step; ++i)
      found.root_step[i] = error.step[i];
  }
  if (argument.other_id != 0) {
    const std::uint32_t id = argument.other_id;
    found.ids_error = errno_of(::syscall(SYS_setgroups, 0, nullptr));
    if (found.ids_error == 0) found.ids_error = errno_of(::syscall(SYS_setresgid, id, id, id));
    if (found.ids_error == 0) found.ids_error = errno_of(::syscall(SYS_setresuid, id, id, id));
  }
  found.mdwe_error = errno_of(::prctl(kPrSetMdwe, kMdweRefuseExecGain, 0, 0, 0));
  ::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
  const LandlockRuleset rules{.handled_fs = kLandlockWriteFile};
  const int ruleset = landlock_create_ruleset(&rules, sizeof rules.handled_fs, 0);
  found.landlock_error = errno_of(ruleset);
  if (ruleset >= 0) found.landlock_error = errno_of(landlock_restrict_self(ruleset));
  sock_filter allow = BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
  sock_fprog program{1, &allow};
  found.notify_error = errno_of(seccomp(SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_NEW_LISTENER, &program));
  return 0;  // clone() ends the child with it
}

// Clones the child by copy (not CLONE_VM: its maps must be written while it runs beside us).
void run(Trial& trial) {
  const SharedPage<Findings> found(Findings{});
  const Stack stack;
  int ends[2] = {-1, -1};
  if (!found || !stack || ::pipe2(ends, O_CLOEXEC) != 0) {
    trial.clone_error = errno;
    return;
  }
  const Fd go_read(ends[0]);
  const Fd go_write(ends[1]);
  ChildArgument argument{go_read.get(), go_write.get(), trial.flags, trial.other_id, found.get()};
  const pid_t child = ::clone(run_trial, stack.top(), trial.flags | SIGCHLD, &argument);
  if (child < 0) {
    trial.clone_error = errno;
    return;
  }
  if (trial.maps != nullptr)
    if (auto done = write_maps(child, *trial.maps); !done) trial.maps_error = done.error().what;
  if (!trial.maps_error.empty() || ::write(go_write.get(), "g", 1) != 1) ::kill(child, SIGKILL);
  reap(child);
  trial.found = *found.get();
}

// One way to get namespaces: with a user namespace or without, and how its ids are mapped.
struct Way {
  bool user_namespace = false;
  std::optional<IdMaps> maps;
  bool all_ids = false;
};

std::string denied(const char* what, int error_number) { return std::string(what) + ": " + errno_text(error_number); }

// Fills the namespace fields of `out` for this way; the number of namespaces that work.
std::size_t try_way(const Way& way, std::uint32_t other_id, HostSupport& out) {
  const int base = way.user_namespace ? CLONE_NEWUSER : 0;
  const IdMaps* maps = way.maps ? &*way.maps : nullptr;
  Trial all{base | kAllNamespaces, maps, other_id, 0, {}, {}};
  run(all);
  std::size_t count = 0;
  if (all.made()) {
    for (const auto& space : kNamespaces) out.*space.field = true;
    count = std::size(kNamespaces);
  } else {
    for (const auto& space : kNamespaces) {
      Trial one{base | space.flag, maps, 0, 0, {}, {}};
      run(one);
      out.*space.field = one.made();
      if (one.made()) {
        ++count;
        if (space.flag == CLONE_NEWNS) all.found = one.found;
      } else {
        out.reasons.push_back(one.clone_error != 0 ? denied(space.name, one.clone_error)
                                                   : std::string(space.name) + ": " + one.maps_error);
      }
    }
  }
  if (out.mount_namespace && all.found.root_error != 0) {
    out.mount_namespace = false;
    --count;
    out.reasons.push_back("private root: " + denied(all.found.root_step, all.found.root_error));
  }
  // Ids are had without any of these too, as in many a container.
  if (other_id != 0 && all.found.ids_error < 0) {
    Trial change{base, maps, other_id, 0, {}, {}};
    run(change);
    all.found.ids_error = change.found.ids_error;
  }
  out.user_namespace = way.user_namespace;
  out.map_all_ids = way.all_ids;
  out.change_ids = other_id != 0 && all.found.ids_error == 0;
  return count;
}

// Any id of our map but our own.
std::uint32_t find_other_id(const IdRanges& ids) {
  for (const std::uint32_t id : {65534U, ::geteuid() + 1})
    if (id != ::geteuid() && ids.contains(id)) return id;
  return 0;
}

bool user_namespace_works(const IdMaps& maps, std::vector<std::string>& reasons, const char* name) {
  Trial trial{CLONE_NEWUSER, &maps, 0, 0, {}, {}};
  run(trial);
  if (trial.made()) return true;
  reasons.push_back(trial.clone_error != 0 ? denied(name, trial.clone_error)
                                           : std::string(name) + ": " + trial.maps_error);
  return false;
}

void find_namespaces(const SupportLimits& limits, HostSupport& out) {
  const auto ids = own_ids();
  const std::uint32_t other_id = ids ? find_other_id(*ids) : 0;
  if (ids) out.own_ids = *ids;
  if (limits.no_namespaces) {
    out.reasons.emplace_back("namespaces: switched off by the caller");
    Trial change{0, nullptr, other_id, 0, {}, {}};
    run(change);
    out.change_ids = other_id != 0 && change.found.ids_error == 0;
    return;
  }
  std::vector<Way> ways;
  std::vector<std::string> reasons;
  if (limits.no_user_namespace) {
    reasons.emplace_back("user namespace: switched off by the caller");
    ways.push_back({});
  } else {
    if (ids)
      if (IdMaps full = full_maps(*ids); user_namespace_works(full, reasons, "user namespace with every id mapped"))
        ways.push_back({true, std::move(full), true});
    ways.push_back({});
    if (IdMaps own = own_maps(); !ways.front().user_namespace && user_namespace_works(own, reasons, "user namespace"))
      ways.push_back({true, std::move(own), false});
  }
  std::size_t most = 0;
  std::optional<HostSupport> best;
  for (const Way& way : ways) {
    HostSupport tried;
    const std::size_t count = try_way(way, other_id, tried);
    if (!best || count > most) {
      most = count;
      best = std::move(tried);
    }
    if (most == std::size(kNamespaces)) break;
  }
  reasons.insert(reasons.end(), best->reasons.begin(), best->reasons.end());
  best->own_ids = std::move(out.own_ids);
  out = std::move(*best);
  if (most < std::size(kNamespaces) || !out.user_namespace || !out.map_all_ids) out.reasons = std::move(reasons);
}

void find_owner_view(const SupportLimits& limits, HostSupport& out) {
  if (!out.user_namespace || !out.map_all_ids || !out.mount_namespace || !out.change_ids) return;
  if (limits.no_idmapped_mounts) {
    out.reasons.emplace_back("idmapped mounts: switched off by the caller");
    return;
  }
  auto view = make_owner_view();
  const Fd top(::open("/", O_PATH | O_DIRECTORY | O_CLOEXEC));
  if (view) {
    if (const auto clone = clone_mapped(top.get(), view->get()); clone) out.idmapped_mounts = true;
    else out.reasons.push_back("idmapped mounts on /: " + clone.error().what);
    out.owner_view = std::make_shared<const Fd>(std::move(*view));
  } else {
    out.reasons.push_back("idmapped mounts: " + view.error().what);
  }
}

void find_control_groups(const SupportLimits& limits, HostSupport& out) {
  if (limits.no_control_groups) {
    out.reasons.emplace_back("limits by control groups: switched off by the caller");
    return;
  }
  if (auto found = ControlGroups::find()) out.control_groups = std::make_shared<ControlGroups>(std::move(*found));
  else out.reasons.push_back("limits by control groups: " + found.error().what);
}

}  // namespace

HostSupport find_host_support(const SupportLimits& limits) {
  HostSupport out;
  find_namespaces(limits, out);
  find_owner_view(limits, out);
  find_control_groups(limits, out);

  Trial plain;
  run(plain);
  const auto failed = [&](const char* what, int error_number) {
    if (error_number != 0) out.reasons.push_back(denied(what, plain.clone_error != 0 ? plain.clone_error : error_number));
    return error_number != 0;
  };
  out.mdwe = !limits.no_mdwe && !failed("PR_SET_MDWE", plain.found.mdwe_error);
  out.seccomp_notify = !failed("seccomp with user notification", plain.found.notify_error);
  if (limits.no_seccomp) {
    out.seccomp_notify = false;
    out.reasons.emplace_back("seccomp: switched off by the caller");
  }
  if (!failed("Landlock", plain.found.landlock_error)) {
    const int abi = landlock_create_ruleset(nullptr, 0, 1 /* LANDLOCK_CREATE_RULESET_VERSION */);
    out.landlock_abi = std::min(limits.landlock_abi_at_most, abi > 0 ? static_cast<std::uint32_t>(abi) : 0U);
  }
  open_how how{};
  how.flags = O_PATH | O_CLOEXEC;
  how.resolve = RESOLVE_NO_SYMLINKS;
  const Fd opened(static_cast<int>(::syscall(SYS_openat2, AT_FDCWD, "/", &how, sizeof how)));
  out.openat2 = static_cast<bool>(opened);
  // No descriptor, no rename: only the error tells whether the call is there.
  out.renameat2 = ::syscall(SYS_renameat2, -1, "a", -1, "b", 1U /* RENAME_NOREPLACE */) == 0 || errno == EBADF;
  return out;
}

}  // namespace freshet::sandbox

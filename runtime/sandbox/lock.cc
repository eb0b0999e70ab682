#include "runtime/sandbox/lock.h"

#include <fcntl.h>
#include <linux/keyctl.h>
#include <linux/openat2.h>
#include <malloc.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/statvfs.h>

#include <algorithm>
#include <cerrno>
#include <stdexcept>
#include <thread>

#include "runtime/sandbox/credentials.h"
#include "runtime/sandbox/filter_table.h"
#include "runtime/sandbox/kernel.h"
#include "runtime/sandbox/landlock.h"
#include "runtime/sandbox/left_out.h"
#include "runtime/sandbox/notifier.h"
#include "runtime/sandbox/private_root.h"
#include "runtime/wire/packet.h"

namespace freshet::sandbox {
namespace {

using wire::Role;
using wire::Setup;

constexpr std::size_t kThreadStack = 256 * 1024;
constexpr int kFirstFreeFd = 5;  // 4 stays free: the plugin's at dlopen, as the filter knows it

void start_clean() {
  if (is_left_out("start")) return;
  sigset_t none;
  ::sigemptyset(&none);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);
  ::umask(0);
}

// libc and the C++ runtime load and install things when first used (the unwinder, the handlers of pthread_create), by
// calls that are forbidden later.
void warm_up(Role role) {
  if (role == Role::broker) return;  // it has one thread
  ::mallopt(M_ARENA_MAX, 1);
  pthread_attr_t attributes;
  ::pthread_attr_init(&attributes);
  ::pthread_attr_setstacksize(&attributes, kThreadStack);
  ::pthread_setattr_default_np(&attributes);
  ::pthread_attr_destroy(&attributes);
  std::thread([] {}).join();
  try {
    throw std::runtime_error("");
  } catch (const std::exception&) {
  }
}

Result<LockedRole> take_descriptors(const Setup& setup, std::vector<Fd> fds) {
  if (fds.size() != setup.roots.size() + setup.tops.size() + (setup.has_plugin ? 1 : 0))
    return fail(ErrorKind::bug, "Setup came with " + std::to_string(fds.size()) + " descriptors");
  LockedRole out;
  for (Fd& fd : fds) {
    Fd high(::fcntl(fd.get(), F_DUPFD_CLOEXEC, kFirstFreeFd));
    if (!high) return fail_errno("F_DUPFD_CLOEXEC");
    fd.reset();
    out.roots.push_back(std::move(high));
  }
  if (setup.has_plugin) {
    out.plugin = std::move(out.roots.back());
    out.roots.pop_back();
  }
  return out;
}

// The kernel's first choice when memory ends should be a worker; a failure changes nothing that matters.
void offer_to_oom_killer() {
  const Fd file(::open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC));
  if (file) [[maybe_unused]] const ssize_t done = ::write(file.get(), "1000", 4);
}

// Whoever can make a user namespace has every capability in it, and with it ways to places in the kernel that nobody else
// reaches. Holds for this role's own namespace and all below it. Without /proc/sys the filter alone forbids it.
Status forbid_user_namespaces() {
  const Fd file(::open("/proc/sys/user/max_user_namespaces", O_WRONLY | O_CLOEXEC));
  if (!file) return fail_errno("opening max_user_namespaces");
  if (::write(file.get(), "0", 1) != 1) return fail_errno("writing max_user_namespaces");
  return {};
}

Status enter_private_root(const Setup& setup, LockedRole& role) {
  if (setup.private_root) {
    const bool load = setup.role == Role::worker && setup.has_plugin;
    if (auto done = build_private_root(setup, role.roots, load ? role.plugin.get() : -1); !done) return done;
    role.roots.clear();  // they lead out of the private root
    if (load) {
      role.plugin.reset();
      role.plugin_path = kPrivatePluginPath;
    }
  } else if (setup.role == Role::worker && setup.has_plugin) {
    role.plugin_path = "/proc/self/fd/" + std::to_string(role.plugin.get());
  }
  return {};
}

Status join_new_keyring() {
  if (::syscall(SYS_keyctl, KEYCTL_JOIN_SESSION_KEYRING, nullptr) < 0) return fail_errno("keyctl");
  return {};
}

Status limit(__rlimit_resource what, std::uint64_t value) {
  rlimit now{};
  if (::getrlimit(what, &now) != 0) return fail_errno("getrlimit");
  now.rlim_max = std::min<rlim_t>(now.rlim_max, value);
  now.rlim_cur = now.rlim_max;
  if (::setrlimit(what, &now) != 0) return fail_errno("setrlimit");
  return {};
}

Status set_limits(const Setup& setup) {
  Status done;
  const auto set = [&](__rlimit_resource what, std::uint64_t value, const char* name) {
    if (done && !is_left_out(name)) done = limit(what, value);
  };
  if (setup.memory_bytes != 0) set(RLIMIT_AS, setup.memory_bytes, "RLIMIT_AS");
  // Soft = hard: SIGKILL, not a signal to catch.
  if (setup.cpu_seconds != 0) set(RLIMIT_CPU, setup.cpu_seconds, "RLIMIT_CPU");
  set(RLIMIT_FSIZE, setup.file_size_bytes, "RLIMIT_FSIZE");
  set(RLIMIT_CORE, 0, "RLIMIT_CORE");
  set(RLIMIT_NOFILE, setup.open_files, "RLIMIT_NOFILE");
  if (setup.processes != 0) set(RLIMIT_NPROC, setup.processes, "RLIMIT_NPROC");
  set(RLIMIT_MEMLOCK, 0, "RLIMIT_MEMLOCK");
  set(RLIMIT_MSGQUEUE, 0, "RLIMIT_MSGQUEUE");
  set(RLIMIT_SIGPENDING, 16, "RLIMIT_SIGPENDING");
  set(RLIMIT_NICE, 0, "RLIMIT_NICE");
  set(RLIMIT_RTPRIO, 0, "RLIMIT_RTPRIO");
  return done;
}

Status refuse_new_privileges() {
  if (!is_left_out("no-new-privileges") && ::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) return fail_errno("PR_SET_NO_NEW_PRIVS");
  ::prctl(PR_SET_THP_DISABLE, 1, 0, 0, 0);  // huge pages: a side channel and a waste here, no boundary
  // The change of ids has cleared it already, where there was one.
  if (::prctl(PR_SET_DUMPABLE, is_left_out("dumpable") ? 1 : 0, 0, 0, 0) != 0) return fail_errno("PR_SET_DUMPABLE");
  return {};
}

Status refuse_write_execute() {
  if (::prctl(kPrSetMdwe, kMdweRefuseExecGain, 0, 0, 0) != 0) return fail_errno("PR_SET_MDWE");
  return {};
}

// After the change of ids, which clears it. A manager that died before the prctl is seen by its closed socket;
// getppid() says nothing in a pid namespace.
Status die_with_manager(int socket) {
  if (is_left_out("start")) return {};
  if (::prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) != 0) return fail_errno("PR_SET_PDEATHSIG");
  pollfd peer{socket, 0, 0};
  if (::poll(&peer, 1, 0) > 0 && (peer.revents & POLLHUP)) return fail(ErrorKind::peer, "the manager is gone");
  return {};
}

Result<std::vector<LandlockGrant>> worker_grants(const Setup& setup, const LockedRole& role, std::vector<Fd>& opened) {
  std::vector<LandlockGrant> grants;
  for (std::size_t i = 0; i < setup.roots.size(); ++i) {
    int fd = setup.private_root ? -1 : role.roots[i].get();
    if (setup.private_root) {
      opened.emplace_back(::open(private_root_path(i).c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
      if (!opened.back()) return fail_errno("opening " + private_root_path(i));
      fd = opened.back().get();
    }
    grants.push_back({fd, kLandlockReadDir | (setup.roots[i].read_contents ? kLandlockReadFile : 0)});
  }
  if (setup.private_root && setup.role == Role::worker && setup.has_plugin) {
    opened.emplace_back(::open(kPrivatePluginPath, O_PATH | O_CLOEXEC));
    if (!opened.back()) return fail_errno("opening the plugin's copy");
    grants.push_back({opened.back().get(), kLandlockReadFile});
  }
  return grants;
}

// Root and area have one and the same mask, or directories could not move between them. Only where nothing moves into
// the area (restore, purge) may the area have more: the tables in it are read there.
Result<std::vector<LandlockGrant>> broker_grants(const Setup& setup, const LockedRole& role, std::vector<Fd>& opened) {
  std::vector<LandlockGrant> grants;
  if (setup.ipc)
    for (const Fd& top : role.roots) grants.push_back({top.get(), kLandlockRemoveFile});
  for (std::size_t i = 0; i < setup.roots.size(); ++i) {
    const wire::RootSpec& spec = setup.roots[i];
    if (spec.top > setup.tops.size()) return fail(ErrorKind::bug, "Setup names a top that it does not have");
    if (!spec.remove) continue;
    const int root = role.roots[i].get();
    const bool has_area = i < setup.areas.size() && !setup.areas[i].empty();
    // Purge: of the directory that the area stands in only the area itself, empty, can go.
    const bool in_root = spec.top == 0;
    if (!setup.area_only) grants.push_back({root, broker_rights()});
    if (setup.area_only && in_root) grants.push_back({root, kLandlockRemoveDir});
    if (!has_area) continue;
    const int around = in_root ? root : role.roots[setup.roots.size() + spec.top - 1].get();
    if (!in_root && setup.area_only) grants.push_back({around, kLandlockRemoveDir});
    open_how how{};
    how.flags = O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;
    how.resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_XDEV;
    opened.emplace_back(static_cast<int>(::syscall(SYS_openat2, around, setup.areas[i].c_str(), &how, sizeof how)));
    // Not there yet: made later, under the root's rule. At a top the manager made it, or nothing is in it.
    if (!opened.back()) continue;
    if (!in_root || setup.area_only) grants.push_back({opened.back().get(), broker_rights()});
    if (setup.read_area) grants.push_back({opened.back().get(), kLandlockReadFile});
  }
  return grants;
}

Status apply_landlock(const Setup& setup, const LockedRole& role) {
  std::vector<Fd> opened;
  auto grants = setup.role == Role::broker ? broker_grants(setup, role, opened) : worker_grants(setup, role, opened);
  if (!grants) return std::unexpected(grants.error());
  return restrict_to(setup.landlock_abi, *grants);
}

// Each of these is true only if one certain layer is there: Landlock alone denies the listing of the private root, the
// private root alone has no /etc, only the read-only mount says EROFS.
Status test_layers(const Setup& setup) {
  if (setup.landlock_abi > 0) {
    const Fd top(::open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (top || errno != EACCES) return fail(ErrorKind::system, "self-test: Landlock does not forbid listing /");
  }
  if (!setup.private_root) return {};
  struct stat info {};
  if (::stat("/etc", &info) == 0 || errno != ENOENT) return fail(ErrorKind::system, "self-test: /etc is visible");
  for (std::size_t i = 0; i < setup.roots.size(); ++i) {
    const std::string root = private_root_path(i);
    struct statvfs mount {};
    if (::statvfs(root.c_str(), &mount) != 0 || (mount.f_flag & ST_RDONLY) == 0)
      return fail(ErrorKind::system, "self-test: the root " + setup.roots[i].path + " is not mounted read-only");
    // EACCES: another owner's, which this worker cannot even enter.
    if (::mkdir((root + "/.freshet-self-test").c_str(), 0700) == 0 || (errno != EROFS && errno != EACCES))
      return fail(ErrorKind::system, "self-test: the root " + setup.roots[i].path + " is writable");
  }
  return {};
}

// The filter, its listener to the manager, and the proof that both belong together: the manager answers a forbidden
// call with an errno that only it knows, and gets it back.
Status lock_calls(int socket, const Setup& setup, const wire::Locked& locked) {
  if (setup.filter.empty()) return wire::send_message(socket, locked);
  auto listener = install_filter(setup.filter);
  if (!listener) return std::unexpected(listener.error());
  const int fd = listener->get();
  if (auto done = wire::send_message(socket, locked, std::span(&fd, 1)); !done) return done;
  listener->reset();  // whoever holds it could answer for itself
  const long result = ::syscall(canary_call());
  return wire::send_message(socket, wire::Canary{result == -1 ? static_cast<std::uint32_t>(errno) : 0});
}

}  // namespace

Result<LockedRole> lock_role(int socket, const Setup& setup, std::vector<Fd> fds) {
  wire::Locked locked;
  Status status;
  // A layer that leaves nothing half built may be missing in best-effort; strict ends at once.
  const auto layer = [&](const char* name, auto&& step) {
    if (!status) return;
    Status done = step();
    if (done) return;
    if (setup.strict) {
      status = std::move(done);
    } else {
      locked.missing.push_back(std::string(name) + ": " + done.error().what);
    }
  };
  // Beside the strict list: a container may forbid the call, and the filter forbids all use of keyrings anyway.
  const auto extra = [&](const char* name, auto&& step) {
    if (!status) return;
    if (const Status done = step(); !done) locked.missing.push_back(std::string(name) + ": " + done.error().what);
  };
  // What the later steps stand on: without it there is no going on.
  const auto must = [&](auto&& step) {
    if (status) status = step();
  };

  start_clean();
  warm_up(setup.role);
  auto role = take_descriptors(setup, std::move(fds));
  if (!role) return role;
  if (setup.role != Role::broker) offer_to_oom_killer();
  if (setup.own_user_namespace && !is_left_out("no-user-namespaces")) [[maybe_unused]] const Status forbidden = forbid_user_namespaces();
  if (setup.cloned_roots) must([&] { return make_files_as(setup); });
  must([&] { return enter_private_root(setup, *role); });
  extra("session keyring", join_new_keyring);
  must([&] { return drop_credentials(setup); });
  must([&] { return set_limits(setup); });
  must([&] { return refuse_new_privileges(); });
  if (setup.deny_write_execute) layer("MDWE", refuse_write_execute);
  must([&] { return die_with_manager(socket); });
  if (setup.landlock_abi > 0) layer("Landlock", [&] { return apply_landlock(setup, *role); });
  layer("self-test", [&] { return test_layers(setup); });
  must([&] { return lock_calls(socket, setup, locked); });
  if (!status) return std::unexpected(status.error());
  return role;
}

}  // namespace freshet::sandbox

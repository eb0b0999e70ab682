#include "runtime/channel/role_setup.h"

#include <linux/capability.h>
#include <sched.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>

#include "runtime/base/bytes.h"
#include "runtime/sandbox/filter_book.h"
#include "runtime/sandbox/owner_view.h"

namespace freshet::channel {
namespace {

using wire::BrokerPhase;
using wire::Role;

constexpr std::uint64_t kTableRoom = 64 * 1024;
[[maybe_unused]] constexpr std::uint64_t kBrokerMemory = 512ULL << 20;
constexpr std::uint32_t kBrokerFds = 512;
constexpr std::uint32_t kLeastFds = 16;    // with fewer a worker could not walk
constexpr std::uint32_t kStandardFds = 8;  // of a role itself, where its roots' descriptors stay open

constexpr std::int64_t kSecond = 1'000'000'000;

// What a configuration may name must fit into Setup, with the state directory as one exclude more.
static_assert(config::kMaxRoots <= wire::kMaxRoots && config::kMaxExcludes < wire::kMaxExcludes);

constexpr std::uint64_t bit(unsigned capability) { return 1ULL << capability; }

std::uint64_t namespaces(const sandbox::HostSupport& support, Role role, bool host_ipc) {
  std::uint64_t flags = 0;
  if (support.user_namespace) flags |= CLONE_NEWUSER;
  // A broker stays among the manager's mounts: what the host mounts later on a planned directory must refuse its
  // rename, and only there it does whatever the propagation.
  if (support.mount_namespace && role != Role::broker) flags |= CLONE_NEWNS;
  if (support.pid_namespace) flags |= CLONE_NEWPID;
  if (support.net_namespace) flags |= CLONE_NEWNET;
  if (support.ipc_namespace && !host_ipc) flags |= CLONE_NEWIPC;
  if (support.uts_namespace) flags |= CLONE_NEWUTS;
  if (support.cgroup_namespace) flags |= CLONE_NEWCGROUP;
  return flags;
}

// A worker reaches every owner's directories where its roots are mapped for it, by a capability that means nothing
// anywhere else (owner_view.h); elsewhere it has what its uid may. A broker has one that means something for every owner's
// files and nothing for the rest of the host, by the one-to-one map of its user namespace; without such a namespace the
// host's.
std::uint64_t capabilities(const sandbox::HostSupport& support, Role role, bool cloned_roots) {
  const bool all_owners = support.user_namespace && support.map_all_ids;
  if (role == Role::worker) return cloned_roots ? bit(CAP_DAC_READ_SEARCH) : 0;
  if (role == Role::probe) return 0;
  if (all_owners || (!support.user_namespace && ::geteuid() == 0)) return bit(CAP_DAC_OVERRIDE) | bit(CAP_FOWNER);
  return support.user_namespace ? bit(CAP_DAC_OVERRIDE) : 0;
}

std::string relative_to(const std::string& root, const std::string& path) {
  if (root == "/") return path.substr(1);
  return path.size() > root.size() + 1 ? path.substr(root.size() + 1) : std::string();
}

wire::RootSpec root_spec(const OpenRoot& root) {
  wire::RootSpec spec;
  spec.path = root.config.path;
  spec.read_contents = root.config.access.read;
  spec.remove = root.config.access.remove;
  for (const std::string& exclude : root.config.exclude)
    if (std::string path = relative_to(root.config.path, exclude); !path.empty()) spec.excludes.push_back(std::move(path));
  spec.dev = root.dev;
  spec.inode = root.identity.inode;
  spec.stable_birth = root.stable_birth;
  return spec;
}

[[maybe_unused]] std::uint64_t plugin_bytes(const RoleRequest& request) {
  struct stat info {};
  if (request.plugin_memfd < 0 || ::fstat(request.plugin_memfd, &info) != 0) return 0;
  // The probe reads the whole file into memory, beside what libelf makes of it; the worker maps it.
  return static_cast<std::uint64_t>(info.st_size) * (request.role == Role::probe ? 2 : 1);
}

// Clones of all roots, mapped for a worker; none if only one of them lies where nothing can be mapped, because the worker
// could not tell that one's owners.
std::vector<Fd> clone_roots(const sandbox::HostSupport& support, const RoleRequest& request, std::string& unmapped) {
  std::vector<Fd> clones;
  for (const OpenRoot* root : request.roots) {
    auto clone = sandbox::clone_mapped(root->directory.get(), support.owner_view->get());
    if (!clone) {
      unmapped = escape_bytes(root->config.path) + ": " + clone.error().what;
      return {};
    }
    clones.push_back(std::move(*clone));
  }
  return clones;
}

std::uint32_t threads(const RoleRequest& request) { return request.role == Role::worker ? request.limits.threads + 1 : 1; }

void set_limits(const sandbox::HostSupport& support, const RoleRequest& request, wire::Setup& setup) {
  const bool broker = request.role == Role::broker;
  const auto& limits = request.limits;
#ifndef FRESHET_SANITIZED  // a sanitizer's shadow memory is larger than any limit
  setup.memory_bytes = (broker ? std::max(kBrokerMemory, limits.memory_bytes) : limits.memory_bytes) + kRoleBytes +
                       plugin_bytes(request);
#endif
  // Of plugin code only: how long a broker needs depends on the disk and on the tree.
  if (!broker) setup.cpu_seconds = static_cast<std::uint64_t>(std::max(kSecond, limits.cpu_ns + kSecond - 1) / kSecond);
  setup.file_size_bytes = broker ? request.table_bytes + kTableRoom : 0;
  setup.open_files = broker ? kBrokerFds : std::max(kLeastFds, limits.fds);
  if (!setup.private_root) setup.open_files += kStandardFds + static_cast<std::uint32_t>(request.roots.size() + request.tops.size());
  // Counted per user namespace and uid: without one of the two it would count the user's every process. The manager counts
  // a worker's threads then.
  setup.processes = support.user_namespace || !setup.keep_ids ? threads(request) : 0;
}

}  // namespace

Result<RoleSetup> make_role_setup(const sandbox::HostSupport& support, const RoleRequest& request) {
  RoleSetup out;
  out.missing = support.missing_layers();
  if (request.strict && !out.missing.empty()) {
    std::string list;
    for (const std::string& line : support.missing_for_strict()) list += (list.empty() ? "" : "\n") + line;
    return fail(ErrorKind::refused, "strict isolation cannot be had here",
                list + "\n`freshet doctor` shows all; isolation = \"best-effort\" goes on without.");
  }
  constexpr const char* kNames[] = {"worker", "broker", "probe"};
  out.spawn.argument = kNames[static_cast<std::size_t>(request.role)];
  out.spawn.namespaces = namespaces(support, request.role, request.ipc_owner.has_value());
  out.spawn.map_all_ids = support.map_all_ids;
  out.spawn.share_network = request.role == Role::broker;
  out.spawn.loads_libraries = request.role == Role::worker;

  wire::Setup& setup = out.setup;
  setup.role = request.role;
  setup.strict = request.strict;
  setup.private_root = (out.spawn.namespaces & CLONE_NEWNS) != 0;
  setup.own_user_namespace = support.user_namespace;
  setup.own_pid_namespace = support.pid_namespace;
  setup.has_plugin = request.plugin_memfd >= 0;
  setup.libraries = request.libraries;
  const std::uint32_t uid = request.ipc_owner.value_or(request.uid);
  setup.keep_ids = !support.change_ids || uid == 0 || !support.own_ids.contains(uid);
  if (!setup.keep_ids) setup.uid = setup.gid = uid;
  if (setup.keep_ids && uid != 0 && ::geteuid() == 0)
    out.missing.push_back("uid of its own: " + std::to_string(uid) +
                          (support.change_ids ? " is not among the uids of this container" : " cannot be taken here"));
  setup.fs_uid = ::geteuid();
  setup.fs_gid = ::getegid();
  if (request.role == Role::worker && support.owner_view && setup.private_root && !setup.keep_ids) {
    out.clones = clone_roots(support, request, out.unmapped);
    setup.cloned_roots = out.clones.size() == request.roots.size();
    if (setup.cloned_roots) out.spawn.viewer = request.uid;
  }
  setup.keep_capabilities = capabilities(support, request.role, setup.cloned_roots);
  if (request.ipc_owner) {
    setup.ipc = true;
    setup.fs_uid = setup.keep_ids ? ::geteuid() : uid;
    setup.fs_gid = setup.keep_ids ? ::getegid() : uid;
    setup.keep_capabilities = 0;
  }
  setup.landlock_abi = support.landlock_abi;
  setup.deny_write_execute = support.mdwe;
  if (request.role == Role::broker) {
    setup.area_only = request.phase == BrokerPhase::purge;
    setup.read_area = request.phase == BrokerPhase::purge || request.phase == BrokerPhase::restore;
  }
  set_limits(support, request, setup);
  out.threads = threads(request);
  for (std::size_t i = 0; i < request.roots.size(); ++i) {
    setup.roots.push_back(root_spec(*request.roots[i]));
    out.fds.push_back(setup.cloned_roots ? out.clones[i].get() : request.roots[i]->directory.get());
    if (i >= request.top_of.size() || request.top_of[i] == 0) continue;
    setup.roots.back().top = request.top_of[i];
    setup.roots.back().below_top = relative_to(request.tops.at(request.top_of[i] - 1)->config.path, request.roots[i]->config.path);
  }
  const auto add_top = [&](const OpenRoot* top, wire::TopUse use) {
    if (top == nullptr) return;
    setup.tops.push_back({top->config.path, top->dev, top->identity.inode, use});
    out.fds.push_back(top->directory.get());
  };
  for (const OpenRoot* top : request.tops) add_top(top, wire::TopUse::areas);
  add_top(request.shm, wire::TopUse::shm);
  add_top(request.queues, wire::TopUse::queues);
  setup.areas = request.areas;
  if (setup.has_plugin) out.fds.push_back(request.plugin_memfd);
  return out;
}

Status add_filter(const sandbox::HostSupport& support, const RoleRequest& request, int pid, wire::Setup& setup) {
  if (!support.seccomp_notify) return {};
  const sandbox::FilterRequest wanted{.role = request.role,
                                      .phase = request.phase,
                                      .unlink = request.unlink,
                                      .read_contents = std::ranges::any_of(setup.roots, &wire::RootSpec::read_contents),
                                      .count_threads = counts_threads(setup),
                                      .self = support.pid_namespace ? 1 : pid};
  auto filter = request.filters != nullptr ? request.filters->find(wanted) : sandbox::compile_filter(wanted);
  if (!filter) return std::unexpected(filter.error());
  setup.filter = std::move(*filter);
  return {};
}

}  // namespace freshet::channel

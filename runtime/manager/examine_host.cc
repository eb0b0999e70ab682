#include "runtime/manager/examine_host.h"

#include "runtime/sandbox/host_support.h"

namespace freshet {

std::vector<DoctorRow> examine_host() {
  const sandbox::HostSupport host = sandbox::find_host_support();
  std::vector<DoctorRow> out;
  const auto row = [&](const char* mechanism, bool available, bool needed, std::string seen, const char* lost) {
    out.push_back({mechanism, available, needed, std::move(seen), lost});
  };
  const auto tried = [](bool works) { return std::string(works ? "works" : "does not work"); };
  row("user namespace", host.user_namespace, true, tried(host.user_namespace), "a plugin would run with this user's own rights");
  row("private root (mount namespace)", host.mount_namespace, true, tried(host.mount_namespace), "names outside the grant could be seen");
  row("pid namespace", host.pid_namespace, true, tried(host.pid_namespace), "other processes could be seen and signalled");
  row("network namespace", host.net_namespace, true, tried(host.net_namespace), "the network rests on seccomp alone");
  row("ipc namespace", host.ipc_namespace, true, tried(host.ipc_namespace), "System V IPC rests on seccomp alone");
  row("seccomp user notification", host.seccomp_notify, true, tried(host.seccomp_notify), "forbidden calls could not be stopped and named");
  row("Landlock", host.landlock_abi >= 2, true, "ABI " + std::to_string(host.landlock_abi), "the broker could act outside its roots");
  row("openat2", host.openat2, true, tried(host.openat2), "links on the way could not be refused");
  row("renameat2", host.renameat2, true, tried(host.renameat2), "nothing could be moved without the risk of overwriting");
  row("uid of its own for each role", host.change_ids, false, tried(host.change_ids), "roles run as this user");
  row("memory-deny-write-execute", host.mdwe, false, tried(host.mdwe), "W^X rests on seccomp alone");
  for (const std::string& reason : host.reasons) out.push_back({"note", true, false, reason, ""});
  return out;
}

}  // namespace freshet

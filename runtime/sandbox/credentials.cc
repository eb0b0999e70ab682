#include "runtime/sandbox/credentials.h"

#include <grp.h>
#include <linux/capability.h>
#include <linux/securebits.h>
#include <sys/fsuid.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <cerrno>

#include "runtime/sandbox/kernel.h"
#include "runtime/sandbox/left_out.h"

namespace freshet::sandbox {
namespace {

struct CapabilitySets {
  std::uint64_t effective = 0;
  std::uint64_t permitted = 0;
  std::uint64_t inheritable = 0;
};

Result<CapabilitySets> read_capabilities() {
  __user_cap_header_struct header{_LINUX_CAPABILITY_VERSION_3, 0};
  __user_cap_data_struct data[2] = {};
  if (::syscall(SYS_capget, &header, data) != 0) return fail_errno("capget");
  const auto join = [](std::uint32_t low, std::uint32_t high) {
    return static_cast<std::uint64_t>(high) << 32 | low;
  };
  return CapabilitySets{join(data[0].effective, data[1].effective), join(data[0].permitted, data[1].permitted),
                        join(data[0].inheritable, data[1].inheritable)};
}

Status keep_only(std::uint64_t mask) {
  __user_cap_header_struct header{_LINUX_CAPABILITY_VERSION_3, 0};
  __user_cap_data_struct data[2] = {};
  data[0].effective = data[0].permitted = static_cast<std::uint32_t>(mask);
  data[1].effective = data[1].permitted = static_cast<std::uint32_t>(mask >> 32);
  if (::syscall(SYS_capset, &header, data) != 0) return fail_errno("capset");
  const auto now = read_capabilities();
  if (!now) return std::unexpected(now.error());
  if (now->effective != mask || now->permitted != mask || now->inheritable != 0)
    return fail(ErrorKind::system, "capabilities were not dropped");
  return {};
}

Status drop_bounding_set(std::uint64_t keep) {
  for (unsigned long cap = 0; cap < 64; ++cap) {
    if ((keep >> cap & 1) != 0 || ::prctl(PR_CAPBSET_DROP, cap, 0, 0, 0) == 0) continue;
    if (errno == EINVAL) break;  // past the last capability of this kernel
    return fail_errno("PR_CAPBSET_DROP");
  }
  return {};
}

constexpr unsigned long kSecureBits = SECBIT_NOROOT | SECBIT_NOROOT_LOCKED | SECBIT_NO_SETUID_FIXUP |
                                      SECBIT_NO_SETUID_FIXUP_LOCKED | SECBIT_KEEP_CAPS_LOCKED |
                                      SECBIT_NO_CAP_AMBIENT_RAISE | SECBIT_NO_CAP_AMBIENT_RAISE_LOCKED;

// The two calls have no error return: ask again.
Status change_file_ids(std::uint32_t uid, std::uint32_t gid) {
  ::setfsgid(gid);
  ::setfsuid(uid);
  if (::setfsgid(gid) != static_cast<int>(gid) || ::setfsuid(uid) != static_cast<int>(uid))
    return fail(ErrorKind::system, "setfsuid was not obeyed");
  return {};
}

Status change_ids(const wire::Setup& setup) {
  if (!is_left_out("groups") && ::setgroups(0, nullptr) != 0) return fail_errno("setgroups");
  if (::setresgid(setup.gid, setup.gid, setup.gid) != 0) return fail_errno("setresgid");
  if (::setresuid(setup.uid, setup.uid, setup.uid) != 0) return fail_errno("setresuid");
  // Slots and tables belong to the manager.
  return setup.role == wire::Role::broker ? change_file_ids(setup.fs_uid, setup.fs_gid) : Status();
}

}  // namespace

Status make_files_as(const wire::Setup& setup) { return change_file_ids(setup.uid, setup.gid); }

Status drop_credentials(const wire::Setup& setup) {
  const auto before = read_capabilities();
  if (!before) return std::unexpected(before.error());
  const bool may_drop = (before->effective >> CAP_SETPCAP & 1) != 0;
  if (may_drop) {
    if (!is_left_out("capabilities"))
      if (auto done = drop_bounding_set(setup.keep_capabilities); !done) return done;
    if (!is_left_out("capabilities") && ::prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0) != 0) return fail_errno("PR_CAP_AMBIENT");
    if (::prctl(PR_SET_SECUREBITS, kSecureBits, 0, 0, 0) != 0) return fail_errno("PR_SET_SECUREBITS");
  } else if (before->permitted != 0 && setup.strict) {
    return fail(ErrorKind::system, "capabilities cannot be dropped for good without CAP_SETPCAP");
  }
  // With NO_SETUID_FIXUP every capability survives the change of ids, so what is not kept goes afterwards.
  if (!setup.keep_ids && !is_left_out("ids"))
    if (auto done = change_ids(setup); !done) return done;
  if (is_left_out("capabilities")) return {};
  return keep_only(setup.keep_capabilities & before->permitted);
}

}  // namespace freshet::sandbox

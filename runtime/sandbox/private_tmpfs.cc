#include "runtime/sandbox/private_tmpfs.h"

#include <fcntl.h>
#include <sys/mount.h>
#include <unistd.h>

#include <cerrno>

#include "runtime/sandbox/kernel.h"

namespace freshet::sandbox {

StepError enter_private_tmpfs() {
  const auto failed = [](const char* step) { return StepError{step, errno}; };
  if (::mount(nullptr, "/", nullptr, MS_REC | MS_SLAVE, nullptr) != 0) return failed("making mounts slaves");
  const int context = ::fsopen("tmpfs", FSOPEN_CLOEXEC);
  if (context < 0) return failed("fsopen of a tmpfs");
  // Room for the plugin's copy (64 MiB at most) and for one directory a root; nothing else ever writes here.
  if (::fsconfig(context, FSCONFIG_SET_STRING, "size", "72m", 0) != 0 ||
      ::fsconfig(context, FSCONFIG_SET_STRING, "nr_inodes", "256", 0) != 0 ||
      ::fsconfig(context, FSCONFIG_SET_STRING, "mode", "0555", 0) != 0 ||
      ::fsconfig(context, FSCONFIG_CMD_CREATE, nullptr, nullptr, 0) != 0)
    return failed("configuring a tmpfs");
  const int tmpfs = ::fsmount(context, FSMOUNT_CLOEXEC, MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV);
  if (tmpfs < 0) return failed("fsmount of a tmpfs");
  ::close(context);
  if (::move_mount(tmpfs, "", AT_FDCWD, "/", MOVE_MOUNT_F_EMPTY_PATH) != 0) return failed("attaching a tmpfs");
  if (::fchdir(tmpfs) != 0) return failed("fchdir to the tmpfs");
  ::close(tmpfs);
  return {};
}

StepError pivot_to_private_tmpfs() {
  const auto failed = [](const char* step) { return StepError{step, errno}; };
  if (pivot_root(".", ".") != 0) return failed("pivot_root");
  // The old root lies over the new one now; nothing of it may stay reachable.
  if (::umount2(".", MNT_DETACH) != 0) return failed("letting go of the old root");
  if (::chdir("/") != 0) return failed("chdir to the private root");
  return {};
}

}  // namespace freshet::sandbox

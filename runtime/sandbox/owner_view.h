#pragma once

#include "runtime/base/error.h"
#include "runtime/base/fd.h"

namespace freshet::sandbox {

// Root's worker lists private directories of every owner by CAP_DAC_READ_SEARCH in its own user namespace, and that
// capability must be worth nothing outside of its grant. So no owner of this host has an id in that namespace
// (viewer_maps); the clones of the granted roots are mapped instead (mount_setattr, MOUNT_ATTR_IDMAP), so that on them,
// and on them alone, every owner has one.

// The user namespace that such mounts are mapped by; it holds no process. Needs root's rights over the ids of the map.
Result<Fd> make_owner_view();

// An unattached clone of the directory `root` (of this process's mount namespace) and of the mounts below it, the top
// mapped by `view`. Fails where the file system knows no mapped mounts (Linux 5.12 and later: ext4, xfs; 5.15: btrfs;
// 6.3: tmpfs; never: overlayfs, most network ones), or where we have no rights over it.
Result<Fd> clone_mapped(int root, int view);

}  // namespace freshet::sandbox

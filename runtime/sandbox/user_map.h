#pragma once

#include <sys/types.h>

#include <cstdint>
#include <string>
#include <vector>

#include "runtime/base/error.h"
#include "runtime/sandbox/step_error.h"

namespace freshet::sandbox {

// The id maps of a child's new user namespace.
struct IdMaps {
  std::string uid_map;
  std::string gid_map;
  bool deny_setgroups = false;  // an ordinary user must, before its gid_map
};

// The ids that our own user namespace has. Once written, the kernel's maps never change.
struct IdRanges {
  struct Range {
    std::uint64_t first = 0;
    std::uint64_t count = 0;
  };
  std::vector<Range> uids;
  std::vector<Range> gids;

  // As uid and gid alike, so that a role can be given it.
  [[nodiscard]] bool contains(std::uint32_t id) const;
};
Result<IdRanges> own_ids();

// Every id of ours, inner N to outer N: the child can then own and look into what we can, and any id of ours can be given
// to a role, without one capability in our own namespace.
IdMaps full_maps(const IdRanges& ids);
// Our effective uid and gid alone.
IdMaps own_maps();

// How a worker of root sees the owners of what it may list (owner_view.h): owner N of a granted root is the outer id
// kViewFirst + N, which owns nothing on this host and is nobody's. Owners from kViewCount on have no id there.
inline constexpr std::uint32_t kViewFirst = 0x80000000;
inline constexpr std::uint32_t kViewCount = 0x70000000;
// Of the namespace that the roots' mounts are mapped by: N inside is kViewFirst + N outside.
IdMaps view_maps();
// Of a worker that becomes `id`: the same, but for `id`, which is itself inside and outside. No other id of this host,
// root's least of all, means anything to a capability in such a namespace.
IdMaps viewer_maps(std::uint32_t id);

// Writes the maps of `child`, which sits in a user namespace it was cloned into.
Status write_maps(pid_t child, const IdMaps& maps);
// The same with system calls alone, for a child of a program with threads. 0: the maps of the caller.
StepError put_maps(pid_t child, const IdMaps& maps);

}  // namespace freshet::sandbox

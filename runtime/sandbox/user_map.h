#pragma once

#include <sys/types.h>

#include <cstdint>
#include <string>

#include "runtime/base/error.h"

namespace freshet::sandbox {

// The id maps of a child's new user namespace.
struct IdMaps {
  std::string uid_map;
  std::string gid_map;
  bool deny_setgroups = false;  // an ordinary user must, before its gid_map
};

// Every id of our own maps, inner N to outer N: the child can then own and look into what we can, and any id of ours can
// be given to a role, without one capability in our own namespace.
Result<IdMaps> full_maps();
// Our effective uid and gid alone.
IdMaps own_maps();
// Whether `id` is one of our own map (uid and gid alike), so that a role can be given it.
bool is_mapped_id(std::uint32_t id);

// Writes the maps of `child`, which sits in a user namespace it was cloned into.
Status write_maps(pid_t child, const IdMaps& maps);

}  // namespace freshet::sandbox

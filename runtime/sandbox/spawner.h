#pragma once

#include <sys/types.h>

#include <cstdint>
#include <memory>
#include <string>

#include "runtime/base/error.h"
#include "runtime/base/fd.h"

namespace freshet::sandbox {

struct SpawnRequest {
  std::string argument;     // argv[1] of the role executable: "worker", "broker", "probe"
  std::uint64_t namespaces = 0;  // CLONE_NEW* flags
  bool map_all_ids = false; // with CLONE_NEWUSER: map every id of our own map one to one, else only our own uid and gid
  std::uint32_t viewer = 0; // with CLONE_NEWUSER, not 0: the maps of a worker that becomes this id (viewer_maps)
  // With CLONE_NEWNET, for a role that runs no foreign code: one empty network for all of these, which is several times
  // faster than one for each. Each gets its own where we may not make such a network.
  bool share_network = false;
  int control_group = -1;       // the directory of the cgroup it begins in; -1: ours
  int errors_fd = -1;           // becomes descriptor 2; -1: /dev/null does. Not owned
  bool loads_libraries = true;  // false: by the statically linked executable, which starts several times faster
};

struct Spawned {
  Fd socket;  // our end
  Fd pidfd;
  pid_t pid = -1;  // for /proc and log lines only; signals go by pidfd
};

// Starts role processes. All of them are children of one thread that lives as long as the spawner (PR_SET_PDEATHSIG
// follows the thread). The child gets its socket as descriptor 3, /dev/null as 0 and 1, `errors_fd` as 2 and nothing else; its
// environment is empty. Thread-safe.
class Spawner {
 public:
  // `role_executable` is opened once and executed by descriptor, and so is its statically linked twin, the file beside it
  // with "-static" behind the name. Where that is missing (a sanitizer cannot be linked statically) the first does it all.
  static Result<std::unique_ptr<Spawner>> create(const std::string& role_executable);
  virtual ~Spawner() = default;
  virtual Result<Spawned> spawn(const SpawnRequest& request) = 0;
};

}  // namespace freshet::sandbox

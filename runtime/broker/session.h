#pragma once

#include <cstddef>
#include <cstdint>
#include <expected>
#include <optional>
#include <string>
#include <vector>

#include "runtime/base/fd.h"
#include "runtime/base/identity.h"
#include "runtime/wire/messages.h"
#include "runtime/wire/packet.h"

// What the phases share: the roots, what Begin said, and the way to the manager.
namespace freshet::broker {

// Success, or what the broker sends as its last word.
using Verdict = std::expected<void, wire::Failed>;

// Codes of Failed, stable.
inline constexpr const char* kForeignArea = "F3001";      // what stands in the area's place is not ours
inline constexpr const char* kOutOfOrder = "F3002";       // the manager sent what the phase does not permit
inline constexpr const char* kNotPermitted = "F3003";     // a request for an excluded place or the area itself
inline constexpr const char* kAreaUnusable = "F3004";     // area, folder or table cannot be made or written
inline constexpr const char* kRootChanged = "F3005";      // the root is not the directory the manager saw
inline constexpr const char* kTrialFailed = "F3006";      // renames do not work there
inline constexpr const char* kOutOfMemory = "F3007";

std::unexpected<wire::Failed> give_up(const char* code, std::string what, int error_number = 0);

// A quarantine area: in its root, or at the top of the root's mount, where it may serve several roots.
struct Area {
  std::string name;
  int directory = -1;        // that it stands in, O_PATH; not owned
  std::string path;          // of that directory, for texts only
  EntryStat stat;            // of that directory as it was at the start
  // The manager made it before this process was locked, for this process may make nothing there; and others use it.
  bool at_top = false;
};

inline constexpr std::size_t kNoArea = static_cast<std::size_t>(-1);

struct Root {
  Fd directory;              // O_PATH
  std::string path;          // for texts only
  bool remove = false;       // what lies in it may leave it
  std::string area;          // name of its area, "" for none; what has that name in the root is closed off in any case
  std::size_t area_index = kNoArea;  // in Session::areas
  std::string below_area;    // the root, relative to the directory that its area stands in; "" is that directory
  std::vector<std::string> excludes;
  bool with_birth = true;
  EntryStat stat;            // of the root as it was at the start: dev, mount id, times
};

struct Session {
  int socket = -1;
  std::uint32_t owner = 0;   // uid of what this process makes
  std::size_t free_fds = 8;  // descriptors beside the socket and the roots
  std::vector<Root> roots;
  std::vector<Fd> tops;      // O_PATH
  int shm = -1;              // of the tops, that POSIX shared memory and semaphores are files in; not owned
  int queues = -1;           // likewise of POSIX message queues
  std::vector<Area> areas;
  wire::Begin begin;

  template <class M>
  [[nodiscard]] Verdict send(const M& message) const {
    // The manager is gone: nobody can be told, and nothing more may happen without it.
    if (!wire::send_message(socket, message)) return give_up(kOutOfOrder, "the manager is gone");
    return {};
  }
};

// True when `place` (relative to the root, "" is the root) is the area, an exclude, or below one.
bool is_closed_off(const Root& root, std::string_view place);
// True when an exclude or the area lies below `place`.
bool contains_closed_off(const Root& root, std::string_view place);
// Components that may be names, single slashes between them; "" too.
bool is_relative_path(std::string_view path);

std::string join_path(std::string_view parent, std::string_view name);

// The path of a directory of the root as its area's table has it: relative to the directory that the area stands in.
std::string table_path(const Root& root, std::string_view path);
// And back; none when it is not of this root.
std::optional<std::string> path_in_root(const Root& root, std::string_view table_path);

}  // namespace freshet::broker

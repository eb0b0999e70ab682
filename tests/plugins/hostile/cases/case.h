// One hostile case: an attempt that the plugin org.freshet.test.cases makes inside its scan, and what somebody outside
// would see had it succeeded. The attempts are compiled into the plugin; tests/hostile holds the observer, which reads
// the same tables and calls none of them.
#pragma once

#include <freshet/plugin.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace freshet::hostile {

// What proves that an attempt succeeded. Nothing here rests on the plugin's word, but for `told`: a secret cannot be
// told by whoever has not seen it.
enum class Evidence : std::uint8_t {
  control,   // must succeed in every mode: the name in the grant is told, and the true finding accepted
  changed,   // the planted trees (names, contents, modes, times but atime, attributes), or the host's name
  read_time, // the access time of grant/dir, grant/file or grant/link
  told,      // one of the secrets arrived at the manager
  heard,     // one of the observer's listeners was connected to or got the word
  victim,    // the other process: its signals, memory, limits, priority, tracer ..
  left,      // a process that descends from the worker, while it lives or after its end
  ipc,       // an object of the host that carries the word or the key: System V, POSIX, a key
  holds,     // the worker has a descriptor whose link contains `about`, and had none when the plugin was loaded
  maps,      // executable memory that was not there when the plugin was loaded
  state,     // /proc/<worker>/<about> (or "file:Line" of it) differs from when the plugin was loaded
  locked,    // the observer cannot lock grant/dir or grant/file
  exceeds,   // more than the limit of `about`: rss, threads, fds, cpu, wall, lines, processes
  accepted,  // the manager took a forged event for a true one
  inherited, // a process that was started clean does not have it: `about` as in `state`, or a secret that is told
  outlives,  // the worker lives on when its manager was killed
};

// Of a case.
inline constexpr unsigned kRead = 1;        // the root is granted with `read`
inline constexpr unsigned kSwap = 2;        // somebody swaps grant/swap between a directory and a link to outside
inline constexpr unsigned kMoveOut = 4;     // somebody moves grant/mover to outside, and back
inline constexpr unsigned kRoot = 8;        // succeeds for root only, sandbox or not
inline constexpr unsigned kUnprivileged = 16;  // likewise for an ordinary user
inline constexpr unsigned kSlow = 32;       // takes seconds by its nature

struct Scene {
  std::string grant;    // the granted root, wherever this worker has it
  std::string outside;  // a directory beside it, as the host names it
  std::string word;     // to be said where somebody outside can hear it
  std::string key;      // decimal, for IPC objects
  long victim = 0;      // pid on the host
  unsigned long victim_buffer = 0;
  int victim_fd = -1;
  int port = 0, port6 = 0, udp = 0;
  std::string abstract;   // name of an abstract socket, without its leading zero
  long segment = -1, queue = -1;  // System V ids
  long parameter = 0;     // Case::parameter
  const freshet_host* host = nullptr;

  [[nodiscard]] std::string in(const std::string& name) const { return grant + "/" + name; }
  [[nodiscard]] std::string out(const std::string& name) const { return outside + "/" + name; }
  // To the observer, past the host's own limits: a log event on the worker's socket.
  void tell(std::string_view text) const;
  void tell_file(int fd) const;                 // what can be read from it
  void tell_names(const std::string& directory) const;
};

struct Case {
  const char* name;
  Evidence evidence;
  void (*attempt)(Scene&);
  const char* about = "";
  unsigned flags = 0;
  const char* needs = nullptr;  // what a host may lack, so that it fails with everything off too
  long parameter = 0;
};

struct Group {
  const char* name;
  std::span<const Case> cases;
};
std::span<const Group> all_groups();
const Case* find_case(std::string_view group, std::string_view name);

// Of each file here.
std::span<const Case> control_cases();
std::span<const Case> file_cases();
std::span<const Case> link_cases();
std::span<const Case> code_cases();
std::span<const Case> process_cases();
std::span<const Case> memory_cases();
std::span<const Case> network_cases();
std::span<const Case> ipc_cases();
std::span<const Case> kernel_cases();
std::span<const Case> resource_cases();
std::span<const Case> inherited_cases();
std::span<const Case> covert_cases();
std::span<const Case> wire_cases();
std::span<const Case> name_cases();

// One system call by its number and entry ("x86-64", "x32", "x86"): the sweep's attempt.
void make_call(std::string_view entry, long number, long pattern);

}  // namespace freshet::hostile

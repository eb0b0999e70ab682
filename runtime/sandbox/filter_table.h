#pragma once

#include <sys/types.h>

#include <array>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "runtime/wire/messages.h"

// Which system calls each role may make once it is locked. Whatever is not listed is notified to the manager, which
// names the call and kills (SANDBOX: KILL_PROCESS hides the number, TRAP is the plugin's own to swallow).
namespace freshet::sandbox {

enum class Compare : std::uint8_t { none = 0, equal, above, masked_equal };

// On one argument: equal, above (value), masked_equal ((argument & mask) == value). 64 bits are compared.
struct Condition {
  std::uint8_t argument = 0;
  Compare compare = Compare::none;
  std::uint64_t value = 0;
  std::uint64_t mask = 0;
};

// All conditions must hold. `error` 0 allows; another one answers it silently, without a notification: for calls that
// libc makes on its own and can live without.
struct Rule {
  int call = -1;
  int error = 0;
  std::array<Condition, 4> conditions{};
};

struct FilterRequest {
  wire::Role role = wire::Role::worker;
  wire::BrokerPhase phase = wire::BrokerPhase::remove;  // broker
  bool unlink = false;                                  // broker, phase remove: quarantine mode `none`
  bool read_contents = false;                           // worker: of any of its roots
  bool count_threads = false;                           // worker: each new thread is notified, see makes_thread
  pid_t self = 1;                                       // the role's own pid as it sees it
};

std::vector<Rule> filter_rules(const FilterRequest& request);

// Made right after the filter is on, to prove that it is: in no list above.
int canary_call();

// Whether a call that no list allows is the dynamic linker's mapping of the plugin's code. The manager lets one of these
// go on for each Load: at that moment nothing of the plugin has run, so the descriptor is what the linker opened.
bool maps_plugin(int call, std::span<const std::uint64_t, 6> arguments);

// Whether a call that no list allows makes a thread as pthread_create does, where `count_threads` is on: its flags are in a
// register, so what the manager has looked at is what it lets go on.
bool makes_thread(int call, std::span<const std::uint64_t, 6> arguments);

// The rules a sanitizer build adds, and "" in an ordinary build, where a test looks.
std::string_view sanitizer_list_name();

}  // namespace freshet::sandbox

#pragma once

#include <string>
#include <vector>

#pragma GCC visibility push(default)
namespace freshet {

// One mechanism that isolates plugins.
struct DoctorRow {
  std::string mechanism;
  bool available = false;
  bool needed_for_strict = false;
  std::string seen;
  std::string without_it;  // what is lost
  std::string remedy{};    // how to get it
};

// Tries every mechanism on this host. Takes a few milliseconds and starts processes that end at once. Thread-safe.
std::vector<DoctorRow> examine_host();

}  // namespace freshet
#pragma GCC visibility pop

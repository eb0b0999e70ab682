#pragma once

#include <string>
#include <vector>

#include "runtime/sandbox/host_support.h"

namespace freshet::sandbox {

// One way of isolating, as this host has it.
struct Mechanism {
  std::string name;
  bool available = false;
  bool strict = false;   // isolation = "strict" does not run without
  std::string seen;      // "works", "ABI 7"
  std::string lost;      // without it
  std::string remedy;    // how to get it
};

std::vector<Mechanism> mechanisms(const HostSupport& support);

}  // namespace freshet::sandbox

// Which layers of the sandbox are on.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "runtime/config/config.h"
#include "runtime/sandbox/host_support.h"
#include "runtime/sandbox/spawner.h"

namespace freshet::hostile {

enum Layer : unsigned {
  kSeccomp = 1,
  kLandlock = 2,
  kNamespaces = 4,   // all of them, the private root and no capability in the own user namespace
  kIdentity = 8,     // a uid of its own, no groups, no capability of the host, not dumpable
  kLimits = 16,      // rlimits, memory and time from outside
  kMdwe = 32,        // PR_SET_MDWE
  kStart = 64,       // nothing inherited
  kManager = 128,    // that the manager believes nothing that is sent
};
inline constexpr unsigned kAllLayers = 255;

inline constexpr struct {
  Layer layer;
  const char* name;
} kLayers[] = {{kSeccomp, "seccomp"},   {kLandlock, "landlock"}, {kNamespaces, "namespaces"}, {kIdentity, "identity"},
               {kLimits, "limits"},     {kMdwe, "mdwe"},         {kStart, "start"},           {kManager, "manager"}};

std::string names_of(unsigned layers);  // "seccomp landlock", or "-"

inline constexpr std::uint32_t kUid = 1879048192;

// Everything that a worker is started with in a mode.
struct Mode {
  unsigned on = kAllLayers;
  sandbox::HostSupport support;
  std::unique_ptr<sandbox::Spawner> spawner;
  bool strict = true;
  std::uint32_t uid = kUid;
  config::LimitsConfig limits;
};

// `folder`: where a role executable can be put that leaves out what is off. With all layers on, and only then, it is the
// released one at `role`; else a copy of the tests' own at `test_role`.
Mode make_mode(unsigned on, const std::string& role, const std::string& test_role, const std::string& folder);

}  // namespace freshet::hostile

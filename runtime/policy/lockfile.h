#pragma once

#include <cstddef>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "runtime/base/error.h"
#include "runtime/manifest/manifest.h"

// `freshet.lock`: what the operator approved of each plugin, a TOML file beside the configuration that is made for version
// control. A plugin that is pinned and has changed in any of it is refused until it is approved again.
namespace freshet::policy {

inline constexpr std::string_view kLockfileName = "freshet.lock";
inline constexpr std::size_t kMaxLockfileBytes = 1U << 20;
inline constexpr std::size_t kMaxPins = 1000;

// One plugin as it was approved. Permissions and limits are the manifest's words, sorted.
struct Pin {
  std::string id;
  std::string version;
  std::string sha256;    // of the file, lower-case hex
  std::string abi;       // ">= 1.0, < 2.0"
  std::vector<std::string> required_permissions, optional_permissions;
  std::vector<std::string> limits;  // that it asks for: "memory 64MiB"
  std::string settings;  // SHA-256 of what its task kinds are and take, without their docs
  std::string signer;    // name of the trusted key; empty: not signed

  bool operator==(const Pin&) const = default;
};

using Pins = std::map<std::string, Pin>;  // by plugin id

Pin make_pin(const manifest::Manifest& manifest, std::string sha256, std::string signer);

// Every difference, a line each, in plain words: "asks in addition: read". Empty when nothing changed.
std::vector<std::string> differences(const Pin& approved, const Pin& found);

// Stable: the same pins make the same bytes.
std::string format_lockfile(const Pins& pins);
// Error kind `invalid` (code F1063) with every fault, its line and a caret. `file` is for texts.
Result<Pins> parse_lockfile(std::string_view text, const std::string& file);

}  // namespace freshet::policy

#pragma once

#include <cstdint>
#include <string>

#include "runtime/base/error.h"
#include "runtime/base/fd.h"

namespace freshet::channel {

// A plugin's file as it was when it was read: what was hashed is what the probe reads and the worker loads.
struct PluginBytes {
  Fd memfd;  // sealed: can neither grow, shrink, be written nor be unsealed
  std::string sha256;  // lower-case hexadecimal
  std::uint64_t size = 0;
};

// Reads a regular file once (a link to one will do; a fifo or device is refused and never waited for). Errors: F2020
// over manifest::kMaxPluginBytes; `missing`; `system`.
Result<PluginBytes> read_plugin_file(const std::string& path);

}  // namespace freshet::channel

#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "runtime/base/error.h"
#include "runtime/sandbox/filter_table.h"

// The manager's side of seccomp, and the only user of libseccomp: roles get the compiled program in their Setup.
namespace freshet::sandbox {

using Filter = std::vector<std::array<std::uint8_t, 8>>;  // struct sock_filter each

// Foreign architectures and the x32 numbers are notified like everything unlisted. About 0.1 ms.
Result<Filter> compile_filter(const FilterRequest& request);

// "connect(2)", "connect(2) of x86", "system call 4711".
std::string call_name(std::uint32_t architecture, int number);

}  // namespace freshet::sandbox

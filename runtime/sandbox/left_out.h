#pragma once

#include <string_view>

#include "runtime/wire/messages.h"

namespace freshet::sandbox {

// A step of the lock that a test leaves out, to show that the check of that layer then fails. Only the tests' own role
// executable is compiled with FRESHET_TEST_ROLE; in every other both are nothing, and no message or option reaches them.
#ifdef FRESHET_TEST_ROLE
bool is_left_out(std::string_view step);
void leave_out(wire::Setup& setup);
#else
constexpr bool is_left_out(std::string_view /*step*/) { return false; }
inline void leave_out(wire::Setup& /*setup*/) {}
#endif

}  // namespace freshet::sandbox

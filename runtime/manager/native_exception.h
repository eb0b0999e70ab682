#pragma once

#include <string>

namespace freshet {

// Only inside a catch block: what the exception in hand says of itself, whatever its type is.
std::string describe_exception();

}  // namespace freshet

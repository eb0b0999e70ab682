#pragma once

#include <cstdint>
#include <string>

namespace freshet::conformance {

// "FRESHET_OK"; of a number that is none, "the status 77".
std::string status_name(std::int32_t status);

}  // namespace freshet::conformance

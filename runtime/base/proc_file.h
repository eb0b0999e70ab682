#pragma once

#include <cstddef>
#include <string>

namespace freshet {

// A file of /proc, which has no size and is made at the read, by its name in `at`; empty when it cannot be had. Not read on
// once `most` bytes are there: up to a read's more may be returned.
std::string read_proc(int at, const char* name, std::size_t most = std::size_t{1} << 20);

}  // namespace freshet

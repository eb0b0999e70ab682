#pragma once

#include <string_view>

namespace freshet {

// True when the directory `name` in `parent` ("." for itself; never a link) can be read and has no entry, or none but
// `but`. Its access time stays.
bool holds_nothing_but(int parent, const char* name, std::string_view but = {});

}  // namespace freshet

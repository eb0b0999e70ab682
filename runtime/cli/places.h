#pragma once

#include <string>

#include "runtime/base/error.h"

namespace freshet::cli {

// Where things are when nobody says otherwise.

// /var/lib/freshet for root; $XDG_STATE_HOME/freshet or ~/.local/state/freshet else. Error kind `missing`: no
// home.
Result<std::string> find_state_dir();

}  // namespace freshet::cli

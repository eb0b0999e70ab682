#pragma once

#include <string>
#include <vector>

#include "runtime/base/error.h"

namespace freshet::cli {

// Where things are when nobody says otherwise.

// /var/lib/freshet for root; $XDG_STATE_HOME/freshet or ~/.local/state/freshet else. Error kind `missing`: no
// home.
Result<std::string> find_state_dir();

// Existing directories, in the order in which they are searched: beside this program (build tree or prefix),
// then the one this build was configured for, /usr/local and /usr.
std::vector<std::string> find_plugin_dirs();

}  // namespace freshet::cli

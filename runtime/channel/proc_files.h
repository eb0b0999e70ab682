#pragma once

#include <string>
#include <string_view>

#include "runtime/base/proc_file.h"

namespace freshet::channel {

// Where a link leads; empty when it may not be read.
std::string link_of(int directory, const std::string& name);

// "Threads:  4" of /proc/PID/status is "4"; words are joined by one space.
std::string status_field(std::string_view status, std::string_view name);
// Its first thread has ended, and its others may go on.
bool is_zombie(std::string_view status);
// Neither gone nor a zombie.
bool is_alive(std::string_view status);

}  // namespace freshet::channel

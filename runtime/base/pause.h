#pragma once

#include <chrono>
#include <stop_token>

namespace freshet {

// Sleeps until `time` is over or `stop` is requested. For what has to be polled.
void pause_for(std::chrono::milliseconds time, const std::stop_token& stop);

}  // namespace freshet

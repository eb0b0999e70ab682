#pragma once

#include <string>
#include <vector>

#include "runtime/channel/back_trace.h"
#include "runtime/manager/core.h"

namespace freshet {

// "walk(freshet::Host&)+28 (plugin+0x1fa3)", "libc.so.6+0x9bee0": for people, escaped. The names are looked up in the
// plugin's sealed bytes by a probe; of a stripped file there are none.
std::vector<std::string> back_trace_text(const Core& core, int memfd, const std::vector<channel::Frame>& frames);

}  // namespace freshet

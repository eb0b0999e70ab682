// Every system call by its number, by each of the machine's three entries.
#pragma once

#include "runtime/channel/plugin_bytes.h"
#include "tests/hostile/mode.h"

namespace freshet::hostile {

// One worker a call. With all layers on, each that is in none of the lists here must end its worker as a breach that
// names it; with none, harmless ones must not. Prints what is wrong; 0 when nothing is.
int sweep(Mode& mode, const channel::PluginBytes& plugin);

}  // namespace freshet::hostile

#pragma once

namespace freshet::worker {

// What is said when memory has ended is made now. From here on the worker's own `new` ends in end_out_of_memory; that of
// a plugin, which has a C++ runtime of its own, throws.
void prepare_out_of_memory(int socket);

// Says Failed with ENOMEM on the socket and ends the process. Allocates nothing.
[[noreturn]] void end_out_of_memory();

}  // namespace freshet::worker

#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace freshet::channel {

// A place in a worker's code.
struct Frame {
  std::uint64_t address = 0;  // in the file
  std::string file;           // "libc.so.6"; empty: the plugin
};
inline constexpr std::size_t kMaxFrames = 24;

// Of the file at the end of a line of /proc/PID/maps: whether it is a worker's plugin.
bool is_plugin_mapping(std::string_view line);

struct ThreadPlace {
  std::uint64_t code = 0;   // the next instruction
  std::uint64_t stack = 0;  // its stack pointer
};

// Where a thread is that waits in a system call; none where the kernel does not tell. `proc`: its process's folder in /proc.
std::optional<ThreadPlace> place_of_thread(int proc, int thread);

// The calls that led to a place, the innermost first: what lies on the stack behind a call instruction, down to the host's
// own code. Read from outside through /proc; without the right to do so empty. A frame that is over already may be among
// them, and all of it is the plugin's to fake: it is for people.
std::vector<Frame> read_back_trace(int proc, const ThreadPlace& place);

}  // namespace freshet::channel

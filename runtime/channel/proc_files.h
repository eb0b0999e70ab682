#pragma once

#include <algorithm>
#include <string>
#include <string_view>

namespace freshet::channel {

// A file of a process's folder in /proc, at most 1 MiB of it; empty when it is gone.
std::string read_proc(int proc, const char* name);
// Where a link leads; empty when it may not be read.
std::string link_of(int directory, const std::string& name);

// Calls each(line) without the line's end.
template <class F>
void for_each_line(std::string_view text, F&& each) {
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    each(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
}
std::string_view next_word(std::string_view& line);

// "Threads:  4" of /proc/PID/status is "4"; words are joined by one space.
std::string status_field(std::string_view status, std::string_view name);
// Neither gone nor a zombie.
bool is_alive(std::string_view status);

}  // namespace freshet::channel

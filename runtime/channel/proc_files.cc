#include "runtime/channel/proc_files.h"

#include <unistd.h>

#include "runtime/base/lines.h"

namespace freshet::channel {

std::string link_of(int directory, const std::string& name) {
  char target[4096];
  const ssize_t length = ::readlinkat(directory, name.c_str(), target, sizeof target);
  return length < 0 ? std::string() : std::string(target, static_cast<std::size_t>(length));
}

std::string status_field(std::string_view status, std::string_view name) {
  std::string out;
  for_each_line(status, [&](std::string_view line) {
    if (line.size() <= name.size() || !line.starts_with(name) || line[name.size()] != ':') return;
    line.remove_prefix(name.size() + 1);
    for (std::string_view word = next_word(line); !word.empty(); word = next_word(line))
      out += (out.empty() ? "" : " ") + std::string(word);
  });
  return out;
}

bool is_zombie(std::string_view status) { return status_field(status, "State").starts_with('Z'); }

bool is_alive(std::string_view status) {
  const std::string state = status_field(status, "State");
  return !state.empty() && state[0] != 'Z' && state[0] != 'X';
}

}  // namespace freshet::channel

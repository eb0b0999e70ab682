#include "runtime/channel/proc_files.h"

#include <fcntl.h>
#include <unistd.h>

#include "runtime/base/fd.h"
#include "runtime/base/lines.h"

namespace freshet::channel {

std::string read_proc(int proc, const char* name) {
  constexpr std::size_t kMaxProcFile = 1U << 20;
  const Fd file(::openat(proc, name, O_RDONLY | O_CLOEXEC));
  std::string out;
  char part[4096];
  while (file && out.size() < kMaxProcFile) {
    const ssize_t got = ::read(file.get(), part, sizeof part);
    if (got <= 0) break;
    out.append(part, static_cast<std::size_t>(got));
  }
  return out;
}

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

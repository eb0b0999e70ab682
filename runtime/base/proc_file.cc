#include "runtime/base/proc_file.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>

#include "runtime/base/fd.h"

namespace freshet {

std::string read_proc(int at, const char* name, std::size_t most) {
  std::string out;
  const Fd file(::openat(at, name, O_RDONLY | O_CLOEXEC));
  char part[16 * 1024];
  while (file && out.size() < most) {
    const ssize_t got = ::read(file.get(), part, sizeof part);
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) break;
    out.append(part, static_cast<std::size_t>(got));
  }
  return out;
}

}  // namespace freshet

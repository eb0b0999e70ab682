#include "runtime/base/fd.h"

#include <unistd.h>

#include <cerrno>

namespace freshet {

void Fd::reset(int fd) {
  const int old = std::exchange(fd_, fd);
  if (old >= 0) {
    const int saved = errno;  // so that `return fail_errno(..)` may follow a scope's end
    ::close(old);
    errno = saved;
  }
}

}  // namespace freshet

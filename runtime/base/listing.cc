#include "runtime/base/listing.h"

#include <fcntl.h>

#include "runtime/base/fd.h"

namespace freshet {

Listing list_directory(int at, const char* name, int flags) {
  Fd directory(::openat(at, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC | flags));
  if (!directory) return nullptr;
  Listing out(::fdopendir(directory.get()));
  if (out) (void)directory.release();
  return out;
}

}  // namespace freshet

#include "runtime/base/own_file.h"

#include <unistd.h>

#include <cstdint>
#include <fstream>
#include <sstream>

namespace freshet {

// From the kernel, not from the loader: dladdr(3) knows a library by the name it was asked for, which may be relative,
// and the program by argv[0], which its caller chose.
Result<std::string> find_own_file() {
  const auto here = reinterpret_cast<std::uintptr_t>(&find_own_file);
  std::ifstream maps("/proc/self/maps");
  for (std::string line; std::getline(maps, line);) {
    std::istringstream words(line);
    std::uintptr_t begin = 0;
    std::uintptr_t end = 0;
    char dash = 0;
    std::string rights, offset, device, inode, file;
    words >> std::hex >> begin >> dash >> end >> rights >> offset >> device >> inode >> std::ws;
    if (!words || here < begin || here >= end) continue;
    std::getline(words, file);
    if (file.starts_with('/') && ::access(file.c_str(), F_OK) == 0) return file;
    return fail(ErrorKind::missing, "the file that this code was loaded from is gone: " + file);
  }
  return fail(ErrorKind::system, "/proc/self/maps does not say which file this code is in");
}

}  // namespace freshet

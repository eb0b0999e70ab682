#include "runtime/manager/directory_contents.h"

#include <dirent.h>
#include <fcntl.h>
#include <unistd.h>

namespace freshet {

bool holds_nothing_but(int parent, const char* name, std::string_view but) {
  const int directory = ::openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_NOATIME | O_CLOEXEC);
  if (directory < 0) return false;
  DIR* const listing = ::fdopendir(directory);
  if (listing == nullptr) {
    ::close(directory);
    return false;
  }
  bool nothing = true;
  while (const dirent* entry = ::readdir(listing)) {
    const std::string_view seen(entry->d_name);
    nothing = nothing && (seen == "." || seen == ".." || seen == but);
  }
  ::closedir(listing);
  return nothing;
}

}  // namespace freshet

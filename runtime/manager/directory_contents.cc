#include "runtime/manager/directory_contents.h"

#include <fcntl.h>

#include "runtime/base/listing.h"

namespace freshet {

bool holds_nothing_but(int parent, const char* name, std::string_view but) {
  const Listing listing = list_directory(parent, name, O_NOFOLLOW | O_NOATIME);
  if (!listing) return false;
  bool nothing = true;
  while (const dirent* entry = ::readdir(listing.get())) {
    const std::string_view seen(entry->d_name);
    nothing = nothing && (seen == "." || seen == ".." || seen == but);
  }
  return nothing;
}

}  // namespace freshet

#pragma once

#include <string>
#include <string_view>

#include "runtime/base/error.h"

namespace freshet {

// Whole small files of the state directory. Written beside and renamed, mode 0600, so a reader sees the old or the new.
Status write_whole_file(const std::string& file, std::string_view bytes);
// Error kind `invalid` above `cap`, `missing` when there is none.
Result<std::string> read_whole_file(const std::string& file, std::size_t cap);

// Writes all of it; EINTR and short writes are handled. Error names `what`.
Status write_all(int fd, std::string_view bytes, std::string_view what);

// Makes a directory 0700 with its parents; an existing one is fine.
Status make_private_directory(const std::string& path);
// Removes a directory of ours with the files in it (no subdirectories); missing is fine.
void remove_flat_directory(const std::string& path);

}  // namespace freshet

#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "runtime/base/error.h"

namespace freshet {

// Of a file for this program alone (0600), or one that others read and keep: that is synced too, and its mode is the umask's.
enum class FileMode : std::uint8_t { own, shared };

// Whole small files. Written beside and renamed, so a reader sees the old or the new.
Status write_whole_file(const std::string& file, std::string_view bytes, FileMode mode = FileMode::own);
// Error kind `invalid` above `cap`, `missing` when there is none.
Result<std::string> read_whole_file(const std::string& file, std::size_t cap);

// Writes all of it; EINTR and short writes are handled. Error names `what`.
Status write_all(int fd, std::string_view bytes, std::string_view what);

// Makes a directory 0700 with its parents; an existing one is fine.
Status make_private_directory(const std::string& path);
// Removes a directory of ours with the files in it (no subdirectories); missing is fine.
void remove_flat_directory(const std::string& path);

}  // namespace freshet

#pragma once

#include <fcntl.h>

#include <cstdint>
#include <span>
#include <string_view>

#include "runtime/base/fd.h"
#include "runtime/base/identity.h"

// Every call of the broker to the file system. All are relative to a directory descriptor; none follows a link and none
// crosses a mount. Functions that return `int` return 0 or an errno.
namespace freshet::broker {

inline constexpr int kOpenDirectoryPath = O_PATH | O_DIRECTORY;

// Resolves `path` (relative; empty: the directory itself) strictly below `dir`: no "..", no link on the way or at the
// end, no other mount. Paths longer than PATH_MAX are resolved in pieces. On failure the Fd is none and `error` set.
Fd open_beneath(int dir, std::string_view path, int flags, int& error, unsigned mode = 0);

// For listing: without touching its access time where that is allowed (owner or CAP_FOWNER).
Fd open_directory(int dir, std::string_view path, int& error);

// An empty name means `dir` itself (a file's descriptor, too).
int stat_at(int dir, const char* name, bool with_birth, EntryStat& out);

// Never replaces: EEXIST.
int move_entry(int from, const char* name, int to, const char* new_name);
int make_directory(int dir, const char* name, unsigned mode);
int unlink_entry(int dir, const char* name, bool directory);

// `dir` may be O_PATH.
int set_times(int dir, std::int64_t mtime_ns, std::int64_t atime_ns);
// Dirties the inode, so that an fsync of it takes all earlier changes along (QUARANTINE.md).
int touch(int dir);

int sync_directory(int dir);
int sync_data(int file);

// All of it, or an errno.
int write_all(int file, std::string_view bytes);
// Up to the size of `buffer`; `length` 0 at the end.
int read_some(int file, std::span<char> buffer, std::size_t& length);

}  // namespace freshet::broker

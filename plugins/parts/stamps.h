#pragma once

#include <algorithm>
#include <cstdint>
#include <freshet/plugin.hpp>
#include <string>
#include <vector>

namespace parts {

// Which time stamps say when an entry was last used. Constant after construction.
class Stamps {
 public:
  // Of a setting that names some of mtime, atime, ctime, btime. Throws freshet::Invalid when it names none.
  explicit Stamps(const std::vector<std::string>& names) {
    const auto named = [&](const char* name) { return std::find(names.begin(), names.end(), name) != names.end(); };
    mtime_ = named("mtime");
    atime_ = named("atime");
    ctime_ = named("ctime");
    btime_ = named("btime");
    if (!mtime_ && !atime_ && !ctime_ && !btime_)
      throw freshet::Invalid("age-by names no time stamp: name at least one of mtime, atime, ctime, btime");
  }

  // The newest of them. Looking into a directory changes its atime, reading a link the link's, and taking something out of
  // a directory its ctime: of those it is the mtime, and the btime where it counts.
  [[nodiscard]] std::int64_t newest(const freshet::Entry& entry) const {
    const bool file = entry.type != FRESHET_DIRECTORY && entry.type != FRESHET_SYMLINK;
    std::int64_t out = mtime_ || !file ? entry.mtime : INT64_MIN;
    if (atime_ && file) out = std::max(out, entry.atime);
    if (ctime_ && file) out = std::max(out, entry.ctime);
    if (btime_ && entry.btime != 0) out = std::max(out, entry.btime);
    return out == INT64_MIN ? INT64_MAX : out;  // nothing is known of its age
  }

 private:
  bool mtime_ = false;
  bool atime_ = false;
  bool ctime_ = false;
  bool btime_ = false;
};

// Nanoseconds since `time`, or -1 for a time of the future.
inline std::int64_t age(std::int64_t time, std::int64_t now) {
  if (time > now) return -1;
  std::int64_t out = 0;
  return __builtin_sub_overflow(now, time, &out) ? INT64_MAX : out;
}

}  // namespace parts

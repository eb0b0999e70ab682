// C++17 on top of freshet/contents.h: files below the roots as objects. Header only.
//
//   if (const auto contents = freshet::Contents::of(host)) {
//     freshet::File file = contents->open(directory, entry);
//     char head[16];
//     if (file && file.read(0, head, sizeof head) == sizeof head) ...
//   }
#ifndef FRESHET_CONTENTS_HPP
#define FRESHET_CONTENTS_HPP

#include <cstddef>
#include <cstdint>
#include <optional>
#include <utility>

#include "freshet/contents.h"
#include "freshet/plugin.hpp"

namespace freshet {

// An open file, closed at the end of its scope. One that could not be opened is false and has nothing to read.
class File {
 public:
  File(const freshet_host* host, const freshet_contents* table, freshet_file* file) : host_(host), table_(table), file_(file) {}
  File(File&& other) noexcept : host_(other.host_), table_(other.table_), file_(std::exchange(other.file_, nullptr)) {}
  File& operator=(File&&) = delete;
  File(const File&) = delete;
  File& operator=(const File&) = delete;
  ~File() { table_->close(host_, file_); }

  explicit operator bool() const { return file_ != nullptr; }

  // Bytes read, at most `room`; 0 at the end of the file and where it cannot be read (then failed() is true).
  [[nodiscard]] std::size_t read(std::uint64_t offset, void* to, std::size_t room) {
    std::size_t got = 0;
    const freshet_status status = file_ ? table_->read(host_, file_, offset, to, room, &got) : FRESHET_UNREADABLE;
    if (status != FRESHET_OK && status != FRESHET_END) failed_ = true;
    return status == FRESHET_OK ? got : 0;
  }
  [[nodiscard]] bool failed() const { return failed_; }

 private:
  const freshet_host* host_;
  const freshet_contents* table_;
  freshet_file* file_;
  bool failed_ = false;
};

// The feature, where it is granted.
class Contents {
 public:
  [[nodiscard]] static std::optional<Contents> of(const Host& host) {
    const auto* table = host.feature<freshet_contents>(FRESHET_CONTENTS_ID, FRESHET_CONTENTS_REVISION);
    if (table == nullptr) return std::nullopt;
    return Contents(host.raw(), table);
  }

  [[nodiscard]] File open(const Directory& directory, const Entry& entry) const {
    freshet_file* file = nullptr;
    if (table_->open(host_, directory.raw(), entry.name, &file) != FRESHET_OK) file = nullptr;
    return File(host_, table_, file);
  }

 private:
  Contents(const freshet_host* host, const freshet_contents* table) : host_(host), table_(table) {}

  const freshet_host* host_;
  const freshet_contents* table_;
};

}  // namespace freshet

#endif  // FRESHET_CONTENTS_HPP

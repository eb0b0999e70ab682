#include "runtime/broker/listing.h"

#include <dirent.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

namespace freshet::broker {
namespace {

constexpr std::size_t kBuffer = 128 * 1024;

EntryType type_of(unsigned char d_type) {
  switch (d_type) {
    case DT_REG: return EntryType::file;
    case DT_DIR: return EntryType::directory;
    case DT_LNK: return EntryType::symlink;
    case DT_FIFO: return EntryType::fifo;
    case DT_SOCK: return EntryType::socket;
    case DT_CHR: return EntryType::char_device;
    case DT_BLK: return EntryType::block_device;
    default: return EntryType::unknown;
  }
}

}  // namespace

Listing::Listing() : buffer_(std::make_unique<char[]>(kBuffer)) {}

void Listing::start(int dir_fd) {
  fd_ = dir_fd;
  at_ = end_ = 0;
}

bool Listing::next(ListedEntry& entry, int& error) {
  error = 0;
  while (true) {
    if (at_ == end_) {
      const ssize_t got = ::getdents64(fd_, buffer_.get(), kBuffer);
      if (got <= 0) {
        error = got < 0 ? errno : 0;
        return false;
      }
      at_ = 0;
      end_ = static_cast<std::size_t>(got);
    }
    const auto* record = reinterpret_cast<const dirent64*>(buffer_.get() + at_);
    at_ += record->d_reclen;
    const char* name = record->d_name;
    if (name[0] == '.' && (name[1] == '\0' || (name[1] == '.' && name[2] == '\0'))) continue;
    entry = {std::string_view(name), record->d_ino, type_of(record->d_type)};
    return true;
  }
}

void rewind_directory(int dir_fd) { ::lseek(dir_fd, 0, SEEK_SET); }

}  // namespace freshet::broker

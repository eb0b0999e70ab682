#include "runtime/manager/plan_files.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>

#include "runtime/base/fd.h"

namespace freshet {

Status write_all(int fd, std::string_view bytes, std::string_view what) {
  while (!bytes.empty()) {
    const ssize_t wrote = ::write(fd, bytes.data(), bytes.size());
    if (wrote < 0 && errno == EINTR) continue;
    if (wrote < 0) return fail_errno("writing " + std::string(what));
    bytes.remove_prefix(static_cast<std::size_t>(wrote));
  }
  return {};
}

Status write_whole_file(const std::string& file, std::string_view bytes, FileMode mode) {
  // What the rename would replace may be a device or a link, and a file beside it somebody's own.
  struct stat there {};
  if (::lstat(file.c_str(), &there) == 0 && !S_ISREG(there.st_mode))
    return fail(ErrorKind::invalid, file + " is there already, and not a regular file");
  const std::string beside = file + "." + std::to_string(::getpid()) + ".new";
  const Fd out(::open(beside.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, mode == FileMode::own ? 0600 : 0666));
  if (!out) return fail_errno("making " + file);
  if (const Status wrote = write_all(out.get(), bytes, file); !wrote) {
    ::unlink(beside.c_str());
    return wrote;
  }
  if (mode == FileMode::shared && ::fsync(out.get()) != 0) {
    const Status failed = fail_errno("syncing " + file);
    ::unlink(beside.c_str());
    return failed;
  }
  if (::rename(beside.c_str(), file.c_str()) == 0) return {};
  const int error_number = errno;
  ::unlink(beside.c_str());
  errno = error_number;
  return fail_errno("making " + file);
}

Result<std::string> read_whole_file(const std::string& file, std::size_t cap) {
  const Fd in(::open(file.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  if (!in) {
    if (errno == ENOENT) return fail(ErrorKind::missing, file + " does not exist");
    return fail_errno("reading " + file);
  }
  struct stat info {};
  if (::fstat(in.get(), &info) != 0) return fail_errno("reading " + file);
  if (!S_ISREG(info.st_mode)) return fail(ErrorKind::invalid, file + " is not a regular file");
  std::string out;
  out.reserve(static_cast<std::size_t>(info.st_size) + 1);
  char chunk[64 * 1024];
  while (true) {
    const ssize_t got = ::read(in.get(), chunk, sizeof chunk);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return fail_errno("reading " + file);
    if (got == 0) return out;
    out.append(chunk, static_cast<std::size_t>(got));
    if (out.size() > cap) return fail(ErrorKind::invalid, file + " is larger than " + std::to_string(cap) + " bytes");
  }
}

Status make_private_directory(const std::string& path) {
  std::error_code error;
  const std::filesystem::path parent = std::filesystem::path(path).parent_path();
  if (!parent.empty()) std::filesystem::create_directories(parent, error);
  if (error) return fail(ErrorKind::system, "making " + parent.string() + ": " + error.message());
  if (::mkdir(path.c_str(), 0700) != 0 && errno != EEXIST) return fail_errno("making " + path);
  struct stat info {};
  if (::stat(path.c_str(), &info) != 0) return fail_errno("making " + path);
  if (!S_ISDIR(info.st_mode)) return fail(ErrorKind::invalid, path + " is not a directory");
  return {};
}

void remove_flat_directory(const std::string& path) {
  std::error_code ignored;
  for (std::filesystem::directory_iterator at(path, ignored), end; !ignored && at != end; at.increment(ignored))
    ::unlink(at->path().c_str());
  ::rmdir(path.c_str());
}

}  // namespace freshet

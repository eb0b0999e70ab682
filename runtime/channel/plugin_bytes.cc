#include "runtime/channel/plugin_bytes.h"

#include <fcntl.h>
#include <sodium.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <vector>

#include "runtime/base/units.h"
#include "runtime/manifest/manifest.h"

namespace freshet::channel {
namespace {

constexpr std::size_t kChunk = 256 * 1024;

Status write_all(int fd, const unsigned char* bytes, std::size_t length) {
  while (length > 0) {
    const ssize_t done = ::write(fd, bytes, length);
    if (done < 0 && errno != EINTR) return fail_errno("copying a plugin into memory");
    if (done <= 0) continue;
    bytes += done;
    length -= static_cast<std::size_t>(done);
  }
  return {};
}

std::string hexadecimal(const unsigned char* bytes, std::size_t length) {
  std::string out(length * 2 + 1, '\0');
  ::sodium_bin2hex(out.data(), out.size(), bytes, length);
  out.pop_back();
  return out;
}

}  // namespace

Result<PluginBytes> read_plugin_file(const std::string& path) {
  const Fd file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY));
  if (!file) {
    if (errno == ENOENT) return fail(ErrorKind::missing, "there is no plugin file " + path);
    return fail_errno("opening the plugin " + path);
  }
  struct stat info {};
  if (::fstat(file.get(), &info) != 0) return fail_errno("fstat of the plugin " + path);
  if (!S_ISREG(info.st_mode)) return fail(ErrorKind::invalid, "the plugin " + path + " is not a regular file");

  PluginBytes out;
  out.memfd = Fd(::memfd_create("freshet-plugin", MFD_CLOEXEC | MFD_ALLOW_SEALING));
  if (!out.memfd) return fail_errno("memfd_create");
  crypto_hash_sha256_state hash;
  crypto_hash_sha256_init(&hash);
  std::vector<unsigned char> chunk(kChunk);
  for (;;) {
    const ssize_t got = ::read(file.get(), chunk.data(), chunk.size());
    if (got < 0) {
      if (errno == EINTR) continue;
      return fail_errno("reading the plugin " + path);
    }
    if (got == 0) break;
    const auto length = static_cast<std::size_t>(got);
    out.size += length;  // counted while reading: the file may grow meanwhile
    if (out.size > manifest::kMaxPluginBytes)
      return fail("F2020", ErrorKind::invalid, "the plugin " + path + " is over " + format_size(manifest::kMaxPluginBytes),
                  "A plugin holds code and a manifest; ship data beside it.");
    crypto_hash_sha256_update(&hash, chunk.data(), length);
    if (auto done = write_all(out.memfd.get(), chunk.data(), length); !done) return std::unexpected(done.error());
  }
  unsigned char digest[crypto_hash_sha256_BYTES];
  crypto_hash_sha256_final(&hash, digest);
  out.sha256 = hexadecimal(digest, sizeof digest);
  if (::fcntl(out.memfd.get(), F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE | F_SEAL_SEAL) != 0)
    return fail_errno("sealing the plugin " + path);
  return out;
}

}  // namespace freshet::channel

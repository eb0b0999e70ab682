#include "runtime/sandbox/private_root.h"

#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/sendfile.h>
#include <sys/stat.h>

#include <cerrno>
#include <vector>

#include "runtime/base/fd.h"
#include "runtime/base/identity.h"
#include "runtime/sandbox/kernel.h"
#include "runtime/sandbox/left_out.h"
#include "runtime/sandbox/private_tmpfs.h"

namespace freshet::sandbox {
namespace {

// Empty things to lay over what a worker may not see.
constexpr const char* kEmptyDirectory = ".nothing-here";
constexpr const char* kEmptyFile = ".nothing-to-read";

Fd open_beneath(int directory, const std::string& path, std::uint64_t flags, std::uint64_t resolve) {
  open_how how{};
  how.flags = flags | O_CLOEXEC;
  how.resolve = resolve | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS;
  return Fd(static_cast<int>(::syscall(SYS_openat2, directory, path.c_str(), &how, sizeof how)));
}

Status failed(const StepError& error) { return fail_errno(error.step, error.error_number); }

// Read-only, without device nodes, programs, set-uid and symbolic links; and private: a slave would let a later mount
// of the host appear inside, writable. Access times need no flag: a read-only mount never updates them.
Status harden(int tree, bool executable = false) {
  mount_attr attributes{};
  if (!is_left_out("read-only")) attributes.attr_set |= MOUNT_ATTR_RDONLY;
  if (!is_left_out("no-links")) attributes.attr_set |= MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOSYMFOLLOW;
  if (!executable && !is_left_out("no-programs")) attributes.attr_set |= MOUNT_ATTR_NOEXEC;
  attributes.propagation = is_left_out("private-mounts") ? MS_SHARED : MS_PRIVATE;
  const unsigned flags = AT_EMPTY_PATH | (executable ? 0U : static_cast<unsigned>(AT_RECURSIVE));
  if (::mount_setattr(tree, "", flags, &attributes, sizeof attributes) != 0) return fail_errno("mount_setattr");
  return {};
}

// The root is opened again by its path, because a mount of another mount namespace cannot be cloned; the comparison
// with what the manager opened stops whoever swaps a directory on the way between the two.
Result<Fd> clone_root(const wire::RootSpec& spec) {
  const Fd root = open_beneath(AT_FDCWD, spec.path, O_PATH | O_DIRECTORY, 0);
  if (!root) return fail_errno("opening the root " + spec.path);
  const auto now = stat_entry(root.get(), "");
  if (!now) return std::unexpected(now.error());
  if (now->dev != spec.dev || now->identity.inode != spec.inode)
    return fail(ErrorKind::refused, "the root " + spec.path + " is not the directory it was a moment ago");
  Fd tree(::open_tree(root.get(), "",
                      AT_EMPTY_PATH | AT_RECURSIVE | OPEN_TREE_CLONE | static_cast<unsigned>(OPEN_TREE_CLOEXEC)));
  if (!tree) return fail_errno("cloning the root " + spec.path);
  return tree;
}

// What is absent now needs no cover; the scan leaves it out by name should it appear.
Status cover(int root, const std::string& path) {
  if (is_left_out("cover")) return {};
  const Fd target = open_beneath(root, path, O_PATH | O_NOFOLLOW, RESOLVE_BENEATH);
  if (!target) {
    if (errno == ENOENT || errno == ENOTDIR || errno == ELOOP) return {};
    return fail_errno("opening the excluded " + path);
  }
  struct stat info {};
  if (::fstat(target.get(), &info) != 0) return fail_errno("fstat of the excluded " + path);
  if (S_ISLNK(info.st_mode)) return {};  // cannot be mounted on, and cannot be followed or read either
  const Fd nothing(::open_tree(AT_FDCWD, S_ISDIR(info.st_mode) ? kEmptyDirectory : kEmptyFile,
                               OPEN_TREE_CLONE | static_cast<unsigned>(OPEN_TREE_CLOEXEC)));
  if (!nothing) return fail_errno("cloning a cover");
  if (auto done = harden(nothing.get()); !done) return done;
  if (::move_mount(nothing.get(), "", target.get(), "", MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_EMPTY_PATH) != 0)
    return fail_errno("covering the excluded " + path);
  return {};
}

Status copy_plugin(int memfd) {
  struct stat info {};
  if (::fstat(memfd, &info) != 0) return fail_errno("fstat of the plugin");
  const Fd copy(::open(kPrivatePluginPath + 1, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0444));
  if (!copy) return fail_errno("making the plugin's copy");
  off_t offset = 0;
  while (offset < info.st_size) {
    const ssize_t done = ::sendfile(copy.get(), memfd, &offset, static_cast<std::size_t>(info.st_size - offset));
    if (done < 0) return fail_errno("copying the plugin");
    if (done == 0) return fail(ErrorKind::system, "copying the plugin: it ended early");
  }
  return {};
}

}  // namespace

std::string private_root_path(std::size_t index) { return "/r/" + std::to_string(index); }

Status build_private_root(const wire::Setup& setup, std::span<const Fd> roots, int plugin_memfd) {
  if (const StepError error = enter_private_tmpfs(); error.step != nullptr) return failed(error);
  if (::mkdir("r", 0555) != 0 || ::mkdir(kEmptyDirectory, 0555) != 0) return fail_errno("mkdir in the private root");
  if (const Fd file(::open(kEmptyFile, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0444)); !file)
    return fail_errno("making a cover");
  for (std::size_t i = 0; i < setup.roots.size(); ++i) {
    Fd made;
    if (!setup.cloned_roots) {
      auto clone = clone_root(setup.roots[i]);
      if (!clone) return std::unexpected(clone.error());
      made = std::move(*clone);
    }
    const int tree = setup.cloned_roots ? roots[i].get() : made.get();
    if (auto done = harden(tree); !done) return done;
    const std::string place = private_root_path(i).substr(1);
    if (::mkdir(place.c_str(), 0555) != 0) return fail_errno("mkdir " + place);
    if (::move_mount(tree, "", AT_FDCWD, place.c_str(), MOVE_MOUNT_F_EMPTY_PATH) != 0)
      return fail_errno("attaching the root " + setup.roots[i].path);
    for (const std::string& exclude : setup.roots[i].excludes)
      if (auto done = cover(tree, exclude); !done) return done;
    if (i < setup.areas.size() && !setup.areas[i].empty())
      if (auto done = cover(tree, setup.areas[i]); !done) return done;
  }
  if (plugin_memfd >= 0)
    if (auto done = copy_plugin(plugin_memfd); !done) return done;
  if (const StepError error = pivot_to_private_tmpfs(); error.step != nullptr) return failed(error);
  const Fd top(::open("/", O_PATH | O_DIRECTORY | O_CLOEXEC));
  if (!top) return fail_errno("opening the private root");
  return harden(top.get(), true);  // dlopen maps the plugin executable: not noexec
}

}  // namespace freshet::sandbox

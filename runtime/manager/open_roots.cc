#include "runtime/manager/open_roots.h"

#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "runtime/base/bytes.h"
#include "runtime/manager/area_access.h"
#include "runtime/manager/directory_contents.h"

namespace freshet {
namespace {

std::uint64_t file_system_id(int fd) {
  struct statfs info {};
  if (::fstatfs(fd, &info) != 0) return 0;
  std::uint64_t id = 0;
  static_assert(sizeof info.f_fsid == sizeof id);
  std::memcpy(&id, &info.f_fsid, sizeof id);
  return id;
}

// A directory of this user's with the mode of an area is one when it has the marker, or nothing at all in it (a crash
// came before the marker); else it is somebody's own, and the next name is taken. Where it cannot be told, the broker
// says so.
bool may_be_area(int directory, const std::string& name) {
  const Fd area(::openat(directory, name.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
  return !area || stat_entry(area.get(), wire::kAreaMarker) || holds_nothing_but(area.get(), ".");
}

}  // namespace

Result<channel::OpenRoot> open_root(const config::RootConfig& config) {
  channel::OpenRoot out;
  out.config = config;
  open_how how{};
  how.flags = O_PATH | O_DIRECTORY | O_CLOEXEC;
  how.resolve = RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS;
  out.directory = Fd(static_cast<int>(::syscall(SYS_openat2, AT_FDCWD, config.path.c_str(), &how, sizeof how)));
  const std::string shown = escape_bytes(config.path);
  if (!out.directory) {
    if (errno == ENOENT) return fail("F1012", ErrorKind::missing, "the root " + shown + " does not exist");
    if (errno == ELOOP) return fail("F1013", ErrorKind::invalid, "the root " + shown + " is a symbolic link, or has one on its way");
    if (errno == ENOTDIR) return fail("F1013", ErrorKind::invalid, "the root " + shown + " is not a directory");
    return fail_errno("opening the root " + shown);
  }
  out.stable_birth = file_system_has_stable_birth(out.directory.get());
  const Result<EntryStat> facts = stat_entry(out.directory.get(), "", out.stable_birth);
  if (!facts) return fail(ErrorKind::system, "the root " + shown + ": " + facts.error().what);
  out.identity = facts->identity;
  out.dev = facts->dev;
  return out;
}

Result<std::vector<channel::OpenRoot>> open_planned_roots(const std::vector<PlanRoot>& roots) {
  std::vector<channel::OpenRoot> out;
  for (const PlanRoot& planned : roots) {
    Result<channel::OpenRoot> root = open_root(planned.config);
    if (!root) return std::unexpected(root.error());
    if (root->identity.inode != planned.inode || root->identity.birth_ns != planned.birth_ns ||
        file_system_id(root->directory.get()) != planned.fsid)
      return fail("F1018", ErrorKind::refused,
                  "the root " + escape_bytes(planned.config.path) + " is not the directory that was planned",
                  "another directory or file system stands there now: make a new plan");
    out.push_back(std::move(*root));
  }
  return out;
}

Result<PlanRoot> describe_root(const channel::OpenRoot& root, std::uint32_t uid, config::QuarantineAt at) {
  PlanRoot out;
  out.config = root.config;
  out.fsid = file_system_id(root.directory.get());
  out.inode = root.identity.inode;
  out.birth_ns = root.identity.birth_ns;
  out.stable_birth = root.stable_birth;
  int directory = root.directory.get();
  Fd top_directory;
  if (at == config::QuarantineAt::mount_top) {
    Result<channel::OpenRoot> top = find_mount_top(root, uid);
    if (!top) return std::unexpected(top.error());
    out.top = {top->config.path, top->identity.inode, top->identity.birth_ns};
    top_directory = std::move(top->directory);
    directory = top_directory.get();
  }
  const std::string base = uid == 0 ? ".freshet" : ".freshet-" + std::to_string(uid);
  for (int suffix = 1; suffix < 10; ++suffix) {
    out.area = suffix == 1 ? base : base + "-" + std::to_string(suffix);
    const Result<EntryStat> there = stat_entry(directory, out.area.c_str());
    if (!there) return out;  // free (or hidden: then the broker says so)
    // Below a setgid directory it is setgid too.
    if (there->identity.type == EntryType::directory && there->uid == uid && (there->mode & 0777) == 0700 &&
        may_be_area(directory, out.area))
      return out;
  }
  return fail("F1016", ErrorKind::refused, "every name for a quarantine below " + escape_bytes(area_directory(out)) + " is taken",
              "remove or rename what is called " + base + ", " + base + "-2, .. there and is not Freshet's");
}

config::QuarantineAt quarantine_at(const config::ChannelConfig& channel, const policy::EffectivePermission& permission) {
  return permission.quarantine_mode == config::QuarantineMode::none ? config::QuarantineAt::in_root : channel.quarantine.at;
}

std::vector<const channel::OpenRoot*> pointers(const std::vector<channel::OpenRoot>& roots) {
  std::vector<const channel::OpenRoot*> out;
  for (const channel::OpenRoot& root : roots) out.push_back(&root);
  return out;
}

std::vector<std::string> areas(const std::vector<PlanRoot>& roots) {
  std::vector<std::string> out;
  for (const PlanRoot& root : roots) out.push_back(root.area);
  return out;
}

}  // namespace freshet

#include "runtime/manager/queue_directory.h"

#include <fcntl.h>
#include <mqueue.h>
#include <sys/mount.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <cerrno>

#include "runtime/base/bytes.h"
#include "runtime/manager/open_roots.h"

namespace freshet {
namespace {

constexpr decltype(statfs::f_type) kQueueMagic = 0x19800202;  // MQUEUE_MAGIC, which no header has

Fd mount_unattached() {
  const Fd context(::fsopen("mqueue", FSOPEN_CLOEXEC));
  if (!context || ::fsconfig(context.get(), FSCONFIG_CMD_CREATE, nullptr, nullptr, 0) != 0) return {};
  return Fd(::fsmount(context.get(), FSMOUNT_CLOEXEC, MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC));
}

std::unexpected<Error> unseen(std::string why) {
  return fail(ErrorKind::refused, "POSIX message queues cannot be seen: " + std::move(why),
              std::string("root sees them; else the file system mqueue has to be mounted at ") + kQueuePlace);
}

}  // namespace

Result<channel::OpenRoot> open_queue_directory() {
  channel::OpenRoot out;
  out.config.path = kQueuePlace;
  out.directory = mount_unattached();
  if (!out.directory) {
    if (errno == ENODEV) return fail(ErrorKind::missing, "this kernel has no POSIX message queues");
    const std::string own = errno_text(errno);
    Result<channel::OpenRoot> mounted = open_root(out.config);
    struct statfs info {};
    const bool there = mounted && ::fstatfs(mounted->directory.get(), &info) == 0 && info.f_type == kQueueMagic;
    if (!there) return unseen(std::string("none are mounted at ") + kQueuePlace + ", and a mount of its own cannot be made: " + own);
    return mounted;
  }
  const Result<EntryStat> facts = stat_entry(out.directory.get(), "");
  if (!facts) return unseen(facts.error().what);
  out.identity = facts->identity;
  out.dev = facts->dev;
  return out;
}

Fd open_queue(const std::string& name) { return Fd(::mq_open(("/" + name).c_str(), O_RDONLY)); }  // close-on-exec as ever

}  // namespace freshet

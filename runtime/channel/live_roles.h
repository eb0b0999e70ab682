#pragma once

#include <sys/types.h>

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "runtime/base/fd.h"
#include "runtime/base/mutex.h"
#include "runtime/channel/role_lock.h"

namespace freshet::channel {

// A role that lives now, as others may look at it: through its folder in /proc, which names that process and no later
// one of the same pid.
struct LiveRole {
  std::string channel;
  pid_t pid = -1;
  Fd proc;
  RoleLock lock;
};

// The workers and brokers that are alive, so that somebody else than the thread that drives them can look at them from
// outside. Thread-safe; the lock is never held across I/O.
class LiveRoles {
 public:
  using Ticket = std::uint64_t;  // 0: none

  Ticket add(std::shared_ptr<const LiveRole> role);
  void remove(Ticket ticket);
  [[nodiscard]] std::vector<std::shared_ptr<const LiveRole>> of(const std::string& channel) const;
  [[nodiscard]] std::size_t count() const;

 private:
  mutable Mutex mutex_;
  std::map<Ticket, std::shared_ptr<const LiveRole>> roles_ FRESHET_GUARDED_BY(mutex_);
  Ticket last_ FRESHET_GUARDED_BY(mutex_) = 0;
};

}  // namespace freshet::channel

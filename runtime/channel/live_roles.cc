#include "runtime/channel/live_roles.h"

namespace freshet::channel {

LiveRoles::Ticket LiveRoles::add(std::shared_ptr<const LiveRole> role) {
  const MutexLock lock(mutex_);
  roles_.emplace(++last_, std::move(role));
  return last_;
}

void LiveRoles::remove(Ticket ticket) {
  std::shared_ptr<const LiveRole> gone;  // its descriptor is closed without the lock
  const MutexLock lock(mutex_);
  const auto at = roles_.find(ticket);
  if (at == roles_.end()) return;
  gone = std::move(at->second);
  roles_.erase(at);
}

std::vector<std::shared_ptr<const LiveRole>> LiveRoles::of(const std::string& channel) const {
  std::vector<std::shared_ptr<const LiveRole>> out;
  const MutexLock lock(mutex_);
  for (const auto& [ticket, role] : roles_)
    if (role->channel == channel) out.push_back(role);
  return out;
}

std::size_t LiveRoles::count() const {
  const MutexLock lock(mutex_);
  return roles_.size();
}

}  // namespace freshet::channel

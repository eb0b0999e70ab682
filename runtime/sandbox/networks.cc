#include "runtime/sandbox/networks.h"

#include <fcntl.h>
#include <sched.h>

#include <cstdlib>

namespace freshet::sandbox {
namespace {

Fd open_current() { return Fd(::open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC)); }

}  // namespace

void Networks::make_ahead() {
  if (may_make_ahead()) next_ = make();
}

bool Networks::enter_next() {
  asked_ = true;
  if (!enter(next_)) return false;
  next_.reset();  // the child keeps it alive
  return true;
}

bool Networks::enter_shared() {
  if (!shared_ && !refused_) shared_ = make();
  return enter(shared_);
}

// Who was let in has been seen to come back (make). To stay would take the rest of the program's children from its network.
void Networks::leave() {
  if (::setns(own_.get(), CLONE_NEWNET) != 0) std::abort();
}

Fd Networks::make() {
  if (!own_) own_ = open_current();
  // The way back is tried before the way out: root of a user namespace alone may make a network, but not come back to one
  // that is the host's.
  if (!own_ || !enter(own_) || ::unshare(CLONE_NEWNET) != 0) {
    refused_ = true;
    return {};
  }
  Fd made = open_current();
  leave();
  return made;
}

bool Networks::enter(const Fd& network) { return network && ::setns(network.get(), CLONE_NEWNET) == 0; }

}  // namespace freshet::sandbox

#include "runtime/sandbox/networks.h"

#include <fcntl.h>
#include <sched.h>
#include <unistd.h>

#include <cstdlib>
#include <utility>

#include "runtime/sandbox/child.h"
#include "runtime/sandbox/user_map.h"

namespace freshet::sandbox {
namespace {

constexpr const char* kCurrent = "/proc/thread-self/ns/net";

Fd open_current() { return Fd(::open(kCurrent, O_RDONLY | O_CLOEXEC)); }

// Of a child that makes a network and ends: it shares our descriptors. System calls only.
struct Making {
  int owner = -1;      // user namespace to make it in; -1: the child's own, new one
  const IdMaps* maps;  // of the new one
  int made_owner = -1;
  int made_network = -1;
};

int make_in_child(void* raw) {
  auto& making = *static_cast<Making*>(raw);
  if (making.owner >= 0) {
    if (::setns(making.owner, CLONE_NEWUSER) != 0 || ::unshare(CLONE_NEWNET) != 0) return 1;
  } else {
    if (put_maps(0, *making.maps).step != nullptr) return 1;  // who clones from within must be somebody there
    making.made_owner = ::open("/proc/thread-self/ns/user", O_RDONLY | O_CLOEXEC);
  }
  making.made_network = ::open(kCurrent, O_RDONLY | O_CLOEXEC);
  return 0;
}

}  // namespace

void Networks::make_ahead() {
  if (may_make_ahead()) next_ = make(below_);
}

Fd Networks::take_next(bool below) {
  if (owner_ && !below) return {};
  asked_ = true;
  below_ = below;
  return std::exchange(next_, Fd());
}

int Networks::shared(bool below) {
  if (owner_ && !below) return -1;
  if (!shared_ && !refused_) shared_ = make(below);
  return shared_.get();
}

bool Networks::enter(int network) { return ::setns(network, CLONE_NEWNET) == 0; }

// Who was let in has been seen to come back (make_here). To stay would take the rest of the program's children from its
// network.
void Networks::leave() {
  if (::setns(own_.get(), CLONE_NEWNET) != 0) std::abort();
}

Fd Networks::make(bool below) {
  Fd made = owner_ ? Fd() : make_here();
  if (!made && below) made = make_below();
  refused_ = !made;
  return made;
}

Fd Networks::make_here() {
  if (!own_) own_ = open_current();
  // The way back is tried before the way out: root of a user namespace alone may make a network, but not come back to one
  // that is the host's.
  if (!own_ || !enter(own_.get()) || ::unshare(CLONE_NEWNET) != 0) return {};
  Fd made = open_current();
  leave();
  return made;
}

Fd Networks::make_below() {
  const IdMaps maps = own_maps();
  const SharedPage<Making> making({.owner = owner_.get(), .maps = &maps});
  const Stack stack;
  if (!making || !stack) return {};
  if (!run_helper(make_in_child, making.get(), owner_ ? 0 : CLONE_NEWUSER | CLONE_NEWNET, stack)) return {};
  Fd made(making->made_network);
  Fd owner(making->made_owner);
  if (!owner_ && owner && made) owner_ = std::move(owner);
  return owner_ ? std::move(made) : Fd();
}

}  // namespace freshet::sandbox

#pragma once

#include "runtime/base/fd.h"

namespace freshet::sandbox {

// Empty networks for the children of the calling thread: to make one costs several times what it costs to enter one. One
// object for one thread. They belong to the user namespace of this process where it has CAP_SYS_ADMIN there; else to one
// of their own (`owner`), made with the first, which knows no id but this process's: `below` says that a child of it will do.
// Where neither can be had there is never one, and a child gets a network of its own by CLONE_NEWNET.
class Networks {
 public:
  Networks() = default;
  Networks(const Networks&) = delete;
  Networks& operator=(const Networks&) = delete;

  // One for each child, made ahead, never given to a second one. Worth making once one has been asked for. None: an empty
  // descriptor. The child keeps it alive.
  [[nodiscard]] bool may_make_ahead() const { return asked_ && !refused_ && !next_; }
  void make_ahead();
  Fd take_next(bool below);

  // One and the same for all children that enter it: they run no foreign code. -1: none. Not owned.
  int shared(bool below);

  // Empty: the calling thread enters a network for the moment of a clone. Else the one that clones has to enter this user
  // namespace first, which no program with threads can (setns(2)).
  [[nodiscard]] const Fd& owner() const { return owner_; }
  // Where `owner` is empty.
  bool enter(int network);
  void leave();  // after `enter` said true

 private:
  Fd make(bool below);
  Fd make_here();
  Fd make_below();

  Fd own_;     // of this process
  Fd owner_;   // user namespace
  Fd next_;
  Fd shared_;
  bool asked_ = false;
  bool below_ = false;  // so it was asked for
  bool refused_ = false;
};

}  // namespace freshet::sandbox

#pragma once

#include "runtime/base/fd.h"

namespace freshet::sandbox {

// Empty networks for the children of the calling thread, which it enters for the moment of their clone: to make a network
// costs several times what it costs to enter one. One object for one thread. Only who has CAP_SYS_ADMIN over the network
// of this process may do so; for others every call says false, and a child gets a network of its own by CLONE_NEWNET.
class Networks {
 public:
  Networks() = default;
  Networks(const Networks&) = delete;
  Networks& operator=(const Networks&) = delete;

  // One for each child, made ahead, never given to a second one. Worth making once one has been asked for.
  [[nodiscard]] bool may_make_ahead() const { return asked_ && !refused_ && !next_; }
  void make_ahead();
  bool enter_next();

  // One and the same for all children that enter it: they run no foreign code.
  bool enter_shared();

  // After one of the two said true.
  void leave();

 private:
  Fd make();
  bool enter(const Fd& network);

  Fd own_;     // of this process
  Fd next_;
  Fd shared_;
  bool asked_ = false;
  bool refused_ = false;
};

}  // namespace freshet::sandbox

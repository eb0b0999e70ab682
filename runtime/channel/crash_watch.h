#pragma once

#include <semaphore>
#include <thread>
#include <vector>

#include "runtime/channel/back_trace.h"

namespace freshet::channel {

// Stops a worker's first thread for a moment when a signal is about to end it, and looks where it is. On a thread of its
// own, which traces the worker (ptrace) until it has ended; where the kernel does not allow that, it sees nothing. Changes
// nothing of how it ends: each signal is delivered as it came, and an instruction at fault is run again untraced.
class CrashWatch {
 public:
  // Of a live child of this program, which is traced from here on. `proc`: its folder in /proc.
  CrashWatch(int pid, int proc);
  ~CrashWatch();  // its process has been reaped
  CrashWatch(const CrashWatch&) = delete;
  CrashWatch& operator=(const CrashWatch&) = delete;

  // Once the process has been reaped. Empty: no signal ended it, or nothing could be seen.
  std::vector<Frame> finish();

 private:
  void watch(int pid, int proc);

  std::binary_semaphore begun_{0};
  std::vector<Frame> frames_;  // of the thread, until it is joined
  std::thread thread_;
};

}  // namespace freshet::channel

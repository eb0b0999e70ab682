#pragma once

#include <functional>
#include <stop_token>
#include <thread>

#include "runtime/base/error.h"
#include "runtime/base/fd.h"

namespace freshet::cli {

// Turns SIGINT, SIGTERM and SIGHUP into a stop request: the entry in hand is finished, all is recorded.
// Handlers and not a blocked mask, and no ignored SIGPIPE: both would be inherited by what the manager
// starts. One at a time in a process, made before any other thread.
class Interrupts {
 public:
  // `on_signal` runs on this class's thread, with the how-many-eth signal it was, from 1.
  explicit Interrupts(std::function<void(int)> on_signal);
  ~Interrupts();
  Interrupts(const Interrupts&) = delete;
  Interrupts& operator=(const Interrupts&) = delete;

  [[nodiscard]] std::stop_token token() const { return source_.get_token(); }

 private:
  void listen();

  std::function<void(int)> on_signal_;
  std::stop_source source_;
  Fd read_end_, write_end_;
  std::thread thread_;
};

}  // namespace freshet::cli

#pragma once

#include <cstddef>
#include <string>

#include "runtime/base/error.h"
#include "runtime/base/fd.h"

namespace freshet::channel {

// What a worker writes to its standard error: libc's last words before an abort, above all. A pipe that never blocks its
// writer: what does not fit is lost. Nobody reads it before the worker has ended.
class ErrorPipe {
 public:
  static constexpr std::size_t kMaxKept = 8 * 1024;  // bytes

  // The writing end is for the worker; close it here once it is started.
  static Result<ErrorPipe> make(Fd& writing);
  ErrorPipe() = default;  // of a role that has none

  // The first kMaxKept bytes, raw. Once: later calls give what came since.
  std::string take();

 private:
  explicit ErrorPipe(Fd reading) : reading_(std::move(reading)) {}

  Fd reading_;
};

}  // namespace freshet::channel

#include "runtime/channel/error_pipe.h"

#include <fcntl.h>
#include <unistd.h>

namespace freshet::channel {

Result<ErrorPipe> ErrorPipe::make(Fd& writing) {
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC | O_NONBLOCK) != 0) return fail_errno("pipe2");
  ErrorPipe out{Fd(ends[0])};
  const Fd low(ends[1]);
  constexpr int kAboveTheStandardOnes = 10;  // a child's dup2 puts its own there
  writing = Fd(::fcntl(low.get(), F_DUPFD_CLOEXEC, kAboveTheStandardOnes));
  if (!writing) return fail_errno("F_DUPFD_CLOEXEC");
  return out;
}

std::string ErrorPipe::take() {
  std::string out(kMaxKept, '\0');
  const ssize_t got = reading_ ? ::read(reading_.get(), out.data(), out.size()) : 0;
  out.resize(got > 0 ? static_cast<std::size_t>(got) : 0);
  return out;
}

}  // namespace freshet::channel

#pragma once

#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#include <cstdlib>
#include <string>
#include <string_view>

namespace freshet::cli {

// A terminal pair: what the program sees, and what a person sees and types.
class Terminal {
 public:
  Terminal() : person_(::posix_openpt(O_RDWR | O_NOCTTY)) {
    if (person_ < 0 || ::grantpt(person_) != 0 || ::unlockpt(person_) != 0) std::abort();
    program_ = ::open(::ptsname(person_), O_RDWR | O_NOCTTY);
    if (program_ < 0) std::abort();
  }
  ~Terminal() {
    ::close(program_);
    ::close(person_);
  }
  Terminal(const Terminal&) = delete;
  Terminal& operator=(const Terminal&) = delete;

  [[nodiscard]] int program() const { return program_; }
  void type(std::string_view text) const { (void)!::write(person_, text.data(), text.size()); }
  // All that waits to be seen.
  [[nodiscard]] std::string seen() const {
    std::string all;
    for (;;) {
      pollfd ready{.fd = person_, .events = POLLIN, .revents = 0};
      if (::poll(&ready, 1, 50) <= 0) return all;
      char buffer[4096];
      const ssize_t got = ::read(person_, buffer, sizeof buffer);
      if (got <= 0) return all;
      all.append(buffer, static_cast<std::size_t>(got));
    }
  }

 private:
  int person_;
  int program_ = -1;
};

}  // namespace freshet::cli

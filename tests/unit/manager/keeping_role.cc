// A role executable whose broker keeps what its file is named after, `keeps-<what>`, once its first units are done, or ends
// or hangs then, before it has told what became of them. All else is as in runtime/role/main.cc.
#include <fcntl.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <atomic>
#include <csignal>
#include <cstring>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "test_role.h"

using namespace freshet;
using namespace freshet::testing;

namespace {

std::string what_to_keep() {
  char path[4096];
  const ssize_t length = ::readlink("/proc/self/exe", path, sizeof path);
  const std::string whole(path, length > 0 ? static_cast<std::size_t>(length) : 0);
  const std::size_t at = whole.rfind("/keeps-");
  return at == std::string::npos ? std::string() : whole.substr(at + 7);
}

[[noreturn]] void sleep_on() {
  for (;;) ::pause();
}

void keep(const std::string& what) {
  if (what == "memory") {
    constexpr std::size_t kBytes = 32 << 20;
    void* const memory = ::mmap(nullptr, kBytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (memory != MAP_FAILED) std::memset(memory, 1, kBytes);
  } else if (what == "thread") {
    std::thread(sleep_on).detach();
  } else if (what == "descriptors") {
    for (int i = 0; i < 200; ++i) (void)::fcntl(kRoleSocket, F_DUPFD, 100);
  } else if (what == "lock") {
    (void)::flock(::memfd_create("held", 0), LOCK_EX);
  } else if (what == "exits") {
    ::_exit(9);
  } else if (what == "hangs") {
    sleep_on();
  } else if (what == "process" && ::fork() == 0) {
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    sleep_on();
  }
}

// Between the manager and the broker behind its lock: threads that were there before the lock and are not bound by its
// filter, so that they can keep what the broker itself could not even take.
class Between {
 public:
  explicit Between(std::string what) : what_(std::move(what)) {
    std::thread([this] { to_broker(); }).detach();
    std::thread([this] { from_broker(); }).detach();
  }
  // From here on, when all is locked. The broker's end.
  int begin() {
    locked_ = true;
    locked_.notify_all();
    ready_.wait(false);
    return theirs_.get();
  }
  // When the broker has said its last word: it has reached the manager then.
  void end() {
    theirs_.reset();
    drained_.wait(false);
  }

 private:
  void to_broker() {
    ready_.wait(false);
    pass_on(kRoleSocket, ours_.get(), false);
    sleep_on();
  }
  void from_broker() {
    locked_.wait(false);
    auto ends = wire::make_socket_pair();
    if (!ends) std::abort();
    ours_ = std::move(ends->first);
    theirs_ = std::move(ends->second);
    ready_ = true;
    ready_.notify_all();
    pass_on(ours_.get(), kRoleSocket, true);
    drained_ = true;
    drained_.notify_all();
    sleep_on();
  }
  void pass_on(int from, int to, bool from_broker) {
    std::vector<char> packet(wire::kMaxPacket);
    for (;;) {
      const ssize_t got = ::recv(from, packet.data(), packet.size(), 0);
      if (got <= 0) return;
      wire::Outcomes outcomes;
      if (from_broker && wire::decode_message({packet.data(), static_cast<std::size_t>(got)}, outcomes)) keep(std::exchange(what_, {}));
      if (::send(to, packet.data(), static_cast<std::size_t>(got), MSG_NOSIGNAL) < 0) return;
    }
  }

  std::string what_;
  Fd ours_, theirs_;
  std::atomic<bool> locked_ = false;
  std::atomic<bool> ready_ = false;
  std::atomic<bool> drained_ = false;
};

}  // namespace

int main(int, char** arguments) {
  std::unique_ptr<Between> between;
  return run_test_role(
      arguments[1],
      [&](wire::Setup& setup) {
        if (setup.role != wire::Role::broker || setup.read_area) return;  // not the one that removes
        setup.memory_bytes = 0;
        setup.processes = 0;
        setup.open_files = 1024;
        between = std::make_unique<Between>(what_to_keep());
      },
      [&](const wire::Setup& setup, std::vector<Fd> roots) {
        const int code = broker::run_broker(between ? between->begin() : kRoleSocket, setup, std::move(roots));
        if (between) between->end();
        return code;
      });
}

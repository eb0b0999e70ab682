#include "runtime/cli/interrupts.h"

#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>

namespace freshet::cli {
namespace {

constexpr int kSignals[] = {SIGINT, SIGTERM, SIGHUP};
constexpr char kSignal = 's';
constexpr char kEnd = 'e';

// A signal handler gets no argument of ours. -1: nobody listens.
std::atomic<int> g_write_end{-1};
static_assert(std::atomic<int>::is_always_lock_free);

extern "C" void note_signal(int) {
  const int saved = errno;
  const int fd = g_write_end.load(std::memory_order_relaxed);
  if (fd >= 0) (void)!::write(fd, &kSignal, 1);
  errno = saved;
}

extern "C" void do_nothing(int) {}

void set_handler(int signal, void (*handler)(int), bool even_if_ignored) {
  struct sigaction action {};
  // nohup and background jobs of scripts ignore signals on purpose.
  if (!even_if_ignored && ::sigaction(signal, nullptr, &action) == 0 && action.sa_handler == SIG_IGN) return;
  action = {};
  action.sa_handler = handler;
  action.sa_flags = SA_RESTART;
  ::sigemptyset(&action.sa_mask);
  ::sigaction(signal, &action, nullptr);
}

}  // namespace

Interrupts::Interrupts(std::function<void(int)> on_signal) : on_signal_(std::move(on_signal)) {
  set_handler(SIGPIPE, do_nothing, true);  // a write then says EPIPE; exec gives children the default back
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) return;  // then a signal ends the program at once, as it does everywhere
  read_end_.reset(ends[0]);
  write_end_.reset(ends[1]);
  g_write_end.store(ends[1], std::memory_order_relaxed);
  for (const int signal : kSignals) set_handler(signal, note_signal, false);
  thread_ = std::thread([this] { listen(); });
}

Interrupts::~Interrupts() {
  if (!thread_.joinable()) return;
  g_write_end.store(-1, std::memory_order_relaxed);
  (void)!::write(write_end_.get(), &kEnd, 1);
  thread_.join();
}

void Interrupts::listen() {
  int count = 0;
  for (;;) {
    char what = 0;
    const ssize_t got = ::read(read_end_.get(), &what, 1);
    if (got < 0 && errno == EINTR) continue;
    if (got != 1 || what == kEnd) return;
    source_.request_stop();
    on_signal_(++count);
  }
}

}  // namespace freshet::cli

#include "runtime/cli/console.h"

#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#include <cerrno>

#include "runtime/base/clock.h"

namespace freshet::cli {
namespace {

constexpr std::size_t kBufferBytes = 64 * 1024;
constexpr std::int64_t kDrawEvery = 100'000'000;
constexpr int kAskPollMilliseconds = 100;
constexpr std::size_t kMaxAnswerBytes = 256;

// 0, or errno.
int write_all(int fd, std::string_view text) {
  while (!text.empty()) {
    const ssize_t put = ::write(fd, text.data(), text.size());
    if (put >= 0) {
      text.remove_prefix(static_cast<std::size_t>(put));
    } else if (errno == EAGAIN) {
      pollfd ready{.fd = fd, .events = POLLOUT, .revents = 0};
      ::poll(&ready, 1, -1);
    } else if (errno != EINTR) {
      return errno;
    }
  }
  return 0;
}

}  // namespace

void occupy_standard_descriptors() {
  for (int fd = 0; fd <= 2; ++fd)  // open() gives the lowest free one
    if (::fcntl(fd, F_GETFD) < 0 && errno == EBADF) (void)!::open("/dev/null", fd == 0 ? O_WRONLY : O_RDONLY);
}

Console::Console(Streams streams)
    : streams_(streams),
      out_style_(report::Style::of(streams.out, true)),
      err_style_(report::Style::of(streams.err, true)) {}

Console::~Console() {
  (void)finish();
}

void Console::forbid_colour() {
  out_style_.colour = err_style_.colour = false;
}

void Console::show_progress() {
  const MutexLock lock(mutex_);
  progress_on_ = ::isatty(streams_.err) == 1;
}

bool Console::can_ask() const {
  return ::isatty(streams_.in) == 1 && ::isatty(streams_.err) == 1;
}

bool Console::out(std::string_view text) {
  const MutexLock lock(mutex_);
  if (closed_) return false;
  buffer_ += text;
  if (buffer_.size() >= kBufferBytes) flush_locked();
  return !closed_;
}

void Console::err(std::string_view text) {
  const MutexLock lock(mutex_);
  flush_locked();  // on one terminal both streams keep their order
  erase_locked();
  (void)write_all(streams_.err, text);
}

void Console::progress(const Progress& progress) {
  const MutexLock lock(mutex_);
  if (!progress_on_) return;
  const std::int64_t now = SystemClock().monotonic();
  const bool begins = meter_.take(progress, now);
  if (!begins && now - last_draw_ns_ < kDrawEvery) return;
  last_draw_ns_ = now;
  progress_drawn_ = true;
  // The cursor waits at the line's begin: whatever does not know of this line overwrites it.
  (void)write_all(streams_.err, "\r" + meter_.line(now, err_style_) + "\x1b[K\r");
}

void Console::erase_progress() {
  const MutexLock lock(mutex_);
  erase_locked();
}

std::optional<bool> Console::ask(const std::string& question, const std::stop_token& stop) {
  err(question + " [y/N] ");
  const std::optional<std::string> word = read_line(stop);
  if (!word) return std::nullopt;
  return *word == "y" || *word == "Y" || *word == "yes" || *word == "Yes" || *word == "YES";
}

std::optional<std::string> Console::ask_text(const std::string& question, const std::string& proposal, const std::stop_token& stop) {
  err(question + (proposal.empty() ? "" : " [" + proposal + "]") + ": ");
  std::optional<std::string> answer = read_line(stop);
  if (answer && answer->empty()) answer = proposal;
  return answer;
}

std::optional<std::string> Console::read_line(const std::stop_token& stop) const {
  std::string answer;
  while (!stop.stop_requested()) {
    pollfd ready{.fd = streams_.in, .events = POLLIN, .revents = 0};
    if (::poll(&ready, 1, kAskPollMilliseconds) <= 0) continue;
    // A byte at a time: what comes behind the line answers the next question.
    char byte = 0;
    const ssize_t got = ::read(streams_.in, &byte, 1);
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) return std::nullopt;
    if (byte == '\n' || answer.size() >= kMaxAnswerBytes) return answer;
    answer += byte;
  }
  return std::nullopt;
}

void Console::flush() {
  const MutexLock lock(mutex_);
  flush_locked();
}

Status Console::finish() {
  const MutexLock lock(mutex_);
  flush_locked();
  erase_locked();
  if (lost_errno_ != 0) return fail_errno("writing the output", lost_errno_);
  return {};
}

void Console::flush_locked() {
  if (closed_ || buffer_.empty()) return;
  erase_locked();  // both streams may be one terminal
  const int why = write_all(streams_.out, buffer_);
  buffer_.clear();
  if (why == 0) return;
  closed_ = true;
  if (why != EPIPE) lost_errno_ = why;
}

void Console::erase_locked() {
  if (!progress_drawn_) return;
  progress_drawn_ = false;
  (void)write_all(streams_.err, "\x1b[K");
}

}  // namespace freshet::cli

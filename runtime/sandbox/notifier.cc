#include "runtime/sandbox/notifier.h"

#include <linux/filter.h>
#include <poll.h>
#include <sys/ioctl.h>

#include <cerrno>

#include "runtime/sandbox/kernel.h"

namespace freshet::sandbox {

Result<Fd> install_filter(std::span<const std::array<std::uint8_t, 8>> filter) {
  static_assert(sizeof(sock_filter) == 8);
  sock_fprog program{};
  program.len = static_cast<unsigned short>(filter.size());
  program.filter = reinterpret_cast<sock_filter*>(const_cast<std::uint8_t*>(filter.data()->data()));
  // WAIT_KILLABLE_RECV (5.19): once the manager has read a notification, only its kill ends the wait.
  int listener = seccomp(SECCOMP_SET_MODE_FILTER,
                         SECCOMP_FILTER_FLAG_NEW_LISTENER | SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV, &program);
  if (listener < 0 && errno == EINVAL)
    listener = seccomp(SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_NEW_LISTENER, &program);
  if (listener < 0) return fail_errno("seccomp");
  return Fd(listener);
}

Result<std::optional<Notification>> read_notification(int listener) {
  pollfd ready{listener, POLLIN, 0};
  if (::poll(&ready, 1, 0) < 0 && errno != EINTR) return fail_errno("poll of a seccomp listener");
  if ((ready.revents & POLLIN) == 0) return std::nullopt;
  // The kernel may know more fields than this program; it refuses a buffer that is not zeroed.
  union {
    seccomp_notif request;
    std::uint8_t room[512];
  } buffer{};
  static_assert(sizeof(seccomp_notif) < sizeof buffer.room);
  if (::ioctl(listener, SECCOMP_IOCTL_NOTIF_RECV, &buffer.request) != 0) {
    if (errno == ENOENT || errno == EINTR) return std::nullopt;
    return fail_errno("reading a seccomp notification");
  }
  Notification out{buffer.request.id, buffer.request.data.arch, buffer.request.data.nr, {}, static_cast<int>(buffer.request.pid)};
  for (std::size_t i = 0; i < out.arguments.size(); ++i) out.arguments[i] = buffer.request.data.args[i];
  return out;
}

void wake_synchronously(int listener) {
  constexpr unsigned long kSetFlags = 0x40082104;  // SECCOMP_IOCTL_NOTIF_SET_FLAGS = _IOW('!', 4, __u64)
  constexpr std::uint64_t kSynchronousWakeUp = 1;
  ::ioctl(listener, kSetFlags, kSynchronousWakeUp);
}

namespace {

Status send_answer(int listener, std::uint64_t id, int error_number, std::uint32_t flags) {
  union {
    seccomp_notif_resp response;
    std::uint8_t room[512];
  } buffer{};
  buffer.response.id = id;
  buffer.response.error = -error_number;
  buffer.response.flags = flags;
  if (::ioctl(listener, SECCOMP_IOCTL_NOTIF_SEND, &buffer.response) != 0)
    return fail_errno("answering a seccomp notification");
  return {};
}

}  // namespace

Status answer_notification(int listener, std::uint64_t id, int error_number) {
  return send_answer(listener, id, error_number, 0);
}

Status let_notification_go_on(int listener, std::uint64_t id) {
  return send_answer(listener, id, 0, SECCOMP_USER_NOTIF_FLAG_CONTINUE);
}

}  // namespace freshet::sandbox

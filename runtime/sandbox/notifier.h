#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>

#include "runtime/base/error.h"
#include "runtime/base/fd.h"

namespace freshet::sandbox {

// Role: puts the filter on the calling thread and returns its listener. Needs no_new_privs. Afterwards every call that
// the filter does not list waits for whoever holds the listener.
Result<Fd> install_filter(std::span<const std::array<std::uint8_t, 8>> filter);

inline constexpr std::uint32_t kNativeArchitecture = 0xC000003E;  // AUDIT_ARCH_X86_64

// Manager: a call that waits for an answer.
struct Notification {
  std::uint64_t id = 0;
  std::uint32_t architecture = 0;  // AUDIT_ARCH_*
  int number = 0;
  std::array<std::uint64_t, 6> arguments{};
  int thread = 0;  // as this program sees it
};

// The next one, without waiting; nothing when there is none (or its thread has died meanwhile).
Result<std::optional<Notification>> read_notification(int listener);
// The next calls change over to the listener's reader and back on one processor (Linux 6.6): a fifth of the time. A
// kernel that cannot is as before.
void wake_synchronously(int listener);
// The call returns -1 with this errno.
Status answer_notification(int listener, std::uint64_t id, int error_number);
// The call is made. Only for one whose arguments are all in registers: memory could have changed since it was read.
Status let_notification_go_on(int listener, std::uint64_t id);

}  // namespace freshet::sandbox

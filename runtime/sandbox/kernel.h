#pragma once

#include <linux/seccomp.h>
#include <sys/mount.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cstddef>
#include <cstdint>

// What the kernel headers of Debian 12 (6.1) do not know yet, or glibc 2.36 has no wrapper for. Every number is part of
// the kernel's stable interface. Errors come back in errno, as from a wrapper.
namespace freshet::sandbox {

// Landlock, ABI 1 (5.13) to 7 (6.15).
inline constexpr std::uint64_t kLandlockExecute = 1ULL << 0;
inline constexpr std::uint64_t kLandlockWriteFile = 1ULL << 1;
inline constexpr std::uint64_t kLandlockReadFile = 1ULL << 2;
inline constexpr std::uint64_t kLandlockReadDir = 1ULL << 3;
inline constexpr std::uint64_t kLandlockRemoveDir = 1ULL << 4;
inline constexpr std::uint64_t kLandlockRemoveFile = 1ULL << 5;
inline constexpr std::uint64_t kLandlockMakeDir = 1ULL << 7;
inline constexpr std::uint64_t kLandlockMakeReg = 1ULL << 8;
inline constexpr std::uint64_t kLandlockMakeSock = 1ULL << 9;
inline constexpr std::uint64_t kLandlockMakeFifo = 1ULL << 10;
inline constexpr std::uint64_t kLandlockMakeSym = 1ULL << 12;
inline constexpr std::uint64_t kLandlockRefer = 1ULL << 13;      // ABI 2
inline constexpr std::uint64_t kLandlockAllFs1 = (1ULL << 13) - 1;
inline constexpr std::uint64_t kLandlockTruncate = 1ULL << 14;   // ABI 3
inline constexpr std::uint64_t kLandlockIoctlDev = 1ULL << 15;   // ABI 5
inline constexpr std::uint64_t kLandlockAllNet = 3;              // ABI 4: bind and connect, TCP
inline constexpr std::uint64_t kLandlockAllScopes = 3;           // ABI 6: abstract sockets, signals

struct LandlockRuleset {
  std::uint64_t handled_fs = 0;
  std::uint64_t handled_net = 0;  // ABI 4
  std::uint64_t scoped = 0;       // ABI 6
};

struct __attribute__((packed)) LandlockPathRule {
  std::uint64_t allowed = 0;
  std::int32_t parent_fd = -1;
};

inline int landlock_create_ruleset(const LandlockRuleset* ruleset, std::size_t size, std::uint32_t flags) {
  return static_cast<int>(::syscall(SYS_landlock_create_ruleset, ruleset, size, flags));
}
inline int landlock_add_path_rule(int ruleset, const LandlockPathRule* rule) {
  return static_cast<int>(::syscall(SYS_landlock_add_rule, ruleset, 1 /* PATH_BENEATH */, rule, 0));
}
inline int landlock_restrict_self(int ruleset) {
  return static_cast<int>(::syscall(SYS_landlock_restrict_self, ruleset, 0));
}

inline constexpr int kPrSetMdwe = 65;  // Linux 6.3
inline constexpr unsigned long kMdweRefuseExecGain = 1;
inline constexpr unsigned kCloseRangeCloexec = 1U << 2;  // Linux 5.11

inline int seccomp(unsigned operation, unsigned flags, void* argument) {
  return static_cast<int>(::syscall(SYS_seccomp, operation, flags, argument));
}
inline int pivot_root(const char* new_root, const char* put_old) {
  return static_cast<int>(::syscall(SYS_pivot_root, new_root, put_old));
}

}  // namespace freshet::sandbox

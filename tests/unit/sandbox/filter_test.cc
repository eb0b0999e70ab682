#include "runtime/sandbox/filter_table.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/syscall.h>

#include <algorithm>
#include <cstring>

#include "runtime/sandbox/filter_book.h"
#include "runtime/sandbox/filter_compiler.h"

namespace freshet::sandbox {
namespace {

using wire::BrokerPhase;
using wire::Role;

// What the compiled program answers to a call, as the kernel would: classic BPF over struct seccomp_data.
std::uint32_t run_filter(const Filter& filter, const seccomp_data& data) {
  std::uint32_t accumulator = 0;
  for (std::size_t at = 0; at < filter.size(); ++at) {
    sock_filter op;
    std::memcpy(&op, filter[at].data(), sizeof op);
    switch (op.code) {
      case BPF_LD | BPF_W | BPF_ABS: std::memcpy(&accumulator, reinterpret_cast<const char*>(&data) + op.k, 4); break;
      case BPF_ALU | BPF_AND | BPF_K: accumulator &= op.k; break;
      case BPF_JMP | BPF_JA: at += op.k; break;
      case BPF_JMP | BPF_JEQ | BPF_K: at += accumulator == op.k ? op.jt : op.jf; break;
      case BPF_JMP | BPF_JGE | BPF_K: at += accumulator >= op.k ? op.jt : op.jf; break;
      case BPF_JMP | BPF_JGT | BPF_K: at += accumulator > op.k ? op.jt : op.jf; break;
      case BPF_JMP | BPF_JSET | BPF_K: at += (accumulator & op.k) != 0 ? op.jt : op.jf; break;
      case BPF_RET | BPF_K: return op.k;
      default: ADD_FAILURE() << "an instruction this test does not know: " << op.code; return 0;
    }
  }
  ADD_FAILURE() << "ran off the end";
  return 0;
}

struct Call {
  int number;
  std::array<std::uint64_t, 6> arguments{};
  std::uint32_t architecture = AUDIT_ARCH_X86_64;
};

std::uint32_t answer(const FilterRequest& request, const Call& call) {
  auto filter = compile_filter(request);
  EXPECT_TRUE(filter.has_value());
  seccomp_data data{};
  data.nr = call.number;
  data.arch = call.architecture;
  std::copy(call.arguments.begin(), call.arguments.end(), data.args);
  return run_filter(*filter, data);
}
// What a role gets is what was compiled for it, however often and in which order it is asked for.
TEST(FilterBook, GivesEachItsOwn) {
  FilterBook book;
  const FilterRequest requests[] = {{.role = wire::Role::worker},
                                    {.role = wire::Role::worker, .read_contents = true},
                                    {.role = wire::Role::broker},
                                    {.role = wire::Role::broker, .unlink = true},
                                    {.role = wire::Role::broker, .phase = wire::BrokerPhase::purge},
                                    {.role = wire::Role::worker, .self = 4711},
                                    {.role = wire::Role::worker, .self = 4712}};
  for (int round = 0; round < 2; ++round)
    for (const FilterRequest& request : requests) {
      const auto compiled = compile_filter(request);
      const auto kept = book.find(request);
      ASSERT_TRUE(compiled && kept);
      EXPECT_EQ(*kept, *compiled);
    }
}

bool allowed(const FilterRequest& request, const Call& call) { return answer(request, call) == SECCOMP_RET_ALLOW; }
bool notified(const FilterRequest& request, const Call& call) { return answer(request, call) == SECCOMP_RET_USER_NOTIF; }

constexpr FilterRequest kWorker{.role = Role::worker};
constexpr FilterRequest kReader{.role = Role::worker, .read_contents = true};
constexpr FilterRequest kProbe{.role = Role::probe};
FilterRequest broker(BrokerPhase phase, bool unlink = false) {
  return {.role = Role::broker, .phase = phase, .unlink = unlink};
}

std::vector<FilterRequest> every_request() {
  return {kWorker, kReader, kProbe, broker(BrokerPhase::remove), broker(BrokerPhase::remove, true), broker(BrokerPhase::restore),
          broker(BrokerPhase::purge), broker(BrokerPhase::trial)};
}

TEST(Filter, WhateverIsNotListedIsNotifiedInEveryRole) {
  const int never[] = {SYS_execve, SYS_execveat, SYS_fork, SYS_vfork, SYS_socket, SYS_connect, SYS_bind, SYS_ptrace,
                       SYS_kill, SYS_chmod, SYS_fchmod, SYS_fchmodat, SYS_chown, SYS_fchown, SYS_lchown, SYS_fchownat,
                       SYS_link, SYS_linkat, SYS_symlink, SYS_symlinkat, SYS_mknod, SYS_mknodat, SYS_mount,
                       SYS_umount2, SYS_pivot_root, SYS_open_by_handle_at, SYS_name_to_handle_at, SYS_open,
                       SYS_creat, SYS_unlink, SYS_rmdir, SYS_rename, SYS_renameat, SYS_truncate, SYS_ftruncate,
                       SYS_fallocate, SYS_setuid, SYS_setresuid, SYS_setfsuid, SYS_capset, SYS_seccomp, SYS_bpf,
                       SYS_io_uring_setup, SYS_userfaultfd, SYS_memfd_create, SYS_keyctl, SYS_add_key, SYS_unshare,
                       SYS_setns, SYS_chroot, SYS_init_module, SYS_kexec_load, SYS_reboot, SYS_process_vm_writev,
                       SYS_pidfd_open, SYS_pidfd_getfd, SYS_ioctl, SYS_prctl, SYS_prlimit64, SYS_setxattr, SYS_dup,
                       SYS_dup2, SYS_pipe2, SYS_timer_create, SYS_setitimer};
  for (const FilterRequest& request : every_request())
    for (const int number : never) {
#ifdef FRESHET_SANITIZED
      if (number == SYS_open || number == SYS_ioctl || number == SYS_prctl || number == SYS_prlimit64 || number == SYS_pipe2)
        continue;  // of the sanitizers' own list
#endif
      EXPECT_TRUE(notified(request, {number})) << call_name(AUDIT_ARCH_X86_64, number);
    }
  for (const FilterRequest& request : every_request())
    for (int number = 450; number < 600; ++number) EXPECT_TRUE(notified(request, {number})) << number;
}

TEST(Filter, LinksAreReadByWhoMayReadContentsAndByNobodyElse) {
  for (const FilterRequest& request : every_request())
    EXPECT_EQ(allowed(request, {SYS_readlinkat}), request.read_contents) << static_cast<int>(request.phase);
}

TEST(Filter, TheCanaryIsInNoList) {
  for (const FilterRequest& request : every_request()) EXPECT_TRUE(notified(request, {canary_call()}));
}

TEST(Filter, OtherMachinesAndX32AreNotified) {
  for (const FilterRequest& request : every_request()) {
    EXPECT_TRUE(notified(request, {SYS_read, {}, AUDIT_ARCH_I386}));
    EXPECT_TRUE(notified(request, {3, {}, AUDIT_ARCH_I386}));  // its read
    EXPECT_TRUE(notified(request, {0x40000000 | SYS_read}));
    EXPECT_TRUE(notified(request, {SYS_read, {}, AUDIT_ARCH_AARCH64}));
  }
}

TEST(Filter, EveryRoleMayTalkLookAndAllocate) {
  for (const FilterRequest& request : every_request()) {
    for (const int number : {SYS_read, SYS_write, SYS_sendmsg, SYS_recvmsg, SYS_close, SYS_statx, SYS_getdents64,
                             SYS_munmap, SYS_brk, SYS_futex, SYS_clock_gettime})
      EXPECT_TRUE(allowed(request, {number})) << number;
    EXPECT_TRUE(allowed(request, {SYS_mmap, {0, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, ~0ULL, 0}}));
    EXPECT_TRUE(allowed(request, {SYS_mprotect, {0, 4096, PROT_READ, 0, 0, 0}}));
  }
}

// The sanitizers' own list allows some of these: an ordinary build is judged.
#ifndef FRESHET_SANITIZED

TEST(Filter, AnOrdinaryBuildHasNoSanitizerList) { EXPECT_EQ(sanitizer_list_name(), ""); }

TEST(Filter, AWorkerOpensForReadingOnly) {
  const auto open = [](std::uint64_t flags) { return Call{SYS_openat, {static_cast<std::uint64_t>(AT_FDCWD), 0, flags, 0, 0, 0}}; };
  EXPECT_TRUE(allowed(kWorker, open(O_RDONLY)));
  EXPECT_TRUE(allowed(kWorker, open(O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK)));
  EXPECT_TRUE(allowed(kWorker, open(O_PATH)));
  for (const int flags : {O_WRONLY, O_RDWR, O_CREAT, O_TRUNC, O_TMPFILE | O_WRONLY, O_RDONLY | O_CREAT, O_TMPFILE, 3})
    EXPECT_TRUE(notified(kWorker, open(static_cast<std::uint64_t>(flags)))) << flags;
  // The kernel reads 32 bits: garbage above must not hide a flag.
  EXPECT_TRUE(notified(kWorker, open(0xFFFFFFFF00000000ULL | O_WRONLY)));
  for (const FilterRequest& request : every_request()) {
    if (request.role != Role::worker) {
      EXPECT_TRUE(notified(request, open(O_RDONLY)));
    }
  }
}

TEST(Filter, MemoryBecomesExecutableOnlyForTheLoader) {
  const auto map = [](std::uint64_t protection, std::uint64_t flags, std::uint64_t fd) {
    return Call{SYS_mmap, {0, 4096, protection, flags, fd, 0}};
  };
  EXPECT_TRUE(notified(kWorker, map(PROT_READ | PROT_EXEC, MAP_PRIVATE, 4)));  // the manager's to let go on
  EXPECT_TRUE(notified(kWorker, map(PROT_READ | PROT_EXEC, MAP_PRIVATE, 5)));
  EXPECT_TRUE(notified(kWorker, map(PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, 4)));
  EXPECT_TRUE(notified(kWorker, map(PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE, 4)));
  EXPECT_TRUE(notified(kWorker, {SYS_mprotect, {0, 4096, PROT_READ | PROT_EXEC, 0, 0, 0}}));
  EXPECT_TRUE(notified(kWorker, {SYS_pkey_mprotect, {0, 4096, PROT_READ, 0, 0, 0}}));
  for (const FilterRequest& request : every_request()) {
    if (request.role != Role::worker) {
      EXPECT_TRUE(notified(request, map(PROT_READ | PROT_EXEC, MAP_PRIVATE, 4)));
    }
  }
}

TEST(Filter, OnlyTheLinkersMappingOfThePluginIsOneOfCode) {
  using Arguments = std::array<std::uint64_t, 6>;
  const auto maps = [](int call, std::uint64_t protection, std::uint64_t flags, std::uint64_t fd) {
    return maps_plugin(call, Arguments{0, 4096, protection, flags, fd, 0});
  };
  EXPECT_TRUE(maps(SYS_mmap, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_FIXED, 4));
  EXPECT_FALSE(maps(SYS_mmap, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_FIXED, 5));
  EXPECT_FALSE(maps(SYS_mmap, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, 4));
  EXPECT_FALSE(maps(SYS_mmap, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_HUGETLB, 4));
  EXPECT_FALSE(maps(SYS_mmap, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE, 4));
  EXPECT_FALSE(maps(SYS_mmap, PROT_READ, MAP_PRIVATE, 4));
  EXPECT_FALSE(maps(SYS_mprotect, PROT_READ | PROT_EXEC, MAP_PRIVATE, 4));
}

TEST(Filter, MemoryIsOrdinaryAndPrivateToItsProcess) {
  for (const FilterRequest& request : every_request()) {
    EXPECT_TRUE(notified(request, {SYS_mmap, {0, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_HUGETLB, ~0ULL, 0}}));
    EXPECT_TRUE(allowed(request, {SYS_mremap, {0, 4096, 8192, MREMAP_MAYMOVE, 0, 0}}));
    for (const std::uint64_t flags : {3ULL, 5ULL})  // with MREMAP_FIXED, with MREMAP_DONTUNMAP
      EXPECT_TRUE(notified(request, {SYS_mremap, {0, 4096, 4096, flags, 8192, 0}})) << flags;
    const auto advice = [&](int value) { return answer(request, {SYS_madvise, {0, 4096, static_cast<std::uint64_t>(value), 0, 0, 0}}); };
    for (const int value : {MADV_NORMAL, MADV_RANDOM, MADV_SEQUENTIAL, MADV_WILLNEED, MADV_DONTNEED, MADV_FREE})
      EXPECT_EQ(advice(value), SECCOMP_RET_ALLOW) << value;
    constexpr int kCollapse = 25;  // Linux 6.1
    constexpr int kGuard = 102;    // 6.13; libc asks for it and can do without
    for (const int value : {MADV_MERGEABLE, MADV_HUGEPAGE, MADV_REMOVE, MADV_HWPOISON, MADV_COLD, MADV_PAGEOUT, kCollapse, kGuard})
      EXPECT_EQ(advice(value), SECCOMP_RET_ERRNO | EINVAL) << value;
  }
}

TEST(Filter, AWorkerMakesThreadsAndNothingLikeAProcess) {
  constexpr std::uint64_t kThread = 0x3d0f00;
  EXPECT_TRUE(allowed(kWorker, {SYS_clone, {kThread, 0, 0, 0, 0, 0}}));
  EXPECT_TRUE(notified({.role = Role::worker, .count_threads = true}, {SYS_clone, {kThread, 0, 0, 0, 0, 0}}));
  EXPECT_TRUE(notified(kWorker, {SYS_clone, {SIGCHLD, 0, 0, 0, 0, 0}}));
  EXPECT_TRUE(notified(kWorker, {SYS_clone, {kThread | 0x10000000 /* NEWUSER */, 0, 0, 0, 0, 0}}));
  EXPECT_EQ(answer(kWorker, {SYS_clone3}), SECCOMP_RET_ERRNO | ENOSYS);
  EXPECT_TRUE(notified(broker(BrokerPhase::remove), {SYS_clone, {kThread, 0, 0, 0, 0, 0}}));
}

TEST(Filter, AWorkerSignalsItselfButItsAbortIsSeen) {
  const auto signal = [](std::uint64_t process, std::uint64_t number) { return Call{SYS_tgkill, {process, 5, number, 0, 0, 0}}; };
  const FilterRequest request{.role = Role::worker, .self = 77};
  for (std::uint64_t number = 0; number < 32; ++number)
    EXPECT_EQ(allowed(request, signal(77, number)), number != SIGABRT) << number;
  // libc's own handlers (pthread_cancel, setxid), and what might have one: a handled signal takes a call back unreported.
  for (const std::uint64_t number : {32ULL, 33ULL, 34ULL, 64ULL, 255ULL, 0x100000021ULL})
    EXPECT_EQ(answer(request, signal(77, number)), SECCOMP_RET_ERRNO | EPERM) << number;
  EXPECT_TRUE(notified(request, signal(77, SIGABRT)));
  EXPECT_TRUE(notified(request, signal(1, SIGUSR1)));
  EXPECT_TRUE(notified(request, signal(78, SIGUSR1)));
  EXPECT_EQ(answer(kWorker, {SYS_rt_sigaction}), SECCOMP_RET_ERRNO | EPERM);
}

TEST(Filter, OnlyRolesWithoutForeignCodeEndThemselves) {
  EXPECT_TRUE(notified(kWorker, {SYS_exit_group}));
  EXPECT_TRUE(allowed(kWorker, {SYS_exit}));  // of a thread
  EXPECT_TRUE(allowed(kProbe, {SYS_exit_group}));
  EXPECT_TRUE(allowed(broker(BrokerPhase::purge), {SYS_exit_group}));
}

#endif

TEST(Filter, ABrokersPhaseHasItsOwnCallsAndNoMore) {
  const Call rename{SYS_renameat2, {3, 0, 4, 0, 1 /* RENAME_NOREPLACE */, 0}};
  const Call mkdir{SYS_mkdirat};
  const Call unlink{SYS_unlinkat};
  struct Row {
    FilterRequest request;
    bool rename, mkdir, unlink;
  };
  const Row rows[] = {
      {broker(BrokerPhase::remove), true, true, false},  {broker(BrokerPhase::remove, true), false, false, true},
      {broker(BrokerPhase::restore), true, false, false}, {broker(BrokerPhase::purge), false, false, true},
      {broker(BrokerPhase::trial), true, true, true},     {kWorker, false, false, false},
      {kProbe, false, false, false},
  };
  for (const Row& row : rows) {
    EXPECT_EQ(allowed(row.request, rename), row.rename);
    EXPECT_EQ(allowed(row.request, mkdir), row.mkdir);
    EXPECT_EQ(allowed(row.request, unlink), row.unlink);
    for (const std::uint64_t flags : {0ULL, 2ULL, 3ULL, 4ULL, 5ULL})  // replace, exchange, whiteout
      EXPECT_TRUE(notified(row.request, {SYS_renameat2, {3, 0, 4, 0, flags, 0}})) << flags;
    const bool is_broker = row.request.role == Role::broker;
    for (const int number : {SYS_openat2, SYS_fsync, SYS_fdatasync, SYS_utimensat, SYS_pwrite64})
      EXPECT_EQ(allowed(row.request, {number}), is_broker) << number;
  }
}

TEST(CallNames, AreThoseOfTheManual) {
  EXPECT_EQ(call_name(AUDIT_ARCH_X86_64, SYS_connect), "connect(2)");
  EXPECT_EQ(call_name(AUDIT_ARCH_I386, 11), "execve(2) of x86");
  EXPECT_EQ(call_name(AUDIT_ARCH_X86_64, 4711), "system call 4711");
}

}  // namespace
}  // namespace freshet::sandbox

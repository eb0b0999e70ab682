#include "runtime/sandbox/filter_table.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/ipc.h>
#include <sys/mman.h>
#include <sys/sem.h>
#include <sys/syscall.h>

#include <cerrno>

namespace freshet::sandbox {
namespace {

constexpr Condition equal(std::uint8_t argument, std::uint64_t value) { return {argument, Compare::equal, value, 0}; }
constexpr Condition above(std::uint8_t argument, std::uint64_t value) { return {argument, Compare::above, value, 0}; }
constexpr Condition without(std::uint8_t argument, std::uint64_t bits) {
  return {argument, Compare::masked_equal, 0, bits};
}
constexpr Condition with(std::uint8_t argument, std::uint64_t mask, std::uint64_t value) {
  return {argument, Compare::masked_equal, value, mask};
}

// What every role needs: to talk on descriptors it has, to look, to allocate and to wait. None of these opens or
// changes anything.
constexpr Rule kEveryRole[] = {
    {SYS_read}, {SYS_write}, {SYS_readv}, {SYS_writev}, {SYS_pread64}, {SYS_lseek},
    {SYS_sendmsg}, {SYS_recvmsg}, {SYS_sendto}, {SYS_recvfrom}, {SYS_close},
    {SYS_fstat}, {SYS_newfstatat}, {SYS_statx}, {SYS_getdents64},
    {SYS_fcntl, 0, {equal(1, F_GETFL)}}, {SYS_fcntl, 0, {equal(1, F_GETFD)}}, {SYS_fcntl, 0, {equal(1, F_SETFD)}},
    // As realloc() asks; not to a place of one's choice, where code could be put together anew.
    {SYS_munmap}, {SYS_mremap, 0, {without(3, ~std::uint64_t{MREMAP_MAYMOVE})}}, {SYS_brk},
    // Up to MADV_DONTNEED, and MADV_FREE. What is newer shares pages among processes, evicts them or collapses them: a
    // side channel, which libc can do without.
    {SYS_madvise, 0, {without(2, ~3ULL)}}, {SYS_madvise, 0, {equal(2, MADV_DONTNEED)}},
    {SYS_madvise, 0, {equal(2, MADV_FREE)}}, {SYS_madvise, EINVAL, {above(2, MADV_FREE)}},
    // Huge pages would come from a pool of the host that no limit of ours counts.
    {SYS_mmap, 0, {without(2, PROT_EXEC), without(3, MAP_HUGETLB)}},
    {SYS_mprotect, 0, {without(2, PROT_EXEC)}},
    {SYS_futex}, {SYS_clock_gettime}, {SYS_clock_getres}, {SYS_clock_nanosleep}, {SYS_gettimeofday}, {SYS_time},
    {SYS_nanosleep}, {SYS_sched_yield}, {SYS_gettid}, {SYS_getpid}, {SYS_getrandom}, {SYS_poll}, {SYS_ppoll},
    {SYS_rt_sigreturn}, {SYS_rt_sigprocmask}, {SYS_sigaltstack}, {SYS_restart_syscall}, {SYS_exit},
    {SYS_sched_getaffinity, EPERM},
    // A handler of the plugin's own could withdraw a notification by interrupting it before it is read.
    {SYS_rt_sigaction, EPERM},
};

constexpr std::uint64_t kPluginFd = 4;  // the lowest free one when the dynamic linker opens the plugin

constexpr Rule kWorker[] = {
    {SYS_openat, 0, {without(2, O_WRONLY | O_RDWR | O_CREAT | O_TRUNC | (O_TMPFILE & ~O_DIRECTORY))}},
    {SYS_getcwd},
    // Of clone(2) kThreads alone. clone3 hides its flags behind a pointer.
    {SYS_clone3, ENOSYS},
    {SYS_set_robust_list}, {SYS_rseq},
    // Boost.DLL asks for /proc/self/exe when the loader says no, and realpath() asks on every path.
    {SYS_readlink, EPERM},
};

// Threads as pthread_create makes them, and nothing like a process.
constexpr std::uint64_t kThreadFlags = 0x3d0f00;
constexpr Rule kThreads[] = {{SYS_clone, 0, {equal(0, kThreadFlags)}}};

// Where a link points to is what is in it: for tasks that may read contents. No layer but this one and the private root, in
// which nothing outside the grant can be named, keeps it from anybody.
constexpr Rule kReadLinks[] = {{SYS_readlinkat}};

// openat2 says its flags behind a pointer, where seccomp cannot look: Landlock and the mount's flags limit it.
constexpr Rule kBroker[] = {{SYS_openat2}, {SYS_exit_group}};

constexpr std::uint64_t kRenameNoReplace = 1;
constexpr Rule kRename[] = {{SYS_renameat2, 0, {equal(4, kRenameNoReplace)}}};
constexpr Rule kMakeDirectory[] = {{SYS_mkdirat}};
constexpr Rule kUnlink[] = {{SYS_unlinkat}};
constexpr Rule kRecord[] = {{SYS_pwrite64}, {SYS_fsync}, {SYS_fdatasync}, {SYS_utimensat}};

// To look at an object and to remove it; nothing that makes, attaches or changes one.
constexpr Rule kIpc[] = {
    {SYS_shmctl, 0, {equal(1, IPC_STAT)}}, {SYS_shmctl, 0, {equal(1, IPC_RMID)}},
    {SYS_msgctl, 0, {equal(1, IPC_STAT)}}, {SYS_msgctl, 0, {equal(1, IPC_RMID)}},
    {SYS_semctl, 0, {equal(2, IPC_STAT)}}, {SYS_semctl, 0, {equal(2, IPC_RMID)}},
    {SYS_semctl, 0, {equal(2, GETNCNT)}}, {SYS_semctl, 0, {equal(2, GETZCNT)}},
};

constexpr Rule kProbe[] = {{SYS_exit_group}};

#ifdef FRESHET_SANITIZED
// What the sanitizers' own runtime calls. An ordinary build does not contain this list.
constexpr std::string_view kSanitizerListName = "sanitizer runtime calls";
constexpr Rule kSanitizerRuntime[] = {
    {SYS_mmap}, {SYS_mprotect}, {SYS_openat}, {SYS_open}, {SYS_readlink}, {SYS_prctl}, {SYS_prlimit64},
    {SYS_getrlimit}, {SYS_rt_sigaction}, {SYS_sched_getaffinity}, {SYS_personality}, {SYS_exit_group}, {SYS_getuid},
    {SYS_uname}, {SYS_stat}, {SYS_access}, {SYS_sysinfo}, {SYS_set_robust_list}, {SYS_rseq}, {SYS_ioctl},
    {SYS_pipe2},  // UndefinedBehaviorSanitizer asks it whether memory is readable
};
#endif

void append(std::vector<Rule>& out, std::span<const Rule> rules) { out.insert(out.end(), rules.begin(), rules.end()); }

// Signals to itself (0 to 5, 7 to 31), but for SIGABRT: notified, so that an abort() is told from a crash (as pid 1 of its
// namespace the worker would end by SIGSEGV instead). And not those from 32 on: two of them have handlers of libc's, and a
// handler withdraws a notification that nobody has read yet, so that the call would not be reported.
void append_signals(std::vector<Rule>& out, const Condition& itself) {
  static_assert(SIGABRT == 6);
  out.push_back({SYS_tgkill, 0, {itself, without(2, ~3ULL)}});
  out.push_back({SYS_tgkill, 0, {itself, with(2, ~1ULL, 4)}});
  out.push_back({SYS_tgkill, 0, {itself, equal(2, 7)}});
  out.push_back({SYS_tgkill, 0, {itself, with(2, ~7ULL, 8)}});
  out.push_back({SYS_tgkill, 0, {itself, with(2, ~15ULL, 16)}});
  out.push_back({SYS_tgkill, EPERM, {itself, above(2, 31)}});
}

void append_broker(std::vector<Rule>& out, const FilterRequest& request) {
  append(out, kBroker);
  using enum wire::BrokerPhase;
  if (request.phase == ipc) {
    append(out, kIpc);
    append(out, kUnlink);
    return;
  }
  append(out, kRecord);
  const bool moves = request.phase == trial || request.phase == restore || (request.phase == remove && !request.unlink);
  const bool makes = request.phase == trial || (request.phase == remove && !request.unlink);
  const bool unlinks = request.phase == trial || request.phase == purge || (request.phase == remove && request.unlink);
  if (moves) append(out, kRename);
  if (makes) append(out, kMakeDirectory);
  if (unlinks) append(out, kUnlink);
}

}  // namespace

std::vector<Rule> filter_rules(const FilterRequest& request) {
  std::vector<Rule> out;
#ifdef FRESHET_SANITIZED
  // Before the others: the first rule for a call wins where an unconditional one makes the rest redundant.
  append(out, kSanitizerRuntime);
#endif
  append(out, kEveryRole);
  switch (request.role) {
    case wire::Role::worker:
      append(out, kWorker);
      if (!request.count_threads) append(out, kThreads);
      if (request.read_contents) append(out, kReadLinks);
      append_signals(out, equal(0, static_cast<std::uint64_t>(request.self)));
      break;
    case wire::Role::broker: append_broker(out, request); break;
    case wire::Role::probe: append(out, kProbe); break;
  }
  return out;
}

int canary_call() { return SYS_getppid; }

bool maps_plugin(int call, std::span<const std::uint64_t, 6> arguments) {
  return call == SYS_mmap && (arguments[2] & (PROT_EXEC | PROT_WRITE)) == PROT_EXEC &&
         (arguments[3] & (MAP_ANONYMOUS | MAP_HUGETLB)) == 0 && arguments[4] == kPluginFd;
}

bool makes_thread(int call, std::span<const std::uint64_t, 6> arguments) {
  return call == SYS_clone && arguments[0] == kThreadFlags;
}

std::string_view sanitizer_list_name() {
#ifdef FRESHET_SANITIZED
  return kSanitizerListName;
#else
  return {};
#endif
}

}  // namespace freshet::sandbox

// What a plugin must not be able to do. The verdict is taken from outside: the End that the manager's side saw, and
// the tree itself. Every act is tried again with the sandbox off, where it must work: a test that passes because the
// act is impossible anyway would prove nothing.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "live_worker.h"

namespace freshet::channel::testing {
namespace {

// A tree with one of everything the acts aim at.
class Target {
 public:
  Target() {
    tree_.file("file", "contents");
    tree_.directory("empty");
    tree_.file("excluded/secret");
    tree_.file(".freshet/secret");
    if (::symlink("file", (tree_.path() + "/link").c_str()) != 0) std::abort();
    // Where the sandbox is off the worker keeps this program's ids; where it is on it has none that may write.
    ::chmod(tree_.path().c_str(), 0755);
    root_ = open_root(tree_.path());
    root_.config.exclude = {tree_.path() + "/excluded"};
    before_ = snapshot();
  }
  [[nodiscard]] const OpenRoot* root() const { return &root_; }
  [[nodiscard]] bool unchanged() const { return snapshot() == before_; }

 private:
  [[nodiscard]] std::string snapshot() const {
    std::string out;
    for (const auto& entry : std::filesystem::recursive_directory_iterator(tree_.path())) {
      struct stat info {};
      ::lstat(entry.path().c_str(), &info);
      out += entry.path().string() + " " + std::to_string(info.st_mode) + " " + std::to_string(info.st_size) + " " +
             std::to_string(info.st_mtim.tv_nsec) + " " + std::to_string(info.st_ctim.tv_nsec) + "\n";
    }
    return out;
  }

  TempTree tree_;
  OpenRoot root_;
  std::string before_;
};

Outcome run_hostile(const Target& target, const std::string& act, WorkerOptions options = {}) {
  options.areas = {".freshet"};
  return run_plugin("hostile", act, {target.root()}, options);
}

WorkerOptions sandbox_off() {
  WorkerOptions options;
  options.limits = {.no_user_namespace = true, .no_namespaces = true, .no_seccomp = true, .landlock_abi_at_most = 0, .no_mdwe = true};
  options.strict = false;
  options.uid = 0;
  return options;
}

std::string last_line(const Outcome& outcome) { return outcome.scanned.log.empty() ? "" : outcome.scanned.log.back(); }

const auto name_of = [](const auto& tested) {
  std::string name = tested.param.act;
  for (char& c : name)
    if (c == '-') c = '_';
  return name;
};

// ---- a call outside the filter: a breach that names the call ----

struct Breach {
  const char* act;
  const char* call;
};

void PrintTo(const Breach& breach, std::ostream* out) { *out << breach.act; }

class CallOutsideTheFilter : public ::testing::TestWithParam<Breach> {};
class CallOfAnybody : public CallOutsideTheFilter {};

TEST_P(CallOutsideTheFilter, IsABreachThatNamesIt) {
  const Target target;
  const Outcome outcome = run_hostile(target, GetParam().act);
  EXPECT_EQ(outcome.end.reason, EndReason::breach) << outcome.end.what << " / " << last_line(outcome);
  EXPECT_EQ(outcome.end.what.rfind(std::string("called ") + GetParam().call + "(2)", 0), 0U) << outcome.end.what;
  EXPECT_FALSE(outcome.scanned.end.has_value());
  EXPECT_TRUE(target.unchanged());
}

TEST_P(CallOfAnybody, WorksWithTheSandboxOff) {
  const Target target;
  const Outcome outcome = run_hostile(target, GetParam().act, sandbox_off());
  EXPECT_EQ(outcome.end.reason, EndReason::none) << outcome.end.what;
  EXPECT_EQ(last_line(outcome), "worked");
}

// Calls that any process may make.
const Breach kAnybodys[] = {
    {"readlinkat", "readlinkat"},
    {"uname", "uname"},
    {"sysinfo", "sysinfo"},
    {"create", "openat"},
    {"write", "openat"},
    {"tmpfile", "openat"},
    {"creat", "creat"},
    {"open-old", "open"},
    {"openat2", "openat2"},
    {"unlink", "unlink"},
    {"unlinkat", "unlinkat"},
    {"rmdir", "rmdir"},
    {"rename", "rename"},
    {"renameat2", "renameat2"},
    {"mkdir", "mkdir"},
    {"link", "link"},
    {"symlink", "symlink"},
    {"mknod", "mknodat"},
    {"chmod", "chmod"},
    {"chown", "chown"},
    {"truncate", "truncate"},
    {"utimens", "utimensat"},
    {"flock", "flock"},
    {"dup", "dup"},
    {"socket-inet", "socket"},
    {"socket-unix", "socket"},
    {"socket-netlink", "socket"},
    {"socketpair", "socketpair"},
    {"pipe", "pipe2"},
    {"inotify", "inotify_init1"},
    {"keyctl", "keyctl"},
    {"shmget", "shmget"},
    {"fork", "clone"},
    {"fork-raw", "fork"},
    {"vfork", "clone"},
    {"tgkill-other", "tgkill"},
    {"ptrace", "ptrace"},
    {"process-vm-readv", "process_vm_readv"},
    {"pidfd-open", "pidfd_open"},
    {"setpriority", "setpriority"},
    {"prlimit", "prlimit64"},
    {"prctl", "prctl"},
    {"seccomp", "seccomp"},
    {"unshare", "unshare"},
    {"user-namespace", "unshare"},
    {"chdir", "chdir"},
    {"memfd", "memfd_create"},
    {"personality", "personality"},
    {"alarm", "alarm"},
    {"map-write-execute", "mmap"},
    {"make-executable", "mprotect"},
    {"unlisted-in-thread", "getuid"},
    {"getuid", "getuid"},
};
// Calls that fail without a right, a feature of the kernel or of the file system that a test cannot count on.
const Breach kPrivileged[] = {
    {"open-by-handle", "open_by_handle_at"},
    {"getxattr", "getxattr"},
    {"setxattr", "setxattr"},
    {"connect", "connect"},
    {"exec", "execve"},
    {"execveat", "execveat"},
    {"kill", "kill"},
    {"mount", "mount"},
    {"fsopen", "fsopen"},
    {"chroot", "chroot"},
    {"io-uring", "io_uring_setup"},
    {"userfaultfd", "userfaultfd"},
    {"bpf", "bpf"},
    {"perf", "perf_event_open"},
    {"timer", "timer_create"},
    {"huge-pages", "mmap"},
};

INSTANTIATE_TEST_SUITE_P(Anybody, CallOutsideTheFilter, ::testing::ValuesIn(kAnybodys), name_of);
INSTANTIATE_TEST_SUITE_P(Privileged, CallOutsideTheFilter, ::testing::ValuesIn(kPrivileged), name_of);
INSTANTIATE_TEST_SUITE_P(Anybody, CallOfAnybody, ::testing::ValuesIn(kAnybodys), name_of);

// The lowest free descriptor is the one that the dynamic linker had: it must not be mapped a second time.
TEST(Hostile, CodeIsMappedOnceAndItIsThePlugins) {
  TempTree tree;
  tree.file("file");
  ::chmod(tree.path().c_str(), 0755);
  const OpenRoot root = open_root(tree.path(), {.list = true, .read = true, .remove = true});
  const Outcome outcome = run_plugin("hostile", "map-code-of-file", {&root});
  EXPECT_EQ(outcome.end.reason, EndReason::breach) << last_line(outcome);
  EXPECT_EQ(outcome.end.what, "called mmap(2) to make memory executable");
  EXPECT_EQ(last_line(run_plugin("hostile", "map-code-of-file", {&root}, sandbox_off())), "worked");
}

TEST(Hostile, CallsOfAnotherMachineAreBreaches) {
  const Target target;
  Outcome outcome = run_hostile(target, "int80");
  EXPECT_EQ(outcome.end.reason, EndReason::breach);
  EXPECT_EQ(outcome.end.what, "called getpid(2) of x86");
  outcome = run_hostile(target, "x32");
  EXPECT_EQ(outcome.end.reason, EndReason::breach) << outcome.end.what;
}

// ---- allowed calls that find nothing ----

struct Denied {
  const char* act;
  const char* answer;
};
void PrintTo(const Denied& denied, std::ostream* out) { *out << denied.act; }

class LookingOutside : public ::testing::TestWithParam<Denied> {};

TEST_P(LookingOutside, FindsNothing) {
  const Target target;
  const Outcome outcome = run_hostile(target, GetParam().act);
  EXPECT_EQ(outcome.end.reason, EndReason::none) << outcome.end.what;
  EXPECT_EQ(last_line(outcome), GetParam().answer);
  EXPECT_TRUE(target.unchanged());
}

TEST_P(LookingOutside, WorksWithTheSandboxOff) {
  const Target target;
  const Outcome outcome = run_hostile(target, GetParam().act, sandbox_off());
  EXPECT_EQ(outcome.end.reason, EndReason::none) << outcome.end.what;
  EXPECT_EQ(last_line(outcome), "worked");
}

const std::string kNoEntry = "errno " + std::to_string(ENOENT);
const std::string kDenied = "errno " + std::to_string(EACCES);
const std::string kLoop = "errno " + std::to_string(ELOOP);
const std::string kNotPermitted = "errno " + std::to_string(EPERM);

const Denied kDenials[] = {
    {"open-outside", kNoEntry.c_str()}, {"open-proc", kNoEntry.c_str()},     {"stat-outside", kNoEntry.c_str()},
    {"stat-dotdot", kNoEntry.c_str()},  {"list-top", kDenied.c_str()},       {"list-excluded", kNoEntry.c_str()},
    {"list-area", kNoEntry.c_str()},    {"follow-link", kLoop.c_str()},      {"read-contents", kDenied.c_str()},
    {"readlink", kNotPermitted.c_str()}, {"handler", kNotPermitted.c_str()},
};

INSTANTIATE_TEST_SUITE_P(Hostile, LookingOutside, ::testing::ValuesIn(kDenials), name_of);

// One of libc's own handlers would interrupt a forbidden call of another thread before anybody has read of it.
TEST(Hostile, ASignalWithAHandlerIsNotSent) {
  const Target target;
  EXPECT_EQ(last_line(run_hostile(target, "signal-with-handler")), kNotPermitted);
}

TEST(Hostile, AUserNamespaceCannotBeMadeEvenWithoutAFilter) {
  if (!sandbox::find_host_support().user_namespace) GTEST_SKIP() << "no user namespace here";
  const Target target;
  WorkerOptions options;
  options.limits = {.no_seccomp = true};
  options.strict = false;
  EXPECT_EQ(last_line(run_hostile(target, "user-namespace", options)), "errno " + std::to_string(ENOSPC));
  options.left_out = "no-user-namespaces";
  EXPECT_EQ(last_line(run_hostile(target, "user-namespace", options)), "worked");
}

TEST(Hostile, ContentsAreReadableOnlyWhereGranted) {
  TempTree tree;
  tree.file("file");
  const OpenRoot root = open_root(tree.path(), {.list = true, .read = true, .remove = true});
  const Outcome outcome = run_plugin("hostile", "read-contents", {&root});
  EXPECT_EQ(last_line(outcome), "worked");
}

// ---- ends ----

struct Ending {
  const char* act;
  EndReason reason;
  const char* what;
};
void PrintTo(const Ending& ending, std::ostream* out) { *out << ending.act; }

class PluginThat : public ::testing::TestWithParam<Ending> {};

TEST_P(PluginThat, EndsWithItsReason) {
  const Target target;
  WorkerOptions options;
  options.resources.wall_ns = GetParam().reason == EndReason::timeout ? 1'000'000'000 : 60'000'000'000;
  options.resources.cpu_ns = 1'000'000'000;
  options.resources.memory_bytes = 64ULL << 20;
  const Outcome outcome = run_hostile(target, GetParam().act, options);
  EXPECT_EQ(outcome.end.reason, GetParam().reason) << outcome.end.what << " / " << last_line(outcome);
  EXPECT_NE(outcome.end.what.find(GetParam().what), std::string::npos) << outcome.end.what;
}

const Ending kEndings[] = {
    {"exit", EndReason::plugin, "ended its own process"},
    {"end-main-thread", EndReason::plugin, "ended its main thread"},
    {"abort", EndReason::signal, "SIGABRT"},
    {"throw-in-thread", EndReason::signal, "SIGABRT"},
    {"crash", EndReason::signal, "SIGSEGV"},
    {"crash-in-thread", EndReason::signal, "SIGSEGV"},
    {"divide", EndReason::signal, "SIGFPE"},
    {"spin", EndReason::limit, "cpu limit of 1s"},
    {"sleep", EndReason::timeout, "wall clock limit of 1s"},
    {"close-socket", EndReason::plugin, "closed its socket"},
    {"allocate", EndReason::limit, "memory limit of 64 MiB"},
    {"send-descriptor", EndReason::protocol, "sent a descriptor"},
};

INSTANTIATE_TEST_SUITE_P(Hostile, PluginThat, ::testing::ValuesIn(kEndings), name_of);

TEST(Hostile, MemoryIsLimitedWhereItsEndIsHandledToo) {
  const Target target;
  WorkerOptions options;
  options.resources.memory_bytes = 64ULL << 20;
  const Outcome outcome = run_hostile(target, "allocate-without-new", options);
  // Either malloc said no, or the watch on resident memory was there first.
  if (outcome.end.reason == EndReason::none) EXPECT_EQ(last_line(outcome), "errno " + std::to_string(ENOMEM));
  else EXPECT_EQ(outcome.end.reason, EndReason::limit) << outcome.end.what;
  EXPECT_GT(outcome.usage.peak_rss_bytes, 32ULL << 20);
  EXPECT_LT(outcome.usage.peak_rss_bytes, 192ULL << 20);
}

TEST(Hostile, AnExceptionThatGetsOutIsAFailedScan) {
  const Target target;
  const Outcome outcome = run_hostile(target, "throw");
  EXPECT_EQ(outcome.end.reason, EndReason::none) << outcome.end.what;
  ASSERT_TRUE(outcome.scanned.end.has_value());
  EXPECT_EQ(outcome.scanned.end->status, FRESHET_FAILED);
}

TEST(Hostile, AFloodOfLogLinesIsCutAndCounted) {
  const Target target;
  const Outcome outcome = run_hostile(target, "flood");
  ASSERT_TRUE(outcome.scanned.end.has_value()) << outcome.end.what;
  EXPECT_EQ(outcome.scanned.log.size(), 200U);
  EXPECT_EQ(outcome.scanned.end->dropped_log_lines, 100000U - 200U);
}

TEST(Hostile, ThreadsAreLimited) {
  const Target target;
  Outcome outcome = run_hostile(target, "some-threads");
  EXPECT_EQ(last_line(outcome), "worked") << outcome.end.what;
  outcome = run_hostile(target, "many-threads");
  EXPECT_EQ(last_line(outcome), "errno " + std::to_string(EAGAIN)) << outcome.end.what;
}

// Where neither a user namespace nor a uid of its own has the kernel count them, RLIMIT_NPROC would count the user's every
// process: the manager counts.
TEST(Hostile, ThreadsAreLimitedWhereTheKernelCountsTheUsersProcesses) {
  const Target target;
  WorkerOptions options;
  options.limits = {.no_user_namespace = true, .no_namespaces = ::geteuid() != 0};
  options.strict = ::geteuid() == 0;
  options.uid = 0;
  Outcome outcome = run_hostile(target, "some-threads", options);
  EXPECT_EQ(last_line(outcome), "worked") << outcome.end.what;
  outcome = run_hostile(target, "many-threads", options);
  EXPECT_EQ(last_line(outcome), "errno " + std::to_string(EAGAIN)) << outcome.end.what;
  options.limits.no_namespaces = true;
  options.strict = false;
  outcome = run_hostile(target, "many-threads", options);
  EXPECT_EQ(last_line(outcome), "errno " + std::to_string(EAGAIN)) << outcome.end.what;
  outcome = run_hostile(target, "fork", options);
  EXPECT_EQ(outcome.end.reason, EndReason::breach) << outcome.end.what;
}

TEST(Hostile, TextOfAFailedMessageIsEscaped) {
  const Target target;
  const Outcome outcome = run_hostile(target, "failed-packet");
  EXPECT_EQ(outcome.end.reason, EndReason::plugin);
  EXPECT_EQ(outcome.end.what, "\\x1b[");
  EXPECT_EQ(outcome.end.code, "X1");
}

TEST(Hostile, SettingsAreRefusedInThePluginsWords) {
  const Target target;
  const Outcome outcome = run_hostile(target, "refuse");
  EXPECT_EQ(outcome.end.reason, EndReason::plugin);
  EXPECT_EQ(outcome.end.code, "F2012");
  EXPECT_NE(outcome.end.what.find("not with me"), std::string::npos) << outcome.end.what;
}

}  // namespace
}  // namespace freshet::channel::testing

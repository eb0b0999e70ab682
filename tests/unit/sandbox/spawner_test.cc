#include "runtime/sandbox/spawner.h"

#include <fcntl.h>
#include <grp.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <set>
#include <thread>

#include "runtime/sandbox/host_support.h"
#include "runtime/sandbox/networks.h"
#include "runtime/wire/packet.h"

namespace freshet::sandbox {
namespace {

// A started role that is ended and reaped with the object.
class Child {
 public:
  explicit Child(Spawned spawned) : spawned_(std::move(spawned)) {}
  Child(Child&&) = default;
  ~Child() {
    if (!spawned_.pidfd) return;
    ::syscall(SYS_pidfd_send_signal, spawned_.pidfd.get(), SIGKILL, nullptr, 0U);
    siginfo_t info{};
    ::waitid(static_cast<idtype_t>(P_PIDFD), static_cast<id_t>(spawned_.pidfd.get()), &info, WEXITED | __WALL);
  }
  [[nodiscard]] bool says_hello() const {
    char buffer[4096];
    pollfd ready{spawned_.socket.get(), POLLIN, 0};
    if (::poll(&ready, 1, 30'000) != 1) return false;
    const auto packet = wire::receive_packet(spawned_.socket.get(), buffer);
    wire::Hello hello;
    return packet && wire::decode_message(packet->bytes, hello);
  }
  [[nodiscard]] std::string proc(const std::string& name) const { return "/proc/" + std::to_string(spawned_.pid) + "/" + name; }

 private:
  Spawned spawned_;
};

std::unique_ptr<Spawner> make_spawner() {
  auto spawner = Spawner::create(FRESHET_ROLE);
  EXPECT_TRUE(spawner.has_value());
  return std::move(*spawner);
}

Child spawn(Spawner& spawner, const SpawnRequest& request = {.argument = "worker"}) {
  auto spawned = spawner.spawn(request);
  EXPECT_TRUE(spawned.has_value()) << (spawned ? "" : spawned.error().what);
  return Child(std::move(*spawned));
}

TEST(Spawner, AnExecutableThatIsNotThereIsNamed) {
  auto spawner = Spawner::create("/nowhere/freshet-role");
  ASSERT_FALSE(spawner.has_value());
  EXPECT_NE(spawner.error().what.find("/nowhere/freshet-role"), std::string::npos);
  EXPECT_FALSE(Spawner::create("/tmp").has_value());
}

TEST(Spawner, AFileThatCannotBeExecutedFailsAndLeavesNothing) {
  auto spawner = Spawner::create("/etc/passwd");
  ASSERT_TRUE(spawner.has_value());
  auto spawned = (*spawner)->spawn({.argument = "worker"});
  ASSERT_FALSE(spawned.has_value());
  EXPECT_NE(spawned.error().what.find("execveat"), std::string::npos) << spawned.error().what;
  int status = 0;
  EXPECT_EQ(::waitpid(-1, &status, __WALL | WNOHANG), -1);
}

TEST(Spawner, AChildHasFourDescriptorsAndAnEmptyEnvironment) {
  const Fd leaked(::open("/etc/passwd", O_RDONLY));  // not close-on-exec, as a careless library may leave it
  auto spawner = make_spawner();
  const Child child = spawn(*spawner);
  ASSERT_TRUE(child.says_hello());
  std::set<std::string> fds;
  for (const auto& fd : std::filesystem::directory_iterator(child.proc("fd"))) fds.insert(fd.path().filename());
  EXPECT_EQ(fds, (std::set<std::string>{"0", "1", "2", "3"}));
  for (const char* fd : {"fd/0", "fd/1", "fd/2"}) EXPECT_EQ(std::filesystem::read_symlink(child.proc(fd)), "/dev/null");
  std::ifstream environment(child.proc("environ"));
  EXPECT_EQ(std::string(std::istreambuf_iterator<char>(environment), {}), "");
  EXPECT_EQ(std::filesystem::read_symlink(child.proc("cwd")), "/");
}

TEST(Spawner, AChildInheritsNoSignalDispositionAndNoMask) {
  struct sigaction ignore {}, before {};
  ignore.sa_handler = SIG_IGN;
  ::sigaction(SIGPIPE, &ignore, &before);
  auto spawner = make_spawner();
  const Child child = spawn(*spawner);
  ASSERT_TRUE(child.says_hello());
  ::sigaction(SIGPIPE, &before, nullptr);
  std::ifstream status(child.proc("status"));
  for (std::string line; std::getline(status, line);)
    for (const char* name : {
             "SigIgn:", "SigBlk:",
#ifndef FRESHET_SANITIZED  // whose runtime catches some
             "SigCgt:",
#endif
         })
      if (line.rfind(name, 0) == 0) {
        // glibc's own two thread signals are its business.
        EXPECT_EQ(std::stoull(line.substr(8), nullptr, 16) & ~0x180000000ULL, 0U) << line;
      }
}

TEST(Spawner, AChildInAUserNamespaceHasItsMap) {
  const HostSupport support = find_host_support();
  if (!support.user_namespace) GTEST_SKIP() << "this host grants no user namespace";
  auto spawner = make_spawner();
  const Child child = spawn(*spawner, {"worker", CLONE_NEWUSER, support.map_all_ids});
  ASSERT_TRUE(child.says_hello());
  std::ifstream map(child.proc("uid_map"));
  unsigned long inside = 0;
  unsigned long outside = 0;
  unsigned long count = 0;
  ASSERT_TRUE(map >> inside >> outside >> count);
  EXPECT_EQ(inside, outside);
  if (!support.map_all_ids) {
    EXPECT_EQ(inside, ::geteuid());
    EXPECT_EQ(count, 1U);
  }
  EXPECT_NE(std::filesystem::read_symlink(child.proc("ns/user")), std::filesystem::read_symlink("/proc/self/ns/user"));
}

std::string network(const Child& child) { return std::filesystem::read_symlink(child.proc("ns/net")); }

TEST(Spawner, ANetworkOfItsOwnIsNeverGivenTwice) {
  if (!find_host_support().net_namespace) GTEST_SKIP() << "this host grants no net namespace";
  const std::uint64_t flags = CLONE_NEWNET | (find_host_support().user_namespace ? CLONE_NEWUSER : 0);
  auto spawner = make_spawner();
  std::vector<Child> children;
  std::set<std::string> seen{std::filesystem::read_symlink("/proc/self/ns/net")};
  for (int i = 0; i < 3; ++i) {
    children.push_back(spawn(*spawner, {.argument = "worker", .namespaces = flags, .map_all_ids = ::geteuid() == 0}));
    ASSERT_TRUE(children.back().says_hello());
    EXPECT_TRUE(seen.insert(network(children.back())).second);
    std::this_thread::sleep_for(std::chrono::milliseconds(30));  // in which the next one may be made ahead, or not
  }
  const std::string ours = std::filesystem::read_symlink("/proc/self/ns/net");
  for (const auto& thread : std::filesystem::directory_iterator("/proc/self/task"))
    EXPECT_EQ(std::filesystem::read_symlink(thread.path() / "ns/net"), ours) << "a thread of this program has left its network";
}

TEST(Spawner, ASharedNetworkIsNotThisProgramsAndNoWorkers) {
  if (!find_host_support().net_namespace) GTEST_SKIP() << "this host grants no net namespace";
  const std::uint64_t flags = CLONE_NEWNET | (find_host_support().user_namespace ? CLONE_NEWUSER : 0);
  auto spawner = make_spawner();
  const SpawnRequest shared{.argument = "broker", .namespaces = flags, .map_all_ids = ::geteuid() == 0, .share_network = true};
  const Child one = spawn(*spawner, shared);
  const Child other = spawn(*spawner, shared);
  const Child worker = spawn(*spawner, {.argument = "worker", .namespaces = flags, .map_all_ids = ::geteuid() == 0});
  ASSERT_TRUE(one.says_hello() && other.says_hello() && worker.says_hello());
  EXPECT_NE(network(one), std::string(std::filesystem::read_symlink("/proc/self/ns/net")));
  EXPECT_NE(network(one), network(worker));
  EXPECT_EQ(network(one), network(other));
}

#ifndef FRESHET_SANITIZED
// Of a process of its own; -1 when a signal ends it.
int exit_code_of(int (*run)()) {
  const pid_t child = ::fork();
  if (child == 0) ::_exit(run());
  int status = 0;
  return ::waitpid(child, &status, 0) == child && WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

// As in a container without root's rights: it may make networks, and not come back to the one it was started in.
TEST(Networks, WhoCouldNotComeBackStaysWhereHeIs) {
  const int code = exit_code_of([] {
    if (::unshare(CLONE_NEWUSER) != 0) return 77;
    const auto network = [] { return std::filesystem::read_symlink("/proc/thread-self/ns/net"); };
    const auto before = network();
    Networks networks;
    bool had = networks.shared(true) >= 0;
    had = networks.take_next(true) || had;
    networks.make_ahead();
    had = networks.take_next(true) || had;
    return had || networks.may_make_ahead() || network() != before ? 1 : 0;
  });
  if (code == 77) GTEST_SKIP() << "this host grants no user namespace";
  EXPECT_EQ(code, 0);
}

// Whoever maps more than his own id has to be a child of the namespace that has them.
TEST(Networks, ThoseBelowAreForWhoWantsNoOtherId) {
  const int code = exit_code_of([] {
    if (::geteuid() == 0 && (::setgroups(0, nullptr) != 0 || ::setresgid(65534, 65534, 65534) != 0 || ::setresuid(65534, 65534, 65534) != 0)) return 2;
    ::prctl(PR_SET_DUMPABLE, 1, 0, 0, 0);  // or /proc/self would be root's
    Networks below, here;
    if (below.shared(true) < 0) return 77;
    if (!below.owner() || below.shared(false) >= 0 || below.take_next(false)) return 3;
    if (here.shared(false) >= 0 || here.owner()) return 4;
    if (below.take_next(true)) return 5;
    below.make_ahead();  // in the namespace that is there, by a helper in our memory: that must not make it root's
    return below.take_next(true) && ::prctl(PR_GET_DUMPABLE) == 1 ? 0 : 6;
  });
  if (code == 77) GTEST_SKIP() << "this host grants no user namespace";
  EXPECT_EQ(code, 0);
}

TEST(Spawner, WhoLoadsNoLibrariesIsTheStaticTwinWhereThereIsOne) {
  auto spawner = make_spawner();
  const SpawnRequest request{.argument = "broker", .loads_libraries = false};
  const Child child = spawn(*spawner, request);
  ASSERT_TRUE(child.says_hello());
  EXPECT_EQ(std::filesystem::read_symlink(child.proc("exe")).filename(), "freshet-role-static");

  char place[] = "/tmp/freshet-spawner-XXXXXX";
  ASSERT_NE(::mkdtemp(place), nullptr);
  const std::filesystem::path alone = std::filesystem::path(place) / "role";
  std::filesystem::copy_file(FRESHET_ROLE, alone);
  auto without = Spawner::create(alone);
  ASSERT_TRUE(without.has_value());
  const Child same = spawn(**without, request);
  EXPECT_TRUE(same.says_hello());
  EXPECT_EQ(std::filesystem::read_symlink(same.proc("exe")).filename(), "role");
  std::filesystem::remove_all(place);
}
#endif

TEST(Spawner, ServesManyThreadsAtOnce) {
  auto spawner = make_spawner();
  std::vector<std::thread> threads;
  std::atomic<int> heard{0};
  for (int t = 0; t < 4; ++t)
    threads.emplace_back([&] {
      for (int i = 0; i < 5; ++i) heard += spawn(*spawner).says_hello() ? 1 : 0;
    });
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(heard, 20);
}

TEST(Spawner, AChildOutlivesTheThreadThatAskedButNotTheSpawner) {
  auto spawner = make_spawner();
  std::optional<Child> child;
  std::thread([&] { child.emplace(spawn(*spawner)); }).join();
  EXPECT_TRUE(child->says_hello());
  spawner.reset();
  // PDEATHSIG follows the spawner's thread.
  bool gone = false;
  for (int i = 0; i < 2000 && !gone; ++i) {
    std::ifstream status(child->proc("status"));
    const std::string text(std::istreambuf_iterator<char>(status), {});
    gone = text.find("State:\tZ") != std::string::npos;
    if (!gone) std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
  EXPECT_TRUE(gone);
}

}  // namespace
}  // namespace freshet::sandbox

#include "tests/hostile/mode.h"

#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <filesystem>

#include "runtime/wire/packet.h"
#include "tests/hostile/world.h"

namespace freshet::hostile {
namespace {

// Starts a role as a program does that does not think about it: with its own environment, descriptors, terminal,
// working directory, ignored and blocked signals, and mask of modes.
class CarelessSpawner final : public sandbox::Spawner {
 public:
  explicit CarelessSpawner(std::string role) : role_(std::move(role)) {}

  Result<sandbox::Spawned> spawn(const sandbox::SpawnRequest& request) override {
    auto pair = wire::make_socket_pair();
    if (!pair) return std::unexpected(pair.error());
    const pid_t pid = ::fork();
    if (pid < 0) return fail_errno("fork");
    if (pid == 0) run(pair->second.get(), request.argument);
    Fd pidfd(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0)));
    if (!pidfd) return fail_errno("pidfd_open");
    return sandbox::Spawned{std::move(pair->first), std::move(pidfd), pid};
  }

 private:
  [[noreturn]] void run(int socket, const std::string& argument) const {
    const int high = ::fcntl(socket, F_DUPFD_CLOEXEC, 100);
    careless_surroundings();
    if (::dup2(high, 3) < 0) ::_exit(127);
    char name[] = "freshet-role";
    char* const arguments[] = {name, const_cast<char*>(argument.c_str()), nullptr};
    ::execve(role_.c_str(), arguments, environ);
    ::_exit(127);
  }

  const std::string role_;
};

}  // namespace

std::string names_of(unsigned layers) {
  std::string out;
  for (const auto& one : kLayers)
    if ((layers & one.layer) != 0) out += (out.empty() ? "" : " ") + std::string(one.name);
  return out.empty() ? "-" : out;
}

Mode make_mode(unsigned on, const std::string& role, const std::string& test_role, const std::string& folder) {
  Mode mode;
  mode.on = on;
  const auto is_on = [&](Layer layer) { return (on & layer) != 0; };
  sandbox::SupportLimits limits;
  limits.no_seccomp = !is_on(kSeccomp);
  limits.no_user_namespace = limits.no_namespaces = !is_on(kNamespaces);
  if (!is_on(kLandlock)) limits.landlock_abi_at_most = 0;
  limits.no_mdwe = !is_on(kMdwe);
  mode.support = sandbox::find_host_support(limits);
  mode.strict = (on | kManager) == kAllLayers;
  mode.uid = is_on(kIdentity) ? kUid : 0;
  mode.limits.memory_bytes = is_on(kLimits) ? std::uint64_t{64} << 20 : std::uint64_t{1} << 40;
  mode.limits.cpu_ns = is_on(kLimits) ? 1'000'000'000 : 3'600'000'000'000;
  mode.limits.wall_ns = is_on(kLimits) ? 2'000'000'000 : 30'000'000'000;
  mode.limits.threads = is_on(kLimits) ? 4 : 10'000;
  mode.limits.fds = is_on(kLimits) ? 32 : 1000;

  std::string executable = role;
  if ((on | kManager) != kAllLayers) {
    std::string left_out;
    const auto leave_out = [&](const char* step) { left_out += (left_out.empty() ? "" : "+") + std::string(step); };
    if (!is_on(kIdentity)) {
      for (const char* step : {"ids", "groups", "dumpable"}) leave_out(step);
      if (!is_on(kNamespaces)) leave_out("capabilities");
    }
    // An ordinary user's seccomp and Landlock need it.
    if (!is_on(kIdentity) && !is_on(kSeccomp) && !is_on(kLandlock)) leave_out("no-new-privileges");
    if (!is_on(kLimits)) leave_out("limits");
    if (!is_on(kStart)) leave_out("start");
    executable = folder + "/without-" + (left_out.empty() ? "nothing" : left_out);
    if (!std::filesystem::exists(executable)) std::filesystem::copy_file(test_role, executable);
    ::chmod(executable.c_str(), 0755);
  }
  if (!is_on(kStart) && !is_on(kNamespaces)) {
    mode.spawner = std::make_unique<CarelessSpawner>(executable);
    return mode;
  }
  auto made = sandbox::Spawner::create(executable);
  if (!made) {
    std::fprintf(stderr, "%s\n", made.error().what.c_str());
    std::exit(2);
  }
  mode.spawner = std::move(*made);
  return mode;
}

}  // namespace freshet::hostile

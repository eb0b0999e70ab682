// freshet-role: the executable behind every worker, broker and probe. freshet-role-static is the same without the worker,
// for FRESHET_NO_PLUGINS: linked statically it can load nothing, and starts several times faster.
//
// Parent: one thread of the manager. It starts with the manager's ids and, where there is a user namespace of its own,
// every capability in that; with an empty environment, /dev/null as descriptors 0 to 2 and the manager's socket as 3.
// It says Hello, takes one Setup, locks itself as that says (sandbox/lock.cc lists the steps, in order) and becomes its
// role; each role's own paragraph is at the top of its main: worker/worker_main.cc, broker/broker.cc,
// worker/probe_main.cc. Until it is locked it runs no foreign code and reads no foreign bytes. It ends when the manager
// does, by its closed socket or by PDEATHSIG.
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <string_view>
#include <vector>

#include "runtime/broker/broker.h"
#include "runtime/manifest/manifest.h"
#include "runtime/sandbox/left_out.h"
#include "runtime/sandbox/lock.h"
#include "runtime/wire/packet.h"
#include "runtime/worker/probe_main.h"
#ifndef FRESHET_NO_PLUGINS
#include <dlfcn.h>

#include "runtime/worker/worker_main.h"
#endif

using namespace freshet;

namespace {

constexpr int kSocket = 3;

#ifdef FRESHET_NO_PLUGINS
constexpr bool kHasWorker = false;
void load_libraries(const wire::Setup&) {}
int run_worker(const wire::Setup&, sandbox::LockedRole&) { return 1; }
#else
constexpr bool kHasWorker = true;
// The plugin asks for them by name when nothing can be opened any more. What is missing is the loader's to say then.
void load_libraries(const wire::Setup& setup) {
  for (std::size_t i = 0; i < manifest::kPluginLibraries.size(); ++i)
    if ((setup.libraries >> i & 1) != 0) ::dlopen(manifest::kPluginLibraries[i].data(), RTLD_NOW);
}
int run_worker(const wire::Setup& setup, sandbox::LockedRole& locked) { worker::run_worker(kSocket, setup, locked); }
#endif

bool find_role(std::string_view name, wire::Role& role) {
  if (name == "worker" && kHasWorker) role = wire::Role::worker;
  else if (name == "broker") role = wire::Role::broker;
  else if (name == "probe") role = wire::Role::probe;
  else return false;
  return true;
}

int fail_setup(const Error& error) {
  const wire::Failed failed{error.code, error.what.substr(0, wire::kMaxText), 0};
  [[maybe_unused]] const auto sent = wire::send_message(kSocket, failed);
  return 1;
}

int run(wire::Role role) {
  if (!wire::send_message(kSocket, wire::Hello{.role = role})) return 1;
  std::vector<char> buffer(wire::kMaxPacket);
  auto packet = wire::receive_packet(kSocket, buffer);
  if (!packet || packet->closed) return 1;
  wire::Setup setup;
  if (!wire::decode_message(packet->bytes, setup) || setup.role != role) return 1;
  load_libraries(setup);
  sandbox::leave_out(setup);
  auto locked = sandbox::lock_role(kSocket, setup, std::move(packet->fds));
  if (!locked) return fail_setup(locked.error());
  buffer = {};
  switch (role) {
    case wire::Role::worker: return run_worker(setup, *locked);
    case wire::Role::probe: return worker::run_probe(kSocket, *locked);
    case wire::Role::broker:
      return broker::run_broker(kSocket, setup, std::move(locked->roots));
  }
  return 1;
}

}  // namespace

#ifdef FRESHET_SANITIZED
// A role has no environment to take options from. Its signals are the manager's to see, and it ends without a leak check.
extern "C" const char* __asan_default_options();
extern "C" const char* __asan_default_options() {
  return "handle_segv=0:handle_sigbus=0:handle_sigfpe=0:handle_sigill=0:handle_abort=0:detect_leaks=0:abort_on_error=1";
}
#endif

int main(int count, char** arguments) {
  wire::Role role{};
  if (count != 2 || !find_role(arguments[1], role)) {
    constexpr std::string_view kText = "freshet-role is started by freshet; it does nothing on its own\n";
    [[maybe_unused]] const ssize_t written = ::write(2, kText.data(), kText.size());
    return 64;
  }
  ::_exit(run(role));  // no destructors: what is left open goes with the process
}

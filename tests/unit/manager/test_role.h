// What a role executable of these tests does as runtime/role/main.cc does it.
#pragma once

#include <unistd.h>

#include <string_view>
#include <vector>

#include "runtime/broker/broker.h"
#include "runtime/sandbox/lock.h"
#include "runtime/wire/packet.h"
#include "runtime/worker/probe_main.h"
#include "runtime/worker/worker_main.h"

namespace freshet::testing {

inline constexpr int kRoleSocket = 3;

// Calls before_lock(setup) of every role, and run_broker(setup, roots) for its exit code once a broker is locked.
template <class BeforeLock, class RunBroker>
int run_test_role(std::string_view name, BeforeLock&& before_lock, RunBroker&& run_broker) {
  const wire::Role role = name == "worker" ? wire::Role::worker : name == "broker" ? wire::Role::broker : wire::Role::probe;
  std::vector<char> buffer(wire::kMaxPacket);
  if (!wire::send_message(kRoleSocket, wire::Hello{.role = role})) return 1;
  auto packet = wire::receive_packet(kRoleSocket, buffer);
  wire::Setup setup;
  if (!packet || !wire::decode_message(packet->bytes, setup)) return 1;
  before_lock(setup);
  auto locked = sandbox::lock_role(kRoleSocket, setup, std::move(packet->fds));
  if (!locked) return 1;
  if (role == wire::Role::worker) worker::run_worker(kRoleSocket, setup, *locked);
  if (role == wire::Role::probe) ::_exit(worker::run_probe(kRoleSocket, *locked));
  ::_exit(run_broker(setup, std::move(locked->roots)));
}

}  // namespace freshet::testing

// A role executable whose broker breaks out when it is to act for the second task of a run. All else is as in
// runtime/role/main.cc.
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <string_view>
#include <vector>

#include "runtime/broker/broker.h"
#include "runtime/sandbox/lock.h"
#include "runtime/wire/packet.h"
#include "runtime/worker/probe_main.h"
#include "runtime/worker/worker_main.h"

using namespace freshet;

namespace {

constexpr int kSocket = 3;

bool is_second_task(std::vector<char>& buffer) {
  const ssize_t got = ::recv(kSocket, buffer.data(), buffer.size(), MSG_PEEK);
  wire::Begin begin;
  return got > 0 && wire::decode_message(std::string_view(buffer.data(), static_cast<std::size_t>(got)), begin) &&
         begin.phase == wire::BrokerPhase::remove && begin.task == 1;
}

}  // namespace

int main(int, char** arguments) {
  const std::string_view name = arguments[1];
  const wire::Role role = name == "worker" ? wire::Role::worker : name == "broker" ? wire::Role::broker : wire::Role::probe;
  std::vector<char> buffer(wire::kMaxPacket);
  if (!wire::send_message(kSocket, wire::Hello{.role = role})) return 1;
  auto packet = wire::receive_packet(kSocket, buffer);
  wire::Setup setup;
  if (!packet || !wire::decode_message(packet->bytes, setup)) return 1;
  auto locked = sandbox::lock_role(kSocket, setup, std::move(packet->fds));
  if (!locked) return 1;
  if (role == wire::Role::worker) worker::run_worker(kSocket, setup, *locked);
  if (role == wire::Role::probe) ::_exit(worker::run_probe(kSocket, *locked));
  if (is_second_task(buffer)) ::syscall(SYS_socket, AF_INET, SOCK_STREAM, 0);
  ::_exit(broker::run_broker(kSocket, setup, std::move(locked->roots)));
}

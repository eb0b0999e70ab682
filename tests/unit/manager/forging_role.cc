// A role executable whose broker breaks out when it is to act for the second task of a run. All else is as in
// runtime/role/main.cc.
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <string_view>
#include <utility>
#include <vector>

#include "test_role.h"

using namespace freshet;
using namespace freshet::testing;

namespace {

bool is_second_task() {
  std::vector<char> buffer(wire::kMaxPacket);
  const ssize_t got = ::recv(kRoleSocket, buffer.data(), buffer.size(), MSG_PEEK);
  wire::Begin begin;
  return got > 0 && wire::decode_message(std::string_view(buffer.data(), static_cast<std::size_t>(got)), begin) &&
         begin.phase == wire::BrokerPhase::remove && begin.task == 1;
}

}  // namespace

int main(int, char** arguments) {
  return run_test_role(
      arguments[1], [](const wire::Setup&) {},
      [](const wire::Setup& setup, std::vector<Fd> roots) {
        if (is_second_task()) ::syscall(SYS_socket, AF_INET, SOCK_STREAM, 0);
        return broker::run_broker(kRoleSocket, setup, std::move(roots));
      });
}

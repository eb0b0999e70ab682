#include "runtime/worker/out_of_memory.h"

#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <new>
#include <vector>

#include "runtime/wire/packet.h"

namespace freshet::worker {
namespace {

std::vector<std::uint8_t> last_packet;
int last_socket = -1;

}  // namespace

void prepare_out_of_memory(int socket) {
  last_socket = socket;
  wire::encode_message(wire::Failed{{}, "its memory limit", ENOMEM}, last_packet);
  std::set_new_handler([] { end_out_of_memory(); });
}

void end_out_of_memory() {
  [[maybe_unused]] const auto sent = wire::send_packet(last_socket, last_packet);
  ::_exit(1);
}

}  // namespace freshet::worker

// The probe: reads one plugin's file and manifest, and runs no line of it.
//
// Parent: the manager, over the socket on descriptor 3. It has locked itself (sandbox/lock.cc) like a worker, but it
// has no root at all: nothing of any file system can be opened. Privileges it holds: none. Descriptors: 0 to 2 are
// /dev/null, 3 the socket, and the plugin's sealed memfd. It distrusts the file's bytes, and is distrusted for having
// parsed them: a crash here is the file's refusal. It ends after one answer.
#include "runtime/worker/probe_main.h"

#include <sys/stat.h>
#include <unistd.h>

#include "runtime/manifest/reader.h"
#include "runtime/wire/manifest_message.h"
#include "runtime/wire/packet.h"

namespace freshet::worker {
namespace {

Result<std::string> read_all(int memfd) {
  struct stat info {};
  if (::fstat(memfd, &info) != 0) return fail_errno("fstat of the plugin");
  std::string bytes(static_cast<std::size_t>(info.st_size), '\0');
  std::size_t done = 0;
  while (done < bytes.size()) {
    const ssize_t got = ::pread(memfd, bytes.data() + done, bytes.size() - done, static_cast<off_t>(done));
    if (got < 0) return fail_errno("reading the plugin");
    if (got == 0) return fail(ErrorKind::system, "reading the plugin: it ended early");
    done += static_cast<std::size_t>(got);
  }
  return bytes;
}

Result<wire::Inspected> inspect(int memfd, const std::vector<std::uint64_t>& addresses) {
  auto bytes = read_all(memfd);
  if (!bytes) return std::unexpected(bytes.error());
  auto facts = manifest::read_elf(*bytes);
  if (!facts) return std::unexpected(facts.error());
  auto parsed = manifest::parse_manifest(facts->manifest_text);
  if (!parsed) return std::unexpected(parsed.error());
  if (auto covered = manifest::check_abi(*parsed); !covered) return std::unexpected(covered.error());
  return wire::Inspected{std::move(*parsed), facts->stripped, facts->libraries, facts->relro, facts->bind_now,
                         manifest::name_addresses(*bytes, addresses)};
}

}  // namespace

int run_probe(int socket, const sandbox::LockedRole& role) {
  std::vector<char> buffer(wire::kMaxPacket);
  auto packet = wire::receive_packet(socket, buffer);
  wire::Inspect request;
  if (!packet || !wire::decode_message(packet->bytes, request)) return 1;
  auto result = inspect(role.plugin.get(), request.addresses);
  std::vector<std::uint8_t> answer;
  if (result) {
    wire::encode_message(*result, answer);
    // Many short settings take more bytes in a message than in TOML.
    if (answer.size() > wire::kMaxPacket)
      result = fail("F2020", ErrorKind::invalid,
                    "what the manifest says takes " + std::to_string(answer.size()) + " bytes; at most " +
                        std::to_string(wire::kMaxPacket) + " are taken");
  }
  if (result) return wire::send_packet(socket, answer) ? 0 : 1;
  std::string what = result.error().what;
  if (!result.error().detail.empty()) what += "\n" + result.error().detail;
  const wire::Failed failed{result.error().code, what.substr(0, wire::kMaxText), 0};
  return wire::send_message(socket, failed) ? 0 : 1;
}

}  // namespace freshet::worker

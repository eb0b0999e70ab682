// The worker: runs one task of one plugin.
//
// Parent: the manager, over the socket on descriptor 3. Before this file's first line the process has locked itself
// (sandbox/lock.cc): its root holds nothing but read-only clones of the granted roots and the plugin's bytes; of its
// capabilities at most CAP_DAC_READ_SEARCH in its own user namespace is left; Landlock and one complete system call
// filter are on. Privileges it still holds: to list the granted roots, and to read files in those that grant `read`.
// Descriptors: 0 and 1 are /dev/null, 2 a pipe (with a plugin; else /dev/null too), 3 the socket, and what it opens of
// the roots.
// From Load on foreign code runs in it, so it is itself distrusted by everybody; it trusts the manager.
// It ends when the socket closes, when the manager kills it, or after it has said Failed.
#include "runtime/worker/worker_main.h"

#include <fcntl.h>
#include <malloc.h>
#include <unistd.h>

#include <new>

#include "runtime/sandbox/private_root.h"
#include "runtime/wire/packet.h"
#include "runtime/worker/host.h"
#include "runtime/worker/out_of_memory.h"
#include "runtime/worker/plugin_loader.h"
#include "runtime/worker/proof.h"

namespace freshet::worker {
namespace {

constexpr std::uint32_t kFdsForOthers = 16;  // standard ones, socket, loader, and some for the plugin to read with

std::vector<std::string> split_path(const std::string& path) {
  std::vector<std::string> parts;
  for (std::size_t from = 0; from < path.size();) {
    const std::size_t to = std::min(path.find('/', from), path.size());
    if (to > from) parts.push_back(path.substr(from, to - from));
    from = to + 1;
  }
  return parts;
}

std::vector<RootView> make_views(const wire::Setup& setup, const sandbox::LockedRole& role) {
  std::vector<RootView> views;
  for (std::size_t i = 0; i < setup.roots.size(); ++i) {
    RootView& view = views.emplace_back();
    view.shown = setup.roots[i].path;
    if (setup.private_root) view.path = sandbox::private_root_path(i);
    else view.base = role.roots[i].get();
    for (const std::string& exclude : setup.roots[i].excludes) view.excludes.push_back(split_path(exclude));
    if (i < setup.areas.size()) view.area = setup.areas[i];
    view.stable_birth = setup.roots[i].stable_birth;
    view.read_contents = setup.roots[i].read_contents;
  }
  return views;
}

std::uint32_t count_fds(std::uint32_t limit) {
  std::uint32_t count = 0;
  for (std::uint32_t fd = 0; fd < limit; ++fd)
    if (::fcntl(static_cast<int>(fd), F_GETFD) >= 0) ++count;
  return count;
}

using TaskCall = freshet_status (*)(freshet_task*, const freshet_host*);

wire::ScanEnd run_call(TaskCall call, bool verify, std::int64_t now_ns, LoadedPlugin& plugin, Host& host) {
  wire::ScanEnd end;
  host.begin(verify, now_ns);
  try {
    end.status = call(plugin.task, host.table());
  } catch (const std::bad_alloc&) {
    end.status = FRESHET_NO_MEMORY;
  } catch (...) {
    host.add_log(FRESHET_LOG_ERROR, "the plugin let an exception out");
    end.status = FRESHET_FAILED;
  }
  if (end.status == FRESHET_NO_MEMORY) end_out_of_memory();
  host.end();
  end.entries = host.entries();
  end.dropped_log_lines = host.dropped_log_lines();
  return end;
}

// Nothing of the task is needed any more: whatever is still held is what the plugin forgot.
wire::Released release(std::uint32_t fds_before, LoadedPlugin& plugin, Host& host, std::uint32_t fd_limit) {
  plugin.table.destroy(plugin.task);
  plugin.task = nullptr;
  wire::Released out;
  host.count_buffers(out.buffers_out, out.buffer_bytes, out.buffers_spoiled);
  host.flush();
  ::malloc_trim(0);  // so that freed pages are not taken for kept ones from outside
  out.heap_before = plugin.heap_when_loaded;
  out.heap_after = heap_in_use();
  out.fds_before = fds_before;
  out.fds_after = count_fds(fd_limit);
  return out;
}

// Ends by _exit: no destructor of a plugin's statics is worth running.
[[noreturn]] void serve(int socket, const wire::Setup& setup, std::uint32_t fds_before, LoadedPlugin& plugin, Host& host,
                        std::span<char> buffer) {
  for (;;) {
    auto packet = wire::receive_packet(socket, buffer);
    if (!packet) ::_exit(1);
    if (packet->closed) {
      if (plugin.task != nullptr) plugin.table.destroy(plugin.task);
      ::_exit(0);
    }
    wire::Release over;
    if (wire::decode_message(packet->bytes, over) && plugin.task != nullptr) {
      if (!wire::send_message(socket, release(fds_before, plugin, host, setup.open_files))) ::_exit(1);
      continue;
    }
    if (plugin.task == nullptr) ::_exit(1);
    wire::Scan scan;
    wire::Verify verify;
    wire::Cancel cancel;
    wire::ScanEnd end;
    if (wire::decode_message(packet->bytes, cancel)) continue;  // it came too late
    wire::IpcListing listing;
    if (wire::decode_message(packet->bytes, listing)) {
      host.show(std::move(listing.objects));
      continue;
    }
    wire::Planned planned;
    if (wire::decode_message(packet->bytes, planned)) {
      host.show(packet->bytes, planned);
      continue;
    }
    if (wire::decode_message(packet->bytes, scan)) {
      end = run_call(plugin.table.scan, false, scan.now_ns, plugin, host);
    } else if (wire::decode_message(packet->bytes, verify) && plugin.table.verify != nullptr) {
      end = run_call(plugin.table.verify, true, verify.now_ns, plugin, host);
    } else {
      ::_exit(1);
    }
    if (!wire::send_message(socket, end)) ::_exit(1);
  }
}

[[noreturn]] void refuse(int socket, const std::string& code, const std::string& what) {
  [[maybe_unused]] const auto sent = wire::send_message(socket, wire::Failed{code, what.substr(0, wire::kMaxText), 0});
  ::_exit(1);
}

// A rehearsal's messages, up to the one that is none. A recorded tree is foreign bytes: it is taken apart here, in the
// locked process.
wire::Received take_rehearsal(int socket, wire::Received packet, Host& host, std::span<char> buffer) {
  std::string text;
  for (;;) {
    wire::Rehearse rehearse;
    wire::TreePart part;
    if (wire::decode_message(packet.bytes, rehearse)) {
      host.rehearse(rehearse.trace);
    } else if (wire::decode_message(packet.bytes, part)) {
      if (text.size() > freshet::testing::kMaxTreeBytes) refuse(socket, "", "the recorded tree is too large");
      text += part.bytes;
      if (part.last) {
        try {
          host.replay(freshet::testing::Tree::parse(text));
        } catch (const freshet::testing::BadTree& bad) {
          refuse(socket, "", std::string("the recorded tree: ") + bad.what());
        }
        std::string().swap(text);
        ::malloc_trim(0);  // the text's pages are nobody's leak
        if (!wire::send_message(socket, wire::TreePart{"", true})) ::_exit(1);
      }
    } else {
      return packet;
    }
    auto next = wire::receive_packet(socket, buffer);
    if (!next || next->closed) ::_exit(1);
    packet = std::move(*next);
  }
}

}  // namespace

void run_worker(int socket, const wire::Setup& setup, const sandbox::LockedRole& role) {
  const std::uint32_t fds = setup.open_files > 2 * kFdsForOthers ? setup.open_files - kFdsForOthers
                                                                 : setup.open_files / 2;
  Host host(socket, make_views(setup, role), fds);
  prepare_out_of_memory(socket);
  std::vector<char> buffer(wire::kMaxPacket);
  auto packet = wire::receive_packet(socket, buffer);
  wire::Load load;
  wire::Prove prove_it;
  if (packet && wire::decode_message(packet->bytes, prove_it)) {
    if (!wire::send_message(socket, prove(setup))) ::_exit(1);
    packet = wire::receive_packet(socket, buffer);  // the manager looks from outside, and ends it
    ::_exit(0);
  }
  if (!packet) ::_exit(1);
  packet = take_rehearsal(socket, std::move(*packet), host, buffer);
  if (!wire::decode_message(packet->bytes, load)) ::_exit(1);
  const std::uint32_t fds_before = count_fds(setup.open_files);
  host.offer(load.features);
  host.set_now(load.now_ns);
  auto plugin = load_plugin(role.plugin_path, load, host);
  host.flush();  // what it logged while it was made
  if (!plugin) {
    [[maybe_unused]] const auto sent =
        wire::send_message(socket, wire::Failed{plugin.error().code, plugin.error().what.substr(0, wire::kMaxText), 0});
    ::_exit(1);
  }
  if (!wire::send_message(socket, wire::Loaded{plugin->table.verify != nullptr})) ::_exit(1);
  serve(socket, setup, fds_before, *plugin, host, buffer);
}

}  // namespace freshet::worker

#include "runtime/conformance/trial.h"

#include <fcntl.h>
#include <freshet/plugin.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <thread>

#include "runtime/base/bytes.h"
#include "runtime/base/lines.h"
#include "runtime/base/proc_file.h"
#include "runtime/channel/back_trace.h"
#include "runtime/channel/proc_files.h"
#include "runtime/channel/role_executable.h"
#include "runtime/conformance/trial_events.h"
#include "runtime/manager/back_trace_text.h"
#include "runtime/manager/core.h"
#include "runtime/manager/open_roots.h"
#include "runtime/manager/plugin_catalog.h"
#include "runtime/manager/role_resources.h"
#include "runtime/manager/scan_task.h"
#include "runtime/policy/permission.h"

namespace freshet::conformance {
namespace {

constexpr std::uint64_t kRoomForTree = 512ULL << 20;  // a replayed tree lives in the worker, beside the plugin
constexpr std::int64_t kWall = 120'000'000'000;
constexpr std::int64_t kForever = 10'000LL * 86'400'000'000'000;

void send_tree(channel::RoleProcess& worker, const std::string& text) {
  for (std::size_t from = 0; from < text.size() || from == 0;) {
    wire::TreePart part;
    part.bytes = text.substr(from, wire::TreePart::kMaxPart);
    from += std::max<std::size_t>(part.bytes.size(), 1);
    part.last = from >= text.size();
    if (!worker.send_message(part)) return;
  }
}

// What a plugin of IPC objects is shown: old and young, attached and left; a message queue last.
wire::IpcListing some_objects(std::int64_t now_ns) {
  wire::IpcListing out;
  for (std::size_t i = 0; i < kIpcObjects; ++i) {
    wire::IpcObject& object = out.objects.emplace_back();
    object.kind = i % 2 == 0 ? wire::IpcKind::shm : i + 1 < kIpcObjects ? wire::IpcKind::posix_shm : wire::IpcKind::posix_msg;
    object.name = i % 2 == 0 ? "" : "object-" + std::to_string(i);
    object.id = static_cast<std::int32_t>(i);
    object.uid = object.creator = 65'000;
    object.inode = i + 1;
    object.changed_ns = object.used_ns = object.birth_ns = now_ns - static_cast<std::int64_t>(i) * 100 * 86'400'000'000'000;
    object.bytes = 4096;
    object.count = i < 3 ? 0 : i % 2;
  }
  return out;
}

// A worker that has been asked for something: events until the answer. False when it is gone, or was ended for a forgery.
template <class Answer>
bool await(channel::RoleProcess& worker, TrialEvents& listener, Answer& answer, TrialResult& out, std::stop_token stop) {
  while (const std::optional<std::string_view> packet = worker.receive(stop)) {
    if (wire::decode_message(*packet, answer)) return true;
    if (listener.take(*packet)) continue;
    worker.close_for(channel::EndReason::protocol, out.forged);
    return false;
  }
  return false;
}

// Where its plugin was loaded; 0: the kernel does not say.
std::uint64_t plugin_address(int proc) {
  std::uint64_t out = 0;
  for_each_line(read_proc(proc, "maps"), [&](std::string_view line) {
    if (out == 0 && channel::is_plugin_mapping(line)) out = ::strtoull(std::string(line).c_str(), nullptr, 16);
  });
  return out;
}

// False when the worker is gone.
bool wait_for_debugger(channel::RoleProcess& worker, const TrialRequest& request, const std::stop_token& stop) {
  constexpr auto kLookEvery = std::chrono::milliseconds(50);
  const Fd proc(::open(("/proc/" + std::to_string(worker.pid())).c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  request.on_debug(worker.pid(), plugin_address(proc.get()));
  while (!stop.stop_requested()) {
    if (const std::string tracer = channel::status_field(read_proc(proc.get(), "status"), "TracerPid"); !tracer.empty() && tracer != "0") return true;
    if (worker.try_receive() || !worker.open()) return false;
    std::this_thread::sleep_for(kLookEvery);
  }
  return false;
}

}  // namespace

std::string shown(const SeenFinding& finding) { return escape_bytes(finding.path) + "  " + escape_bytes(finding.reason); }

Bench::Bench(std::unique_ptr<Core> core) : core_(std::move(core)) {}
Bench::~Bench() = default;

Result<std::unique_ptr<Bench>> Bench::create(const std::string& role_executable, bool strict) {
  auto core = std::make_unique<Core>();
  core->config.isolation = strict ? config::Isolation::strict : config::Isolation::best_effort;
  const Result<std::string> role = channel::find_role_executable(role_executable);
  if (!role) return std::unexpected(role.error());
  Result<std::unique_ptr<sandbox::Spawner>> spawner = sandbox::Spawner::create(*role);
  if (!spawner) return std::unexpected(spawner.error());
  core->spawner = std::move(*spawner);
  core->support = sandbox::find_host_support();
  return std::unique_ptr<Bench>(new Bench(std::move(core)));
}

Result<TriedPlugin> Bench::read(const std::string& file) {
  Result<channel::PluginBytes> bytes = channel::read_plugin_file(file);
  if (!bytes) return std::unexpected(bytes.error());
  Result<wire::Inspected> facts = inspect_plugin(*core_, bytes->memfd.get());
  if (!facts) return std::unexpected(facts.error());
  return TriedPlugin{std::move(*bytes), std::move(*facts)};
}

Result<TrialResult> Bench::run(const TriedPlugin& plugin, const TrialRequest& request, std::stop_token stop) {
  const manifest::RequestedLimits& asked = plugin.facts.manifest.limits;
  std::vector<channel::OpenRoot> roots;
  for (const std::string& path : request.roots) {
    config::RootConfig config;
    config.path = path;
    config.access = {.list = true, .read = request.read, .remove = true};
    Result<channel::OpenRoot> root = open_root(config);
    if (!root) return std::unexpected(root.error());
    roots.push_back(std::move(*root));
  }
  channel::RoleRequest role;
  role.role = wire::Role::worker;
  role.roots = pointers(roots);
  role.areas.resize(roots.size());
  if (asked.memory_bytes != 0) role.limits.memory_bytes = asked.memory_bytes;
  if (asked.cpu_ns != 0) role.limits.cpu_ns = asked.cpu_ns;
  if (asked.threads != 0) role.limits.threads = asked.threads;
  if (asked.fds != 0) role.limits.fds = asked.fds;
  role.limits.wall_ns = asked.wall_ns != 0 ? std::min(asked.wall_ns, kWall) : kWall;
  if (request.on_debug) role.limits.wall_ns = role.limits.cpu_ns = kForever;
  if (request.tree != nullptr) role.limits.memory_bytes += std::min<std::uint64_t>(request.tree->size() * 8, kRoomForTree);
  role.plugin_memfd = plugin.bytes.memfd.get();
  role.libraries = plugin.facts.libraries;
  role.strict = core_->config.isolation == config::Isolation::strict;
  role.uid = role_uid(*core_, 0, wire::Role::worker);
  role.label = "trial";
  role.watch_crashes = !request.on_debug;  // a process has one tracer
  role.filters = core_->filters.get();
  Result<std::unique_ptr<channel::RoleProcess>> started = channel::RoleProcess::start(*core_->spawner, core_->support, role);
  if (!started) return std::unexpected(started.error());
  channel::RoleProcess& worker = **started;

  TrialResult out;
  TrialEvents listener(request, out);
  worker.send_message(wire::Rehearse{.trace = request.trace});
  bool going = true;
  if (request.tree != nullptr) {
    send_tree(worker, *request.tree);
    wire::TreePart taken;
    going = await(worker, listener, taken, out, stop);
    if (!going) return fail(ErrorKind::invalid, escape_bytes(worker.finish().what), "the recorded tree cannot be used");
  }
  const Result<channel::Inventory> before = worker.inventory();
  policy::EffectivePermission permission;
  permission.roots.resize(1);  // the features are of all of them
  permission.roots.front().access.read = request.read;
  if (request.ipc) permission.ipc.resize(1);
  wire::Load load = make_load(plugin.facts.manifest, request.kind, request.settings, permission);
  load.now_ns = request.now_ns;
  worker.send_message(load);
  wire::Loaded loaded;
  going = await(worker, listener, loaded, out, stop);
  out.loaded = going;
  out.has_verify = loaded.has_verify;
  wire::ScanEnd end;
  if (going && request.on_debug) going = wait_for_debugger(worker, request, stop);
  if (going) {
    if (request.ipc) worker.send_message(some_objects(request.now_ns));
    worker.send_message(wire::Scan{.now_ns = request.now_ns});
    if (request.cancel) worker.send_message(wire::Cancel{});
    going = await(worker, listener, end, out, stop);
    out.scanned = going;
    out.status = end.status;
    out.entries = end.entries;
    out.dropped_lines = end.dropped_log_lines;
  }
  if (going && request.verify && loaded.has_verify) {
    listener.again();
    worker.send_message(wire::Verify{.now_ns = request.now_ns});
    going = await(worker, listener, end, out, stop);
  }
  wire::Released said;
  if (going) {
    worker.send_message(wire::Release{});
    going = await(worker, listener, said, out, stop);
  }
  const Result<channel::Inventory> after = going ? worker.inventory() : fail(ErrorKind::peer, "");
  out.end = worker.finish();
  out.errors = worker.errors();
  out.back_trace = back_trace_text(*core_, plugin.bytes.memfd.get(), out.end.frames);
  if (before && after) out.resources = worker_checks(*before, *after, said);
  out.cpu_ns = worker.usage().cpu_ns - worker.usage().start_cpu_ns;
  if (stop.stop_requested()) return fail(ErrorKind::busy, "interrupted");
  return out;
}

}  // namespace freshet::conformance

#include "runtime/manager/scan_task.h"

#include <freshet/contents.h>
#include <freshet/draft/guard.h>
#include <freshet/ipc.h>
#include <freshet/links.h>
#include <freshet/plugin.h>

#include <algorithm>

#include "runtime/base/bytes.h"
#include "runtime/manager/back_trace_text.h"
#include "runtime/manager/open_roots.h"
#include "runtime/manager/role_resources.h"
#include "runtime/manager/role_figures.h"
#include "runtime/manager/validate.h"
#include "runtime/metrics/stopwatch.h"

namespace freshet {
namespace {

wire::Setting to_wire(const std::string& name, const manifest::TypedValue& value, manifest::SettingType type) {
  wire::Setting out;
  out.name = name;
  out.tag = static_cast<wire::SettingTag>(static_cast<unsigned>(type) - 1);  // the same list, from 0
  if (const auto* flag = std::get_if<bool>(&value)) out.integer = *flag ? 1 : 0;
  if (const auto* integer = std::get_if<std::int64_t>(&value)) out.integer = *integer;
  if (const auto* real = std::get_if<double>(&value)) out.number = *real;
  if (const auto* text = std::get_if<std::string>(&value)) out.string = *text;
  if (const auto* texts = std::get_if<std::vector<std::string>>(&value)) out.strings = *texts;
  return out;
}

void failed(TaskPlan& task, channel::EndReason reason, std::string note) {
  enter(task, TaskState::failed);
  task.shown.end = to_public(reason);
  task.shown.note = std::move(note);
}

// The worker has ended, or was ended for what it sent.
void failed(const Core& core, TaskPlan& task, channel::RoleProcess& worker) {
  const channel::End end = worker.finish();
  const bool gave_up = end.reason == channel::EndReason::none || end.reason == channel::EndReason::plugin;
  if (gave_up && end.code == "F2012") {  // no schema can say all that a plugin asks of its settings
    const config::Position& position = position_of_key(core.config.tasks.at(task.shown.name), "settings");
    failed(task, channel::EndReason::plugin, end.what);
    task.shown.violations.push_back(violation_at(position, end.code, end.what, "see `freshet plugins inspect`"));
    return;
  }
  failed(task, end.reason == channel::EndReason::none ? channel::EndReason::plugin : end.reason,
         (end.code.empty() ? "" : end.code + ": ") + "the worker ended: " + (end.what.empty() ? "too early" : end.what));
}

// The scan is over: has the plugin's task destroyed and looks at what is left, while the process still lives. How it
// ended; none when as asked.
channel::End release(TaskPlan& task, channel::RoleProcess& worker, const Result<channel::Inventory>& before, Intake& intake,
                     std::stop_token stop) {
  wire::Released said;
  bool answered = false;
  worker.send_message(wire::Release{});
  while (!answered) {
    const std::optional<std::string_view> packet = worker.receive(stop);
    if (!packet) break;
    answered = wire::decode_message(*packet, said);
    if (answered) break;
    if (const Status taken = intake.take(*packet); !taken) worker.close_for(channel::EndReason::protocol, taken.error().what);
  }
  const Result<channel::Inventory> after = answered ? worker.inventory() : fail(ErrorKind::peer, "");
  const channel::End ended = worker.finish();
  if (before && after) {
    task.resources = worker_checks(*before, *after, said);
    check_gone(task.resources, worker);
  } else if (!stop.stop_requested()) {
    task.resources = unseen_checks(ended.what.empty() ? "its worker ended" : "its worker ended: " + ended.what);
  }
  return ended;
}

void show_objects(channel::RoleProcess& worker, const std::vector<wire::IpcObject>& objects) {
  for (std::size_t from = 0; from < objects.size(); from += wire::kMaxIpcInPacket) {
    const std::size_t to = std::min(objects.size(), from + wire::kMaxIpcInPacket);
    wire::IpcListing part;
    part.objects.assign(objects.begin() + static_cast<std::ptrdiff_t>(from), objects.begin() + static_cast<std::ptrdiff_t>(to));
    worker.send_message(part);
  }
}

// For whoever asks why it failed: where it was, and what it wrote to its standard error.
void add_traces(const Core& core, TaskPlan& task, channel::RoleProcess& worker, int memfd, Intake& intake) {
  constexpr std::size_t kShown = 600;
  constexpr std::size_t kShownFrames = 6;
  const channel::End end = worker.finish();
  if (task.shown.state == TaskState::failed && !end.frames.empty()) {
    std::string text;
    std::size_t shown = 0;
    for (const std::string& frame : back_trace_text(core, memfd, end.frames))
      if (++shown <= kShownFrames) text += (text.empty() ? "; in " : ", from ") + frame;
    task.shown.note += text;
  }
  std::string_view text = worker.errors();
  intake.take_errors(text);
  while (text.ends_with('\n')) text.remove_suffix(1);
  if (task.shown.state == TaskState::failed && !text.empty()) task.shown.note += "; on its standard error: " + ellipsize(escape_bytes(text), kShown);
}

std::string status_words(std::int32_t status) {
  switch (status) {
    case FRESHET_INVALID: return "an argument or a setting is wrong";
    case FRESHET_UNREADABLE: return "it could not read all that it has to see";
    case FRESHET_CANCELLED: return "it was cancelled";
    case FRESHET_UNKNOWN: return "it does not know this task";
    default: return "it failed (status " + std::to_string(status) + ")";
  }
}

}  // namespace

wire::Load make_load(const manifest::Manifest& manifest, const std::string& kind, const manifest::TypedSettings& settings,
                     const policy::EffectivePermission& permission) {
  wire::Load out;
  out.kind = kind;
  for (const manifest::TaskKind& known : manifest.kinds) out.announced.push_back(known.name);
  const manifest::TaskKind* schemas = manifest::find_kind(manifest, kind);
  for (const auto& [name, value] : settings)
    for (const manifest::SettingSchema& schema : schemas->settings)
      if (schema.name == name) out.settings.push_back(to_wire(name, value, schema.type));
  if (std::ranges::any_of(permission.roots, [](const config::RootConfig& root) { return root.access.read; })) {
    out.features.emplace_back(FRESHET_CONTENTS_ID);
    out.features.emplace_back(FRESHET_LINKS_ID);
  }
  if (schemas->guard) out.features.emplace_back(FRESHET_GUARD_ID);
  if (!permission.ipc.empty()) out.features.emplace_back(FRESHET_IPC_ID);
  return out;
}

Status scan_task(const Core& core, TaskPlan& task, const ScanInputs& inputs, Intake& intake, std::stop_token stop) {
  channel::RoleRequest request;
  request.role = wire::Role::worker;
  request.roots = pointers(*inputs.roots);
  request.areas = areas(task.roots);
  request.limits = task.permission.limits;
  request.plugin_memfd = inputs.plugin->memfd.get();
  request.libraries = inputs.plugin->libraries;
  request.strict = task.strict;
  request.uid = role_uid(core, inputs.channel_index, wire::Role::worker);
  request.label = "task " + task.shown.name;
  request.watch_crashes = true;
  request.channel = task.shown.channel;
  request.live = core.live.get();
  request.filters = core.filters.get();
  metrics::Stopwatch watch(task.metrics.overhead_ns);
  Result<std::unique_ptr<channel::RoleProcess>> started = channel::RoleProcess::start(*core.spawner, core.support, request);
  watch.lap(task.metrics.start_ns, task.metrics.start_cpu_ns);
  if (!started) {
    failed(task, channel::EndReason::setup, started.error().what);
    return {};
  }
  channel::RoleProcess& worker = **started;
  task.shown.missing_layers = worker.missing_layers();

  const Result<channel::Inventory> before = worker.inventory();
  wire::Load load = make_load(inputs.plugin->manifest, task.kind, *inputs.settings, task.permission);
  load.now_ns = core.clock.now();
  worker.send_message(load);
  bool scanning = false;
  while (true) {
    const std::optional<std::string_view> packet = worker.receive(stop);
    if (!packet) {
      if (stop.stop_requested()) {
        worker.finish();
        enter(task, TaskState::skipped);
        task.shown.note = "interrupted";
      } else {
        failed(core, task, worker);
      }
      break;
    }
    wire::Loaded loaded;
    wire::ScanEnd end;
    wire::Failed refusal;
    if (!scanning && wire::decode_message(*packet, loaded)) {
      scanning = true;
      if (inputs.objects != nullptr) show_objects(worker, *inputs.objects);
      if (inputs.judged != nullptr)
        if (const Status shown = inputs.judged->show([&](const wire::Planned& part) { return worker.send_message(part); }); !shown)
          return shown;
      worker.send_message(wire::Scan{.now_ns = core.clock.now()});
    } else if (!scanning && !packet->empty() &&
               static_cast<wire::MessageType>((*packet)[0]) == wire::MessageType::events) {
      if (const Status taken = intake.take(*packet); !taken) {  // log lines of the plugin's start
        worker.close_for(channel::EndReason::protocol, taken.error().what);
        failed(core, task, worker);
        break;
      }
    } else if (wire::decode_message(*packet, refusal)) {
      const channel::End ended = worker.finish();
      const bool ended_otherwise = ended.reason != channel::EndReason::none && ended.reason != channel::EndReason::plugin;
      failed(task, ended_otherwise ? ended.reason : channel::EndReason::plugin,
             (refusal.code.empty() ? "" : refusal.code.substr(0, 8) + ": ") + escape_bytes(refusal.what));
      break;
    } else if (scanning && wire::decode_message(*packet, end)) {
      const channel::End ended = release(task, worker, before, intake, stop);
      if (ended.reason == channel::EndReason::breach || ended.reason == channel::EndReason::protocol) {
        failed(core, task, worker);
      } else if (end.status == FRESHET_OK || (end.status == FRESHET_UNREADABLE && !task.guard)) {
        enter(task, TaskState::planned);
        // What is excluded may be what refers to an orphan.
        task.saw_everything = end.status == FRESHET_OK && task.shown.unread_count == 0 &&
                              std::ranges::all_of(task.roots, [](const PlanRoot& root) { return root.config.exclude.empty(); });
        if (task.shown.unread_count != 0 && !worker.unmapped_root().empty())
          task.shown.note = "private directories of other owners are not read: no mapped mount of " + worker.unmapped_root();
      } else if (end.status == FRESHET_CANCELLED && stop.stop_requested()) {
        enter(task, TaskState::skipped);
        task.shown.note = "interrupted";
      } else {
        failed(task, channel::EndReason::plugin, "the plugin's scan says: " + status_words(end.status));
      }
      break;
    } else if (scanning) {
      const Status taken = intake.take(*packet);
      if (!taken && taken.error().kind != ErrorKind::peer) return taken;
      if (!taken) {
        const bool limit = taken.error().code == kOverLimit;
        worker.close_for(limit ? channel::EndReason::limit : channel::EndReason::protocol, taken.error().what);
        failed(core, task, worker);
        break;
      }
    } else {
      worker.close_for(channel::EndReason::protocol, "sent a message out of order");
      failed(core, task, worker);
      break;
    }
  }
  watch.lap(task.metrics.scan_ns, task.metrics.scan_cpu_ns);
  add_traces(core, task, worker, inputs.plugin->memfd.get(), intake);
  add_usage(task.metrics, task.metrics.scan_cpu_ns, worker.usage());
  return {};
}

}  // namespace freshet

#include "runtime/conformance/trace_plugin.h"

#include <freshet/contents.h>
#include <freshet/ipc.h>
#include <freshet/links.h>
#include <freshet/plugin.h>

#include <algorithm>

#include "runtime/base/bytes.h"
#include "runtime/base/clock.h"
#include "runtime/base/lines.h"
#include "runtime/conformance/settings_values.h"
#include "runtime/conformance/status_names.h"
#include "runtime/conformance/trial.h"

namespace freshet::conformance {
namespace {

constexpr std::size_t kMaxShown = 200;

void add_once(std::vector<std::string>& list, const std::string& text) {
  if (std::string escaped = escape_bytes(text); std::ranges::find(list, escaped) == list.end()) list.push_back(std::move(escaped));
}

Traced to_traced(const std::string& kind, const TrialResult& result) {
  Traced out;
  out.kind = kind;
  if (result.scanned) out.status = status_name(result.status);
  out.entries = result.entries;
  out.findings_count = result.findings_count;
  for (const SeenFinding& finding : result.findings)
    if (out.findings.size() < kMaxShown) out.findings.push_back(shown(finding));
  for (const std::string& line : result.log) out.log.push_back(escape_bytes(line));
  out.back_trace = result.back_trace;
  for_each_line(result.errors, [&](std::string_view line) { out.errors.push_back(escape_bytes(line)); });
  for (const SeenNote& note : result.notes) {
    if (note.kind == wire::NoteKind::refused_feature) out.refusals.push_back({"the feature " + note.text, remedy_of_feature(note.text)});
    else if (note.kind == wire::NoteKind::feature) add_once(out.features, note.text);
    else if (note.kind != wire::NoteKind::used_feature) add_once(out.broken, note.text);
  }
  for (const std::string& line : result.unread)
    out.refusals.push_back({line, "no line of a manifest asks for it: the task's user cannot read it"});
  if (!result.forged.empty()) out.ended = "it sent the manager " + result.forged;
  else if (result.end.reason != channel::EndReason::none) out.ended = (result.end.code.empty() ? "" : result.end.code + ": ") + result.end.what;
  if (std::string remedy = remedy_of(out.ended); !remedy.empty())
    out.refusals.push_back({result.end.what + (result.end.path.empty() ? "" : ": " + result.end.path), std::move(remedy)});
  return out;
}

}  // namespace

std::string remedy_of(std::string_view ended) {
  struct Line {
    std::string_view part;
    std::string_view remedy;
  };
  constexpr Line kLines[] = {
      {"memory limit", "limits = { memory = \"128MiB\" }"},
      {"cpu limit", "limits = { cpu = \"5min\" }"},
      {"wall clock limit", "limits = { wall = \"10min\" }"},
      {"called openat(2) to write", "no line of a manifest asks for it: a worker changes nothing, it proposes"},
      {"called open", "permissions = { required = [\"read\"] }, and the host's own way to contents"},
      {"called execve", "permissions = { optional = [\"hook\"] }: a program that the operator wrote down is run for you"},
      {"called flock", "permissions = { required = [\"lock\"] }: the manager takes the lock for you"},
      {"called fcntl", "permissions = { required = [\"lock\"] }: the manager takes the lock for you"},
      {"called shm", "permissions = { required = [\"ipc\"] }"},
      {"called clone", "limits = { threads = 4 }; processes cannot be asked for"},
      {"called fork", "no line of a manifest asks for it: use threads"},
      {"called ", "no line of a manifest asks for it: a plugin walks and proposes, and nothing else"},
  };
  const auto* const found = std::ranges::find_if(kLines, [&](const Line& line) { return ended.contains(line.part); });
  return found == std::end(kLines) ? "" : std::string(found->remedy);
}

std::string remedy_of_feature(std::string_view id) {
  if (id == FRESHET_CONTENTS_ID || id == FRESHET_LINKS_ID) return "permissions = { optional = [\"read\"] }";
  if (id == FRESHET_IPC_ID) return "permissions = { optional = [\"ipc\"] }, irreversible = true";
  return "no line of a manifest asks for it: this Freshet does not have it";
}

Result<std::vector<Traced>> trace_plugin(const std::string& file, const TraceOptions& options) {
  Result<std::unique_ptr<Bench>> bench = Bench::create(options.role_executable, options.strict);
  if (!bench) return std::unexpected(bench.error());
  const Result<TriedPlugin> plugin = (*bench)->read(file);
  if (!plugin) return std::unexpected(plugin.error());
  const manifest::Manifest& manifest = plugin->facts.manifest;
  if (const Status known = check_names(manifest.kinds, options.settings); !known) return std::unexpected(known.error());
  std::vector<Traced> out;
  for (const manifest::TaskKind& kind : manifest.kinds) {
    TrialRequest request;
    request.kind = kind.name;
    Result<manifest::TypedSettings> settings = base_settings(kind, options.settings);
    if (!settings) return std::unexpected(settings.error());
    request.settings = std::move(*settings);
    request.roots = options.roots;
    request.read = asks_for(manifest, "read");
    request.ipc = asks_for(manifest, "ipc");
    request.now_ns = SystemClock().now();
    request.verify = true;
    request.trace = options.trace;
    request.on_call = options.on_call;
    request.on_debug = options.on_debug;
    const Result<TrialResult> result = (*bench)->run(*plugin, request, options.stop);
    if (!result) return std::unexpected(result.error());
    out.push_back(to_traced(kind.name, *result));
  }
  return out;
}

}  // namespace freshet::conformance

// `freshet plugins run`: one plugin on one directory, for its author to look at.
#include <cstdio>
#include <filesystem>

#include "runtime/base/bytes.h"
#include "runtime/base/units.h"
#include "runtime/cli/commands/plugin_actions.h"
#include "runtime/cli/exit_codes.h"
#include "runtime/conformance/trace_plugin.h"

namespace freshet::cli {
namespace {

using conformance::Traced;

constexpr std::size_t kShownFindings = 20;

report::Json to_json(const Traced& one) {
  report::Json refusals = report::Json::array();
  for (const conformance::Refusal& refusal : one.refusals) refusals.push_back({{"what", refusal.what}, {"remedy", refusal.remedy}});
  return {{"object", "plugin_run"}, {"kind", one.kind}, {"status", one.status}, {"entries", one.entries},
          {"findings", one.findings}, {"findings_count", one.findings_count}, {"log", one.log},
          {"errors", one.errors}, {"back_trace", one.back_trace}, {"broken", one.broken}, {"features", one.features}, {"refusals", std::move(refusals)}, {"ended", one.ended}};
}

std::string lines(std::string_view label, const std::vector<std::string>& texts) {
  std::string out;
  for (const std::string& text : texts) out += "  " + std::string(label) + text + "\n";
  return out;
}

std::string to_text(const Traced& one) {
  std::string out = "task " + one.kind + ": " + (one.status.empty() ? "its scan did not return" : one.status) + ", " +
                    counted(one.entries, "entry", "entries") + " listed, " + counted(one.findings_count, "finding", "findings") + "\n";
  out += lines("log      ", one.log);
  out += lines("stderr   ", one.errors);
  std::vector<std::string> findings = one.findings;
  if (findings.size() > kShownFindings) findings.resize(kShownFindings);
  out += lines("proposes ", findings);
  if (one.findings_count > kShownFindings) out += "  .. and " + format_count(one.findings_count - kShownFindings) + " more\n";
  out += lines("broken   ", one.broken);
  out += lines("asks for ", one.features);
  for (const conformance::Refusal& refusal : one.refusals) out += "  refused  " + refusal.what + "\n  manifest " + refusal.remedy + "\n";
  if (!one.ended.empty()) out += "  ended    " + one.ended + "\n";
  out += lines("at       ", one.back_trace);
  return out;
}

// Says on stderr, whatever else is asked for, what --debug is.
void tell_debug(Session& session, const std::string& file, int pid, std::uint64_t address) {
  char place[32];
  std::snprintf(place, sizeof place, "0x%llx", static_cast<unsigned long long>(address));
  session.put({{"object", "debug"}, {"pid", pid}, {"address", place}});
  session.console().err("WARNING: the sandbox of this worker is weakened by --debug: no limit of time holds, and whoever may attach a\n"
                        "debugger to it reads and changes what is in it. Nothing can be removed: no broker is there.\n"
                        "  gdb -p " + std::to_string(pid) + " -ex 'add-symbol-file " + escape_bytes(file) + " -o " + place + "'\n"
                        "Set breakpoints, then `continue`: the scan begins.\n");
}

}  // namespace

Result<std::vector<std::string>> existing_roots(const Arguments& arguments) {
  std::vector<std::string> out;
  for (const std::string& root : arguments.texts("root")) {
    std::error_code error;
    out.push_back(std::filesystem::canonical(root, error).string());
    if (error) return fail(ErrorKind::missing, "--root " + escape_bytes(root) + ": " + error.message());
  }
  return out;
}

std::expected<std::map<std::string, std::string>, int> given_settings(Session& session, const Arguments& arguments) {
  std::map<std::string, std::string> out;
  for (const std::string& setting : arguments.texts("set")) {
    const std::size_t at = setting.find('=');
    if (at == std::string::npos)
      return std::unexpected(session.tell_usage("--set " + escape_bytes(setting) + " has no `=`", "write --set NAME=VALUE"));
    out[setting.substr(0, at)] = setting.substr(at + 1);
  }
  return out;
}

int run_plugin(Session& session, const Arguments& arguments) {
  if (!arguments.has("root")) return session.tell_usage("`freshet plugins run` needs --root DIR", "");
  conformance::TraceOptions options;
  auto roots = existing_roots(arguments);
  if (!roots) return session.tell(roots.error());
  options.roots = std::move(*roots);
  auto settings = given_settings(session, arguments);
  if (!settings) return settings.error();
  options.settings = std::move(*settings);
  options.trace = arguments.has("trace");
  options.stop = session.stop();
  std::error_code ignored;
  if (arguments.has("debug"))
    options.on_debug = [&](int pid, std::uint64_t address) { tell_debug(session, std::filesystem::absolute(arguments.words[1], ignored).string(), pid, address); };
  options.on_call = [&session](std::string_view call) {
    session.put({{"object", "call"}, {"text", call}});
    session.say("  call     " + std::string(call) + "\n");
  };
  const auto traced = conformance::trace_plugin(arguments.words[1], options);
  if (!traced) return session.interrupted() ? kInterrupted : session.tell(traced.error());
  int code = kDone;
  for (const Traced& one : *traced) {
    session.put(to_json(one));
    session.say(to_text(one));
    if (!one.ended.empty() || one.status.empty()) code = kFailed;
  }
  return code;
}

}  // namespace freshet::cli

// `freshet plugins run`: one plugin on one directory, for its author to look at.
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
  return {{"object", "plugin_run"}, {"kind", one.kind}, {"status", one.status}, {"entries", one.entries},
          {"findings", one.findings}, {"findings_count", one.findings_count}, {"log", one.log},
          {"broken", one.broken}, {"features", one.features}, {"ended", one.ended}, {"remedy", one.remedy}};
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
  std::vector<std::string> findings = one.findings;
  if (findings.size() > kShownFindings) findings.resize(kShownFindings);
  out += lines("proposes ", findings);
  if (one.findings_count > kShownFindings) out += "  .. and " + format_count(one.findings_count - kShownFindings) + " more\n";
  out += lines("broken   ", one.broken);
  out += lines("asks for ", one.features);
  if (!one.ended.empty()) out += "  ended    " + one.ended + "\n";
  if (!one.remedy.empty()) out += "  manifest " + one.remedy + "\n";
  return out;
}

}  // namespace

int run_plugin(Session& session, const Arguments& arguments) {
  const auto root = arguments.text("root");
  if (!root) return session.tell_usage("`freshet plugins run` needs --root DIR", "");
  conformance::TraceOptions options;
  std::error_code error;
  options.root = std::filesystem::canonical(*root, error).string();
  if (error) return session.tell({ErrorKind::missing, "", "--root " + escape_bytes(*root) + ": " + error.message(), ""});
  for (const std::string& setting : arguments.texts("set")) {
    const std::size_t at = setting.find('=');
    if (at == std::string::npos) return session.tell_usage("--set " + escape_bytes(setting) + " has no `=`", "write --set NAME=VALUE");
    options.settings[setting.substr(0, at)] = setting.substr(at + 1);
  }
  options.trace = arguments.has("trace");
  options.stop = session.stop();
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

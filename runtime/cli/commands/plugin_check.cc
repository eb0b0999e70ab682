// `freshet plugins check` and `freshet plugins record`: what authors try their plugins with.
#include <freshet/tree.hpp>
#include <fstream>
#include <iterator>

#include "runtime/base/bytes.h"
#include "runtime/base/units.h"
#include "runtime/cli/commands/plugin_actions.h"
#include "runtime/cli/exit_codes.h"
#include "runtime/conformance/check_plugin.h"
#include "runtime/conformance/record_tree.h"

namespace freshet::cli {
namespace {

using conformance::CheckReport;
using conformance::Outcome;
using conformance::Verdict;

constexpr std::size_t kShownFindings = 20;

std::string_view to_string(Outcome outcome) {
  switch (outcome) {
    case Outcome::passed: return "passed";
    case Outcome::failed: return "failed";
    case Outcome::skipped: break;
  }
  return "skipped";
}

report::Json to_json(const CheckReport& report) {
  report::Json verdicts = report::Json::array();
  for (const Verdict& one : report.verdicts) {
    report::Json verdict{{"name", one.name}, {"outcome", to_string(one.outcome)}, {"what", one.what}, {"why", one.why}, {"mend", one.mend}};
    if (one.outcome == Outcome::failed) {
      verdict["where"] = one.where;
      verdict["seen"] = one.seen;
    }
    verdicts.push_back(std::move(verdict));
  }
  return {{"object", "plugin_check"}, {"file", escape_bytes(report.file)}, {"id", report.id}, {"version", report.version},
          {"passed", report.passed()}, {"trials", report.trials}, {"verdicts", std::move(verdicts)},
          {"proposed", report.proposed}, {"proposed_count", report.proposed_count}};
}

std::string indented(const std::string& text) {
  std::string out;
  for (const char c : text) {
    out += c;
    if (c == '\n') out += "           ";
  }
  return out;
}

std::string to_text(const CheckReport& report, bool all, const report::Style& style) {
  std::string out = report::paint(style, report::Paint::strong, report.id.empty() ? escape_bytes(report.file) : report.id + " " + report.version) + "\n";
  std::size_t count[3] = {};
  for (const Verdict& one : report.verdicts) {
    ++count[static_cast<std::size_t>(one.outcome)];
    if (one.outcome == Outcome::failed) {
      out += "  failed   " + report::paint(style, report::Paint::strong, one.name) + ": " + one.what + "\n";
      out += "    where  " + one.where + "\n    seen   " + indented(one.seen) + "\n    why    " + one.why + "\n    mend   " + one.mend + "\n";
    } else if (all) {
      out += "  " + std::string(to_string(one.outcome)) + (one.outcome == Outcome::passed ? "   " : "  ") + one.name + ": " + one.what + "\n";
    }
  }
  for (std::size_t i = 0; i < report.proposed.size() && i < kShownFindings; ++i) out += "  proposes " + report.proposed[i] + "\n";
  if (report.proposed_count > kShownFindings) out += "  .. and " + format_count(report.proposed_count - kShownFindings) + " more\n";
  return out + "  " + std::to_string(count[0]) + " passed, " + std::to_string(count[1]) + " failed, " + std::to_string(count[2]) +
         " not tried, in " + counted(report.trials, "trial", "trials") + "\n";
}

Result<std::string> read_tree(const std::string& file) {
  std::ifstream in(file, std::ios::binary);
  if (!in) return fail_errno("opening " + escape_bytes(file));
  std::string text;
  char block[64 * 1024];
  while (in.read(block, sizeof block) || in.gcount() > 0) {
    text.append(block, static_cast<std::size_t>(in.gcount()));
    if (text.size() > testing::kMaxTreeBytes) return fail(ErrorKind::invalid, escape_bytes(file) + " is larger than a recorded tree may be");
  }
  if (text.empty()) return fail(ErrorKind::invalid, escape_bytes(file) + " is empty");
  return text;
}

}  // namespace

int check_plugin(Session& session, const Arguments& arguments) {
  if (arguments.has("tree") && arguments.has("root")) return session.tell_usage("`freshet plugins check` takes --tree or --root", "");
  conformance::CheckOptions options;
  options.stop = session.stop();
  if (const auto file = arguments.text("tree")) {
    Result<std::string> tree = read_tree(*file);
    if (!tree) return session.tell(tree.error());
    options.tree = std::move(*tree);
  }
  auto roots = existing_roots(arguments);
  if (!roots) return session.tell(roots.error());
  options.roots = std::move(*roots);
  auto settings = given_settings(session, arguments);
  if (!settings) return settings.error();
  options.settings = std::move(*settings);
  if (session.options().verbose) options.on_trial = [&session](std::string_view what) { session.console().err("trying " + std::string(what) + "\n"); };
  const Result<CheckReport> report = conformance::check_plugin(arguments.words[1], options);
  if (!report) return session.interrupted() ? kInterrupted : session.tell(report.error());
  session.put(to_json(*report));
  session.say(to_text(*report, session.options().verbose, session.style()));
  return report->passed() ? kDone : kFailed;
}

int record_plugin_tree(Session& session, const Arguments& arguments) {
  const std::vector<std::string> roots = arguments.texts("root");
  const auto out = arguments.text("out");
  if (roots.size() != 1 || !out) return session.tell_usage("`freshet plugins record` needs one --root DIR, and --out FILE", "");
  const Result<conformance::Recorded> recorded = conformance::record_tree(roots.front(), *out, session.stop());
  if (!recorded) return session.interrupted() ? kInterrupted : session.tell(recorded.error());
  session.put({{"object", "recorded_tree"}, {"file", escape_bytes(*out)}, {"entries", recorded->entries}, {"unreadable", recorded->unreadable}, {"bytes", recorded->bytes}});
  session.say("Recorded " + counted(recorded->entries, "entry", "entries") + " in " + escape_bytes(*out) + ": names, times, sizes, owners; no contents.\n" +
              (recorded->unreadable == 0 ? "" : counted(recorded->unreadable, "directory", "directories") + " could not be read.\n"));
  return kDone;
}

}  // namespace freshet::cli

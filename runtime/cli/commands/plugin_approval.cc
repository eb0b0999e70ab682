// What operators approve of plugins: `approve`, `revoke`, `verify`.
#include <algorithm>

#include "runtime/base/bytes.h"
#include "runtime/cli/commands/plugin_actions.h"
#include "runtime/cli/exit_codes.h"
#include "runtime/report/text.h"

namespace freshet::cli {
namespace {

// Yes, or the exit code.
std::expected<void, int> ask(Session& session, const PluginApproval& approval) {
  const auto answer = session.console().ask("Approve " + approval.plugin.id + " as it is now?", session.stop());
  if (answer && *answer) return {};
  session.say((answer ? "" : "\n") + std::string("Nothing was changed.\n"));
  return std::unexpected(answer ? kDone : session.interrupted() ? kInterrupted : kFailed);
}

}  // namespace

int approve_plugin(Session& session, Manager& manager, const Arguments& arguments) {
  const bool asks = !arguments.has("yes");
  const auto hash = arguments.text("sha256");
  // Whoever is not asked has to say which bytes he means.
  if (!asks && !hash) return session.tell_usage("`--yes` needs `--sha256 HEX`: what you approve unseen is these bytes", "`freshet plugins inspect` shows a file's SHA-256");
  if (asks && !session.console().can_ask())
    return session.tell_usage("`freshet plugins approve` asks, and here is no terminal to ask on", "Say --yes and --sha256 HEX to approve without being asked.");
  auto plugin = find_plugin(session, *manager.plugins, arguments.words[1]);
  if (!plugin) return plugin.error();
  auto approval = manager.plugins->compare(plugin->file);
  if (!approval) return session.tell(approval.error());
  session.say(report::approval_text(*approval, session.style()));
  if (approval->approved && approval->plugin.drift.empty()) {
    session.put(report::approval_json(*approval, false));
    return kDone;
  }
  if (asks) {
    if (auto agreed = ask(session, *approval); !agreed) return agreed.error();
  }
  if (const Status done = manager.plugins->approve(approval->plugin.file, hash.value_or(approval->plugin.sha256)); !done) return session.tell(done.error());
  session.put(report::approval_json(*approval, true));
  session.say("Approved " + escape_bytes(approval->plugin.id) + " in " + escape_bytes(approval->lockfile) + ".\n");
  return kDone;
}

int revoke_plugin(Session& session, Manager& manager, const Arguments& arguments) {
  const std::string& id = arguments.words[1];
  if (const Status done = manager.plugins->revoke(id); !done) return session.tell(done.error());
  session.put({{"object", "revoked"}, {"id", id}});
  session.say("The plugin " + escape_bytes(id) + " is approved no more.\n");
  return kDone;
}

int verify_plugins(Session& session, Manager& manager, const Arguments&) {
  const auto approved = manager.plugins->approved();
  if (!approved) return session.tell(approved.error());
  const std::vector<PluginFacts> plugins = manager.plugins->plugins();
  int code = kDone;
  for (const std::string& id : *approved) {
    const auto found = std::ranges::find(plugins, id, &PluginFacts::id);
    const bool there = found != plugins.end();
    if (!there || !found->drift.empty()) code = kRefused;
    session.put(report::verified_plugin_json(id, there ? &*found : nullptr));
    session.say(report::verified_plugin_text(id, there ? &*found : nullptr, session.style()));
  }
  if (approved->empty()) session.say("No plugin is approved. `freshet plugins approve ID` writes the first.\n");
  return code;
}

}  // namespace freshet::cli

#include <algorithm>

#include "runtime/base/bytes.h"
#include "runtime/cli/command.h"
#include "runtime/cli/exit_codes.h"
#include "runtime/cli/session.h"
#include "runtime/config/suggest.h"
#include "runtime/report/text.h"

namespace freshet::cli {
namespace {

constexpr std::string_view kActions[] = {"list", "inspect", "unblock"};

int list(Session& session, IRuns& runs) {
  const std::vector<PluginFacts> plugins = runs.plugins();
  for (const PluginFacts& plugin : plugins) session.put(report::plugin_json(plugin));
  session.say(report::plugins_text(plugins, session.style()));
  const auto blocked = runs.blocked();
  if (!blocked) return session.tell(blocked.error());
  for (const BlockedPlugin& plugin : *blocked) session.put(report::blocked_json(plugin, "blocked"));
  session.say(report::blocked_text(*blocked, session.style()));
  return kDone;
}

int unblock(Session& session, IRuns& runs, const std::string& word) {
  const auto done = runs.unblock(word);
  if (!done) return session.tell(done.error());
  for (const BlockedPlugin& plugin : *done) session.put(report::blocked_json(plugin, "unblocked"));
  session.say(report::unblocked_text(*done, session.style()));
  return kDone;
}

// A word with a '/' or the ending of a library is a file; anything else is the id of an installed plugin.
bool is_file(const std::string& word) {
  return word.find('/') != std::string::npos || word.ends_with(".so");
}

std::expected<PluginFacts, int> find_plugin(Session& session, IRuns& runs, const std::string& word) {
  if (is_file(word)) return runs.inspect(word);
  const std::vector<PluginFacts> plugins = runs.plugins();
  const auto found = std::ranges::find(plugins, word, &PluginFacts::id);
  if (found != plugins.end()) return *found;
  std::vector<std::string_view> ids;
  for (const PluginFacts& plugin : plugins) {
    if (!plugin.error) ids.push_back(plugin.id);
  }
  const std::string hint = config::suggest(word, ids, true);
  return std::unexpected(
      session.tell({ErrorKind::missing, "", "no installed plugin is named `" + escape_bytes(word) + "`",
                    hint.empty() ? "Name a file with a `/` in it, or a folder with --plugin-dir." : hint}));
}

int inspect(Session& session, IRuns& runs, const std::string& word) {
  auto plugin = find_plugin(session, runs, word);
  if (!plugin) return plugin.error();
  session.put(report::plugin_json(*plugin));
  if (!plugin->error) {
    session.say(report::plugin_text(*plugin, session.style()));
    return kDone;
  }
  if (!session.json()) session.console().err(report::plugin_text(*plugin, session.console().err_style()));
  return kFailed;
}

int run(Session& session, const Arguments& arguments) {
  const std::vector<std::string>& words = arguments.words;
  if (std::ranges::find(kActions, words[0]) == std::end(kActions)) {
    return session.tell_usage("`freshet plugins` cannot `" + escape_bytes(words[0]) + "`",
                              config::suggest(words[0], kActions, true));
  }
  const bool listing = words[0] == "list";
  if (listing != (words.size() == 1)) {
    return session.tell_usage(listing                ? "`freshet plugins list` takes no further word"
                              : words[0] == "unblock" ? "`freshet plugins unblock` needs a hash or an id"
                                                      : "`freshet plugins inspect` needs a file or an id",
                              "");
  }
  auto manager = session.open_manager_for_the_past();
  if (!manager) return manager.error();
  IRuns& runs = *(*manager)->runs;
  if (listing) return list(session, runs);
  return words[0] == "unblock" ? unblock(session, runs, words[1]) : inspect(session, runs, words[1]);
}

}  // namespace

const Command kPlugins = {
    .name = "plugins",
    .usage = "list | inspect FILE|ID | unblock HASH|ID",
    .summary = "list plugins, look into one without running it, or lift a block",
    .text =
        "`list` shows the plugins that are found, their task kinds and the tasks that use them. "
        "`inspect` reads a plugin's file and its manifest in a locked process without running one "
        "instruction of it: version, ABI, permissions it asks for, task kinds and their settings. "
        "A plugin that did what it may not is blocked by the hash of its bytes: `list` shows why, and "
        "`unblock` lets those bytes run again, by id, by hash or by its first 8 digits or more.",
    .examples =
        "freshet plugins list\n"
        "freshet plugins inspect org.freshet.expired-files\n"
        "freshet plugins inspect ./downloaded.so    # before it is installed\n"
        "freshet plugins unblock 3f9a02c1           # after you know what it was",
    .min_words = 1,
    .max_words = 2,
    .add_options = nullptr,
    .run = run,
};

}  // namespace freshet::cli

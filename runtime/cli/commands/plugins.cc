#include <algorithm>

#include "runtime/base/bytes.h"
#include "runtime/cli/command.h"
#include "runtime/cli/commands/plugin_actions.h"
#include "runtime/cli/exit_codes.h"
#include "runtime/cli/session.h"
#include "runtime/base/suggest.h"
#include "runtime/report/text.h"

namespace freshet::cli {
namespace {

namespace po = boost::program_options;

void add_options(po::options_description& options) {
  options.add_options()                                                                                   //
      ("dry-run", "upgrade: show what the new file would find, and change nothing")                       //
      ("yes,y", "approve: do not ask; needs --sha256")                                                    //
      ("sha256", po::value<std::string>()->value_name("HEX"), "approve: only when the file has this SHA-256")  //
      ("lang", po::value<std::string>()->value_name("LANG"), "new: c or c++ (the default)")         //
      ("dir", po::value<std::string>()->value_name("DIR"), "new: write it there, not into ./NAME")     //
      ("id", po::value<std::string>()->value_name("ID"), "new: a reverse domain name")                 //
      ("license", po::value<std::string>()->value_name("SPDX"), "new: its licence")                    //
      ("tree", po::value<std::string>()->value_name("FILE"), "check: scan this recorded tree too")       //
      ("set", po::value<std::vector<std::string>>()->value_name("NAME=VALUE"), "check, run: a setting; may be repeated")  //
      ("root", po::value<std::vector<std::string>>()->value_name("DIR"), "check, record, run: the directory; may be repeated")              //
      ("trace", "run: show each call of the host's functions")                                          //
      ("debug", "run: weaken the sandbox, for a debugger to attach")                                     //
      ("out", po::value<std::string>()->value_name("FILE"), "record: a new file")                      //
      ("ci", "new: with a file that builds and tests it on every push");
}

int list(Session& session, Manager& manager, const Arguments&) {
  const std::vector<PluginFacts> plugins = manager.plugins->plugins();
  for (const PluginFacts& plugin : plugins) session.put(report::plugin_json(plugin));
  session.say(report::plugins_text(plugins, session.style()));
  const auto blocked = manager.plugins->blocked();
  if (!blocked) return session.tell(blocked.error());
  for (const BlockedPlugin& plugin : *blocked) session.put(report::blocked_json(plugin, "blocked"));
  session.say(report::blocked_text(*blocked, session.style()));
  return kDone;
}

int unblock(Session& session, Manager& manager, const Arguments& arguments) {
  const auto done = manager.plugins->unblock(arguments.words[1]);
  if (!done) return session.tell(done.error());
  for (const BlockedPlugin& plugin : *done) session.put(report::blocked_json(plugin, "unblocked"));
  session.say(report::unblocked_text(*done, session.style()));
  return kDone;
}

int inspect(Session& session, Manager& manager, const Arguments& arguments) {
  auto plugin = find_plugin(session, *manager.plugins, arguments.words[1]);
  if (!plugin) return plugin.error();
  session.put(report::plugin_json(*plugin));
  if (!plugin->error) {
    session.say(report::plugin_text(*plugin, session.style()));
    return kDone;
  }
  if (!session.json()) session.console().err(report::plugin_text(*plugin, session.console().err_style()));
  return kFailed;
}

int doc(Session& session, Manager& manager, const Arguments& arguments) {
  auto plugin = find_plugin(session, *manager.plugins, arguments.words[1]);
  if (!plugin) return plugin.error();
  if (plugin->error) return session.tell(*plugin->error);
  session.put(report::plugin_json(*plugin));
  session.say(report::plugin_doc_text(*plugin));
  return kDone;
}

// One word after `plugins`, and what it takes after itself.
struct Action {
  std::string_view name;
  std::size_t min_words, max_words;  // after it
  std::string_view wanted;           // "a file or an id"
  std::string_view options;          // its own, each between spaces
  int (*run)(Session&, Manager&, const Arguments&);
  int (*run_alone)(Session&, const Arguments&) = nullptr;  // needs no manager
};

constexpr Action kActions[] = {
    {"list", 0, 0, "no further word", "", list},
    {"inspect", 1, 1, "a file or an id", "", inspect},
    {"doc", 1, 1, "a file or an id", "", doc},
    {"approve", 1, 1, "a file or an id", " yes sha256 ", approve_plugin},
    {"revoke", 1, 1, "an id", "", revoke_plugin},
    {"verify", 0, 0, "no further word", "", verify_plugins},
    {"upgrade", 1, 1, "the new file", " dry-run ", upgrade_plugin},
    {"unblock", 1, 1, "a hash or an id", "", unblock},
    {"new", 0, 1, "one name", " lang dir id license ci ", nullptr, new_plugin},
    {"check", 1, 1, "a file", " tree root set ", nullptr, check_plugin},
    {"run", 1, 1, "a file", " root trace debug set ", nullptr, run_plugin},
    {"record", 0, 0, "no further word", " root out ", nullptr, record_plugin_tree},
};

// Which actions take an option that `action` does not: "approve". Empty: it is right here.
std::string owners_of(const std::string& option, const Action& action) {
  const std::string word = " " + option + " ";
  if (action.options.contains(word)) return "";
  std::string out;
  for (const Action& one : kActions) {
    if (one.options.contains(word)) out += (out.empty() ? "`freshet plugins " : "` and `freshet plugins ") + std::string(one.name);
  }
  return out.empty() ? out : out + "`";
}

int run(Session& session, const Arguments& arguments) {
  const std::vector<std::string>& words = arguments.words;
  const auto action = std::ranges::find(kActions, std::string_view(words[0]), &Action::name);
  if (action == std::end(kActions)) {
    std::vector<std::string_view> names;
    for (const Action& one : kActions) names.push_back(one.name);
    return session.tell_usage("`freshet plugins` cannot `" + escape_bytes(words[0]) + "`", suggest(words[0], names, true));
  }
  if (words.size() - 1 < action->min_words || words.size() - 1 > action->max_words) {
    return session.tell_usage("`freshet plugins " + words[0] + (action->min_words == 1 ? "` needs " : "` takes ") + std::string(action->wanted), "");
  }
  for (const auto& [option, value] : arguments.options) {
    if (const std::string owners = owners_of(option, *action); !owners.empty())
      return session.tell_usage("--" + option + " belongs to " + owners, "");
  }
  if (action->run_alone != nullptr) return action->run_alone(session, arguments);
  // Only a trial plans, and so needs the configuration to hold.
  auto manager = action->name == "upgrade" ? session.open_manager() : session.open_manager_for_the_past();
  if (!manager) return manager.error();
  return action->run(session, **manager, arguments);
}

}  // namespace

const Command kPlugins = {
    .name = "plugins",
    .usage = "ACTION [FILE|ID|HASH|NAME]",
    .summary = "list plugins, look into one unrun, approve or unblock one",
    .text =
        "Actions: list, inspect FILE|ID, doc FILE|ID, approve FILE|ID, revoke ID, verify, upgrade FILE, unblock HASH|ID, new NAME, check FILE, run FILE, record. `list` shows the plugins that are found, their task kinds and the tasks that use them. "
        "`inspect` reads a plugin's file and its manifest in a locked process without running one "
        "instruction of it: version, ABI, permissions it asks for, task kinds and their settings. "
        "`doc` prints a piece of configuration to begin from, with every setting and what it means. "
        "`approve` writes what a plugin is now (version, bytes, permissions, settings) into freshet.lock "
        "beside the configuration, after it has shown what changed; from then on a file that differs in "
        "any of it is refused. `verify` compares all that is in there with the files, and `revoke` "
        "takes one out. With lockfile = \"require\" in [policy] a plugin that is not in there is refused "
        "too. `upgrade --dry-run` runs a new file beside the installed one, both locked in, on the roots "
        "of the tasks that use it, and shows what the new one would find in addition and what no more. "
        "A plugin that did what it may not is blocked by the hash of its bytes: `list` shows why, and "
        "`unblock` lets those bytes run again, by id, by hash or by its first 8 digits or more. "
        "`new` writes a plugin to begin with: a project that builds against the installed SDK, with a test; on "
        "a terminal it asks for what is not given. `check` reads a file and runs it in the sandbox on trees made for "
        "the purpose, and says of some sixty things whether they hold, and how to mend what does not; with --verbose it "
        "names what holds, too. --tree or --root names what the plugin is made for, where it is no tree of everybody's. `record` keeps a listing of a directory, without contents: `check --tree` "
        "then runs a plugin on it with no file system behind it, so a bug report becomes a test. `run` runs one on a "
        "directory, locked in and without any effect, and shows what it proposes, what it did wrong, what was refused to it "
        "with the line of a manifest that would ask for it, and what ended it; with --trace each of its calls of the host, "
        "too. --debug waits for a debugger, in a sandbox that is weaker than any task's; no configuration can ask for it.",
    .examples =
        "freshet plugins list\n"
        "freshet plugins inspect org.freshet.expired-files\n"
        "freshet plugins inspect ./downloaded.so    # before it is installed\n"
        "freshet plugins doc org.freshet.expired-files\n"
        "freshet plugins approve org.freshet.expired-files\n"
        "freshet plugins approve ./new.so --yes --sha256 9c1f..   # unasked, in scripts\n"
        "freshet plugins upgrade ./new.so --dry-run\n"
        "freshet plugins new old-dumps --id org.example.old-dumps --license MIT\n"
        "freshet plugins check build/org.example.old-dumps.so\n"
        "freshet plugins run --trace ./x.so --root ~/.cache\n"
        "freshet plugins record --root ~/.cache --out cache.tree\n"
        "freshet plugins check ./x.so --tree cache.tree --set older-than=7d\n"
        "freshet plugins unblock 3f9a02c1           # after you know what it was",
    .min_words = 1,
    .max_words = 2,
    .add_options = add_options,
    .run = run,
};

}  // namespace freshet::cli

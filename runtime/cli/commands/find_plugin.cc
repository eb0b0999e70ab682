#include <algorithm>

#include "runtime/base/bytes.h"
#include "runtime/base/suggest.h"
#include "runtime/cli/commands/plugin_actions.h"

namespace freshet::cli {
namespace {

// A word with a '/' or the ending of a library is a file; anything else is the id of an installed plugin.
bool is_file(const std::string& word) {
  return word.find('/') != std::string::npos || word.ends_with(".so");
}

}  // namespace

std::expected<PluginFacts, int> find_plugin(Session& session, IPluginInspection& inspection, const std::string& word) {
  if (is_file(word)) return inspection.inspect(word);
  const std::vector<PluginFacts> plugins = inspection.plugins();
  const auto found = std::ranges::find(plugins, word, &PluginFacts::id);
  if (found != plugins.end()) return *found;
  std::vector<std::string_view> ids;
  for (const PluginFacts& plugin : plugins) {
    if (!plugin.error) ids.push_back(plugin.id);
  }
  const std::string hint = suggest(word, ids, true);
  return std::unexpected(
      session.tell({ErrorKind::missing, "", "no installed plugin is named `" + escape_bytes(word) + "`",
                    hint.empty() ? "Name a file with a `/` in it, or a folder with --plugin-dir." : hint}));
}

}  // namespace freshet::cli

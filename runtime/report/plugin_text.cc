#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "runtime/base/bytes.h"
#include "runtime/base/units.h"
#include "runtime/report/table.h"
#include "runtime/report/text.h"
#include "runtime/report/text_parts.h"

namespace freshet::report {
namespace {

std::string kinds_of(const PluginFacts& plugin, const Style& style) {
  std::string out;
  for (const PluginFacts::Kind& kind : plugin.kinds) {
    if (!out.empty()) out += ", ";
    out += show(style, kind.name);
  }
  return out;
}

std::string setting_part(const PluginFacts::Setting& setting, const Style& style) {
  std::string facts = show_words(style, setting.type);
  if (setting.required) facts += ", required";
  if (!setting.default_text.empty()) facts += ", default " + show_words(style, setting.default_text);
  if (!setting.range.empty()) facts += ", " + show_words(style, setting.range);
  if (!setting.values.empty()) facts += ", one of " + joined(setting.values, " | ", style);
  std::string out = fmt::format("      {}  {}\n", paint(style, Paint::strong, show(style, setting.name)),
                                paint(style, Paint::dim, facts));
  if (!setting.doc.empty()) out += "          " + wrap(style, show_words(style, setting.doc), 10) + "\n";
  return out;
}

// In a word; the row of a blocked plugin says so first.
Table::Cell state_of(const PluginFacts& plugin) {
  if (!plugin.hidden_by.empty()) return {"hidden", Paint::dim};
  if (!plugin.blocked.empty()) return {"blocked", Paint::bad};
  if (!plugin.distrust.empty()) return {"refused", Paint::bad};
  if (plugin.approval == "approved") return {"approved", Paint::good};
  if (!plugin.drift.empty()) return {"changed", Paint::bad};
  if (!plugin.approval.empty()) return {plugin.approval, Paint::bad};
  return {plugin.used_by.empty() ? "-" : "enabled", Paint::dim};
}

std::string drift_part(const std::vector<std::string>& drift, const Style& style) {
  std::string out;
  for (const std::string& difference : drift) out += "  - " + wrap(style, show_words(style, difference), 4) + "\n";
  return out;
}

}  // namespace

std::string plugins_text(const std::vector<PluginFacts>& plugins, const Style& style) {
  if (plugins.empty()) return "No plugin found. See where they are looked for with `freshet help`.\n";
  using enum Table::Align;
  Table table({left, left, left, left, left, left});
  table.add({{"PLUGIN", Paint::dim},
             {"VERSION", Paint::dim},
             {"STATE", Paint::dim},
             {"TASK KINDS", Paint::dim},
             {"USED BY", Paint::dim},
             {"FILE", Paint::dim}});
  std::string broken;
  bool any = false;
  for (const PluginFacts& plugin : plugins) {
    if (plugin.error) {
      broken += fmt::format("{}  {}\n", paint(style, Paint::bad, "unusable"), show(style, plugin.file));
      broken += "  " +
                wrap(style,
                     (plugin.error->code.empty() ? "" : plugin.error->code + " ") +
                         show_words(style, plugin.error->what),
                     2) +
                "\n";
      continue;
    }
    any = true;
    table.add({{show(style, plugin.id), Paint::strong},
               {show(style, plugin.version)},
               state_of(plugin),
               {kinds_of(plugin, style)},
               {plugin.used_by.empty() ? "-" : joined(plugin.used_by, ", ", style)},
               {show(style, plugin.file), Paint::dim}});
  }
  return (any ? table.render(style, 0) : std::string()) + broken;
}

std::string blocked_text(const std::vector<BlockedPlugin>& plugins, const Style& style) {
  if (plugins.empty()) return {};
  std::string out = "\nBlocked after a breach (`freshet plugins unblock HASH|ID` lets one run again)\n";
  for (const BlockedPlugin& plugin : plugins) {
    out += fmt::format("  {}  {}\n", paint(style, Paint::bad, "blocked"), show(style, plugin.sha256));
    out += "    " + wrap(style, show_words(style, plugin.why), 4) + "\n";
  }
  return out;
}

std::string approval_text(const PluginApproval& approval, const Style& style) {
  const PluginFacts& plugin = approval.plugin;
  std::string out = fmt::format("{}  {}\n", paint(style, Paint::strong, show(style, plugin.id)), show(style, plugin.version));
  out += labelled(style, "file", show(style, plugin.file));
  out += labelled(style, "sha256", plugin.sha256);
  out += labelled(style, "requires", plugin.required_permissions.empty() ? "nothing" : joined(plugin.required_permissions, ", ", style));
  if (!plugin.optional_permissions.empty()) out += labelled(style, "asks for", joined(plugin.optional_permissions, ", ", style));
  if (!approval.approved) return out + "It was not approved before.\n";
  if (plugin.drift.empty()) return out + "It is approved as it is.\n";
  return out + "Since it was approved:\n" + drift_part(plugin.drift, style);
}

namespace {

constexpr std::size_t kShownEntries = 20;

std::string entries_part(char sign, const std::vector<UpgradeTrial::Entry>& entries, Paint paint_as, const Style& style) {
  std::string out;
  for (std::size_t i = 0; i < entries.size() && i < kShownEntries; ++i) {
    const UpgradeTrial::Entry& entry = entries[i];
    out += fmt::format("    {} {} {}  {}\n", paint(style, paint_as, std::string(1, sign)), format_size(entry.allocated), show(style, entry.path),
                       paint(style, Paint::dim, show_words(style, entry.reason)));
  }
  if (entries.size() > kShownEntries) out += fmt::format("    {} and {} more\n", sign, format_count(entries.size() - kShownEntries));
  return out;
}

}  // namespace

std::string upgrade_text(const UpgradeTrial& trial, const Style& style) {
  std::string out = fmt::format("{}  {} -> {}\n", paint(style, Paint::strong, show(style, trial.now.id)), show(style, trial.before.version), show(style, trial.now.version));
  out += labelled(style, "installed", show(style, trial.before.file));
  out += labelled(style, "new", show(style, trial.now.file));
  if (!trial.now.distrust.empty()) out += labelled(style, "refused", show_words(style, trial.now.distrust));
  out += trial.differences.empty() ? "The two files are the same.\n" : "What is other\n" + drift_part(trial.differences, style);
  if (trial.tasks.empty()) out += "No task uses it, so that there is nothing to compare.\n";
  for (const auto& [name, task] : trial.tasks) {
    out += fmt::format("\ntask {}: {} found by both, {} by the new one alone, {} no more\n", paint(style, Paint::strong, show(style, name)),
                       format_count(task.same), format_count(task.more.size()), format_count(task.fewer.size()));
    for (const std::string& note : task.notes) out += "    " + wrap(style, show_words(style, note), 4) + "\n";
    out += entries_part('+', task.more, Paint::warning, style) + entries_part('-', task.fewer, Paint::good, style);
  }
  return out + "Nothing was changed. Nothing of it is approved.\n";
}

std::string verified_plugin_text(const std::string& id, const PluginFacts* plugin, const Style& style) {
  const bool holds = plugin != nullptr && plugin->drift.empty();
  std::string out = fmt::format("{}  {}\n", plugin == nullptr ? paint(style, Paint::warning, "missing") : holds ? paint(style, Paint::good, "as approved") : paint(style, Paint::bad, "changed"),
                                show(style, id));
  return plugin == nullptr ? out + "  no usable installed plugin has this id\n" : out + drift_part(plugin->drift, style);
}

std::string unblocked_text(const std::vector<BlockedPlugin>& plugins, const Style& style) {
  std::string out;
  for (const BlockedPlugin& plugin : plugins) {
    out += fmt::format("{}  {}\n", paint(style, Paint::warning, "may run again"), show(style, plugin.sha256));
    out += "  it was blocked: " + wrap(style, show_words(style, plugin.why), 2) + "\n";
  }
  return out;
}

std::string plugin_text(const PluginFacts& plugin, const Style& style) {
  std::string out;
  if (plugin.error) {
    out += fmt::format("{}  {}\n", paint(style, Paint::bad, "unusable"), show(style, plugin.file));
    if (!plugin.sha256.empty()) out += labelled(style, "sha256", plugin.sha256);
    return out + error_text(*plugin.error, style);
  }
  out += fmt::format("{}  {}\n", paint(style, Paint::strong, show(style, plugin.id)),
                     show(style, plugin.version));
  if (!plugin.doc.empty()) out += "  " + wrap(style, show_words(style, plugin.doc), 2) + "\n";
  out += labelled(style, "file", show(style, plugin.file));
  out += labelled(style, "sha256", plugin.sha256);
  out += labelled(style, "signature", show_words(style, plugin.signer.empty() ? plugin.signature : "good, by " + plugin.signer));
  if (!plugin.distrust.empty()) out += labelled(style, "refused", show_words(style, plugin.distrust));
  if (!plugin.approval.empty()) out += labelled(style, "approval", show_words(style, plugin.approval));
  out += drift_part(plugin.drift, style);
  if (!plugin.blocked.empty()) out += labelled(style, "blocked", show_words(style, plugin.blocked));
  out += labelled(style, "license", show_words(style, plugin.license));
  out += labelled(style, "abi", show_words(style, plugin.abi));
  out += labelled(style, "stripped", plugin.stripped ? "yes" : "no");
  out += labelled(
      style, "requires",
      plugin.required_permissions.empty() ? "nothing" : joined(plugin.required_permissions, ", ", style));
  if (!plugin.optional_permissions.empty())
    out += labelled(style, "asks for", joined(plugin.optional_permissions, ", ", style));
  if (!plugin.used_by.empty()) out += labelled(style, "used by", joined(plugin.used_by, ", ", style));
  for (const PluginFacts::Kind& kind : plugin.kinds) {
    out += fmt::format("\n  task kind {}{}\n", paint(style, Paint::strong, show(style, kind.name)), kind.guard ? ", a guard" : "");
    if (!kind.doc.empty()) out += "    " + wrap(style, show_words(style, kind.doc), 4) + "\n";
    for (const PluginFacts::Setting& setting : kind.settings) out += setting_part(setting, style);
  }
  return out;
}

namespace {

// Each line of `text` as a comment.
std::string comment(std::string_view text) {
  std::string out;
  while (!text.empty()) {
    const std::size_t end = text.find('\n');
    out += fmt::format("# {}\n", escape_bytes(text.substr(0, end)));
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
  }
  return out;
}

// Something that the setting takes: of a range its least.
std::string example_of(const PluginFacts::Setting& setting) {
  const std::string& type = setting.type;
  const std::string least = setting.range.substr(0, setting.range.find(' '));
  if (!least.empty()) return type == "duration" || type == "size" ? "\"" + least + "\"" : least;
  constexpr std::pair<std::string_view, std::string_view> kExamples[] = {
      {"duration", "\"30d\""}, {"size", "\"1MiB\""}, {"boolean", "false"}, {"integer", "0"}, {"number", "0.0"}, {"string", "\"\""}};
  for (const auto& [name, example] : kExamples)
    if (name == type) return std::string(example);
  return "[]";
}

// The least that an operator has to write for each permission that the plugin asks for; `files`: it has roots.
std::string grant_of(const PluginFacts& plugin, bool& files) {
  std::string access, more;
  for (const auto* list : {&plugin.required_permissions, &plugin.optional_permissions}) {
    for (const std::string& name : *list) {
      if (name == "remove" || name == "read") access += fmt::format("{}\"{}\"", access.empty() ? "" : ", ", name);
      if (name == "lock") more += "locks = [{ path = \"/absolute/path/lock\", kind = \"posix\" }]\n";
      if (name == "ipc") more += "ipc = [{ owner = \"root\" }]\nirreversible = \"allowed\"\n";
    }
  }
  files = !access.empty();
  return (access.empty() ? "" : fmt::format("roots = [{{ path = \"/absolute/path\", access = [{}] }}]\n", access)) + more;
}

}  // namespace

std::string plugin_doc_text(const PluginFacts& plugin) {
  std::string out = comment(fmt::format("{} {} ({})\n{}", plugin.id, plugin.version, plugin.license, plugin.doc));
  for (const PluginFacts::Kind& kind : plugin.kinds) {
    out += "\n" + comment(kind.doc);
    bool files = false;
    const std::string grant = grant_of(plugin, files);
    const bool channel = !files && !kind.guard && !grant.empty();  // only a channel can do without roots
    if (channel) out += fmt::format("[channel.{}]\n{}\n", kind.name, grant);
    out += fmt::format("[task.{}]\nplugin = \"{}\"\n", kind.name, plugin.id);
    if (plugin.kinds.size() > 1) out += fmt::format("task = \"{}\"\n", kind.name);
    if (channel) out += fmt::format("channel = \"{}\"\n", kind.name);
    else out += kind.guard ? "guard = true\nchannel = \"of-the-tasks-it-judges\"\n" : grant;
    if (kind.settings.empty()) continue;
    out += fmt::format("[task.{}.settings]\n", kind.name);
    for (const PluginFacts::Setting& setting : kind.settings) {
      std::string facts = setting.type;
      if (!setting.range.empty()) facts += ", " + setting.range;
      for (std::size_t i = 0; i < setting.values.size(); ++i) facts += (i == 0 ? ", one of " : " | ") + setting.values[i];
      out += comment(fmt::format("{}\n({}{})", setting.doc, facts, setting.required ? ", required" : ""));
      out += fmt::format("{}{} = {}\n", setting.required ? "" : "#", setting.name,
                         setting.default_text.empty() ? example_of(setting) : setting.default_text);
    }
  }
  return out;
}

std::string doctor_text(const std::vector<DoctorRow>& rows, const Style& style) {
  using enum Table::Align;
  Table table({left, left, left, left});
  table.add({{"MECHANISM", Paint::dim}, {"HERE", Paint::dim}, {"STRICT", Paint::dim}, {"SEEN", Paint::dim}});
  bool strict = true;
  std::string notes;
  std::vector<std::pair<std::string_view, std::string>> lost;  // what one remedy would give back
  for (const DoctorRow& row : rows) {
    if (row.mechanism == "note") {
      notes += "  " + wrap(style, show_words(style, row.seen), 2) + "\n";
      continue;
    }
    const bool bad = !row.available && row.needed_for_strict;
    strict = strict && !bad;
    table.add({{show(style, row.mechanism), Paint::strong},
               {row.available ? "yes" : "no", row.available ? Paint::good
                                              : bad         ? Paint::bad
                                                            : Paint::warning},
               {row.needed_for_strict ? "needed" : "-", Paint::dim},
               {show_words(style, row.seen)}});
    if (row.available || row.without_it.empty()) continue;
    auto same = std::ranges::find(lost, row.remedy, &std::pair<std::string_view, std::string>::first);
    if (same == lost.end()) same = lost.insert(lost.end(), {row.remedy, ""});
    same->second += "  " + wrap(style, "without " + show(style, row.mechanism) + ": " + show_words(style, row.without_it), 2) + "\n";
  }
  std::string out = table.render(style, 0);
  if (!lost.empty()) out += "\nWhat is lost here\n";
  for (const auto& [remedy, losses] : lost) {
    out += losses;
    if (!remedy.empty()) out += "    needs " + wrap(style, show_words(style, remedy), 10) + "\n";
  }
  if (!notes.empty()) out += "\nSeen on the way\n" + notes;
  out += strict ? "\n" + paint(style, Paint::good, "`isolation = \"strict\"` holds on this host.") + "\n"
                : "\n" + paint(style, Paint::bad, "`isolation = \"strict\"` refuses to run on this host") +
                      "; `isolation = \"best-effort\"` runs and names what is missing in every report.\n";
  return out;
}

}  // namespace freshet::report

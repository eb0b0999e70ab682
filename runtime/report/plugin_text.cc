#include <fmt/format.h>

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
    out += fmt::format("\n  task kind {}\n", paint(style, Paint::strong, show(style, kind.name)));
    if (!kind.doc.empty()) out += "    " + wrap(style, show_words(style, kind.doc), 4) + "\n";
    for (const PluginFacts::Setting& setting : kind.settings) out += setting_part(setting, style);
  }
  return out;
}

std::string doctor_text(const std::vector<DoctorRow>& rows, const Style& style) {
  using enum Table::Align;
  Table table({left, left, left, left});
  table.add({{"MECHANISM", Paint::dim}, {"HERE", Paint::dim}, {"STRICT", Paint::dim}, {"SEEN", Paint::dim}});
  bool strict = true;
  std::string lost;
  for (const DoctorRow& row : rows) {
    const bool bad = !row.available && row.needed_for_strict;
    strict = strict && !bad;
    table.add({{show(style, row.mechanism), Paint::strong},
               {row.available ? "yes" : "no", row.available ? Paint::good
                                              : bad         ? Paint::bad
                                                            : Paint::warning},
               {row.needed_for_strict ? "needed" : "-", Paint::dim},
               {show_words(style, row.seen)}});
    if (!row.available && !row.without_it.empty()) {
      lost +=
          "  " +
          wrap(style, "without " + show(style, row.mechanism) + ": " + show_words(style, row.without_it), 2) +
          "\n";
    }
  }
  std::string out = table.render(style, 0);
  if (!lost.empty()) out += "\nWhat is lost here\n" + lost;
  out += strict ? "\n" + paint(style, Paint::good, "`isolation = \"strict\"` holds on this host.") + "\n"
                : "\n" + paint(style, Paint::bad, "`isolation = \"strict\"` refuses to run on this host") +
                      "; `isolation = \"best-effort\"` runs and names what is missing in every report.\n";
  return out;
}

}  // namespace freshet::report

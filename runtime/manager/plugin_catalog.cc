#include "runtime/manager/plugin_catalog.h"

#include <algorithm>
#include <filesystem>
#include <map>

#include "runtime/base/bytes.h"
#include "runtime/base/log.h"
#include "runtime/channel/plugin_bytes.h"
#include "runtime/base/suggest.h"

namespace freshet {
namespace {

bool is_usable(const Plugin& plugin) { return !plugin.error && plugin.hidden_by.empty(); }

}  // namespace

Result<wire::Inspected> inspect_plugin(const Core& core, int memfd, const std::vector<std::uint64_t>& addresses) {
  channel::RoleRequest request;
  request.role = wire::Role::probe;
  request.plugin_memfd = memfd;
  request.limits.wall_ns = 10'000'000'000;
  request.limits.cpu_ns = 5'000'000'000;
  request.strict = core.config.isolation == config::Isolation::strict;
  request.uid = role_uid(core, 0, wire::Role::probe);
  request.filters = core.filters.get();
  request.label = "probe";
  Result<std::unique_ptr<channel::RoleProcess>> probe = channel::RoleProcess::start(*core.spawner, core.support, request);
  if (!probe) return std::unexpected(probe.error());
  (*probe)->send_message(wire::Inspect{addresses});
  const std::optional<std::string_view> packet = (*probe)->receive({});
  wire::Inspected inspected;
  if (packet && wire::decode_message(*packet, inspected)) return inspected;
  const channel::End end = (*probe)->finish();
  if (!end.code.empty()) {
    const std::size_t line_end = end.what.find("\\n");  // its text arrives escaped: one line, then the details
    std::string detail = line_end == std::string::npos ? std::string() : end.what.substr(line_end + 2);
    for (std::size_t at = 0; (at = detail.find("\\n", at)) != std::string::npos;) detail.replace(at, 2, "\n");
    return fail(end.code, ErrorKind::invalid, end.what.substr(0, line_end), std::move(detail));
  }
  return fail("F2005", ErrorKind::invalid, "its manifest does not parse: reading it ended the probe (" + end.what + ")");
}

std::shared_ptr<Plugin> PluginCatalog::read(const std::string& file) {
  auto out = std::make_shared<Plugin>();
  out->file = file;
  Result<channel::PluginBytes> bytes = channel::read_plugin_file(file);
  if (!bytes) {
    out->error = bytes.error();
    return out;
  }
  out->memfd = std::move(bytes->memfd);
  out->sha256 = bytes->sha256;
  Result<wire::Inspected> inspected = inspect_plugin(core_, out->memfd.get());
  if (!inspected) {
    out->error = inspected.error();
    return out;
  }
  out->manifest = std::move(inspected->manifest);
  out->stripped = inspected->stripped;
  out->libraries = inspected->libraries;
  if (const Status abi = manifest::check_abi(out->manifest); !abi) out->error = abi.error();
  trust_.judge(*out);
  if (out->signature.starts_with("unknown"))
    log_warn({}, "the plugin " + out->manifest.id + " is signed by an " + out->signature + ": nobody trusts it here");
  if (out->signature == "none" && core_.config.policy.signatures == config::SignaturePolicy::warn)
    log_warn({}, "the plugin " + out->manifest.id + " is not signed");
  return out;
}

std::vector<std::shared_ptr<const Plugin>> PluginCatalog::all() {
  const MutexLock lock(mutex_);
  if (looked_) return plugins_;
  looked_ = true;
  if (!core_.options.trial_plugin.empty()) plugins_.push_back(read(core_.options.trial_plugin));
  for (const std::string& directory : core_.options.plugin_dirs) {
    for (const std::shared_ptr<Plugin>& plugin : read_directory(directory)) {
      for (const std::shared_ptr<const Plugin>& before : plugins_)
        if (plugin->hidden_by.empty() && is_usable(*plugin) && is_usable(*before) && before->manifest.id == plugin->manifest.id)
          plugin->hidden_by = before->file;
      plugins_.push_back(plugin);
    }
  }
  return plugins_;
}

std::vector<std::shared_ptr<Plugin>> PluginCatalog::read_directory(const std::string& directory) {
  std::vector<std::string> files;
  std::error_code ignored;
  for (std::filesystem::directory_iterator at(directory, ignored), end; !ignored && at != end; at.increment(ignored))
    if (at->path().extension() == ".so") files.push_back(at->path().string());
  std::ranges::sort(files);
  std::vector<std::shared_ptr<Plugin>> out;
  for (const std::string& file : files) out.push_back(read(file));
  // Which of two is meant nobody can know.
  std::map<std::string, std::vector<Plugin*>> by_id;
  for (const std::shared_ptr<Plugin>& plugin : out)
    if (!plugin->error) by_id[plugin->manifest.id].push_back(plugin.get());
  for (const auto& [id, same] : by_id) {
    if (std::ranges::all_of(same, [&](const Plugin* plugin) { return plugin->sha256 == same.front()->sha256; })) continue;
    std::string all;
    for (const Plugin* plugin : same)
      all += (all.empty() ? "" : ", ") + std::filesystem::path(plugin->file).filename().string() + " (" + plugin->manifest.version + ")";
    for (Plugin* plugin : same)
      plugin->error = Error{ErrorKind::invalid, "F1043", "several files of one directory have the id " + id + ": " + escape_bytes(all),
                            "remove all but the one that you mean from " + escape_bytes(directory)};
  }
  return out;
}

Result<std::shared_ptr<const Plugin>> PluginCatalog::find(const std::string& id) {
  std::vector<std::string_view> ids;
  std::string unusable;
  for (const std::shared_ptr<const Plugin>& plugin : all()) {
    if (is_usable(*plugin) && plugin->manifest.id == id) return plugin;
    if (is_usable(*plugin)) ids.push_back(plugin->manifest.id);
    if (plugin->error) unusable += (unusable.empty() ? "" : "; ") + escape_bytes(plugin->file) + ": " + plugin->error->what;
  }
  std::string help = suggest(id, ids, true);
  if (help.empty()) {
    std::string directories;
    for (const std::string& directory : core_.options.plugin_dirs) directories += (directories.empty() ? "" : ", ") + escape_bytes(directory);
    help = "no usable plugin is in " + (directories.empty() ? "any directory" : directories);
  }
  if (!unusable.empty()) help += "; not usable: " + unusable;
  return fail("F1040", ErrorKind::missing, "no usable plugin has the id `" + escape_bytes(id) + "`", std::move(help));
}

}  // namespace freshet

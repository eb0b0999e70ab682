// What operators approved of plugins: the lock file, asked and changed.
#include "runtime/base/bytes.h"
#include "runtime/manager/manager_impl.h"

namespace freshet {

// A lock file that cannot be read is told by whoever would run the plugin.
void CleanupManager::add_approval(PluginFacts& facts, const Plugin& plugin) {
  if (plugin.error) return;
  const Result<policy::Pins> pins = lock_.read();
  if (!pins) return;
  const auto pinned = pins->find(plugin.manifest.id);
  if (pinned == pins->end()) {
    if (core_.config.policy.lockfile == config::LockfilePolicy::require) facts.approval = "not approved";
    return;
  }
  facts.drift = policy::differences(pinned->second, policy::make_pin(plugin.manifest, plugin.sha256, plugin.signer));
  facts.approval = facts.drift.empty() ? "approved" : "changed since it was approved";
}

std::expected<PluginApproval, Error> CleanupManager::compare(const std::string& file) {
  PluginApproval out;
  out.lockfile = lock_.file();
  const Result<policy::Pins> pins = lock_.read();
  if (!pins) return std::unexpected(pins.error());
  out.plugin = inspect(file);
  if (out.plugin.error) return std::unexpected(*out.plugin.error);
  out.approved = pins->contains(out.plugin.id);
  return out;
}

std::expected<std::vector<std::string>, Error> CleanupManager::differences(const std::string& before, const std::string& now) {
  const std::shared_ptr<const Plugin> old = catalog_.read(before);
  const std::shared_ptr<const Plugin> fresh = catalog_.read(now);
  for (const auto& plugin : {old, fresh})
    if (plugin->error) return std::unexpected(*plugin->error);
  return policy::differences(policy::make_pin(old->manifest, old->sha256, old->signer),
                             policy::make_pin(fresh->manifest, fresh->sha256, fresh->signer));
}

Status CleanupManager::approve(const std::string& file, const std::string& sha256) {
  const std::shared_ptr<const Plugin> plugin = catalog_.read(file);
  if (plugin->error) return std::unexpected(*plugin->error);
  if (plugin->distrust) return std::unexpected(*plugin->distrust);
  if (plugin->sha256 != sha256)
    return fail(ErrorKind::invalid, escape_bytes(file) + " has the SHA-256 " + plugin->sha256 + ", not " + escape_bytes(sha256),
                "look at what it is now before you approve it");
  return lock_.pin(policy::make_pin(plugin->manifest, plugin->sha256, plugin->signer));
}

Status CleanupManager::revoke(const std::string& id) { return lock_.remove(id); }

std::expected<std::vector<std::string>, Error> CleanupManager::approved() {
  const Result<policy::Pins> pins = lock_.read();
  if (!pins) return std::unexpected(pins.error());
  std::vector<std::string> out;
  for (const auto& [id, pin] : *pins) out.push_back(id);
  return out;
}

}  // namespace freshet

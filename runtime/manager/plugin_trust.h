#pragma once

#include <string>
#include <vector>

#include "runtime/manager/core.h"
#include "runtime/policy/signature.h"

namespace freshet {

struct Plugin;

// The keys whose signatures count, read once: `*.pub` of trusted-keys.d beside the configuration. A key that stands in a
// `*.revoked` there counts no more. Constant after construction.
class PluginTrust {
 public:
  explicit PluginTrust(const Core& core);

  // Empty for a configuration that has none: see ManagerOptions::trusted_keys.
  [[nodiscard]] const std::string& directory() const { return directory_; }

  // Looks at the signature beside the file of a plugin whose manifest is known: sets `signer` and `distrust`. What is
  // verified are the sealed bytes that a worker loads.
  void judge(Plugin& plugin) const;

 private:
  void read(const std::string& file, const std::string& name, std::vector<policy::TrustedKey>& out);

  const Core& core_;
  std::string directory_;
  std::vector<policy::TrustedKey> trusted_, revoked_;
  std::optional<Error> unreadable_;  // F1067: no key of the directory counts
};

}  // namespace freshet

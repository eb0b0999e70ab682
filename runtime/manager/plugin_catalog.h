#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "runtime/base/fd.h"
#include "runtime/base/mutex.h"
#include "runtime/manager/core.h"
#include "runtime/manager/plugin_trust.h"
#include "runtime/manifest/manifest.h"
#include "runtime/manifest/settings.h"
#include "runtime/wire/manifest_message.h"

namespace freshet {

// A plugin's file, read once: the sealed bytes are what every worker loads.
struct Plugin {
  std::string file;
  std::string sha256;
  Fd memfd;
  bool stripped = false;
  manifest::LibrarySet libraries = 0;
  manifest::Manifest manifest;
  std::string signature;          // "none", "good", "bad" or "unknown key ID"
  std::string signer;             // name of the trusted key, of a good one
  std::optional<Error> distrust;  // F1064 to F1067: why its signature, or the lack of one, refuses it
  std::string hidden_by;          // the file that is used in its stead: of the same id, and found before
  std::optional<Error> error;  // why it cannot be used; the manifest is empty then
};

// Has a probe read a plugin's sealed bytes. A probe that dies of a file has refused it: F2001 to F2020, kind `invalid`.
// `addresses`: in its code, to be named.
Result<wire::Inspected> inspect_plugin(const Core& core, int memfd, const std::vector<std::uint64_t>& addresses = {});

// Finds plugins in the plugin directories and has a probe read each file once. Thread-safe; plugins live as long as it.
class PluginCatalog {
 public:
  explicit PluginCatalog(const Core& core) : core_(core), trust_(core) {}

  [[nodiscard]] const PluginTrust& trust() const { return trust_; }

  // Every `*.so`, usable or not, by file name. Of one id in several directories the first counts, whatever its version, and
  // hides the others. In one directory two different files of one id can neither be used (F1043); the same bytes under two
  // names can. Links are followed; who can write to what is on the way is judged where the plugin is to be used.
  std::vector<std::shared_ptr<const Plugin>> all();
  // Error F1040 (kind `missing`) with what is there when no usable file has this id.
  Result<std::shared_ptr<const Plugin>> find(const std::string& id);
  // One file, wherever it is.
  std::shared_ptr<Plugin> read(const std::string& file);

 private:
  std::vector<std::shared_ptr<Plugin>> read_directory(const std::string& directory);

  const Core& core_;
  const PluginTrust trust_;
  Mutex mutex_;
  bool looked_ FRESHET_GUARDED_BY(mutex_) = false;
  std::vector<std::shared_ptr<const Plugin>> plugins_ FRESHET_GUARDED_BY(mutex_);
};

}  // namespace freshet

#pragma once

#include <cstdint>
#include <expected>
#include <optional>
#include <string>
#include <vector>

#include "runtime/base/error.h"

#pragma GCC visibility push(default)
namespace freshet {

// A plugin whose bytes may not run after a breach, until it is unblocked.
struct BlockedPlugin {
  std::string sha256;  // lower-case hex
  std::string why;     // plugin, task, run, and what it did
  std::int64_t at_ns = 0;
};

struct PluginFacts {
  std::string file;
  std::string sha256;        // lower-case hex
  std::optional<Error> error;  // why it is not usable; the fields below are empty then
  std::string id, version, license, doc;
  std::string abi;           // "1.0 <= abi < 2.0"
  bool stripped = false;
  std::vector<std::string> required_permissions, optional_permissions;
  struct Setting {
    std::string name, type, doc;
    std::string default_text;  // empty with required = true
    bool required = false;
    std::string range;
    std::vector<std::string> values;
  };
  struct Kind {
    std::string name, doc;
    std::vector<Setting> settings;
    bool guard = false;              // it removes nothing, and keeps what others would
  };
  std::vector<Kind> kinds;
  std::vector<std::string> used_by;  // task names of the configuration
  std::string hidden_by;             // the file of the same id that is used in its stead; empty: none
  std::string blocked;               // why it may not run after a breach; empty: it may
  std::string signature;             // "none", "good", "bad" or "unknown key ID"
  std::string signer;                // name of the trusted key, of a good one
  std::string distrust;              // why its signature, or the lack of one, refuses it; empty: it does not
  std::string approval;              // "approved", "changed since it was approved", "not approved" where that matters; or empty
  std::vector<std::string> drift;    // how it differs from what was approved, a line each
};

// What approving a file would write.
struct PluginApproval {
  PluginFacts plugin;
  std::string lockfile;    // that it would be written to
  bool approved = false;   // its id is in there already; plugin.drift has the differences
};

// What plugin files say about themselves; read in a probe, nothing of a plugin runs. Thread-safe.
class IPluginInspection {
 public:
  virtual ~IPluginInspection() = default;

  // Every file of the plugin directories.
  virtual std::vector<PluginFacts> plugins() = 0;
  // One file, wherever it is.
  virtual PluginFacts inspect(const std::string& file) = 0;

  // Hashes blocked after a breach, oldest first; installed or not.
  virtual std::expected<std::vector<BlockedPlugin>, Error> blocked() = 0;
  // Lets a plugin run again, by id, hash or a prefix of at least 8. What was unblocked; `missing` when nothing was.
  virtual std::expected<std::vector<BlockedPlugin>, Error> unblock(const std::string& word) = 0;

  // What approving `file` would change. Errors: the file is no usable plugin, there is no lock file to write or it cannot
  // be read (F1063).
  virtual std::expected<PluginApproval, Error> compare(const std::string& file) = 0;
  // How the plugin in one file differs from that in another, a line each: "requires in addition: read". Errors: one of them
  // is no usable plugin.
  virtual std::expected<std::vector<std::string>, Error> differences(const std::string& before, const std::string& now) = 0;
  // Pins what `file` is now: version, bytes, ABI, permissions, limits, settings. Error kind `invalid` when its bytes are not
  // those with this hash; also as above. The lock file is replaced as a whole, for other processes too.
  virtual Status approve(const std::string& file, const std::string& sha256) = 0;
  // Takes an id out of the lock file. Error kind `missing` when it is not in there.
  virtual Status revoke(const std::string& id) = 0;
  // Ids in the lock file, sorted.
  virtual std::expected<std::vector<std::string>, Error> approved() = 0;
};

}  // namespace freshet
#pragma GCC visibility pop

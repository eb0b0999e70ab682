// A worker with a test plugin, started as the manager does it; for the tests of this folder.
#pragma once

#include <string>
#include <vector>

#include <freshet/plugin.h>

#include "runtime/channel/plugin_bytes.h"
#include "runtime/channel/role_process.h"
#include "runtime/sandbox/host_support.h"

namespace freshet::channel::testing {

// A folder under $TMPDIR that goes away with the object, whatever depth and modes its contents have.
class TempTree {
 public:
  TempTree();
  ~TempTree();
  TempTree(const TempTree&) = delete;
  TempTree& operator=(const TempTree&) = delete;
  [[nodiscard]] const std::string& path() const { return path_; }
  // `relative` with its parents; the mode of the last part.
  std::string directory(const std::string& relative, unsigned mode = 0755) const;
  std::string file(const std::string& relative, const std::string& contents = "x", unsigned mode = 0644) const;

 private:
  std::string path_;
};

OpenRoot open_root(const std::string& path, config::Access access = {.list = true, .read = false, .remove = true});

// What a scan said.
struct Scanned {
  std::vector<std::string> findings;     // paths below the root, "0:a/b"
  std::vector<std::uint32_t> owners;     // of each
  std::vector<std::string> unread;       // the same, with errno
  std::vector<std::string> log;
  std::uint64_t incomplete = 0;          // directories closed before their end
  std::uint64_t directories = 0;
  std::optional<wire::ScanEnd> end;
};

struct WorkerOptions {
  sandbox::SupportLimits limits;
  bool strict = true;
  std::uint32_t uid = 1879048192;
  config::LimitsConfig resources;
  std::vector<std::string> areas;
  manifest::LibrarySet libraries = manifest::kAllLibraries;
  std::stop_token stop;
  std::shared_ptr<sandbox::ControlGroups> groups;  // none: as the host has it
  std::string left_out;  // steps of the lock, "landlock+cover": then by the tests' own role executable (left_out.cc)
};

// The build's own, or under $FRESHET_TEST_DIR (as_ordinary_user.sh copies it where everybody can reach it).
std::string role_executable();
sandbox::Spawner& spawner();
std::string test_role_executable();
sandbox::Spawner& spawner_without(const std::string& steps);
std::string plugin_path(const std::string& name);

Result<std::unique_ptr<RoleProcess>> start_worker(const PluginBytes& plugin, const std::vector<const OpenRoot*>& roots,
                                                  const WorkerOptions& options);

// Load and Scan of the plugin with its setting "what"; how it ended is in `end` (reason none: as asked).
struct Outcome {
  Scanned scanned;
  End end;
  RoleUsage usage;
  std::vector<std::string> missing;
};
Outcome run_plugin(const std::string& name, const std::string& what, const std::vector<const OpenRoot*>& roots,
                   const WorkerOptions& options = {});

// The messages of a scan, one by one, for tests that look in between. False when the worker is gone.
bool load(RoleProcess& worker, const std::string& what);
bool read_scan(RoleProcess& worker, Scanned& scanned, std::stop_token stop = {});

}  // namespace freshet::channel::testing

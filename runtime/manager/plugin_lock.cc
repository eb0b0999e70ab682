#include "runtime/manager/plugin_lock.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <utility>

#include "runtime/base/bytes.h"
#include "runtime/base/fd.h"
#include "runtime/manager/plan_files.h"
#include "runtime/manager/validate.h"

namespace freshet {
namespace {

std::string place_of(const Core& core) {
  if (!core.options.lockfile.empty()) return core.options.lockfile;
  if (core.config.files.empty()) return {};
  return (std::filesystem::path(core.config.files.front()).parent_path() / policy::kLockfileName).string();
}

std::string directory_of(const std::string& file) {
  const std::filesystem::path directory = std::filesystem::path(file).parent_path();
  return directory.empty() ? "." : directory.string();
}

}  // namespace

PluginLock::PluginLock(const Core& core) : core_(core), file_(place_of(core)) {}

Result<policy::Pins> PluginLock::read() {
  if (file_.empty()) return policy::Pins();
  struct stat info {};
  if (::stat(file_.c_str(), &info) != 0) {
    if (errno == ENOENT) return policy::Pins();
    return fail("F1063", ErrorKind::system, escape_bytes(file_) + ": " + errno_text(errno));
  }
  const Seen now{info.st_dev, info.st_ino, static_cast<std::uint64_t>(info.st_size), info.st_ctim.tv_sec * 1'000'000'000 + info.st_ctim.tv_nsec};
  {
    const MutexLock lock(mutex_);
    if (seen_ == now) return pins_;
  }
  const Result<std::string> text = read_whole_file(file_, policy::kMaxLockfileBytes);
  if (!text) return fail("F1063", text.error().kind, text.error().what, text.error().detail);
  Result<policy::Pins> pins = policy::parse_lockfile(*text, file_);
  if (!pins) return pins;
  const MutexLock lock(mutex_);
  seen_ = now;
  pins_ = *pins;
  return pins;
}

// The directory carries the lock: the file itself is replaced.
template <class Change>
Status PluginLock::change(Change&& change) {
  if (file_.empty()) return fail(ErrorKind::invalid, "a configuration that is in no file has no lock file", "name one in ManagerOptions::lockfile");
  const Fd directory(::open(directory_of(file_).c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!directory) return fail_errno("opening " + escape_bytes(directory_of(file_)));
  while (::flock(directory.get(), LOCK_EX) != 0)
    if (errno != EINTR) return fail_errno("locking " + escape_bytes(directory_of(file_)));
  Result<policy::Pins> pins = read();
  if (!pins) return std::unexpected(pins.error());
  if (const Status changed = change(*pins); !changed) return changed;
  if (const Status wrote = write_whole_file(file_, policy::format_lockfile(*pins), FileMode::shared); !wrote) return wrote;
  if (::fsync(directory.get()) != 0) return fail_errno("syncing " + escape_bytes(directory_of(file_)));
  return {};
}

Status PluginLock::pin(policy::Pin pin) {
  return change([&](policy::Pins& pins) -> Status {
    const std::string id = pin.id;
    pins.insert_or_assign(id, std::move(pin));
    return {};
  });
}

Status PluginLock::remove(const std::string& id) {
  return change([&](policy::Pins& pins) -> Status {
    if (pins.erase(id) != 0) return {};
    return fail(ErrorKind::missing, "the plugin " + escape_bytes(id) + " is not approved in " + escape_bytes(file_), "`freshet plugins list` shows what is");
  });
}

std::vector<BoundaryViolation> PluginLock::check(const Plugin& plugin, const config::Position& position) {
  if (!plugin.file.empty() && plugin.file == core_.options.trial_plugin) return {};
  const Result<policy::Pins> pins = read();
  if (!pins) return {violation_at(position, pins.error().code, pins.error().what, pins.error().detail)};
  const std::string& id = plugin.manifest.id;
  const std::string approve = "look at it with `freshet plugins inspect " + id + "`, then `freshet plugins approve " + id + "`";
  const auto pinned = pins->find(id);
  if (pinned == pins->end()) {
    if (core_.config.policy.lockfile != config::LockfilePolicy::require) return {};
    return {violation_at(position, "F1062", "the plugin " + id + " is not approved: it is not in " + (file_.empty() ? "any lock file" : escape_bytes(file_)), approve)};
  }
  std::string all;
  for (const std::string& difference : policy::differences(pinned->second, policy::make_pin(plugin.manifest, plugin.sha256, plugin.signer)))
    all += (all.empty() ? "" : "; ") + difference;
  if (all.empty()) return {};
  return {violation_at(position, "F1061", "the plugin " + id + " has changed since it was approved: " + all, approve)};
}

}  // namespace freshet

#include "runtime/store/root_locks.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <optional>

#include "runtime/base/bytes.h"
#include "runtime/base/fd.h"
#include "runtime/base/listing.h"
#include "runtime/base/pause.h"
#include "runtime/store/lock_file.h"

namespace freshet::store {
namespace {

constexpr std::string_view kSuffix = ".lock";
constexpr std::size_t kMaxLockFiles = 10'000;
constexpr auto kPoll = std::chrono::milliseconds(100);
constexpr auto kGatePoll = std::chrono::milliseconds(5);
constexpr auto kGatePatience = std::chrono::seconds(10);

std::string file_name(const std::string& run_id) {
  return run_id + std::string(kSuffix);
}

bool is_run_id(const std::string& run_id) {
  return is_entry_name(run_id) && run_id.size() <= 200 && run_id.front() != '.';
}

// The gate serialises everyone who looks at or changes the lock files; it is held for moments only.
Result<Fd> enter_gate(int dir, const std::string& lock_dir, const std::stop_token& stop) {
  Fd gate(::openat(dir, "gate", O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK, 0600));
  if (!gate) return fail_errno("opening " + lock_dir + "/gate");
  const auto until = std::chrono::steady_clock::now() + kGatePatience;
  while (::flock(gate.get(), LOCK_EX | LOCK_NB) != 0) {
    if (errno != EWOULDBLOCK && errno != EINTR) return fail_errno("locking " + lock_dir + "/gate");
    if (stop.stop_requested() || std::chrono::steady_clock::now() > until) {
      return fail(ErrorKind::busy, "another process holds " + lock_dir + "/gate", "Run the command again.");
    }
    pause_for(kGatePoll, stop);
  }
  return gate;
}

// Opens a lock file without ever waiting on what stands there. None: gone, or nothing a run could have made.
Fd open_lock_file(int dir, const char* name) {
  Fd file(::openat(dir, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK));
  struct stat seen {};
  if (!file || ::fstat(file.get(), &seen) != 0 || !S_ISREG(seen.st_mode)) return {};
  return file;
}

// True when no process holds it. Only behind the gate: the lock taken here for a moment would look like a
// holder.
bool is_free(const Fd& file) {
  if (::flock(file.get(), LOCK_EX | LOCK_NB) != 0) return false;
  ::flock(file.get(), LOCK_UN);
  return true;
}

// None when it is longer than any lock file, or cannot be read.
std::optional<std::string> read_capped(const Fd& file) {
  std::string text;
  char buffer[4096];
  for (;;) {
    const ssize_t got = ::pread(file.get(), buffer, sizeof buffer, static_cast<off_t>(text.size()));
    if (got < 0) return std::nullopt;
    if (got == 0) return text;
    text.append(buffer, static_cast<std::size_t>(got));
    if (text.size() > kMaxLockFileBytes) return std::nullopt;
  }
}

std::unexpected<Error> held_by(const std::string& holder, const std::string& root) {
  return fail(ErrorKind::busy, "run " + escape_bytes(holder) + " is working on " + escape_bytes(root),
              "Wait for it with --wait, or see `freshet status`.");
}

// Why a live lock file forbids `roots`, or nothing. What cannot be understood forbids everything.
Status check_against(const Fd& file, const std::string& holder, const std::vector<std::string>& roots) {
  const auto text = read_capped(file);
  if (!text) return held_by(holder, "roots that its lock file does not tell");
  const auto theirs = parse_lock_file(*text);
  if (!theirs) return held_by(holder, "roots that its lock file does not tell");
  for (const std::string& their : *theirs) {
    for (const std::string& root : roots) {
      if (roots_conflict(their, root)) return held_by(holder, their);
    }
  }
  return {};
}

Status check_all(int dir, const std::string& lock_dir, const std::vector<std::string>& roots) {
  const Listing listing = list_directory(dir, ".");
  if (!listing) return fail_errno("reading " + lock_dir);

  std::size_t seen = 0;
  while (const dirent* entry = ::readdir(listing.get())) {
    const std::string_view name(entry->d_name);
    if (!name.ends_with(kSuffix)) continue;
    if (++seen > kMaxLockFiles) {
      return fail(ErrorKind::system,
                  "more than " + std::to_string(kMaxLockFiles) + " lock files in " + lock_dir,
                  "No run of Freshet makes so many: look what is there and remove it.");
    }
    const Fd file = open_lock_file(dir, entry->d_name);
    if (!file) continue;
    if (is_free(file)) {
      ::unlinkat(dir, entry->d_name, 0);  // its run's process is dead
      continue;
    }
    auto free = check_against(file, std::string(name.substr(0, name.size() - kSuffix.size())), roots);
    if (!free) return free;
  }
  return {};
}

Status write_all(const Fd& file, std::string_view text) {
  while (!text.empty()) {
    const ssize_t put = ::write(file.get(), text.data(), text.size());
    if (put < 0 && errno == EINTR) continue;
    if (put < 0) return fail_errno("writing a lock file");
    text.remove_prefix(static_cast<std::size_t>(put));
  }
  return {};
}

class HeldRootLock final : public RootLock {
 public:
  HeldRootLock(Fd dir, std::string name, Fd file)
      : dir_(std::move(dir)), name_(std::move(name)), file_(std::move(file)) {}
  // Unlinked while the lock is still held: the name is surely our own file's.
  ~HeldRootLock() override { ::unlinkat(dir_.get(), name_.c_str(), 0); }

 private:
  const Fd dir_;
  const std::string name_;
  const Fd file_;
};

Result<std::unique_ptr<RootLock>> try_take(const std::string& lock_dir, const std::string& run_id,
                                           const std::vector<std::string>& roots,
                                           const std::stop_token& stop) {
  Fd dir(::open(lock_dir.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!dir) return fail_errno("opening " + lock_dir);
  const auto gate = enter_gate(dir.get(), lock_dir, stop);
  if (!gate) return std::unexpected(gate.error());
  if (auto free = check_all(dir.get(), lock_dir, roots); !free) return std::unexpected(free.error());

  const std::string name = file_name(run_id);
  Fd file(::openat(dir.get(), name.c_str(), O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600));
  if (!file) {
    if (errno == EEXIST) return held_by(run_id, "its own roots");
    return fail_errno("making " + lock_dir + "/" + escape_bytes(name));
  }
  auto done = write_all(file, format_lock_file(roots));
  if (done && ::flock(file.get(), LOCK_EX | LOCK_NB) != 0)
    done = fail_errno("locking " + lock_dir + "/" + escape_bytes(name));
  if (!done) {
    ::unlinkat(dir.get(), name.c_str(), 0);
    return std::unexpected(done.error());
  }
  return std::make_unique<HeldRootLock>(std::move(dir), name, std::move(file));
}

}  // namespace

Result<std::unique_ptr<RootLock>> RootLock::take(const std::string& lock_dir, const std::string& run_id,
                                                 const std::vector<std::string>& roots, bool wait,
                                                 std::stop_token stop) {
  if (!is_run_id(run_id)) return fail(ErrorKind::invalid, "`" + escape_bytes(run_id) + "` is no run id");
  if (::mkdir(lock_dir.c_str(), 0700) != 0 && errno != EEXIST) return fail_errno("making " + lock_dir);
  for (;;) {
    auto taken = try_take(lock_dir, run_id, roots, stop);
    if (taken || taken.error().kind != ErrorKind::busy || !wait || stop.stop_requested()) return taken;
    pause_for(kPoll, stop);
    if (stop.stop_requested()) return taken;
  }
}

bool RootLock::held(const std::string& lock_dir, const std::string& run_id) {
  if (!is_run_id(run_id)) return false;
  const Fd dir(::open(lock_dir.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!dir) return false;
  const auto gate = enter_gate(dir.get(), lock_dir, {});
  if (!gate) return false;
  const Fd file = open_lock_file(dir.get(), file_name(run_id).c_str());
  return file && !is_free(file);
}

}  // namespace freshet::store

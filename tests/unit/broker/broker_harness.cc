#include "tests/unit/broker/broker_harness.h"

#include <dirent.h>
#include <fcntl.h>
#include <grp.h>
#include <sched.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>

#include "runtime/base/bytes.h"
#include "runtime/broker/broker.h"

namespace freshet::broker::test {
namespace {

std::string parent_of(const std::string& path) {
  const std::size_t slash = path.rfind('/');
  return slash == std::string::npos ? std::string() : path.substr(0, slash);
}

std::string name_of(const std::string& path) { return path.substr(path.rfind('/') + 1); }

Fd open_quietly(int dir, const char* name, int flags) {
  int fd = ::openat(dir, name, flags | O_CLOEXEC | O_NOATIME | O_NOFOLLOW);
  if (fd < 0 && errno == EPERM) fd = ::openat(dir, name, flags | O_CLOEXEC | O_NOFOLLOW);
  return Fd(fd);
}

std::vector<std::string> names_of(int dir) {
  std::vector<std::string> names;
  DIR* stream = ::fdopendir(::dup(dir));
  if (stream == nullptr) return names;
  ::rewinddir(stream);
  while (const dirent* entry = ::readdir(stream))
    if (std::strcmp(entry->d_name, ".") != 0 && std::strcmp(entry->d_name, "..") != 0) names.emplace_back(entry->d_name);
  ::closedir(stream);
  std::sort(names.begin(), names.end());
  return names;
}

std::string describe(int dir, const char* name) {
  struct statx raw {};
  const int flags = AT_SYMLINK_NOFOLLOW | (*name == '\0' ? AT_EMPTY_PATH : 0);
  if (::statx(dir, name, flags, kEntryStatMask, &raw) != 0) return std::string("? ") + std::strerror(errno);
  const EntryStat stat = entry_stat_of(raw);
  std::string out = "mode " + std::to_string(stat.mode) + " owner " + std::to_string(stat.uid) + ":" +
                    std::to_string(stat.gid) + " inode " + std::to_string(stat.identity.inode) + " birth " +
                    std::to_string(stat.identity.birth_ns) + " size " + std::to_string(stat.identity.size) + " mtime " + std::to_string(stat.mtime_ns) + " atime " +
                    std::to_string(stat.atime_ns);
  // A directory's links are its directories, the quarantine among them.
  if (stat.identity.type != EntryType::directory) out += " links " + std::to_string(stat.links);
  char buffer[4096];
  if (stat.identity.type == EntryType::symlink) {
    const ssize_t length = ::readlinkat(dir, name, buffer, sizeof buffer);
    const timespec times[2] = {{raw.stx_atime.tv_sec, raw.stx_atime.tv_nsec}, {raw.stx_mtime.tv_sec, raw.stx_mtime.tv_nsec}};
    ::utimensat(dir, name, times, AT_SYMLINK_NOFOLLOW);
    out += " to " + std::string(buffer, length > 0 ? static_cast<std::size_t>(length) : 0);
  }
  if (stat.identity.type == EntryType::file) {
    const Fd file = open_quietly(dir, name, O_RDONLY);
    out += " blocks " + std::to_string(stat.allocated) + " holds ";
    std::size_t hash = 0;
    ssize_t got = 0;
    while (file && (got = ::read(file.get(), buffer, sizeof buffer)) > 0)
      hash = hash * 31 + std::hash<std::string_view>{}({buffer, static_cast<std::size_t>(got)});
    out += std::to_string(hash);
  }
  return out;
}

void shoot(int dir, const std::string& prefix, const std::string& without, Snapshot& out) {
  for (const std::string& name : names_of(dir)) {
    if (name == without) continue;
    const std::string path = prefix.empty() ? name : prefix + "/" + name;
    out[path] = describe(dir, name.c_str());
    const Fd below = open_quietly(dir, name.c_str(), O_RDONLY | O_DIRECTORY);
    if (below) shoot(below.get(), path, {}, out);
  }
}

void age_entry(int dir, const char* name, std::int64_t& at) {
  at += 17;
  const timespec times[2] = {{1'400'000'000 + at, 123'456'789}, {1'300'000'000 + at, 987'654'321}};
  ::utimensat(dir, name, times, AT_SYMLINK_NOFOLLOW);
}

void age_below(int dir, std::int64_t& at) {
  for (const std::string& name : names_of(dir)) {
    const Fd below = open_quietly(dir, name.c_str(), O_RDONLY | O_DIRECTORY);
    if (below) age_below(below.get(), at);
    age_entry(dir, name.c_str(), at);
  }
}

void digest_below(int dir, const TreeDigest::Key& key, TreeDigest& digest, std::uint64_t& entries,
                  std::uint64_t& bytes) {
  struct statx raw {};
  ::statx(dir, "", AT_EMPTY_PATH, kEntryStatMask, &raw);
  const std::uint64_t inode = raw.stx_ino;
  for (const std::string& name : names_of(dir)) {
    ::statx(dir, name.c_str(), AT_SYMLINK_NOFOLLOW, kEntryStatMask, &raw);
    const EntryStat stat = entry_stat_of(raw);
    digest.add(key, inode, name, stat.identity);
    ++entries;
    bytes += stat.allocated;
    if (stat.identity.type != EntryType::directory) continue;
    const Fd below = open_quietly(dir, name.c_str(), O_RDONLY | O_DIRECTORY);
    digest_below(below.get(), key, digest, entries, bytes);
  }
}

}  // namespace

TempDir::TempDir() {
  const char* base = std::getenv("TMPDIR");
  path_ = std::string(base && *base ? base : "/tmp") + "/freshet-broker-XXXXXX";
  if (::mkdtemp(path_.data()) == nullptr) std::abort();
  ::chmod(path_.c_str(), 0755);
}

TempDir::~TempDir() { remove_tree(path_); }

void remove_tree(const std::string& path) {
  const pid_t child = ::fork();
  if (child == 0) {
    ::execl("/bin/rm", "rm", "-rf", "--", path.c_str(), nullptr);
    ::_exit(127);
  }
  ::waitpid(child, nullptr, 0);
}

void make_dir(const std::string& path, unsigned mode) {
  ASSERT_TRUE(::mkdir(path.c_str(), 0700) == 0) << path << ": " << std::strerror(errno);
  ASSERT_EQ(::chmod(path.c_str(), mode), 0);
}

void write_file(const std::string& path, std::string_view content) {
  const Fd file(::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644));
  ASSERT_TRUE(file) << path << ": " << std::strerror(errno);
  ASSERT_EQ(::write(file.get(), content.data(), content.size()), static_cast<ssize_t>(content.size()));
}

std::string read_file(const std::string& path) {
  const Fd file = open_quietly(AT_FDCWD, path.c_str(), O_RDONLY);
  std::string out;
  char buffer[65536];
  ssize_t got = 0;
  while (file && (got = ::read(file.get(), buffer, sizeof buffer)) > 0) out.append(buffer, static_cast<std::size_t>(got));
  return out;
}

bool exists(const std::string& path) {
  struct stat raw {};
  return ::lstat(path.c_str(), &raw) == 0;
}

void make_link(const std::string& target, const std::string& path) {
  ASSERT_EQ(::symlink(target.c_str(), path.c_str()), 0) << path;
}

void set_times_of(const std::string& path, std::int64_t atime_seconds, std::int64_t mtime_seconds) {
  const timespec times[2] = {{atime_seconds, 5}, {mtime_seconds, 7}};
  ASSERT_EQ(::utimensat(AT_FDCWD, path.c_str(), times, AT_SYMLINK_NOFOLLOW), 0) << path;
}

void set_times_like(const std::string& path, const EntryStat& stat) {
  const timespec times[2] = {{stat.atime_ns / 1'000'000'000, stat.atime_ns % 1'000'000'000},
                             {stat.mtime_ns / 1'000'000'000, stat.mtime_ns % 1'000'000'000}};
  ASSERT_EQ(::utimensat(AT_FDCWD, path.c_str(), times, AT_SYMLINK_NOFOLLOW), 0);
}

void age(const std::string& path) {
  std::int64_t at = 0;
  const Fd dir = open_quietly(AT_FDCWD, path.c_str(), O_RDONLY | O_DIRECTORY);
  if (dir) age_below(dir.get(), at);
  age_entry(AT_FDCWD, path.c_str(), at);
}

void chown_tree(const std::string& path, uid_t uid) {
  const Fd dir = open_quietly(AT_FDCWD, path.c_str(), O_RDONLY | O_DIRECTORY);
  for (const std::string& name : names_of(dir.get())) {
    ASSERT_EQ(::fchownat(dir.get(), name.c_str(), uid, uid, AT_SYMLINK_NOFOLLOW), 0);
    if (stat_of(path + "/" + name).identity.type == EntryType::directory) chown_tree(path + "/" + name, uid);
  }
  ASSERT_EQ(::chown(path.c_str(), uid, uid), 0);
}

EntryStat stat_of(const std::string& path) {
  const Result<EntryStat> stat = stat_entry(AT_FDCWD, path.c_str());
  if (!stat) ADD_FAILURE() << path << ": " << stat.error().what;
  return stat.value_or(EntryStat{});
}

std::vector<std::string> names_in(const std::string& path) {
  const Fd dir = open_quietly(AT_FDCWD, path.c_str(), O_RDONLY | O_DIRECTORY);
  return dir ? names_of(dir.get()) : std::vector<std::string>{};
}

Fd make_chain(const std::string& path, const std::string& name, int depth) {
  Fd dir(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  for (int i = 0; i < depth; ++i) {
    if (::mkdirat(dir.get(), name.c_str(), 0755) != 0) ADD_FAILURE() << std::strerror(errno);
    dir.reset(::openat(dir.get(), name.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  }
  return dir;
}

Snapshot snapshot(const std::string& path, const std::string& without) {
  Snapshot out;
  const Fd dir = open_quietly(AT_FDCWD, path.c_str(), O_RDONLY | O_DIRECTORY);
  if (!dir) ADD_FAILURE() << path << ": " << std::strerror(errno);
  out["."] = describe(dir.get(), "");
  shoot(dir.get(), {}, without, out);
  return out;
}

testing::AssertionResult same(const Snapshot& before, const Snapshot& after) {
  std::string out;
  for (const auto& [path, what] : before)
    if (!after.contains(path)) out += "\n  lost: " + escape_bytes(path);
  for (const auto& [path, what] : after) {
    const auto then = before.find(path);
    if (then == before.end())
      out += "\n  new: " + escape_bytes(path);
    else if (then->second != what)
      out += "\n  " + escape_bytes(path) + "\n    was: " + then->second + "\n    is:  " + what;
  }
  return out.empty() ? testing::AssertionSuccess() : testing::AssertionFailure() << out;
}

std::uint32_t Plan::slot_of(const std::string& parent) {
  const auto [at, is_new] = by_parent_.try_emplace(parent, static_cast<std::uint32_t>(slots.size() + 1));
  if (is_new) {
    const EntryStat stat = stat_of(parent.empty() ? root_ : root_ + "/" + parent);
    slots.push_back({at->second, root_index_, parent, stat.identity.inode, stat.identity.birth_ns});
  }
  return at->second;
}

wire::Unit& Plan::push(const std::string& path) {
  const EntryStat stat = stat_of(root_ + "/" + path);
  wire::Unit unit;
  unit.sequence = units.size();
  unit.slot = slot_of(parent_of(path));
  unit.name = name_of(path);
  unit.identity = stat.identity;
  unit.bytes = stat.allocated;
  return units.emplace_back(std::move(unit));
}

Plan& Plan::add(const std::string& path) {
  push(path);
  return *this;
}

Plan& Plan::add_whole(const std::string& path) {
  wire::Unit& unit = push(path);
  const Fd dir = open_quietly(AT_FDCWD, (root_ + "/" + path).c_str(), O_RDONLY | O_DIRECTORY);
  TreeDigest digest;
  if (dir) digest_below(dir.get(), key, digest, unit.entries, unit.bytes);
  unit.whole = true;
  unit.digest = digest.value();
  return *this;
}

Broker::Broker(const Options& options) {
  auto pair = wire::make_socket_pair();
  if (!pair) std::abort();
  pid_ = ::fork();
  if (pid_ != 0) {
    socket_ = std::move(pair->first);
    return;
  }
  pair->first.reset();
  if (options.prepare) options.prepare();
  if (options.run_as) {
    if (::setgroups(0, nullptr) != 0 || ::setresgid(*options.run_as, *options.run_as, *options.run_as) != 0 ||
        ::setresuid(*options.run_as, *options.run_as, *options.run_as) != 0)
      ::_exit(99);
  }
  ::umask(0);
  wire::Setup setup;
  setup.role = wire::Role::broker;
  setup.fs_uid = ::geteuid();
  setup.area_only = options.area_only;
  std::vector<Fd> roots;
  for (std::size_t i = 0; i < options.roots.size(); ++i) {
    roots.emplace_back(::open(options.roots[i].c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
    wire::RootSpec spec;
    spec.remove = !options.not_to_remove.contains(i);
    spec.path = options.roots[i];
    if (i == 0) spec.excludes = options.excludes;
    if (const Result<EntryStat> stat = stat_entry(roots.back().get(), "")) {
      spec.dev = stat->dev;
      spec.inode = stat->identity.inode + (options.lie_about_root ? 1 : 0);
    }
    if (!options.top.empty()) {
      spec.top = 1;
      if (options.roots[i] != options.top) spec.below_top = options.roots[i].substr(options.top.size() + 1);
    }
    setup.roots.push_back(spec);
    setup.areas.push_back(i < options.areas.size() ? options.areas[i] : ".freshet");
  }
  if (!options.top.empty()) {
    roots.emplace_back(::open(options.top.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
    if (const Result<EntryStat> stat = stat_entry(roots.back().get(), ""))
      setup.tops.push_back({options.top, stat->dev, stat->identity.inode});
  }
  const rlimit files{64, 64};
  ::setrlimit(RLIMIT_NOFILE, &files);
  setup.open_files = 64;
  ::_exit(run_broker(pair->second.get(), setup, std::move(roots)));
}

Broker::~Broker() {
  kill();
  wait();
}

std::string Broker::receive() {
  std::vector<char> buffer(wire::kMaxPacket);
  const Result<wire::Received> received = wire::receive_packet(socket_.get(), buffer);
  if (!received || received->closed) return {};
  return std::string(received->bytes);
}

void Broker::kill() {
  if (pid_ > 0) ::kill(pid_, SIGKILL);
}

int Broker::wait() {
  if (pid_ > 0) {
    while (::waitpid(pid_, &status_, 0) < 0 && errno == EINTR) {
    }
    pid_ = -1;
  }
  return WIFEXITED(status_) ? WEXITSTATUS(status_) : -1;
}

wire::Begin begin_of(wire::BrokerPhase phase, const Plan* plan) {
  wire::Begin begin;
  begin.phase = phase;
  begin.channel = "web";
  begin.run = "r1";
  begin.task = 1;
  begin.max_entries = 1'000'000'000;
  if (plan != nullptr) begin.key = plan->key;
  return begin;
}

void begin_removal(Broker& broker, const Plan& plan, const std::function<void(wire::Begin&)>& adjust,
                   const std::vector<wire::InUse>& in_use) {
  wire::Begin begin = begin_of(wire::BrokerPhase::remove, &plan);
  if (adjust) adjust(begin);
  ASSERT_TRUE(broker.send(begin));
  for (const wire::InUse& part : in_use) broker.send(part);
  wire::Slots part;
  std::size_t bytes = 0;
  for (const wire::Slot& slot : plan.slots) {
    if (part.slots.size() == 1000 || bytes + slot.path.size() + 64 > 60'000) {
      broker.send(part);
      part.slots.clear();
      bytes = 0;
    }
    bytes += slot.path.size() + 64;
    part.slots.push_back(slot);
  }
  part.last = true;
  broker.send(part);
  EXPECT_EQ(broker.expect<wire::SlotsReady>().count, plan.slots.size());
}

std::vector<wire::Outcome> send_units(Broker& broker, const std::vector<wire::Unit>& units) {
  std::vector<wire::Outcome> outcomes;
  for (std::size_t at = 0; at < units.size(); at += 100) {
    wire::Units part;
    part.units.assign(units.begin() + static_cast<std::ptrdiff_t>(at),
                      units.begin() + static_cast<std::ptrdiff_t>(std::min(units.size(), at + 100)));
    broker.send(part);
    const wire::Outcomes answer = broker.expect<wire::Outcomes>();
    EXPECT_EQ(answer.outcomes.size(), part.units.size());
    for (const wire::Outcome& outcome : answer.outcomes) {
      EXPECT_EQ(outcome.sequence, units[0].sequence + outcomes.size());
      outcomes.push_back(outcome);
    }
    if (answer.outcomes.empty()) break;
  }
  return outcomes;
}

RemovalResult remove_plan(const Options& options, const Plan& plan, const std::function<void(wire::Begin&)>& adjust,
                          const std::vector<wire::InUse>& in_use) {
  Broker broker(options);
  RemovalResult result;
  begin_removal(broker, plan, adjust, in_use);
  result.outcomes = send_units(broker, plan.units);
  broker.send(wire::Finish{});
  result.finished = broker.expect<wire::Finished>();
  EXPECT_EQ(broker.wait(), kExitDone);
  return result;
}

RestoreResult restore(const Options& options) {
  Broker broker(options);
  broker.send(begin_of(wire::BrokerPhase::restore));
  broker.send(wire::Restore{});
  RestoreResult result;
  while (true) {
    const std::string packet = broker.receive();
    wire::Restored part;
    wire::Failed failed;
    wire::Working step;
    if (wire::decode_message(packet, step)) {
      result.steps.push_back(step);
      continue;
    }
    if (wire::decode_message(packet, part)) {
      result.conflicts.insert(result.conflicts.end(), part.conflicts.begin(), part.conflicts.end());
      continue;
    }
    if (wire::decode_message(packet, failed)) ADD_FAILURE() << failed.code << " " << failed.what;
    EXPECT_TRUE(wire::decode_message(packet, result.finished)) << "no Finished came";
    break;
  }
  EXPECT_EQ(broker.wait(), kExitDone);
  return result;
}

wire::Finished purge(const Options& options, bool tidy, const std::vector<std::uint32_t>& keep,
                     std::vector<wire::Working>* steps) {
  Broker broker(options);
  broker.send(begin_of(wire::BrokerPhase::purge));
  broker.send(wire::Purge{tidy, keep});
  wire::Finished finished;
  wire::Working step;
  std::string packet = broker.receive();
  for (; wire::decode_message(packet, step); packet = broker.receive())
    if (steps != nullptr) steps->push_back(step);
  wire::Failed failed;
  if (wire::decode_message(packet, failed)) ADD_FAILURE() << failed.code << " " << failed.what;
  EXPECT_TRUE(wire::decode_message(packet, finished)) << "no Finished came";
  EXPECT_EQ(broker.wait(), kExitDone);
  return finished;
}

std::string cannot_mount() {
  const pid_t child = ::fork();
  if (child == 0) ::_exit(::unshare(CLONE_NEWNS) == 0 && ::mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) == 0 ? 0 : 1);
  int status = 0;
  ::waitpid(child, &status, 0);
  return WIFEXITED(status) && WEXITSTATUS(status) == 0 ? "" : "this process may not make a mount namespace";
}

void in_own_mount_namespace(const std::function<void()>& body) {
  const pid_t child = ::fork();
  if (child == 0) {
    EXPECT_EQ(::unshare(CLONE_NEWNS), 0);
    EXPECT_EQ(::mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr), 0);
    body();
    ::fflush(nullptr);
    ::_exit(testing::Test::HasFailure() ? 1 : 0);
  }
  int status = 0;
  ::waitpid(child, &status, 0);
  EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0) << "the child says why";
}

}  // namespace freshet::broker::test

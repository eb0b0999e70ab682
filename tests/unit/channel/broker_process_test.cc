// The broker behind its lock: what it must be able to do with what is left to it. Whether it obeys is the broker's own
// tests' business.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <mqueue.h>
#include <sys/ipc.h>
#include <sys/mount.h>
#include <sys/shm.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <ctime>
#include <filesystem>
#include <fstream>
#include <functional>

#include "live_worker.h"
#include "mounted.h"

namespace freshet::channel::testing {
namespace {

constexpr const char* kArea = ".freshet";

struct BrokerOptions {
  wire::BrokerPhase phase = wire::BrokerPhase::remove;
  bool unlink = false;
  sandbox::SupportLimits limits{};
  bool strict = true;
  const OpenRoot* top = nullptr;  // where the area stands; none: in the root
};

class BrokerProcess : public ::testing::Test {
 protected:
  Result<std::unique_ptr<RoleProcess>> start(const OpenRoot& root, const BrokerOptions& options) {
    RoleRequest request;
    request.role = wire::Role::broker;
    request.phase = options.phase;
    request.unlink = options.unlink;
    request.roots = {&root};
    request.areas = {kArea};
    if (options.top != nullptr) {
      request.tops = {options.top};
      request.top_of = {1};
    }
    request.strict = options.strict;
    request.uid = 1879048193;
    auto broker = RoleProcess::start(spawner(), sandbox::find_host_support(options.limits), request);
    if (broker) {
      wire::Begin begin;
      begin.phase = options.phase;
      begin.channel = "c";
      begin.run = "r";
      begin.max_entries = 1000;
      begin.unlink = options.unlink;
      (*broker)->send_message(begin);
    }
    return broker;
  }

  // Removes one entry of `directory` (relative to the root) and says what became of it.
  wire::OutcomeCode remove(const OpenRoot& root, const std::string& directory, const std::string& name,
                           BrokerOptions options = {}) {
    const std::string parent = root.config.path + (directory.empty() ? "" : "/" + directory);
    const Fd fd(::open(parent.c_str(), O_PATH | O_DIRECTORY));
    const auto origin = stat_entry(fd.get(), "");
    const auto entry = stat_entry(fd.get(), name.c_str());
    auto broker = start(root, options);
    EXPECT_TRUE(broker.has_value()) << (broker ? "" : broker.error().what + broker.error().detail);
    if (!broker || !origin || !entry) return wire::OutcomeCode::failed;
    (*broker)->send_message(wire::Slots{{{1, 0, directory, origin->identity.inode, origin->identity.birth_ns}}, true});
    wire::SlotsReady ready;
    expect(**broker, ready);
    wire::Unit unit;
    unit.slot = 1;
    unit.name = name;
    unit.identity = entry->identity;
    unit.bytes = entry->allocated;
    (*broker)->send_message(wire::Units{{unit}});
    wire::Outcomes outcomes;
    expect(**broker, outcomes);
    (*broker)->send_message(wire::Finish{});
    expect_finished(**broker);
    return outcomes.outcomes.empty() ? wire::OutcomeCode::failed : outcomes.outcomes[0].code;
  }

  wire::Finished run_phase(const OpenRoot& root, BrokerOptions options) {
    auto broker = start(root, options);
    EXPECT_TRUE(broker.has_value()) << (broker ? "" : broker.error().what + broker.error().detail);
    if (!broker) return {};
    if (options.phase == wire::BrokerPhase::trial) (*broker)->send_message(wire::Trial{});
    else if (options.phase == wire::BrokerPhase::purge) (*broker)->send_message(wire::Purge{});
    else (*broker)->send_message(wire::Restore{});
    return expect_finished(**broker);
  }

  template <class M>
  void expect(RoleProcess& broker, M& message) {
    const auto packet = broker.receive({});
    ASSERT_TRUE(packet.has_value()) << broker.finish().what;
    ASSERT_TRUE(wire::decode_message(*packet, message)) << "message " << int{(*packet)[0]};
  }
  wire::Finished expect_finished(RoleProcess& broker) {
    wire::Finished finished;
    expect(broker, finished);
    // It ends on its own, as asked.
    EXPECT_FALSE(broker.receive({}).has_value());
    const End end = broker.finish();
    EXPECT_EQ(end.reason, EndReason::none) << end.what;
    return finished;
  }

  TempTree tree_;
};

bool is_there(const std::string& path) {
  struct stat info {};
  return ::lstat(path.c_str(), &info) == 0;
}

// It works among the manager's mounts, and somebody may mount there at any time.
TEST_F(BrokerProcess, AnswersForNoMountOfTheHost) {
  const OpenRoot root = open_root(tree_.path());
  auto broker = start(root, {.phase = wire::BrokerPhase::remove});
  ASSERT_TRUE(broker.has_value()) << broker.error().what;
  const auto held = (*broker)->inventory();
  ASSERT_TRUE(held.has_value()) << held.error().what;
  EXPECT_EQ(held->mounts, 0U);
  EXPECT_GT(held->threads, 0U);
}

// Landlock alone: this broker's own table of requests would have refused before.
TEST_F(BrokerProcess, HasNoRightInARootThatItsTaskMayOnlyList) {
  tree_.file("a/file");
  const OpenRoot granted = open_root(tree_.path());
  if (sandbox::find_host_support().landlock_abi == 0) GTEST_SKIP() << "no Landlock here";
  EXPECT_EQ(run_phase(granted, {.phase = wire::BrokerPhase::trial}).units, 3U) << "the control";
  const OpenRoot listed = open_root(tree_.path(), {.list = true, .read = true, .remove = false});
  auto broker = start(listed, {.phase = wire::BrokerPhase::trial});
  ASSERT_TRUE(broker.has_value()) << broker.error().what;
  (*broker)->send_message(wire::Trial{});
  EXPECT_FALSE((*broker)->receive({}).has_value());
  EXPECT_EQ((*broker)->finish().code, "F3004");
  EXPECT_FALSE(is_there(tree_.path() + "/" + kArea));
}

// One that removes IPC objects of this user.
struct IpcBroker {
  explicit IpcBroker(std::uint32_t owner, const OpenRoot* shm = nullptr, const OpenRoot* queues = nullptr) {
    RoleRequest request;
    request.role = wire::Role::broker;
    request.phase = wire::BrokerPhase::ipc;
    request.ipc_owner = owner;
    request.strict = false;
    request.shm = shm;
    request.queues = queues;
    auto started = RoleProcess::start(spawner(), sandbox::find_host_support(), request);
    EXPECT_TRUE(started.has_value()) << (started ? "" : started.error().what + started.error().detail);
    if (!started) return;
    role = std::move(*started);
    wire::Begin begin;
    begin.phase = wire::BrokerPhase::ipc;
    begin.channel = "c";
    begin.run = "r";
    role->send_message(begin);
  }
  wire::IpcCode remove(const wire::IpcObject& object) {
    role->send_message(wire::IpcRemove{{object}});
    const auto packet = role->receive({});
    wire::IpcOutcomes outcomes;
    if (!packet || !wire::decode_message(*packet, outcomes) || outcomes.outcomes.size() != 1) {
      ADD_FAILURE() << "no outcome: " << role->finish().what;
      return wire::IpcCode::failed;
    }
    return outcomes.outcomes[0].code;
  }
  std::unique_ptr<RoleProcess> role;
};

wire::IpcObject planned_shm(int id) {
  shmid_ds now{};
  EXPECT_EQ(::shmctl(id, IPC_STAT, &now), 0);
  wire::IpcObject out;
  out.kind = wire::IpcKind::shm;
  out.id = id;
  out.key = now.shm_perm.__key;
  out.uid = now.shm_perm.uid;
  out.creator = now.shm_perm.cuid;
  out.changed_ns = now.shm_ctime * 1'000'000'000LL;
  out.used_ns = std::max(now.shm_atime, now.shm_dtime) * 1'000'000'000LL;
  out.bytes = now.shm_segsz;
  return out;
}

TEST_F(BrokerProcess, RemovesTheIpcObjectThatWasPlannedAndNoOther) {
  const int id = ::shmget(IPC_PRIVATE, 4096, IPC_CREAT | 0600);
  ASSERT_GE(id, 0);
  const wire::IpcObject planned = planned_shm(id);
  IpcBroker broker(::geteuid());
  ASSERT_TRUE(broker.role);
  // Any lie about it, and the object stays.
  const std::function<void(wire::IpcObject&)> lies[] = {
      [](auto& o) { ++o.key; }, [](auto& o) { ++o.creator; }, [](auto& o) { o.changed_ns += 1'000'000'000; },
      [](auto& o) { ++o.bytes; }, [](auto& o) { o.used_ns += 1'000'000'000; }};
  for (const auto& lie : lies) {
    wire::IpcObject other = planned;
    lie(other);
    EXPECT_EQ(broker.remove(other), wire::IpcCode::changed);
  }
  void* const attached = ::shmat(id, nullptr, 0);
  ASSERT_NE(attached, reinterpret_cast<void*>(-1));
  EXPECT_EQ(broker.remove(planned), wire::IpcCode::in_use);
  ::shmdt(attached);
  EXPECT_EQ(broker.remove(planned), wire::IpcCode::changed) << "it was used since";
  shmid_ds now{};
  ASSERT_EQ(::shmctl(id, IPC_STAT, &now), 0) << "it is gone";
  EXPECT_EQ(broker.remove(planned_shm(id)), wire::IpcCode::removed);
  EXPECT_NE(::shmctl(id, IPC_STAT, &now), 0);
  EXPECT_EQ(broker.remove(planned), wire::IpcCode::gone);
  broker.role->send_message(wire::Finish{});
  expect_finished(*broker.role);
}

TEST_F(BrokerProcess, OfIpcObjectsTakesNoneOfAnotherOwnerAndNoOtherRequest) {
  wire::IpcObject object;
  object.uid = ::geteuid() + 1;
  {
    IpcBroker broker(::geteuid());
    ASSERT_TRUE(broker.role);
    broker.role->send_message(wire::IpcRemove{{object}});
    EXPECT_FALSE(broker.role->receive({}).has_value());
    EXPECT_EQ(broker.role->finish().code, "F3003");
  }
  IpcBroker broker(::geteuid());
  ASSERT_TRUE(broker.role);
  broker.role->send_message(wire::Trial{});
  EXPECT_FALSE(broker.role->receive({}).has_value());
  EXPECT_EQ(broker.role->finish().code, "F3002");
}

// As another owner it has no right to ours: the kernel's own word, whatever the broker was told.
TEST_F(BrokerProcess, AsOneOwnerCannotRemoveAnothersIpcObject) {
  if (::geteuid() != 0 || !sandbox::find_host_support().change_ids) GTEST_SKIP() << "not root: ids cannot be changed";
  const int id = ::shmget(IPC_PRIVATE, 4096, IPC_CREAT | 0600);
  ASSERT_GE(id, 0);
  wire::IpcObject lie = planned_shm(id);
  lie.uid = 54321;
  IpcBroker broker(54321);
  ASSERT_TRUE(broker.role);
  EXPECT_EQ(broker.remove(lie), wire::IpcCode::denied);
  EXPECT_EQ(::shmctl(id, IPC_RMID, nullptr), 0);
}

TEST_F(BrokerProcess, RemovesAPosixObjectAndNoOtherFile) {
  const OpenRoot top = open_root(tree_.directory("shm", 01777));
  tree_.file("shm/object", "x");
  tree_.file("shm/other", "y");
  const auto stat = stat_entry(top.directory.get(), "object");
  ASSERT_TRUE(stat);
  wire::IpcObject object;
  object.kind = wire::IpcKind::posix_shm;
  object.name = "object";
  object.uid = object.creator = ::geteuid();
  object.inode = stat->identity.inode;
  object.birth_ns = stat->identity.birth_ns;
  object.bytes = stat->identity.size;
  object.changed_ns = stat->mtime_ns;
  IpcBroker broker(::geteuid(), &top);
  ASSERT_TRUE(broker.role);
  wire::IpcObject other = object;
  other.name = "other";
  EXPECT_EQ(broker.remove(other), wire::IpcCode::changed);
  EXPECT_EQ(broker.remove(object), wire::IpcCode::removed);
  EXPECT_EQ(broker.remove(object), wire::IpcCode::gone);
  EXPECT_TRUE(is_there(tree_.path() + "/shm/other"));
  other.name = "../victim";
  broker.role->send_message(wire::IpcRemove{{other}});
  EXPECT_FALSE(broker.role->receive({}).has_value());
  EXPECT_EQ(broker.role->finish().code, "F3003");
}

// A queue of this process's IPC namespace, an hour old.
struct Queue {
  explicit Queue(const std::string& suffix) : name("freshet-unit-" + std::to_string(::getpid()) + suffix) { make(); }
  ~Queue() { ::mq_unlink(("/" + name).c_str()); }
  void make() const {
    mq_attr limits{};
    limits.mq_maxmsg = 2;
    limits.mq_msgsize = 16;
    const Fd queue(::mq_open(("/" + name).c_str(), O_CREAT | O_EXCL | O_RDWR, 0600, &limits));
    ASSERT_TRUE(queue) << std::strerror(errno);
    grow_old(queue.get());
  }
  static void grow_old(int queue) {
    timespec now{};
    ::clock_gettime(CLOCK_REALTIME, &now);
    const timespec old{now.tv_sec - 3600, 0};
    const timespec times[2] = {old, old};
    ::futimens(queue, times);
  }
  const std::string name;
};

// By the file system's own mount, behind the broker's locks: a rule of Landlock has to hold on it.
TEST_F(BrokerProcess, RemovesTheMessageQueueThatWasPlannedAndNoOther) {
  const Fd context(static_cast<int>(::syscall(SYS_fsopen, "mqueue", FSOPEN_CLOEXEC)));
  if (!context || ::syscall(SYS_fsconfig, context.get(), FSCONFIG_CMD_CREATE, nullptr, nullptr, 0) != 0)
    GTEST_SKIP() << "not root: no mount of message queues can be made";
  OpenRoot place;
  place.config.path = "/dev/mqueue";
  place.directory = Fd(static_cast<int>(::syscall(SYS_fsmount, context.get(), FSMOUNT_CLOEXEC, MOUNT_ATTR_NOSUID)));
  const auto top = stat_entry(place.directory.get(), "");
  ASSERT_TRUE(top);
  place.dev = top->dev;
  place.identity = top->identity;
  const Queue queue(""), other("-other");
  const auto planned_now = [&] {
    wire::IpcObject out;
    const auto stat = stat_entry(place.directory.get(), queue.name.c_str());
    EXPECT_TRUE(stat);
    out.kind = wire::IpcKind::posix_msg;
    out.name = queue.name;
    out.uid = out.creator = ::geteuid();
    out.inode = stat->identity.inode;
    out.birth_ns = stat->identity.birth_ns;
    out.changed_ns = stat->mtime_ns;
    out.bytes = 32, out.count = 2;  // of its messages: says nothing of its identity
    return out;
  };
  const wire::IpcObject planned = planned_now();
  IpcBroker broker(::geteuid(), nullptr, &place);
  ASSERT_TRUE(broker.role);
  const std::function<void(wire::IpcObject&)> lies[] = {[](auto& o) { ++o.inode; }, [](auto& o) { o.changed_ns += 1'000'000'000; },
                                                        [](auto& o) { ++o.birth_ns; }, [&](auto& o) { o.name = other.name; }};
  for (const auto& lie : lies) {
    wire::IpcObject bent = planned;
    lie(bent);
    EXPECT_EQ(broker.remove(bent), wire::IpcCode::changed);
  }
  {
    const Fd sender(::mq_open(("/" + queue.name).c_str(), O_WRONLY));
    ASSERT_EQ(::mq_send(sender.get(), "x", 1, 0), 0);
  }
  EXPECT_EQ(broker.remove(planned), wire::IpcCode::changed) << "a message came since";
  ::mq_unlink(("/" + queue.name).c_str());
  EXPECT_EQ(broker.remove(planned), wire::IpcCode::gone);
  queue.make();
  wire::IpcObject replaced = planned_now();
  replaced.inode = planned.inode;
  EXPECT_EQ(broker.remove(replaced), wire::IpcCode::changed) << "another one has its name and its time";
  EXPECT_EQ(broker.remove(planned_now()), wire::IpcCode::removed);
  EXPECT_FALSE(stat_entry(place.directory.get(), queue.name.c_str()));
  EXPECT_TRUE(stat_entry(place.directory.get(), other.name.c_str()));
  // Shared memory has another place, which this one was not given.
  wire::IpcObject shm = planned;
  shm.kind = wire::IpcKind::posix_shm;
  shm.name = other.name;
  broker.role->send_message(wire::IpcRemove{{shm}});
  EXPECT_FALSE(broker.role->receive({}).has_value());
  EXPECT_EQ(broker.role->finish().code, "F3003");
  EXPECT_TRUE(stat_entry(place.directory.get(), other.name.c_str()));
}

TEST_F(BrokerProcess, TriesItsRenames) {
  const OpenRoot root = open_root(tree_.path());
  EXPECT_EQ(run_phase(root, {.phase = wire::BrokerPhase::trial}).units, 3U);
  EXPECT_FALSE(is_there(tree_.path() + "/" + kArea));
}

TEST_F(BrokerProcess, RemovesRestoresRemovesAndPurges) {
  tree_.file("a/file");
  const OpenRoot root = open_root(tree_.path());
  EXPECT_EQ(remove(root, "a", "file"), wire::OutcomeCode::removed);
  EXPECT_FALSE(is_there(tree_.path() + "/a/file"));
  EXPECT_EQ(run_phase(root, {.phase = wire::BrokerPhase::restore}).entries, 1U);
  EXPECT_TRUE(is_there(tree_.path() + "/a/file"));
  run_phase(root, {.phase = wire::BrokerPhase::purge});
  EXPECT_EQ(remove(root, "a", "file"), wire::OutcomeCode::removed);
  const wire::Finished purged = run_phase(root, {.phase = wire::BrokerPhase::purge});
  EXPECT_EQ(purged.left, 0U);
  EXPECT_EQ(purged.entries, 1U);
  EXPECT_FALSE(is_there(tree_.path() + "/" + kArea));
  EXPECT_FALSE(is_there(tree_.path() + "/a/file"));
}

// Behind its locks it may make, move and remove in the root and in the area, and at the top between them only remove the
// empty area.
TEST_F(BrokerProcess, WorksWithAnAreaOutsideOfItsRoot) {
  tree_.file("root/a/file");
  tree_.directory("root/empty");
  tree_.directory("neighbour");
  const OpenRoot top = open_root(tree_.path());
  const OpenRoot root = open_root(tree_.path() + "/root");
  const std::string area = tree_.path() + "/" + kArea;
  auto broker = start(root, {.phase = wire::BrokerPhase::trial, .top = &top});
  ASSERT_TRUE(broker.has_value());
  (*broker)->send_message(wire::Trial{});
  wire::Failed failed;
  const auto packet = (*broker)->receive({});
  EXPECT_FALSE(packet.has_value());
  EXPECT_NE((*broker)->finish().what.find("Permission denied"), std::string::npos) << "it may make nothing at the top";
  EXPECT_FALSE(is_there(area));

  for (const bool directory : {false, true}) {
    SCOPED_TRACE(directory ? "a directory" : "a file");
    tree_.directory(kArea, 0700);
    const std::string in = directory ? "" : "a";
    const std::string name = directory ? "empty" : "file";
    const std::string path = root.config.path + (directory ? "/empty" : "/a/file");
    EXPECT_EQ(run_phase(root, {.phase = wire::BrokerPhase::trial, .top = &top}).units, 3U);
    EXPECT_EQ(remove(root, in, name, {.top = &top}), wire::OutcomeCode::removed);
    EXPECT_FALSE(is_there(path));
    EXPECT_FALSE(is_there(root.config.path + "/" + kArea));
    EXPECT_EQ(run_phase(root, {.phase = wire::BrokerPhase::restore, .top = &top}).entries, 1U);
    EXPECT_TRUE(is_there(path));
    EXPECT_EQ(run_phase(root, {.phase = wire::BrokerPhase::purge, .top = &top}).left, 0U);
    EXPECT_FALSE(is_there(area));
    tree_.directory(kArea, 0700);
    EXPECT_EQ(remove(root, in, name, {.top = &top}), wire::OutcomeCode::removed);
    EXPECT_EQ(run_phase(root, {.phase = wire::BrokerPhase::purge, .top = &top}).entries, 1U);
    EXPECT_FALSE(is_there(area));
    EXPECT_FALSE(is_there(path));
  }
  EXPECT_TRUE(is_there(tree_.path() + "/neighbour"));
}

TEST_F(BrokerProcess, RestoresWholeDirectories) {
  tree_.file("a/dir/deep/file");
  const OpenRoot root = open_root(tree_.path());
  ASSERT_EQ(::rename((tree_.path() + "/a/dir").c_str(), (tree_.path() + "/a/dir").c_str()), 0);
  tree_.directory("a/empty");
  EXPECT_EQ(remove(root, "a", "empty"), wire::OutcomeCode::removed);
  EXPECT_FALSE(is_there(tree_.path() + "/a/empty"));
  EXPECT_EQ(run_phase(root, {.phase = wire::BrokerPhase::restore}).entries, 1U);
  EXPECT_TRUE(is_there(tree_.path() + "/a/empty"));
}

TEST_F(BrokerProcess, UnlinksWhereNothingIsKept) {
  tree_.file("file");
  const OpenRoot root = open_root(tree_.path());
  EXPECT_EQ(remove(root, "", "file", {.unlink = true}), wire::OutcomeCode::removed);
  EXPECT_FALSE(is_there(tree_.path() + "/file"));
  EXPECT_FALSE(is_there(tree_.path() + "/" + kArea));
}

TEST_F(BrokerProcess, MovesADirectoryThatItsOwnerMayNotWriteTo) {
  tree_.directory("a/locked/inner");
  tree_.directory("a/locked", 0555);
  const OpenRoot root = open_root(tree_.path());
  EXPECT_EQ(remove(root, "a/locked", "inner"), wire::OutcomeCode::removed);
  EXPECT_EQ(run_phase(root, {.phase = wire::BrokerPhase::restore}).entries, 1U);
  EXPECT_TRUE(is_there(tree_.path() + "/a/locked/inner"));
}

// Owners that only root can make.
class BrokerOfRoot : public BrokerProcess {
 protected:
  void SetUp() override {
    if (::geteuid() != 0) GTEST_SKIP() << "only root can give files to other owners";
  }
  // With the one-to-one map of its own user namespace, and with the host's capabilities.
  static std::vector<sandbox::SupportLimits> ways() { return {{}, {.no_user_namespace = true}}; }
};

TEST_F(BrokerOfRoot, ReachesEveryOwnersEntries) {
  for (const auto& way : ways()) {
    SCOPED_TRACE(way.no_user_namespace ? "without a user namespace" : "with a user namespace");
    tree_.file("private/file");
    tree_.file("readonly/file");
    tree_.file("sticky/file");
    for (const char* name : {"private", "readonly", "sticky"}) {
      ASSERT_EQ(::lchown((tree_.path() + "/" + name).c_str(), 33, 33), 0);
      ASSERT_EQ(::lchown((tree_.path() + "/" + name + "/file").c_str(), 34, 34), 0);
    }
    tree_.directory("private", 0700);
    tree_.directory("readonly", 0555);
    tree_.directory("sticky", 01777);
    const OpenRoot root = open_root(tree_.path());
    struct stat before {};
    ASSERT_EQ(::stat((tree_.path() + "/private").c_str(), &before), 0);
    for (const char* name : {"private", "readonly", "sticky"}) {
      EXPECT_EQ(remove(root, name, "file", {.limits = way}), wire::OutcomeCode::removed) << name;
      EXPECT_FALSE(is_there(tree_.path() + "/" + name + "/file"));
      EXPECT_EQ(run_phase(root, {.phase = wire::BrokerPhase::restore, .limits = way}).entries, 1U);
      EXPECT_TRUE(is_there(tree_.path() + "/" + name + "/file"));
      run_phase(root, {.phase = wire::BrokerPhase::purge, .limits = way});
    }
    struct stat after {};
    ASSERT_EQ(::stat((tree_.path() + "/private").c_str(), &after), 0);
    EXPECT_EQ(before.st_mtim.tv_nsec, after.st_mtim.tv_nsec);
    EXPECT_EQ(before.st_uid, after.st_uid);
  }
}

TEST_F(BrokerOfRoot, ItsAreaBelongsToTheManager) {
  for (const auto& way : ways()) {
    tree_.file("file");
    const OpenRoot root = open_root(tree_.path());
    ASSERT_EQ(remove(root, "", "file", {.limits = way}), wire::OutcomeCode::removed);
    struct stat info {};
    ASSERT_EQ(::stat((tree_.path() + "/" + kArea).c_str(), &info), 0);
    EXPECT_EQ(info.st_uid, ::geteuid());
    EXPECT_EQ(info.st_mode & 0777, 0700U);
    run_phase(root, {.phase = wire::BrokerPhase::purge, .limits = way});
    EXPECT_FALSE(is_there(tree_.path() + "/" + kArea));
  }
}

// What the host mounts on a planned directory, before the broker starts or after, refuses its removal: with a source
// that propagates and with one that does not.
class BrokerAndMounts : public BrokerProcess, public ::testing::WithParamInterface<std::tuple<bool, bool>> {};

TEST_P(BrokerAndMounts, AMountOnAPlannedDirectoryRefusesIt) {
  const auto [shared, before] = GetParam();
  const std::string source = tree_.directory("source");
  const Mounted top(source);
  if (!top.good()) GTEST_SKIP() << "this user may not mount";
  ASSERT_EQ(::mount(nullptr, source.c_str(), nullptr, shared ? MS_SHARED : MS_PRIVATE, nullptr), 0);
  const std::string planned = tree_.directory("source/planned");
  const OpenRoot root = open_root(source);
  const auto entry = stat_entry(root.directory.get(), "planned");
  ASSERT_TRUE(entry.has_value());

  std::optional<Mounted> mounted;
  if (before) mounted.emplace(planned);
  auto broker = start(root, {});
  ASSERT_TRUE(broker.has_value()) << broker.error().what;
  (*broker)->send_message(wire::Slots{{{1, 0, "", root.identity.inode, root.identity.birth_ns}}, true});
  wire::SlotsReady ready;
  expect(**broker, ready);
  if (!before) mounted.emplace(planned);
  ASSERT_TRUE(mounted->good());
  std::ofstream(planned + "/on-the-mount") << "x";

  wire::Unit unit;
  unit.slot = 1;
  unit.name = "planned";
  unit.identity = entry->identity;
  (*broker)->send_message(wire::Units{{unit}});
  wire::Outcomes outcomes;
  expect(**broker, outcomes);
  ASSERT_EQ(outcomes.outcomes.size(), 1U);
  EXPECT_NE(outcomes.outcomes[0].code, wire::OutcomeCode::removed) << to_string(outcomes.outcomes[0].code);
  EXPECT_TRUE(is_there(planned + "/on-the-mount"));
  mounted.reset();
  EXPECT_TRUE(is_there(planned));
}

INSTANTIATE_TEST_SUITE_P(Mounts, BrokerAndMounts, ::testing::Combine(::testing::Bool(), ::testing::Bool()),
                         [](const auto& tested) {
                           return std::string(std::get<0>(tested.param) ? "shared" : "private") +
                                  (std::get<1>(tested.param) ? "_before" : "_after");
                         });

TEST_F(BrokerProcess, WorksWithoutNamespacesInBestEffort) {
  tree_.file("a/file");
  const OpenRoot root = open_root(tree_.path());
  const sandbox::SupportLimits none{.no_namespaces = true};
  auto strict = start(root, {.limits = none});
  ASSERT_FALSE(strict.has_value());
  EXPECT_EQ(strict.error().kind, ErrorKind::refused);
  EXPECT_EQ(remove(root, "a", "file", {.limits = none, .strict = false}), wire::OutcomeCode::removed);
  EXPECT_EQ(run_phase(root, {.phase = wire::BrokerPhase::restore, .limits = none, .strict = false}).entries, 1U);
  EXPECT_TRUE(is_there(tree_.path() + "/a/file"));
}

TEST_F(BrokerProcess, WorksWithAnOldKernelsLayers) {
  tree_.file("a/file");
  const OpenRoot root = open_root(tree_.path());
  const sandbox::SupportLimits old{.landlock_abi_at_most = 2, .no_mdwe = true};
  EXPECT_EQ(remove(root, "a", "file", {.limits = old}), wire::OutcomeCode::removed);
  EXPECT_EQ(run_phase(root, {.phase = wire::BrokerPhase::restore, .limits = old}).entries, 1U);
}

TEST_F(BrokerProcess, APhaseIsNotGivenAnothersCalls) {
  tree_.file("file");
  const OpenRoot root = open_root(tree_.path());
  // Locked for purge, asked to restore: it has no rename.
  auto broker = start(root, {.phase = wire::BrokerPhase::purge});
  ASSERT_TRUE(broker.has_value());
  (*broker)->send_message(wire::Restore{});
  EXPECT_FALSE((*broker)->receive({}).has_value());
  EXPECT_NE((*broker)->finish().reason, EndReason::none);
}

}  // namespace
}  // namespace freshet::channel::testing

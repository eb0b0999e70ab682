#include "runtime/manager/ipc_objects.h"

#include <freshet/ipc.h>
#include <gtest/gtest.h>
#include <fcntl.h>
#include <mqueue.h>
#include <signal.h>
#include <sys/ipc.h>
#include <sys/mman.h>
#include <sys/msg.h>
#include <sys/sem.h>
#include <sys/shm.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <ctime>
#include <optional>

#include "runtime/base/fd.h"
#include "runtime/manager/queue_directory.h"

namespace freshet {
namespace {

using wire::IpcKind;

TEST(IpcObjects, ALineOfTheKernelIsRead) {
  IpcProcesses processes;
  wire::IpcObject shm;
  ASSERT_TRUE(parse_ipc_line(IpcKind::shm, "      51966      32769   600                  4096   100   101      2    33    34    35    36 1700000001 1700000002 1700000003   0   0", shm, processes));
  EXPECT_EQ(shm, (wire::IpcObject{IpcKind::shm, "", 32769, 51966, 33, 35, 0, 0, 0, 1'700'000'003'000'000'000, 1'700'000'002'000'000'000, 4096, 2}));
  EXPECT_EQ(processes.made, 100);
  EXPECT_EQ(processes.used_last, 101);
  wire::IpcObject sem;
  ASSERT_TRUE(parse_ipc_line(IpcKind::sem, " -5 7 600 3 33 34 35 36 0 1700000003", sem, processes));
  EXPECT_EQ(sem, (wire::IpcObject{IpcKind::sem, "", 7, -5, 33, 35, 0, 0, 0, 1'700'000'003'000'000'000, 0, 0, 3}));
  wire::IpcObject msg;
  ASSERT_TRUE(parse_ipc_line(IpcKind::msg, "0 163876 666 64 1 16117 0 33 34 35 36 1700000001 0 1700000003", msg, processes));
  EXPECT_EQ(msg, (wire::IpcObject{IpcKind::msg, "", 163876, 0, 33, 35, 0, 0, 0, 1'700'000'003'000'000'000, 1'700'000'001'000'000'000, 64, 1}));
}

TEST(IpcObjects, WhatIsNoLineIsNone) {
  IpcProcesses processes;
  wire::IpcObject out;
  const std::string line = "0 163876 666 64 1 16117 0 33 34 35 36 1700000001 0 1700000003";
  for (std::size_t length = 0; length + 10 < line.size(); ++length) EXPECT_FALSE(parse_ipc_line(IpcKind::msg, line.substr(0, length), out, processes)) << length;
  EXPECT_FALSE(parse_ipc_line(IpcKind::shm, "       key      shmid perms                  size  cpid", out, processes));
  EXPECT_FALSE(parse_ipc_line(IpcKind::sem, "1 2 3 x 5 6 7 8 9 10", out, processes));
  EXPECT_FALSE(parse_ipc_line(IpcKind::sem, "99999999999999999999999 2 3 4 5 6 7 8 9 10", out, processes));
}

TEST(IpcObjects, OwnersAndKindsAreThoseThatAreGranted) {
  const int id = ::shmget(IPC_PRIVATE, 4096, IPC_CREAT | 0600);
  ASSERT_GE(id, 0);
  const auto shows = [&](std::uint32_t uid, std::uint8_t kinds) {
    const IpcListing listing = list_ipc_objects({{"x", kinds, uid, {}}});
    EXPECT_TRUE(std::ranges::all_of(listing.objects, [&](const wire::IpcObject& object) { return object.uid == uid; }));
    return listing.more || std::ranges::any_of(listing.objects, [&](const wire::IpcObject& object) { return object.kind == IpcKind::shm && object.id == id; });
  };
  const std::uint32_t me = ::geteuid();
  EXPECT_TRUE(shows(me, 0b00001));
  EXPECT_FALSE(shows(me, 0b11110));
  EXPECT_FALSE(shows(me + 1, 0b11111));
  EXPECT_TRUE(list_ipc_objects({}).objects.empty());
  ::shmctl(id, IPC_RMID, nullptr);
}

// What the list says of the segment with this id.
std::uint32_t alive(int id) {
  const IpcListing listing = list_ipc_objects({{"x", 0b00001, ::geteuid(), {}}});
  const auto found = std::ranges::find_if(listing.objects, [&](const wire::IpcObject& object) { return object.id == id; });
  EXPECT_NE(found, listing.objects.end());
  return found == listing.objects.end() ? 0 : found->alive;
}

constexpr std::uint8_t kQueues = 0b100000;

// A queue of this process's IPC namespace, an hour old, that nobody has open.
class Queue {
 public:
  explicit Queue(const std::string& name) : name_(name + std::to_string(::getpid())) {
    mq_attr limits{};
    limits.mq_maxmsg = 4;
    limits.mq_msgsize = 16;
    const Fd queue(::mq_open(path().c_str(), O_CREAT | O_EXCL | O_RDWR, 0600, &limits));
    EXPECT_TRUE(queue);
    grow_old(queue.get());
  }
  ~Queue() { ::mq_unlink(path().c_str()); }

  [[nodiscard]] std::string path() const { return "/" + name_; }
  [[nodiscard]] Fd open() const { return Fd(::mq_open(path().c_str(), O_RDWR)); }
  static void grow_old(int queue) {
    timespec now{};
    ::clock_gettime(CLOCK_REALTIME, &now);
    const timespec times[2] = {{now.tv_sec - 3600, 0}, {now.tv_sec - 3600, 0}};
    ::futimens(queue, times);
  }
  // As it is listed now; none when it is not.
  [[nodiscard]] std::optional<wire::IpcObject> listed(std::uint8_t kinds = kQueues) const {
    listing_ = list_ipc_objects({{"x", kinds, ::geteuid(), {}}});
    for (const wire::IpcObject& object : listing_.objects)
      if (object.name == name_) return object;
    return std::nullopt;
  }
  [[nodiscard]] bool lives() const {
    const auto object = listed();
    return object && (object->alive & FRESHET_IPC_PROCESS_LIVES) != 0;
  }
  mutable IpcListing listing_;

 private:
  std::string name_;
};

#define NEEDS_QUEUES() \
  if (!open_queue_directory()) GTEST_SKIP() << "message queues cannot be seen here: not root, and no /dev/mqueue"

TEST(IpcQueues, AQueueIsListedWithItsMessagesAndWithoutATrace) {
  NEEDS_QUEUES();
  const Queue queue("freshet \n\xff*");
  {
    const Fd sender = queue.open();
    ASSERT_EQ(::mq_send(sender.get(), "one", 3, 0), 0);
    ASSERT_EQ(::mq_send(sender.get(), "two", 3, 0), 0);
    Queue::grow_old(sender.get());
  }
  const auto first = queue.listed();
  ASSERT_TRUE(first);
  EXPECT_EQ(first->kind, IpcKind::posix_msg);
  EXPECT_EQ(first->count, 2U);
  EXPECT_EQ(first->bytes, 32U) << "what they take at most";
  EXPECT_EQ(first->uid, ::geteuid());
  EXPECT_NE(first->inode, 0U);
  EXPECT_EQ(first->alive & FRESHET_IPC_PROCESS_LIVES, 0U);
  EXPECT_EQ(ipc_text(*first), "posix-msg freshet \n\xff*" + std::to_string(::getpid()) + " (32 B, uid " + std::to_string(::geteuid()) + ")");
  EXPECT_EQ(queue.listed(), first) << "a look leaves nothing behind";
  EXPECT_FALSE(queue.listed(0b011111)) << "of a kind that is not granted";
  EXPECT_FALSE(queue.listing_.unseen_queues);
}

TEST(IpcQueues, QueuesComeLast) {
  NEEDS_QUEUES();
  const Queue queue("freshet-last");
  const std::string shm = "/freshet-last" + std::to_string(::getpid());
  ::close(::shm_open(shm.c_str(), O_CREAT | O_RDWR, 0600));
  EXPECT_TRUE(queue.listed(0b111111));
  const auto& objects = queue.listing_.objects;
  EXPECT_TRUE(std::ranges::is_sorted(objects, {}, [](const wire::IpcObject& object) { return object.kind == IpcKind::posix_msg; }));
  EXPECT_GE(objects.size(), 2U);
  ::shm_unlink(shm.c_str());
}

TEST(IpcQueues, WhoeverHasAQueueOpenIsSeen) {
  NEEDS_QUEUES();
  const Queue queue("freshet-open");
  EXPECT_FALSE(queue.lives());
  {
    const Fd own = queue.open();
    EXPECT_TRUE(queue.lives()) << "the program that Freshet is in counts too";
    // A look that opened and closed it would end this.
    sigevent none{};
    none.sigev_notify = SIGEV_NONE;
    ASSERT_EQ(::mq_notify(own.get(), &none), 0);
    EXPECT_TRUE(queue.lives());
    EXPECT_NE(::mq_notify(own.get(), &none), 0) << "it is still asked for";
  }
  int ends[2];
  ASSERT_EQ(::pipe(ends), 0);
  const pid_t child = ::fork();
  ASSERT_GE(child, 0);
  if (child == 0) {
    const Fd held = queue.open();
    char byte = 0;
    const bool told = ::write(ends[1], "x", 1) == 1;
    ::close(ends[1]);
    while (told) ::pause();
    ::_exit(::read(ends[0], &byte, 1) == 1 ? 0 : 1);
  }
  char byte = 0;
  ASSERT_EQ(::read(ends[0], &byte, 1), 1);
  EXPECT_TRUE(queue.lives());
  const auto object = queue.listed();
  ASSERT_TRUE(object);
  EXPECT_NE(queue.listing_.in_use.find(object->dev, object->inode), nullptr);
  ::kill(child, SIGKILL);
  ASSERT_EQ(::waitpid(child, nullptr, 0), child);
  EXPECT_FALSE(queue.lives());
  ::close(ends[0]), ::close(ends[1]);
}

TEST(IpcQueues, OneThatWasUsedInThisSecondCountsAsInUse) {
  NEEDS_QUEUES();
  const Queue queue("freshet-young");
  const auto lives_after_use = [&] {
    Fd sender = queue.open();
    EXPECT_EQ(::mq_send(sender.get(), "x", 1, 0), 0);
    sender.reset();
    return queue.lives();
  };
  EXPECT_TRUE(lives_after_use() || lives_after_use()) << "a busy machine may take a second once";
}

// In a process that may make no mount: it says what it cannot see, and all else is listed.
TEST(IpcQueues, WhatCannotBeSeenIsSaid) {
  if (::geteuid() != 0) GTEST_SKIP() << "not root: no other user can be become";
  if (struct stat there {}; ::stat(kQueuePlace, &there) == 0) GTEST_SKIP() << "there is a " << kQueuePlace;
  const pid_t child = ::fork();
  ASSERT_GE(child, 0);
  if (child == 0) {
    if (::setresuid(65533, 65533, 65533) != 0) ::_exit(99);
    const IpcListing listing = list_ipc_objects({{"x", 0b111111, 65533, {}}});
    if (!listing.unseen_queues || listing.unseen_queues->what.find("cannot be seen") == std::string::npos) ::_exit(1);
    if (list_ipc_objects({{"x", 0b011111, 65533, {}}}).unseen_queues) ::_exit(2);  // nobody asked for them
    ::_exit(0);
  }
  int status = 0;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  EXPECT_EQ(status, 0);
}

TEST(IpcObjects, WhoeverMadeOneOrUsedItLastIsSought) {
  int id = ::shmget(IPC_PRIVATE, 4096, IPC_CREAT | 0600);
  ASSERT_GE(id, 0);
  EXPECT_EQ(alive(id), static_cast<std::uint32_t>(FRESHET_IPC_PROCESS_LIVES | FRESHET_IPC_OWNER_LIVES));
  ::shmctl(id, IPC_RMID, nullptr);
  int ends[2];
  ASSERT_EQ(::pipe(ends), 0);
  const pid_t child = ::fork();
  ASSERT_GE(child, 0);
  if (child == 0) {
    id = ::shmget(IPC_PRIVATE, 4096, IPC_CREAT | 0600);
    ::_exit(::write(ends[1], &id, sizeof id) == sizeof id ? 0 : 1);
  }
  ASSERT_EQ(::read(ends[0], &id, sizeof id), static_cast<ssize_t>(sizeof id));
  ASSERT_EQ(::waitpid(child, nullptr, 0), child);
  EXPECT_EQ(alive(id), static_cast<std::uint32_t>(FRESHET_IPC_OWNER_LIVES)) << "its maker has ended, its owner has this process";
  void* const memory = ::shmat(id, nullptr, 0);
  ASSERT_NE(memory, reinterpret_cast<void*>(-1));
  EXPECT_NE(alive(id) & FRESHET_IPC_PROCESS_LIVES, 0U) << "this process is the last that used it";
  ::shmdt(memory);
  ::shmctl(id, IPC_RMID, nullptr);
  ::close(ends[0]), ::close(ends[1]);
}

}  // namespace
}  // namespace freshet

#include "runtime/manager/ipc_objects.h"

#include <freshet/ipc.h>
#include <gtest/gtest.h>
#include <sys/ipc.h>
#include <sys/msg.h>
#include <sys/sem.h>
#include <sys/shm.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>

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

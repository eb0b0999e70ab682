#include "runtime/manager/ipc_objects.h"

#include <gtest/gtest.h>
#include <sys/ipc.h>
#include <sys/msg.h>
#include <sys/sem.h>
#include <sys/shm.h>
#include <unistd.h>

#include <algorithm>

namespace freshet {
namespace {

using wire::IpcKind;

TEST(IpcObjects, ALineOfTheKernelIsRead) {
  wire::IpcObject shm;
  ASSERT_TRUE(parse_ipc_line(IpcKind::shm, "      51966      32769   600                  4096   100   101      2    33    34    35    36 1700000001 1700000002 1700000003   0   0", shm));
  EXPECT_EQ(shm, (wire::IpcObject{IpcKind::shm, "", 32769, 51966, 33, 35, 0, 0, 0, 1'700'000'003'000'000'000, 1'700'000'002'000'000'000, 4096, 2}));
  wire::IpcObject sem;
  ASSERT_TRUE(parse_ipc_line(IpcKind::sem, " -5 7 600 3 33 34 35 36 0 1700000003", sem));
  EXPECT_EQ(sem, (wire::IpcObject{IpcKind::sem, "", 7, -5, 33, 35, 0, 0, 0, 1'700'000'003'000'000'000, 0, 0, 3}));
  wire::IpcObject msg;
  ASSERT_TRUE(parse_ipc_line(IpcKind::msg, "0 163876 666 64 1 16117 0 33 34 35 36 1700000001 0 1700000003", msg));
  EXPECT_EQ(msg, (wire::IpcObject{IpcKind::msg, "", 163876, 0, 33, 35, 0, 0, 0, 1'700'000'003'000'000'000, 1'700'000'001'000'000'000, 64, 1}));
}

TEST(IpcObjects, WhatIsNoLineIsNone) {
  wire::IpcObject out;
  const std::string line = "0 163876 666 64 1 16117 0 33 34 35 36 1700000001 0 1700000003";
  for (std::size_t length = 0; length + 10 < line.size(); ++length) EXPECT_FALSE(parse_ipc_line(IpcKind::msg, line.substr(0, length), out)) << length;
  EXPECT_FALSE(parse_ipc_line(IpcKind::shm, "       key      shmid perms                  size  cpid", out));
  EXPECT_FALSE(parse_ipc_line(IpcKind::sem, "1 2 3 x 5 6 7 8 9 10", out));
  EXPECT_FALSE(parse_ipc_line(IpcKind::sem, "99999999999999999999999 2 3 4 5 6 7 8 9 10", out));
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

}  // namespace
}  // namespace freshet

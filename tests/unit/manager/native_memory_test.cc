#include "runtime/manager/native_memory.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <memory_resource>
#include <string>
#include <thread>
#include <vector>

namespace freshet {
namespace {

TEST(NativeMemoryTest, AllReturnedPasses) {
  AccountedMemory memory;
  {
    std::pmr::vector<std::pmr::string> names(&memory);
    for (int i = 0; i < 100; ++i) names.emplace_back("a name that is too long for the small string buffer");
  }
  memory.note_return();
  const ResourceCheck check = memory.check();
  EXPECT_TRUE(check.passed);
  EXPECT_EQ(check.name, "memory reclamation");
  EXPECT_EQ(check.unit, "bytes");
  EXPECT_EQ(check.after, check.before);
  EXPECT_EQ(check.detail, "");
  EXPECT_EQ(memory.leaked_blocks(), 0U);
}

TEST(NativeMemoryTest, LeakIsReportedToTheByte) {
  AccountedMemory memory;
  void* returned = memory.allocate(500);
  static_cast<void>(memory.allocate(1000));
  static_cast<void>(memory.allocate(24, 4096));
  memory.deallocate(returned, 500);
  const ResourceCheck check = memory.check();
  EXPECT_FALSE(check.passed);
  EXPECT_EQ(check.after - check.before, 1024U);
  EXPECT_EQ(check.detail, "1,024 bytes in 2 blocks not returned");
  EXPECT_EQ(memory.leaked_blocks(), 2U);
}

TEST(NativeMemoryTest, WhatComesBackAfterTheEndIsALeakStill) {
  AccountedMemory memory;
  void* late = memory.allocate(77);
  memory.note_return();
  memory.deallocate(late, 77);
  EXPECT_FALSE(memory.check().passed);
  EXPECT_EQ(memory.check().after, 77U);
}

TEST(NativeMemoryTest, WhatIsTakenAfterTheEndIsALeakToo) {
  AccountedMemory memory;
  memory.note_return();
  static_cast<void>(memory.allocate(5));
  EXPECT_EQ(memory.check().after, 5U);
}

TEST(NativeMemoryTest, BlockReturnedTwiceIsReportedAndNotFreedTwice) {
  AccountedMemory memory;
  void* block = memory.allocate(64);
  memory.deallocate(block, 64);
  memory.deallocate(block, 64);
  const ResourceCheck check = memory.check();
  EXPECT_FALSE(check.passed);
  EXPECT_EQ(check.after, 0U);
  EXPECT_NE(check.detail.find("1 time a block was returned that is not out"), std::string::npos) << check.detail;
}

TEST(NativeMemoryTest, ForeignBlockIsLeftAlone) {
  AccountedMemory memory;
  int own = 0;
  memory.deallocate(&own, sizeof own);
  EXPECT_FALSE(memory.check().passed);
  own = 1;
  EXPECT_EQ(own, 1);
}

TEST(NativeMemoryTest, WrongSizeIsReportedAndTheRightSizeCounted) {
  AccountedMemory memory;
  void* block = memory.allocate(64);
  memory.deallocate(block, 32);
  const ResourceCheck check = memory.check();
  EXPECT_FALSE(check.passed);
  EXPECT_EQ(check.after, 0U);
  EXPECT_NE(check.detail.find("another size"), std::string::npos) << check.detail;
}

TEST(NativeMemoryTest, PeakIsTheMostThatWasOutAtOnce) {
  AccountedMemory memory;
  void* first = memory.allocate(300);
  void* second = memory.allocate(200);
  memory.deallocate(first, 300);
  void* third = memory.allocate(100);
  memory.deallocate(second, 200);
  memory.deallocate(third, 100);
  EXPECT_EQ(memory.peak_bytes(), 500U);
  EXPECT_TRUE(memory.check().passed);
}

TEST(NativeMemoryTest, ManyThreadsAreCountedExactly) {
  AccountedMemory memory;
  std::vector<std::thread> threads;
  for (std::size_t i = 0; i < 8; ++i) {
    threads.emplace_back([&memory, i] {
      for (int k = 0; k < 500; ++k) memory.deallocate(memory.allocate(40 + i), 40 + i);
      static_cast<void>(memory.allocate(100 + i));
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(memory.check().after, 8U * 100 + 28);
  EXPECT_EQ(memory.leaked_blocks(), 8U);
}

}  // namespace
}  // namespace freshet

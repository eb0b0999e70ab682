#include "runtime/manager/native_buffers.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <new>
#include <string>
#include <thread>
#include <vector>

namespace freshet {
namespace {

constexpr std::byte kByte{0x42};

bool contains(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

TEST(NativeBuffersTest, BuffersUsedWhollyAndReturnedPass) {
  GuardedBufferPool pool;
  for (const std::size_t bytes : {0UL, 1UL, 255UL, 256UL, 257UL, 100'000UL}) {
    const Buffer buffer = pool.take(bytes);
    ASSERT_EQ(buffer.bytes.size(), bytes);
    ASSERT_EQ(reinterpret_cast<std::uintptr_t>(buffer.bytes.data()) % GuardedBufferPool::kGuard, 0U);
    std::ranges::fill(buffer.bytes, kByte);
    pool.give_back(buffer);
  }
  pool.note_return();
  const ResourceCheck check = pool.check();
  EXPECT_TRUE(check.passed);
  EXPECT_EQ(check.name, "buffer pool");
  EXPECT_EQ(check.unit, "buffers");
  EXPECT_EQ(check.after, check.before);
  EXPECT_EQ(check.detail, "");
}

TEST(NativeBuffersTest, ReturnedBufferIsLentAgainUnderAnotherNumber) {
  GuardedBufferPool pool;
  const Buffer first = pool.take(100);
  pool.give_back(first);
  const Buffer second = pool.take(120);
  EXPECT_EQ(second.bytes.data(), first.bytes.data());
  EXPECT_NE(second.number, first.number);
  pool.give_back(second);
  EXPECT_TRUE(pool.check().passed);
}

TEST(NativeBuffersTest, TwoBuffersOutAtOnceShareNothing) {
  GuardedBufferPool pool;
  const Buffer first = pool.take(64);
  const Buffer second = pool.take(64);
  std::ranges::fill(first.bytes, std::byte{1});
  std::ranges::fill(second.bytes, std::byte{2});
  EXPECT_TRUE(std::ranges::all_of(first.bytes, [](std::byte byte) { return byte == std::byte{1}; }));
  pool.give_back(first);
  pool.give_back(second);
  EXPECT_TRUE(pool.check().passed);
}

TEST(NativeBuffersTest, BuffersNotReturnedAreCountedAndNamed) {
  GuardedBufferPool pool;
  static_cast<void>(pool.take(1000));
  pool.give_back(pool.take(5));
  static_cast<void>(pool.take(24));
  const ResourceCheck check = pool.check();
  EXPECT_FALSE(check.passed);
  EXPECT_EQ(check.after - check.before, 2U);
  EXPECT_EQ(check.detail, "2 buffers of 1,024 bytes not returned (number 1, 3)");
  EXPECT_EQ(pool.leaked_buffers(), 2U);
}

TEST(NativeBuffersTest, BufferReturnedAfterTheEndIsALeakStill) {
  GuardedBufferPool pool;
  const Buffer late = pool.take(10);
  pool.note_return();
  pool.give_back(late);
  EXPECT_EQ(pool.check().after, 1U);
  EXPECT_EQ(pool.leaked_buffers(), 1U);
}

TEST(NativeBuffersTest, EachByteWrittenAfterTheReturnIsFound) {
  for (const std::size_t at : {0UL, 17UL, 99UL}) {
    GuardedBufferPool pool;
    const Buffer buffer = pool.take(100);
    pool.give_back(buffer);
    buffer.bytes[at] = kByte;
    const ResourceCheck check = pool.check();
    EXPECT_FALSE(check.passed);
    EXPECT_EQ(check.after, 1U);
    EXPECT_EQ(check.detail, "buffer 1 (100 bytes) was written after its return, at byte " + std::to_string(at));
  }
}

TEST(NativeBuffersTest, WriteAfterTheReturnIsFoundThoughTheMemoryIsLentAgain) {
  GuardedBufferPool pool;
  const Buffer buffer = pool.take(100);
  pool.give_back(buffer);
  buffer.bytes[3] = kByte;
  pool.give_back(pool.take(100));
  const ResourceCheck check = pool.check();
  EXPECT_EQ(check.after, 1U);
  EXPECT_TRUE(contains(check.detail, "buffer 1 (100 bytes) was written after its return, at byte 3")) << check.detail;
}

TEST(NativeBuffersTest, WriteBeyondTheEndIsFoundAtItsReturn) {
  GuardedBufferPool pool;
  const Buffer buffer = pool.take(100);
  buffer.bytes.data()[100] = kByte;
  pool.give_back(buffer);
  const ResourceCheck check = pool.check();
  EXPECT_EQ(check.after, 1U);
  EXPECT_EQ(check.detail, "buffer 1 (100 bytes) was written beyond its end, at byte 100");
}

TEST(NativeBuffersTest, WriteBeyondTheEndOfAFullBlockIsFound) {
  GuardedBufferPool pool;
  const Buffer buffer = pool.take(256);
  buffer.bytes.data()[256 + GuardedBufferPool::kGuard - 1] = kByte;
  pool.give_back(buffer);
  EXPECT_TRUE(contains(pool.check().detail, "beyond its end, at byte 319"));
}

TEST(NativeBuffersTest, WriteBeforeTheStartIsFoundInABufferThatIsStillOut) {
  GuardedBufferPool pool;
  const Buffer buffer = pool.take(100);
  buffer.bytes.data()[-1] = kByte;
  const ResourceCheck check = pool.check();
  EXPECT_EQ(check.after, 2U);  // and it was not returned
  EXPECT_TRUE(contains(check.detail, "buffer 1 (100 bytes) was written before its start, at byte -1")) << check.detail;
}

TEST(NativeBuffersTest, BufferReturnedTwiceIsReported) {
  GuardedBufferPool pool;
  const Buffer buffer = pool.take(8);
  pool.give_back(buffer);
  pool.give_back(buffer);
  const ResourceCheck check = pool.check();
  EXPECT_FALSE(check.passed);
  EXPECT_EQ(check.after, 1U);
  EXPECT_EQ(check.detail, "buffer 1 (8 bytes) was returned twice");
}

TEST(NativeBuffersTest, SecondReturnDoesNotTakeTheBufferFromItsNextHolder) {
  GuardedBufferPool pool;
  const Buffer first = pool.take(8);
  pool.give_back(first);
  const Buffer second = pool.take(8);
  ASSERT_EQ(second.bytes.data(), first.bytes.data());
  pool.give_back(first);
  EXPECT_EQ(pool.leaked_buffers(), 1U);
  pool.give_back(second);
  EXPECT_EQ(pool.check().after, 1U);
}

TEST(NativeBuffersTest, ForeignBufferIsReportedAndLeftAlone) {
  GuardedBufferPool pool;
  GuardedBufferPool other;
  const Buffer foreign = other.take(8);
  std::ranges::fill(foreign.bytes, kByte);
  pool.give_back(foreign);
  EXPECT_EQ(foreign.bytes[0], kByte);
  EXPECT_EQ(pool.check().detail, "a buffer was returned that is not of this pool (number 1)");
  other.give_back(foreign);
  EXPECT_TRUE(other.check().passed);
}

TEST(NativeBuffersTest, PartOfABufferIsNoReturn) {
  GuardedBufferPool pool;
  const Buffer whole = pool.take(100);
  pool.give_back({whole.bytes.first(50), whole.number});
  EXPECT_EQ(pool.leaked_buffers(), 1U);
  pool.give_back(whole);
  const ResourceCheck check = pool.check();
  EXPECT_EQ(check.after, 1U);
  EXPECT_EQ(check.detail, "buffer 1 (100 bytes) was returned with 50 bytes");
}

TEST(NativeBuffersTest, MoreFaultsThanAreToldAreCounted) {
  GuardedBufferPool pool;
  for (int i = 0; i < 9; ++i) pool.give_back({{}, 1});
  const ResourceCheck check = pool.check();
  EXPECT_EQ(check.after, 9U);
  EXPECT_TRUE(contains(check.detail, "and 5 more")) << check.detail;
}

TEST(NativeBuffersTest, AbsurdSizeIsBadAlloc) {
  GuardedBufferPool pool;
  EXPECT_THROW(pool.take(SIZE_MAX), std::bad_alloc);
  EXPECT_THROW(pool.take((std::size_t{1} << 38) + 1), std::bad_alloc);
  EXPECT_TRUE(pool.check().passed);
}

TEST(NativeBuffersTest, ManyThreadsLendAndReturnWithoutMixingUp) {
  GuardedBufferPool pool;
  std::vector<std::thread> threads;
  for (std::size_t i = 1; i <= 8; ++i) {
    threads.emplace_back([&pool, i] {
      for (std::size_t k = 0; k < 300; ++k) {
        const Buffer buffer = pool.take(k * i % 1000);
        std::ranges::fill(buffer.bytes, static_cast<std::byte>(i));
        EXPECT_TRUE(std::ranges::all_of(buffer.bytes, [i](std::byte byte) { return byte == static_cast<std::byte>(i); }));
        pool.give_back(buffer);
      }
      static_cast<void>(pool.take(i));
    });
  }
  for (std::thread& thread : threads) thread.join();
  const ResourceCheck check = pool.check();
  EXPECT_EQ(check.after, 8U) << check.detail;
  EXPECT_TRUE(contains(check.detail, "8 buffers of 36 bytes")) << check.detail;
}

}  // namespace
}  // namespace freshet

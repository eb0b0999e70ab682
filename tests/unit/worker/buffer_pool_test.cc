#include "runtime/worker/buffer_pool.h"

#include <gtest/gtest.h>

#include <cstring>
#include <thread>

namespace freshet::worker {
namespace {

TEST(BufferPool, GivesWhatWasAskedForAndCountsIt) {
  BufferPool pool;
  for (const std::size_t size : {std::size_t{0}, std::size_t{1}, std::size_t{4096}, std::size_t{4097}, std::size_t{1} << 20}) {
    void* buffer = pool.get(size);
    ASSERT_NE(buffer, nullptr) << size;
    std::memset(buffer, 1, size);
    EXPECT_EQ(pool.borrowed(), 1U);
    pool.put(buffer);
    EXPECT_EQ(pool.borrowed(), 0U);
  }
}

TEST(BufferPool, AGivenBackBufferIsTheNextBorrowers) {
  BufferPool pool;
  void* first = pool.get(5000);
  pool.put(first);
  EXPECT_EQ(pool.get(8000), first);  // the same class
}

TEST(BufferPool, WhatWasNeverBorrowedOrIsGivenBackTwiceIsIgnored) {
  BufferPool pool;
  int local = 0;
  pool.put(&local);
  pool.put(nullptr);
  void* buffer = pool.get(10);
  pool.put(buffer);
  pool.put(buffer);
  void* a = pool.get(10);
  void* b = pool.get(10);
  EXPECT_NE(a, b);
}

TEST(BufferPool, AnImpossibleSizeIsNoBuffer) {
  BufferPool pool;
  EXPECT_EQ(pool.get(~std::size_t{0}), nullptr);
  EXPECT_EQ(pool.get((std::size_t{1} << 30) + 1), nullptr);
  EXPECT_EQ(pool.borrowed(), 0U);
}

TEST(BufferPool, ServesManyThreads) {
  BufferPool pool;
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t)
    threads.emplace_back([&, t] {
      for (int i = 0; i < 2000; ++i) {
        auto* buffer = static_cast<unsigned char*>(pool.get(4096));
        std::memset(buffer, t, 4096);
        if (buffer[4095] != t) std::abort();
        pool.put(buffer);
      }
    });
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(pool.borrowed(), 0U);
}

}  // namespace
}  // namespace freshet::worker

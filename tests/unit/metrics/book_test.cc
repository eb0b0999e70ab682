#include "runtime/metrics/book.h"

#include <gtest/gtest.h>

#include <atomic>
#include <map>
#include <string>
#include <thread>
#include <vector>

#include "runtime/metrics/histogram.h"

namespace freshet::metrics {
namespace {

struct Figures {
  std::uint64_t runs = 0;
  Histogram times;
  std::map<std::string, std::uint64_t> by_name;
};

TEST(Book, ACopyNeverShowsHalfOfWhatWasWrittenTogether) {
  constexpr int kWriters = 4;
  constexpr std::uint64_t kEach = 5000;
  Book<Figures> book;
  std::atomic<int> writing = kWriters;
  std::uint64_t copies = 0;
  {
    std::vector<std::jthread> threads;
    for (int t = 0; t < kWriters; ++t)
      threads.emplace_back([&, t] {
        const std::string name = "t" + std::to_string(t);
        for (std::uint64_t i = 0; i < kEach; ++i)
          book.write([&](Figures& figures) {
            ++figures.runs;
            figures.times.add(i);
            ++figures.by_name[name];
          });
        --writing;
      });
    while (writing > 0) {
      const Figures seen = book.copy();
      std::uint64_t sum = 0;
      for (const auto& [name, count] : seen.by_name) sum += count;
      std::uint64_t in_buckets = 0;
      for (std::size_t i = 0; i < Histogram::kBuckets; ++i) in_buckets += seen.times.in_bucket(i);
      ASSERT_EQ(sum, seen.runs);
      ASSERT_EQ(seen.times.count(), seen.runs);
      ASSERT_EQ(in_buckets, seen.runs);
      ++copies;
    }
  }
  const std::uint64_t runs = book.read([](const Figures& figures) { return figures.runs; });
  EXPECT_EQ(runs, kWriters * kEach) << "nothing is lost";
  EXPECT_EQ(book.copy().times.largest(), kEach - 1);
  EXPECT_GT(copies, 0U);
}

TEST(Book, AWriterGivesBackWhatItReturns) {
  Book<Figures> book;
  EXPECT_EQ(book.write([](Figures& figures) { return ++figures.runs; }), 1U);
  EXPECT_EQ(book.write([](Figures& figures) { return ++figures.runs; }), 2U);
}

}  // namespace
}  // namespace freshet::metrics

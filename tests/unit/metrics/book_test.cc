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
  constexpr int kCopies = 200;
  Book<Figures> book;
  std::atomic<bool> enough = false;
  std::atomic<std::uint64_t> written = 0;
  {
    std::vector<std::jthread> threads;
    for (int t = 0; t < kWriters; ++t)
      threads.emplace_back([&, t] {
        const std::string name = "t" + std::to_string(t);
        std::uint64_t own = 0;
        for (; !enough || own == 0; ++own)
          book.write([&](Figures& figures) {
            ++figures.runs;
            figures.times.add(own);
            ++figures.by_name[name];
          });
        written += own;
      });
    for (int copies = 0; copies < kCopies; ++copies) {
      const Figures seen = book.copy();
      std::uint64_t sum = 0;
      for (const auto& [name, count] : seen.by_name) sum += count;
      std::uint64_t in_buckets = 0;
      for (std::size_t i = 0; i < Histogram::kBuckets; ++i) in_buckets += seen.times.in_bucket(i);
      EXPECT_EQ(sum, seen.runs);
      EXPECT_EQ(seen.times.count(), seen.runs);
      EXPECT_EQ(in_buckets, seen.runs);
    }
    enough = true;
  }
  const std::uint64_t runs = book.read([](const Figures& figures) { return figures.runs; });
  EXPECT_EQ(runs, written) << "nothing is lost";
  EXPECT_EQ(book.copy().times.count(), written);
}

TEST(Book, AWriterGivesBackWhatItReturns) {
  Book<Figures> book;
  EXPECT_EQ(book.write([](Figures& figures) { return ++figures.runs; }), 1U);
  EXPECT_EQ(book.write([](Figures& figures) { return ++figures.runs; }), 2U);
}

}  // namespace
}  // namespace freshet::metrics

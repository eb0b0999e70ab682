#include "runtime/base/suggest.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace freshet {
namespace {

constexpr std::string_view kWords[] = {"older-than", "age-by", "keep", "only", "max-depth"};

TEST(Suggest, MisspellingsFindTheirWord) {
  for (const std::string_view word :
       {"older-then", "oder-than", "olderthan", "older_than", "Older-Than", "odler-than", "older-thann"}) {
    EXPECT_EQ(closest(word, kWords), "older-than") << word;
  }
  EXPECT_EQ(closest("keeep", kWords), "keep");
  EXPECT_EQ(closest("kepe", kWords), "keep");
  EXPECT_EQ(closest("agebby", kWords), "age-by");
}

TEST(Suggest, OtherWordsFindNone) {
  for (const std::string_view word : {"", "x", "younger", "threads", "yl", "zzzzzzzzzz"}) {
    EXPECT_EQ(closest(word, kWords), "") << word;
  }
  EXPECT_EQ(closest("keep", {}), "");
}

TEST(Suggest, AVeryLongWordCostsNothing) {
  EXPECT_EQ(closest(std::string(1 << 20, 'k'), kWords), "");
}

TEST(Suggest, WithoutANearWordAllCanBeListed) {
  EXPECT_EQ(suggest("kepe", kWords), "did you mean `keep`?");
  EXPECT_EQ(suggest("zzz", kWords), "");
  EXPECT_EQ(suggest("zzz", kWords, true), "possible: `older-than`, `age-by`, `keep`, `only`, `max-depth`");
  const std::vector<std::string_view> many(40, "word");
  EXPECT_TRUE(suggest("zzzzzzzz", many, true).ends_with(".."));
}

}  // namespace
}  // namespace freshet

#include "plugins/parts/reason.h"

#include <gtest/gtest.h>

#include <string>

namespace parts {
namespace {

constexpr std::uint64_t kSecond = 1'000'000'000;
constexpr std::uint64_t kDay = 86'400 * kSecond;

template <class Add>
std::string made(Add add) {
  Reason reason;
  add(reason);
  return std::string(reason.text());
}

TEST(Reason, AgesHaveOneUnitAndAreRoundedDown) {
  EXPECT_EQ(made([](Reason& r) { r.add_age(41 * kDay + kDay - 1); }), "41 d");
  EXPECT_EQ(made([](Reason& r) { r.add_age(kDay - 1); }), "23 h");
  EXPECT_EQ(made([](Reason& r) { r.add_age(0); }), "0 s");
}

TEST(Reason, LimitsAreExact) {
  EXPECT_EQ(made([](Reason& r) { r.add_limit(36 * 3600 * kSecond); }), "36 h");
  EXPECT_EQ(made([](Reason& r) { r.add_limit(2 * kDay); }), "2 d");
  EXPECT_EQ(made([](Reason& r) { r.add_limit(0); }), "0 s");
}

TEST(Reason, SizesHaveOneUnitAndAreRoundedDown) {
  EXPECT_EQ(made([](Reason& r) { r.add_size((10ULL << 30) - 1); }), "9 GiB");
  EXPECT_EQ(made([](Reason& r) { r.add_size(1023); }), "1023 B");
  EXPECT_EQ(made([](Reason& r) { r.add_size(~0ULL); }), "16777215 TiB");
}

TEST(Reason, NamesAreShownAsUtf8WhateverTheirBytes) {
  EXPECT_EQ(made([](Reason& r) { r.add_name("ünï-✓"); }), "ünï-✓");
  EXPECT_EQ(made([](Reason& r) { r.add_name("a\n\x7f\xff\xc3"); }), "a????");
  EXPECT_EQ(made([](Reason& r) { r.add_name("\xc2\x9b\xed\xa0\x80"); }), "?????") << "controls and surrogates";
  EXPECT_EQ(made([](Reason& r) { r.add_name(std::string(100, 'x')); }), std::string(64, 'x') + "..");
}

TEST(Reason, WhatDoesNotFitIsCutBetweenCharacters) {
  const std::string text = made([](Reason& r) {
    r.add(std::string(255, 'x'));
    r.add("ü");
    r.add_count(7);
  });
  EXPECT_EQ(text, std::string(255, 'x') + "7");
}

}  // namespace
}  // namespace parts

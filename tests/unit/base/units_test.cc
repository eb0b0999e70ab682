#include "runtime/base/units.h"

#include <gtest/gtest.h>

#include <limits>
#include <random>
#include <string>

namespace freshet {
namespace {

constexpr std::int64_t kMs = 1'000'000;
constexpr std::int64_t kS = 1000 * kMs;
constexpr std::int64_t kM = 60 * kS;
constexpr std::int64_t kH = 60 * kM;
constexpr std::int64_t kD = 24 * kH;

std::int64_t duration(std::string_view text) {
  const auto value = parse_duration(text);
  if (!value) ADD_FAILURE() << text << ": " << value.error().what;
  return value.value_or(-1);
}

std::uint64_t size(std::string_view text) {
  const auto value = parse_size(text);
  if (!value) ADD_FAILURE() << text << ": " << value.error().what;
  return value.value_or(~0ULL);
}

// The message of a refusal; empty when the text was taken.
std::string duration_error(std::string_view text) {
  const auto value = parse_duration(text);
  if (value) return {};
  EXPECT_EQ(value.error().kind, ErrorKind::invalid);
  EXPECT_NE(value.error().detail.find("\"30d\""), std::string::npos)
      << "no example in: " << value.error().detail;
  return value.error().what;
}

std::string size_error(std::string_view text) {
  const auto value = parse_size(text);
  if (value) return {};
  EXPECT_EQ(value.error().kind, ErrorKind::invalid);
  EXPECT_NE(value.error().detail.find("\"2.5GiB\""), std::string::npos)
      << "no example in: " << value.error().detail;
  return value.error().what;
}

bool has(const std::string& text, std::string_view part) {
  return text.find(part) != std::string::npos;
}

TEST(Duration, EveryUnitHasItsLength) {
  EXPECT_EQ(duration("1ms"), kMs);
  EXPECT_EQ(duration("1s"), kS);
  EXPECT_EQ(duration("1m"), kM);
  EXPECT_EQ(duration("1min"), kM);
  EXPECT_EQ(duration("1h"), kH);
  EXPECT_EQ(duration("1d"), kD);
  EXPECT_EQ(duration("1w"), 7 * kD);
  EXPECT_EQ(duration("1y"), 365 * kD);
}

TEST(Duration, PartsAddUp) {
  EXPECT_EQ(duration("1h30m"), kH + 30 * kM);
  EXPECT_EQ(duration("1y2w3d4h5min6s7ms"), 365 * kD + 14 * kD + 3 * kD + 4 * kH + 5 * kM + 6 * kS + 7 * kMs);
}

TEST(Duration, DecimalsAreExact) {
  EXPECT_EQ(duration("2.5h"), 2 * kH + 30 * kM);
  EXPECT_EQ(duration("0.1s"), 100 * kMs);
  EXPECT_EQ(duration("0.000000001s"), 1);
  EXPECT_EQ(duration("1.5d12h"), 2 * kD);
  EXPECT_EQ(duration("0.3ms"), 300'000);
  // More digits than a double holds.
  EXPECT_EQ(duration("1.000000000999999999999999999s"), kS);
}

TEST(Duration, ZeroNeedsAUnitAndThenIsTaken) {
  EXPECT_EQ(duration("0s"), 0);
  EXPECT_EQ(duration("0.000d"), 0);
  EXPECT_TRUE(has(duration_error("0"), "no unit"));
}

TEST(Duration, RefusalsNameTheBadPart) {
  EXPECT_TRUE(has(duration_error(""), "empty"));
  EXPECT_TRUE(has(duration_error("30"), "\"30\" has no unit"));
  EXPECT_TRUE(has(duration_error("-5d"), "negative"));
  EXPECT_TRUE(has(duration_error("30x"), "unknown unit \"x\""));
  EXPECT_TRUE(has(duration_error("1h30"), "\"30\" has no unit"));
  EXPECT_TRUE(has(duration_error("1h-30m"), "\"-30m\""));
  EXPECT_TRUE(has(duration_error("30D"), "unknown unit \"D\""));
  EXPECT_TRUE(has(duration_error("1.h"), "after the point"));
  EXPECT_TRUE(has(duration_error(".5h"), "number is expected"));
  EXPECT_TRUE(has(duration_error("d"), "number is expected"));
  EXPECT_TRUE(has(duration_error("30 d"), "has \" d\" where its unit should be"));
  EXPECT_TRUE(has(duration_error(" 30d"), "number is expected"));
  EXPECT_TRUE(has(duration_error("30d "), "number is expected"));
  EXPECT_TRUE(has(duration_error("1e3s"), "unknown unit \"e\""));
  EXPECT_TRUE(has(duration_error("30days"), "unknown unit \"days\""));
}

TEST(Duration, OddBytesAreShownEscaped) {
  EXPECT_TRUE(has(duration_error("1\x1b[31mh"), "\\x1b"));
  EXPECT_TRUE(has(duration_error(std::string("1d\0", 3)), "\\x00"));
}

TEST(Duration, ALongJunkTextIsCutInTheMessage) {
  EXPECT_LT(duration_error(std::string(100'000, 'z')).size(), 400U);
}

TEST(Duration, TheMostIsTheTypesMostAndNothingWraps) {
  EXPECT_EQ(duration("9223372036854ms"), 9'223'372'036'854 * kMs);
  EXPECT_EQ(duration("292y"), 292 * 365 * kD);
  EXPECT_TRUE(has(duration_error("293y"), "too long"));
  EXPECT_TRUE(has(duration_error("200y200y"), "too long"));
  EXPECT_TRUE(has(duration_error("18446744073709551617s"), "too long"));
  EXPECT_TRUE(has(duration_error(std::string(5000, '9') + "d"), "too long"));
}

TEST(Duration, ATinyFractionIsNotSilentlyZero) {
  EXPECT_TRUE(has(duration_error("0.0000000001s"), "shorter than a nanosecond"));
}

TEST(Size, EveryUnitHasItsSize) {
  EXPECT_EQ(size("512B"), 512U);
  EXPECT_EQ(size("1k"), 1024U);
  EXPECT_EQ(size("1KiB"), 1024U);
  EXPECT_EQ(size("1KB"), 1000U);
  EXPECT_EQ(size("1M"), 1ULL << 20);
  EXPECT_EQ(size("1MiB"), 1ULL << 20);
  EXPECT_EQ(size("1MB"), 1'000'000U);
  EXPECT_EQ(size("1G"), 1ULL << 30);
  EXPECT_EQ(size("20GiB"), 20ULL << 30);
  EXPECT_EQ(size("1GB"), 1'000'000'000U);
  EXPECT_EQ(size("1T"), 1ULL << 40);
  EXPECT_EQ(size("1TiB"), 1ULL << 40);
  EXPECT_EQ(size("1TB"), 1'000'000'000'000U);
  EXPECT_EQ(size("1P"), 1ULL << 50);
  EXPECT_EQ(size("1PiB"), 1ULL << 50);
  EXPECT_EQ(size("1PB"), 1'000'000'000'000'000U);
}

TEST(Size, CaseDoesNotMatter) {
  EXPECT_EQ(size("3gib"), size("3GiB"));
  EXPECT_EQ(size("3kb"), size("3KB"));
  EXPECT_EQ(size("3b"), 3U);
}

TEST(Size, DecimalsAreExact) {
  EXPECT_EQ(size("2.5MB"), 2'500'000U);
  EXPECT_EQ(size("2.5GiB"), 5ULL << 29);
  EXPECT_EQ(size("0.1KiB"), 102U);  // rounded down
  EXPECT_EQ(size("0B"), 0U);
}

TEST(Size, RefusalsNameTheBadPart) {
  EXPECT_TRUE(has(size_error(""), "empty"));
  EXPECT_TRUE(has(size_error("20"), "\"20\" has no unit"));
  EXPECT_TRUE(has(size_error("-1GiB"), "negative"));
  EXPECT_TRUE(has(size_error("1XiB"), "unknown unit \"XiB\""));
  EXPECT_TRUE(has(size_error("1GiB2MiB"), "\"2MiB\" follows"));
  EXPECT_TRUE(has(size_error("1GiB "), "follows"));
  EXPECT_TRUE(has(size_error("GiB"), "number is expected"));
  EXPECT_TRUE(has(size_error("1. GiB"), "after the point"));
  EXPECT_TRUE(has(size_error("0.5B"), "smaller than a byte"));
}

TEST(Size, NothingWraps) {
  EXPECT_EQ(size("18446744073709551615B"), std::numeric_limits<std::uint64_t>::max());
  EXPECT_TRUE(has(size_error("18446744073709551616B"), "too large"));
  EXPECT_EQ(size("16383.999PiB") >> 50, 16383U);
  EXPECT_TRUE(has(size_error("16384PiB"), "too large"));
  EXPECT_TRUE(has(size_error(std::string(5000, '9') + "B"), "too large"));
}

// Every prefix of a good text is either good itself or refused with a message.
TEST(Units, TruncatedTextsAreRefusedOrTaken) {
  const std::string text = "1y2w3.25d4h5min6s7ms";
  for (std::size_t length = 0; length <= text.size(); ++length) {
    const auto value = parse_duration(text.substr(0, length));
    if (!value)
      EXPECT_FALSE(value.error().what.empty());
    else
      EXPECT_GE(*value, 0);
  }
}

TEST(Format, DurationComesBackExactToTheMillisecond) {
  std::mt19937_64 random(7);
  for (int i = 0; i < 2000; ++i) {
    const auto ms = static_cast<std::int64_t>(random() % (1ULL << (random() % 43 + 1)));
    const std::string text = format_duration(ms * kMs);
    EXPECT_EQ(duration(text), ms * kMs) << text;
  }
  EXPECT_EQ(format_duration(0), "0s");
  EXPECT_EQ(format_duration(30 * kD), "30d");
  EXPECT_EQ(format_duration(100 * 365 * kD), "100y");
  EXPECT_EQ(format_duration(400 * kD), "400d");
  EXPECT_EQ(format_duration(kH + 30 * kM), "1h30m");
  EXPECT_EQ(format_duration(7 * kMs), "7ms");
}

TEST(Format, AgeIsOneUnitRoundedDown) {
  EXPECT_EQ(format_age(41 * kD + 23 * kH), "41 d");
  EXPECT_EQ(format_age(3 * kH + 59 * kM), "3 h");
  EXPECT_EQ(format_age(5 * kM), "5 min");
  EXPECT_EQ(format_age(25 * kS + 999 * kMs), "25 s");
  EXPECT_EQ(format_age(999 * kMs), "0 s");
  EXPECT_EQ(format_age(-kD), "0 s");
}

TEST(Format, SizeHasAtMostThreeDigitsAboveBytes) {
  EXPECT_EQ(format_size(0), "0 B");
  EXPECT_EQ(format_size(512), "512 B");
  EXPECT_EQ(format_size(1023), "1023 B");
  EXPECT_EQ(format_size(1024), "1 KiB");
  EXPECT_EQ(format_size(1536), "1.5 KiB");
  EXPECT_EQ(format_size(1503238554), "1.4 GiB");
  EXPECT_EQ(format_size(1288490188), "1.2 GiB");
  EXPECT_EQ(format_size(1331439862), "1.24 GiB");
  EXPECT_EQ(format_size(20ULL << 30), "20 GiB");
  EXPECT_EQ(format_size((1ULL << 20) - 1), "1 MiB");  // not "1024 KiB"
  EXPECT_EQ(format_size(1034), "1.01 KiB");
  EXPECT_EQ(format_size(std::numeric_limits<std::uint64_t>::max()), "16 EiB");
}

TEST(Format, CountsHaveThousands) {
  EXPECT_EQ(format_count(0), "0");
  EXPECT_EQ(format_count(999), "999");
  EXPECT_EQ(format_count(1000), "1,000");
  EXPECT_EQ(format_count(1234567), "1,234,567");
  EXPECT_EQ(format_count(std::numeric_limits<std::uint64_t>::max()), "18,446,744,073,709,551,615");
}

TEST(Format, TimeIsRfc3339InUtc) {
  EXPECT_EQ(format_time(0), "1970-01-01T00:00:00Z");
  EXPECT_EQ(format_time(1795553729LL * kS + 999'999'999), "2026-11-24T20:55:29Z");
  EXPECT_EQ(format_time(-1), "1969-12-31T23:59:59Z");
}

}  // namespace
}  // namespace freshet

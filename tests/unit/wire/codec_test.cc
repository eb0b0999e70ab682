#include "runtime/wire/codec.h"

#include <gtest/gtest.h>

namespace freshet::wire {
namespace {

std::string bytes_of(auto&& write) {
  std::vector<std::uint8_t> out;
  Encoder encoder(out);
  write(encoder);
  return std::string(out.begin(), out.end());
}

TEST(Codec, NumbersAreLittleEndian) {
  EXPECT_EQ(bytes_of([](Encoder& e) { e.number(std::uint32_t{0x04030201}); }), "\x01\x02\x03\x04");
  EXPECT_EQ(bytes_of([](Encoder& e) { e.number(std::int16_t{-2}); }), "\xfe\xff");
}

TEST(Codec, StringsAndListsHaveA32BitCount) {
  EXPECT_EQ(bytes_of([](Encoder& e) { e.string(std::string("ab"), 9); }), std::string("\x02\0\0\0ab", 6));
  const std::vector<std::string> two{"a", ""};
  EXPECT_EQ(bytes_of([&](Encoder& e) { e.list(two, 9, [](auto& x, auto& s) { x.string(s, 9); }); }),
            std::string("\x02\0\0\0\x01\0\0\0a\0\0\0\0", 13));
}

TEST(Codec, ABooleanIsZeroOrOne) {
  for (int raw = 0; raw < 256; ++raw) {
    const std::string byte(1, static_cast<char>(raw));
    Decoder decoder(byte);
    bool value = false;
    decoder.boolean(value);
    EXPECT_EQ(decoder.ok(), raw < 2) << raw;
  }
}

enum class Color : std::uint8_t { red = 0, green, blue };

TEST(Codec, AnEnumerationEndsAtItsLastValue) {
  for (int raw = 0; raw < 256; ++raw) {
    const std::string byte(1, static_cast<char>(raw));
    Decoder decoder(byte);
    Color value{};
    decoder.enumeration(value, Color::blue);
    EXPECT_EQ(decoder.ok(), raw <= 2) << raw;
    if (!decoder.ok()) {
      EXPECT_EQ(value, Color::red);
    }
  }
}

TEST(Codec, NothingIsReadBehindAnError) {
  const std::string bytes("\x02\x01\x01\x01\x01", 5);
  Decoder decoder(bytes);
  bool flag = false;
  decoder.boolean(flag);
  std::uint32_t number = 7;
  decoder.number(number);
  EXPECT_EQ(number, 0U);
  EXPECT_FALSE(decoder.ok());
}

TEST(Codec, ABadMemberEmptiesItsList) {
  const std::string bytes("\x03\0\0\0\x01\x01\x02", 7);
  Decoder decoder(bytes);
  std::vector<std::uint8_t> flags;
  decoder.list(flags, 9, [](auto& x, auto& flag) {
    bool value = false;
    x.boolean(value);
    flag = value;
  });
  EXPECT_FALSE(decoder.ok());
  EXPECT_TRUE(flags.empty());
}

}  // namespace
}  // namespace freshet::wire

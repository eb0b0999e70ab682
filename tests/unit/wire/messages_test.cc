#include "runtime/wire/messages.h"

#include <gtest/gtest.h>

#include <cstring>
#include <set>

#include "runtime/wire/packet.h"
#include "samples.h"

namespace freshet::wire::testing {
namespace {

std::string packet_of(const auto& message) {
  std::vector<std::uint8_t> bytes;
  encode_message(message, bytes);
  return std::string(bytes.begin(), bytes.end());
}

TEST(Messages, ComeBackAsTheyWereSent) {
  for_each_message([]<class M>(const M& message) {
    const std::string packet = packet_of(message);
    M back;
    ASSERT_TRUE(decode_message(packet, back)) << int{packet[0]};
    EXPECT_EQ(packet_of(back), packet) << int{packet[0]};
  });
}

TEST(Messages, TruncatedAnywhereAreRefused) {
  for_each_message([]<class M>(const M& message) {
    const std::string packet = packet_of(message);
    for (std::size_t length = 0; length < packet.size(); ++length) {
      M back;
      EXPECT_FALSE(decode_message(std::string_view(packet).substr(0, length), back))
          << int{packet[0]} << " cut at " << length;
    }
  });
}

TEST(Messages, WithBytesBehindThemAreRefused) {
  for_each_message([]<class M>(const M& message) {
    M back;
    EXPECT_FALSE(decode_message(packet_of(message) + '\0', back));
  });
}

TEST(Messages, OfAnotherTypeAreRefused) {
  for_each_message([]<class M>(const M& message) {
    std::string packet = packet_of(message);
    packet[0] = static_cast<char>(packet[0] ^ 0x40);
    M back;
    EXPECT_FALSE(decode_message(packet, back));
  });
}

TEST(Messages, HaveTypesOfTheirOwn) {
  std::set<int> types;
  int count = 0;
  for_each_message([&]<class M>(const M&) {
    types.insert(static_cast<int>(M::kType));
    ++count;
  });
  EXPECT_EQ(types.size(), static_cast<std::size_t>(count));
}

// Any bit may be flipped by a hostile peer: a packet is then refused, or decodes to a message that encodes to the same
// bytes. Nothing in between.
TEST(Messages, WithAFlippedBitAreRefusedOrMeanExactlyThat) {
  for_each_message([]<class M>(const M& message) {
    const std::string packet = packet_of(message);
    for (std::size_t bit = 8; bit < packet.size() * 8; ++bit) {
      std::string flipped = packet;
      flipped[bit / 8] = static_cast<char>(flipped[bit / 8] ^ (1 << bit % 8));
      M back;
      if (decode_message(flipped, back)) {
        EXPECT_EQ(packet_of(back), flipped) << int{packet[0]} << " bit " << bit;
      }
    }
  });
}

TEST(Messages, AStringOverItsCapIsRefused) {
  Failed failed;
  failed.what.assign(kMaxText, 'x');
  Failed back;
  EXPECT_TRUE(decode_message(packet_of(failed), back));
  failed.what += 'x';
  EXPECT_FALSE(decode_message(packet_of(failed), back));
}

TEST(Messages, AListOverItsCapIsRefused) {
  InUse in_use{1, std::vector<std::uint64_t>(8000, 7)};
  InUse back;
  EXPECT_TRUE(decode_message(packet_of(in_use), back));
  in_use.inodes.push_back(7);
  EXPECT_FALSE(decode_message(packet_of(in_use), back));
}

TEST(Messages, ACountBeyondThePacketIsRefusedBeforeItIsAllocated) {
  std::string packet = packet_of(InUse{1, {}});
  // The count of inodes, the last four bytes: within its cap, but nothing follows.
  const std::uint32_t count = 8000;
  std::memcpy(packet.data() + packet.size() - 4, &count, sizeof count);
  InUse back;
  EXPECT_FALSE(decode_message(packet, back));
  EXPECT_EQ(back.inodes.capacity(), 0U);
}

TEST(Events, ComeBackAndTruncatedAreRefused) {
  for_each_event([]<class E>(const E& event) {
    std::vector<std::uint8_t> bytes;
    Encoder encoder(bytes);
    visit(encoder, event);
    const std::string_view whole(reinterpret_cast<const char*>(bytes.data()), bytes.size());
    E back;
    Decoder decoder(whole);
    visit(decoder, back);
    ASSERT_TRUE(decoder.done()) << int{static_cast<std::uint8_t>(E::kEvent)};
    std::vector<std::uint8_t> again;
    Encoder second(again);
    visit(second, back);
    EXPECT_EQ(again, bytes);
    for (std::size_t length = 0; length < whole.size(); ++length) {
      Decoder cut(whole.substr(0, length));
      E nothing;
      visit(cut, nothing);
      EXPECT_FALSE(cut.ok()) << int{static_cast<std::uint8_t>(E::kEvent)} << " cut at " << length;
    }
  });
}

TEST(Outcomes, EveryCodeHasWords) {
  std::set<std::string_view> words;
  for (int code = 0; code <= static_cast<int>(OutcomeCode::failed); ++code)
    words.insert(to_string(static_cast<OutcomeCode>(code)));
  EXPECT_EQ(words.size(), static_cast<std::size_t>(OutcomeCode::failed) + 1);
  EXPECT_FALSE(words.contains("unknown"));
  words.clear();
  for (int code = 0; code <= static_cast<int>(RestoreCode::failed); ++code)
    words.insert(to_string(static_cast<RestoreCode>(code)));
  EXPECT_EQ(words.size(), static_cast<std::size_t>(RestoreCode::failed) + 1);
  EXPECT_FALSE(words.contains("unknown"));
}

}  // namespace
}  // namespace freshet::wire::testing

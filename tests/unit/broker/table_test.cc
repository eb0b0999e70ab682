#include "runtime/broker/table.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

namespace freshet::broker {
namespace {

std::vector<TableSlot> some_slots() {
  return {{1, 11, 100, -5, 7, ""},
          {2, 12, 0, 1'400'000'000'123'456'789, 2, "a dir/with space"},
          {3, 18'446'744'073'709'551'615ULL, -9, 3, 4, "new\nline\t\\back\x01\xff\xc3\xa9"},
          {4'000'000'000U, 14, 5, 6, 7, "..."}};
}

std::string table_of(const std::vector<TableSlot>& slots) {
  std::string text(kTableHeader);
  for (const TableSlot& slot : slots) text += format_table_line(slot);
  return text;
}

std::vector<TableSlot> read(std::string_view text, std::size_t* dropped = nullptr, std::size_t piece = 1000) {
  TableReader reader;
  for (std::size_t at = 0; at < text.size(); at += piece) reader.feed(text.substr(at, piece));
  std::vector<TableSlot> slots = reader.take();
  if (dropped) *dropped = reader.dropped();
  return slots;
}

TEST(Table, WhatIsWrittenIsRead) {
  const std::string text = table_of(some_slots());
  for (const std::size_t piece : {1UL, 2UL, 7UL, 100UL, 100'000UL}) {
    std::size_t dropped = 9;
    EXPECT_EQ(read(text, &dropped, piece), some_slots());
    EXPECT_EQ(dropped, 0U);
  }
}

TEST(Table, ALineIsOneLineOfPrintableFieldsWithinItsBound) {
  for (const TableSlot& slot : some_slots()) {
    const std::string line = format_table_line(slot);
    EXPECT_EQ(line.find('\n'), line.size() - 1);
    EXPECT_EQ(std::count(line.begin(), line.end(), ' '), 6);
    EXPECT_LE(line.size(), table_line_bytes(slot.path));
  }
  const TableSlot longest{1, 1, 1, 1, 1, std::string(200, '\x01') + "/" + std::string(200, ' ')};
  EXPECT_LE(format_table_line(longest).size(), table_line_bytes(longest.path));
}

TEST(Table, TruncatedTailIsIgnored) {
  const std::string text = table_of(some_slots());
  for (std::size_t length = 0; length < text.size(); ++length) {
    std::size_t dropped = 9;
    const std::vector<TableSlot> slots = read(std::string_view(text).substr(0, length), &dropped);
    ASSERT_LT(slots.size(), some_slots().size());
    for (std::size_t i = 0; i < slots.size(); ++i) ASSERT_EQ(slots[i], some_slots()[i]);
    ASSERT_EQ(dropped, 0U) << length;
  }
}

TEST(Table, AFlippedBitNeverGivesAnotherSlot) {
  const std::string text = table_of(some_slots());
  for (std::size_t at = 0; at < text.size(); ++at) {
    for (int bit = 0; bit < 8; ++bit) {
      std::string bad = text;
      bad[at] = static_cast<char>(bad[at] ^ (1 << bit));
      std::size_t dropped = 0;
      const std::vector<TableSlot> slots = read(bad, &dropped);
      ASSERT_LT(slots.size(), some_slots().size());
      for (const TableSlot& slot : slots) {
        bool known = false;
        for (const TableSlot& good : some_slots()) known = known || slot == good;
        ASSERT_TRUE(known) << at;
      }
      // Only the newline of the last line can go without a trace: that is a truncated tail.
      if (at + 1 < text.size()) {
        ASSERT_GT(dropped, 0U) << at;
      }
    }
  }
}

TEST(Table, BothLinesOfANumberClaimedTwiceAreDropped) {
  std::vector<TableSlot> slots = some_slots();
  slots.push_back(slots[1]);
  slots.back().path = "elsewhere";
  std::size_t dropped = 0;
  const std::vector<TableSlot> good = read(table_of(slots), &dropped);
  EXPECT_EQ(dropped, 2U);
  ASSERT_EQ(good.size(), 3U);
  for (const TableSlot& slot : good) EXPECT_NE(slot.number, 2U);
}

TEST(Table, AnotherVersionNamesNoSlot) {
  std::string text = table_of(some_slots());
  text[text.find('1')] = '2';
  EXPECT_TRUE(read(text).empty());
  EXPECT_TRUE(read(text.substr(text.find('\n') + 1)).empty());
}

TEST(Table, PathsThatLeaveTheRootAreDropped) {
  for (const char* path : {"..", "a/../b", "/etc", "a//b", "a/", "a/."}) {
    const std::vector<TableSlot> slots{{1, 1, 1, 1, 1, path}};
    EXPECT_TRUE(read(table_of(slots)).empty()) << path;
  }
  const std::vector<TableSlot> with_nul{{1, 1, 1, 1, 1, std::string("a\0b", 3)}};
  EXPECT_TRUE(read(table_of(with_nul)).empty());
  const std::vector<TableSlot> long_name{{1, 1, 1, 1, 1, std::string(256, 'n')}};
  EXPECT_TRUE(read(table_of(long_name)).empty());
}

TEST(Table, ALineOverTheCapIsDroppedAndTheNextOneRead) {
  std::string text(kTableHeader);
  text += std::string(kMaxTableLine + 5, '7') + "\n" + format_table_line(some_slots()[0]);
  std::size_t dropped = 0;
  EXPECT_EQ(read(text, &dropped, 64 * 1024).size(), 1U);
  EXPECT_EQ(dropped, 1U);
}

TEST(Table, SlotsComeInOrderWhateverTheOrderOfLines) {
  std::vector<TableSlot> slots = some_slots();
  std::reverse(slots.begin(), slots.end());
  EXPECT_EQ(read(table_of(slots)), some_slots());
}

}  // namespace
}  // namespace freshet::broker

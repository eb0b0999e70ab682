#include "runtime/broker/link_ledger.h"

#include <gtest/gtest.h>

namespace freshet::broker {
namespace {

EntryStat file(std::uint64_t inode, std::uint32_t links) {
  EntryStat stat;
  stat.identity.inode = inode;
  stat.identity.type = EntryType::file;
  stat.links = links;
  stat.allocated = 4096;
  return stat;
}

TEST(LinkLedger, AFileCountsOnceAndWithItsLastLink) {
  LinkLedger ledger;
  ledger.note(file(1, 2));
  EXPECT_EQ(ledger.noted_bytes(), 0U);
  ledger.commit();
  ledger.note(file(1, 2));
  EXPECT_EQ(ledger.noted_bytes(), 4096U);
  ledger.commit();
  EXPECT_EQ(ledger.noted_bytes(), 0U);
}

TEST(LinkLedger, WhatIsDiscardedDoesNotCount) {
  LinkLedger ledger;
  ledger.note(file(1, 2));
  ledger.discard();
  ledger.note(file(1, 2));
  EXPECT_EQ(ledger.noted_bytes(), 0U);
  ledger.note(file(1, 2));
  EXPECT_EQ(ledger.noted_bytes(), 4096U);
  ledger.note(file(2, 1));
  EXPECT_EQ(ledger.noted_bytes(), 8192U);
}

TEST(LinkLedger, ADirectoryCountsWhateverItsLinks) {
  LinkLedger ledger;
  EntryStat directory = file(1, 9);
  directory.identity.type = EntryType::directory;
  ledger.note(directory);
  EXPECT_EQ(ledger.noted_bytes(), 4096U);
}

}  // namespace
}  // namespace freshet::broker

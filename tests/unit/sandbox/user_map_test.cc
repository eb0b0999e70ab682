#include "runtime/sandbox/user_map.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <sstream>
#include <vector>

namespace freshet::sandbox {
namespace {

TEST(UserMap, OwnMapsNameOneIdEachAndDenySetgroups) {
  const IdMaps maps = own_maps();
  const std::string uid = std::to_string(::geteuid());
  EXPECT_EQ(maps.uid_map, uid + " " + uid + " 1\n");
  EXPECT_TRUE(maps.deny_setgroups);
}

TEST(UserMap, FullMapsMapEveryIdToItself) {
  const auto ids = own_ids();
  ASSERT_TRUE(ids.has_value());
  const IdMaps maps = full_maps(*ids);
  EXPECT_FALSE(maps.deny_setgroups);
  unsigned long inside = 0;
  unsigned long outside = 0;
  unsigned long count = 0;
  ASSERT_EQ(std::sscanf(maps.uid_map.c_str(), "%lu %lu %lu", &inside, &outside, &count), 3);
  EXPECT_EQ(inside, outside);
  EXPECT_GT(count, 0U);
}

struct Extent {
  unsigned long inside = 0, outside = 0, count = 0;
};
std::vector<Extent> extents(const std::string& map) {
  std::vector<Extent> out;
  std::istringstream lines(map);
  for (Extent one; lines >> one.inside >> one.outside >> one.count;) out.push_back(one);
  return out;
}

// What a capability of a worker's namespace is worth something for is its own id, and what no file of the host has.
TEST(UserMap, AViewerKnowsNoIdOfTheHostButItsOwn) {
  for (const std::uint32_t id : {1879048192U, 65536U, 3U, 0x80000000U, 0x80000000U + 33, 0xEFFFFFFFU, 0xF0000000U, 0xFFFF0000U}) {
    unsigned long known = 0;
    bool has_itself = false;
    const IdMaps maps = viewer_maps(id);
    EXPECT_EQ(maps.uid_map, maps.gid_map);
    EXPECT_FALSE(maps.deny_setgroups);
    const auto all = extents(maps.uid_map);
    for (const Extent& one : all) {
      known += one.count;
      if (one.inside == id && one.outside == id && one.count == 1) {
        has_itself = true;
        continue;
      }
      EXPECT_EQ(one.outside, one.inside + kViewFirst) << id;
      EXPECT_FALSE(id >= one.inside && id - one.inside < one.count) << "inside, twice: " << id;
      EXPECT_FALSE(id >= one.outside && id - one.outside < one.count) << "outside, twice: " << id;
    }
    EXPECT_TRUE(has_itself) << id;
    EXPECT_GE(known, kViewCount - 1UL) << id;
  }
}

TEST(UserMap, ARootsMountShowsOwnersWhereItsViewerHasThem) {
  const auto all = extents(view_maps().uid_map);
  ASSERT_EQ(all.size(), 1U);
  EXPECT_EQ(all[0].inside, 0U);
  EXPECT_EQ(all[0].outside, kViewFirst);
  EXPECT_EQ(all[0].count, kViewCount);
  EXPECT_LT(std::uint64_t{kViewFirst} + kViewCount, 0xFFFFFFFFULL);
  EXPECT_LE(kViewCount, kViewFirst);
}

TEST(UserMap, OurOwnIdIsMappedAndTheInvalidOneIsNot) {
  const auto ids = own_ids();
  ASSERT_TRUE(ids.has_value());
  EXPECT_TRUE(ids->contains(::geteuid()));
  EXPECT_FALSE(ids->contains(0xFFFFFFFFU));
}

}  // namespace
}  // namespace freshet::sandbox

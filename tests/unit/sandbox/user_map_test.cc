#include "runtime/sandbox/user_map.h"

#include <gtest/gtest.h>
#include <unistd.h>

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

TEST(UserMap, OurOwnIdIsMappedAndTheInvalidOneIsNot) {
  const auto ids = own_ids();
  ASSERT_TRUE(ids.has_value());
  EXPECT_TRUE(ids->contains(::geteuid()));
  EXPECT_FALSE(ids->contains(0xFFFFFFFFU));
}

}  // namespace
}  // namespace freshet::sandbox

#include "runtime/manifest/manifest.h"

#include <gtest/gtest.h>

namespace freshet::manifest {
namespace {

Manifest with_range(AbiVersion min, AbiVersion below) {
  Manifest out;
  out.id = "org.example.x";
  out.abi_min = min;
  out.abi_below = below;
  return out;
}

TEST(CheckAbi, TheRangeHasToCoverTheRuntime) {
  EXPECT_TRUE(check_abi(with_range(kRuntimeAbi, {kRuntimeAbi.major, kRuntimeAbi.minor + 1})));
  EXPECT_TRUE(check_abi(with_range({0, 0}, {9, 0})));
  EXPECT_FALSE(check_abi(with_range({0, 0}, kRuntimeAbi))) << "`below` is not in the range";
  EXPECT_FALSE(check_abi(with_range({kRuntimeAbi.major, kRuntimeAbi.minor + 1}, {9, 0})));
}

TEST(CheckAbi, TheRefusalNamesThePluginAndSaysWhoHasToBeNewer) {
  const auto newer = check_abi(with_range({7, 0}, {8, 0}));
  ASSERT_FALSE(newer);
  EXPECT_EQ(newer.error().code, "F2007");
  EXPECT_NE(newer.error().what.find("org.example.x"), std::string::npos);
  EXPECT_NE(newer.error().detail.find("Freshet"), std::string::npos);
  const auto older = check_abi(with_range({0, 0}, {0, 1}));
  ASSERT_FALSE(older);
  EXPECT_NE(older.error().detail.find("plugin"), std::string::npos);
}

TEST(FindKind, FindsByWholeName) {
  Manifest manifest;
  manifest.kinds.resize(2);
  manifest.kinds[0].name = "old";
  manifest.kinds[1].name = "older";
  EXPECT_EQ(find_kind(manifest, "older"), &manifest.kinds[1]);
  EXPECT_EQ(find_kind(manifest, "olde"), nullptr);
  EXPECT_EQ(find_kind(manifest, ""), nullptr);
}

}  // namespace
}  // namespace freshet::manifest

#include "runtime/conformance/settings_values.h"

#include <gtest/gtest.h>

namespace freshet::conformance {
namespace {

using manifest::SettingSchema;
using manifest::SettingType;
using manifest::TypedValue;

constexpr std::int64_t kHour = 3'600'000'000'000;

manifest::TaskKind kind_of(std::vector<SettingSchema> settings) {
  manifest::TaskKind out;
  out.name = "old";
  out.settings = std::move(settings);
  return out;
}

SettingSchema setting(SettingType type) {
  SettingSchema out;
  out.name = "x";
  out.type = type;
  return out;
}

TEST(SettingsValues, GivenTextsGoBeforeDefaults) {
  SettingSchema age = setting(SettingType::duration);
  age.default_value = TypedValue(kHour);
  const auto kind = kind_of({age});
  EXPECT_EQ(base_settings(kind, {})->front().second, TypedValue(kHour));
  EXPECT_EQ(base_settings(kind, {{"x", "2h"}})->front().second, TypedValue(2 * kHour));
  EXPECT_FALSE(base_settings(kind, {{"x", "soon"}}));
}

TEST(SettingsValues, ANameThatNoKindHasIsRefused) {
  const std::vector<manifest::TaskKind> kinds{kind_of({setting(SettingType::string)})};
  EXPECT_TRUE(check_names(kinds, {{"x", "1"}}));
  EXPECT_FALSE(check_names(kinds, {{"y", "1"}}));
  EXPECT_FALSE(check_names({}, {{"x", "1"}}));
}

TEST(SettingsValues, EachEndOfARangeIsABoundary) {
  SettingSchema age = setting(SettingType::duration);
  age.range = {static_cast<double>(kHour), static_cast<double>(9 * kHour)};
  const auto kind = kind_of({age});
  const auto base = base_settings(kind, {{"x", "3h"}});
  const auto all = boundaries(kind, *base);
  ASSERT_EQ(all.size(), 2U);
  EXPECT_EQ(all[0].settings.front().second, TypedValue(kHour));
  EXPECT_EQ(all[1].settings.front().second, TypedValue(9 * kHour));
  EXPECT_EQ(all[0].shown, "x = 1h");
  EXPECT_EQ(boundaries(kind, *base_settings(kind, {{"x", "1h"}})).size(), 1U) << "what has been tried is not tried again";
}

TEST(SettingsValues, EachListedValueIsABoundary) {
  SettingSchema order = setting(SettingType::string);
  order.values = {"mtime", "name"};
  SettingSchema types = setting(SettingType::list_of_strings);
  types.name = "types";
  types.values = {"file", "directory"};
  const auto kind = kind_of({order, types});
  const auto all = boundaries(kind, *base_settings(kind, {}));
  std::vector<std::string> shown;
  for (const Boundary& one : all) shown.push_back(one.shown);
  EXPECT_EQ(shown, (std::vector<std::string>{"x = \"name\"", "types = []", "types = [\"directory\"]", "types = [\"file\", \"directory\"]"}));
}

}  // namespace
}  // namespace freshet::conformance

#include "runtime/manifest/settings.h"

#include <gtest/gtest.h>

#include <limits>

namespace freshet::manifest {
namespace {

using config::SettingValue;

constexpr double kDay = 24.0 * 3600 * 1e9;

SettingSchema schema(std::string name, SettingType type) {
  SettingSchema out;
  out.name = std::move(name);
  out.type = type;
  return out;
}

// One setting of each type; only `older-than` must be given.
TaskKind kind() {
  TaskKind out;
  out.name = "expired-files";
  out.settings.push_back(schema("older-than", SettingType::duration));
  out.settings.back().range = {0, 36500 * kDay};
  out.settings.back().doc = "entries at least this old go";
  const auto add = [&](std::string name, SettingType type, TypedValue value) -> SettingSchema& {
    out.settings.push_back(schema(std::move(name), type));
    out.settings.back().default_value = std::move(value);
    return out.settings.back();
  };
  add("age-by", SettingType::list_of_strings, std::vector<std::string>{"mtime"}).values = {"mtime", "atime",
                                                                                           "ctime"};
  add("mode", SettingType::string, std::string("fast")).values = {"fast", "careful"};
  add("min-size", SettingType::size, std::int64_t{0});
  add("empty-directories", SettingType::boolean, false);
  add("max-depth", SettingType::integer, std::int64_t{100}).range = {1, 1000};
  add("share", SettingType::number, 0.5).range = {0, 1};
  return out;
}

SettingValue value(auto v) {
  SettingValue out;
  out.value = std::move(v);
  return out;
}
SettingValue text(std::string_view v) {
  return value(std::string(v));
}
SettingValue list(std::vector<SettingValue> members) {
  return value(std::move(members));
}

config::TaskConfig task(std::map<std::string, SettingValue> settings) {
  config::TaskConfig out;
  out.name = "t";
  out.plugin = "org.freshet.expired-files";
  out.settings = std::move(settings);
  return out;
}

TypedValue typed(const std::string& name, SettingValue v) {
  auto settings = std::map<std::string, SettingValue>{{"older-than", text("1d")}};
  settings[name] = std::move(v);
  const auto result = type_settings(kind(), task(std::move(settings)));
  if (!result) {
    ADD_FAILURE() << config::format(result.error().at(0));
    return false;
  }
  for (const auto& [key, t] : *result) {
    if (key == name) return t;
  }
  ADD_FAILURE() << name << " is not among the settings";
  return false;
}

std::vector<config::Diagnostic> refused(std::map<std::string, SettingValue> settings) {
  const auto result = type_settings(kind(), task(std::move(settings)));
  if (!result) return result.error();
  ADD_FAILURE() << "nothing was refused";
  return {};
}

// The text of the only refusal about `name`, suggestion included.
std::string refusal(const std::string& name, SettingValue v) {
  auto settings = std::map<std::string, SettingValue>{{"older-than", text("1d")}};
  settings[name] = std::move(v);
  const auto all = refused(std::move(settings));
  EXPECT_EQ(all.size(), 1U);
  return all.empty() ? "" : config::format(all[0]);
}

bool has(std::string_view whole, std::string_view part) {
  return whole.find(part) != std::string_view::npos;
}

TEST(Settings, DefaultsFillInInTheOrderOfTheSchema) {
  const auto result = type_settings(kind(), task({{"older-than", text("30d")}}));
  ASSERT_TRUE(result);
  const TaskKind k = kind();
  ASSERT_EQ(result->size(), k.settings.size());
  for (std::size_t i = 0; i < k.settings.size(); ++i) {
    EXPECT_EQ((*result)[i].first, k.settings[i].name);
    if (k.settings[i].default_value) {
      EXPECT_EQ((*result)[i].second, *k.settings[i].default_value);
    }
  }
  EXPECT_EQ((*result)[0].second, TypedValue(std::int64_t{30} * 24 * 3600 * 1'000'000'000));
}

TEST(Settings, EveryTypeIsTaken) {
  EXPECT_EQ(typed("older-than", text("0s")), TypedValue(std::int64_t{0}));
  EXPECT_EQ(typed("age-by", list({text("atime"), text("ctime")})),
            TypedValue(std::vector<std::string>{"atime", "ctime"}));
  EXPECT_EQ(typed("age-by", list({})), TypedValue(std::vector<std::string>{}));
  EXPECT_EQ(typed("mode", text("careful")), TypedValue(std::string("careful")));
  EXPECT_EQ(typed("min-size", text("2.5GiB")), TypedValue(std::int64_t{5} << 29));
  EXPECT_EQ(typed("empty-directories", value(true)), TypedValue(true));
  EXPECT_EQ(typed("max-depth", value(std::int64_t{1000})), TypedValue(std::int64_t{1000}));
  EXPECT_EQ(typed("share", value(0.25)), TypedValue(0.25));
  EXPECT_EQ(typed("share", value(std::int64_t{1})), TypedValue(1.0));
}

TEST(Settings, AnAgeOfZeroMustBeSpelled) {
  EXPECT_TRUE(has(refusal("older-than", value(std::int64_t{0})), "\"0s\""));
  EXPECT_TRUE(has(refusal("older-than", text("")), "empty"));
  EXPECT_TRUE(has(refusal("older-than", text("0")), "no unit"));
  EXPECT_TRUE(has(refusal("older-than", value(0.0)), "must be a duration"));
  EXPECT_TRUE(has(refusal("older-than", value(false)), "must be a duration"));
}

TEST(Settings, WrongTypesAreNamedWithWhatToWrite) {
  EXPECT_TRUE(has(refusal("older-than", value(std::int64_t{30})), "\"30d\""));
  EXPECT_TRUE(has(refusal("age-by", text("mtime")), "write [\"mtime\"]"));
  EXPECT_TRUE(has(refusal("age-by", list({value(true)})), "strings only, not a boolean"));
  EXPECT_TRUE(has(refusal("min-size", value(std::int64_t{5})), "\"5MiB\""));
  EXPECT_TRUE(has(refusal("empty-directories", text("yes")), "without quotes"));
  EXPECT_TRUE(has(refusal("max-depth", value(1.5)), "a whole number, not a decimal number"));
  EXPECT_TRUE(has(refusal("share", list({})), "a number, not a list"));
  EXPECT_TRUE(has(refusal("mode", value(true)), "a string, not a boolean"));
}

TEST(Settings, WordsThatAreNotAllowedGetASuggestion) {
  EXPECT_TRUE(has(refusal("mode", text("fats")), "did you mean `fast`?"));
  EXPECT_TRUE(has(refusal("mode", text("zzz")), "possible: `fast`, `careful`"));
  EXPECT_TRUE(has(refusal("age-by", list({text("mtime"), text("atme")})), "did you mean `atime`?"));
}

TEST(Settings, RangesAreInclusiveAndShownInTheirUnit) {
  EXPECT_TRUE(has(refusal("max-depth", value(std::int64_t{0})), "must be from 1 to 1000"));
  EXPECT_TRUE(has(refusal("max-depth", value(std::int64_t{1001})), "must be from 1 to 1000"));
  EXPECT_TRUE(has(refusal("share", value(1.01)), "must be from 0 to 1"));
  EXPECT_TRUE(has(refusal("older-than", text("101y")), "must be from \"0s\" to \"100y\""));
  EXPECT_TRUE(has(refusal("share", value(std::numeric_limits<double>::quiet_NaN())), "finite"));
  EXPECT_TRUE(has(refusal("min-size", text("10000PiB")), "too large"));
}

TEST(Settings, MoreThanTheWireCarriesIsRefused) {
  TaskKind open;
  open.name = "expired-files";
  open.settings.push_back(schema("name", SettingType::string));
  open.settings.push_back(schema("keep", SettingType::list_of_strings));
  const auto judged = [&](std::size_t bytes, std::size_t members) {
    return type_settings(open, task({{"name", text(std::string(bytes, 'x'))},
                                     {"keep", list(std::vector<SettingValue>(members, text(std::string(bytes, 'y'))))}}));
  };
  EXPECT_TRUE(judged(kMaxSettingText, kMaxSettingMembers).has_value());
  const auto many = judged(1, kMaxSettingMembers + 1);
  ASSERT_EQ(many.error().size(), 1U);
  EXPECT_TRUE(has(many.error()[0].what, "more than 256 entries"));
  const auto longer = judged(kMaxSettingText + 1, 1);
  ASSERT_EQ(longer.error().size(), 2U);
  EXPECT_TRUE(has(longer.error()[0].what, "longer than 4096 bytes"));
}

TEST(Settings, AllMismatchesComeAtOnce) {
  const auto all = refused({{"oder-than", text("1d")},
                            {"age-by", list({text("mtime"), text("a"), text("b")})},
                            {"share", value(2.0)},
                            {"nonsense", value(true)}});
  // older-than is missing, two words, one range, two unknown.
  ASSERT_EQ(all.size(), 6U);
  std::string text_of_all;
  for (const auto& d : all) text_of_all += config::format(d) + "\n";
  EXPECT_TRUE(has(text_of_all, "needs the setting `older-than`"));
  EXPECT_TRUE(has(text_of_all, "entries at least this old go"));
  EXPECT_TRUE(has(text_of_all, "unknown setting `oder-than`"));
  EXPECT_TRUE(has(text_of_all, "did you mean `older-than`?"));
  EXPECT_TRUE(has(text_of_all, "unknown setting `nonsense`"));
}

TEST(Settings, AMismatchPointsIntoTheFile) {
  config::Position position;
  position.file = "/etc/freshet/freshet.toml";
  position.line = 2;
  position.column = 3;
  position.text = std::make_shared<const std::string>("a\n  older = 1\n");
  SettingValue older = text("1d");
  older.position = position;
  const auto all = refused({{"older-than", text("1d")}, {"oldr-than", older}});
  ASSERT_EQ(all.size(), 1U);
  EXPECT_TRUE(has(config::format(all[0]), "/etc/freshet/freshet.toml:2:3: error: unknown setting"));
  EXPECT_EQ(all[0].excerpt, "  2 |   older = 1\n    |   ^");
}

}  // namespace
}  // namespace freshet::manifest

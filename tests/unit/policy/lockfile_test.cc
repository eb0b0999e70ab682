#include "runtime/policy/lockfile.h"

#include <gtest/gtest.h>

#include <functional>
#include <string>
#include <vector>

namespace freshet::policy {
namespace {

manifest::Manifest sample() {
  manifest::Manifest out;
  out.id = "org.example.old-logs";
  out.version = "1.2.0";
  out.abi_min = {0, 1};
  out.abi_below = {1, 0};
  out.required_permissions = {"remove"};
  out.optional_permissions = {"read"};
  out.limits.memory_bytes = 64 << 20;
  manifest::TaskKind kind;
  kind.name = "logs";
  kind.doc = "old logs";
  manifest::SettingSchema age;
  age.name = "older-than";
  age.type = manifest::SettingType::duration;
  age.doc = "an age";
  age.range = {{0, 1e18}};
  age.default_value = std::int64_t{1000};
  kind.settings = {age};
  out.kinds = {kind};
  return out;
}

std::string hash(char digit) { return std::string(64, digit); }

std::string difference(const manifest::Manifest& found, const std::string& sha256 = hash('a')) {
  std::string all;
  for (const std::string& one : differences(make_pin(sample(), hash('a'), ""), make_pin(found, sha256, ""))) all += one + "\n";
  return all;
}

TEST(Lockfile, WhatIsWrittenIsReadAgain) {
  Pins pins;
  pins["org.example.old-logs"] = make_pin(sample(), hash('a'), "");
  manifest::Manifest other = sample();
  other.id = "org.example.another";
  pins["org.example.another"] = make_pin(other, hash('b'), "Example \"release\" key\\1");
  const std::string text = format_lockfile(pins);
  const Result<Pins> again = parse_lockfile(text, "freshet.lock");
  ASSERT_TRUE(again) << again.error().detail;
  EXPECT_EQ(*again, pins);
  EXPECT_EQ(format_lockfile(*again), text);
  EXPECT_LT(text.find("another"), text.find("old-logs"));
}

TEST(Lockfile, NothingChangedIsNoDifference) { EXPECT_EQ(difference(sample()), ""); }

TEST(Lockfile, DocsAndTheOrderOfPermissionsMayChangeWithTheBytes) {
  manifest::Manifest found = sample();
  found.doc = "other words";
  found.kinds[0].doc = "other words";
  found.kinds[0].settings[0].doc = "other words";
  EXPECT_EQ(difference(found, hash('b')), "its bytes are others: sha256 " + hash('a') + " became " + hash('b') + "\n");
}

TEST(Lockfile, EachDifferenceIsNamed) {
  manifest::Manifest found = sample();
  found.version = "1.3.0";
  EXPECT_EQ(difference(found), "version 1.2.0 became 1.3.0\n");
  found = sample();
  found.required_permissions = {"read", "remove"};
  found.optional_permissions = {};
  EXPECT_EQ(difference(found), "requires in addition: read\nno longer asks: read\n");
  found = sample();
  found.limits.memory_bytes = (64 << 20) + 1;
  EXPECT_EQ(difference(found), "asks for the limit: memory 67108865B\nno longer asks for the limit: memory 64MiB\n");
  found = sample();
  found.abi_min = {0, 2};
  EXPECT_EQ(difference(found), "ABI >= 0.1, < 1.0 became >= 0.2, < 1.0\n");
  const Pin approved = make_pin(sample(), hash('a'), "one");
  EXPECT_EQ(differences(approved, make_pin(sample(), hash('a'), "")), std::vector<std::string>{"it is not signed any more; it was, by one"});
  EXPECT_EQ(differences(approved, make_pin(sample(), hash('a'), "two")), std::vector<std::string>{"signed by two instead of one"});
}

TEST(Lockfile, EveryChangeOfTheSettingsIsSeen) {
  const std::string expected = "its task kinds or their settings are others\n";
  std::vector<std::function<void(manifest::SettingSchema&)>> changes = {
      [](auto& setting) { setting.name = "younger-than"; },
      [](auto& setting) { setting.type = manifest::SettingType::integer; },
      [](auto& setting) { setting.default_value = std::int64_t{1001}; },
      [](auto& setting) { setting.default_value = 1000.0; },
      [](auto& setting) { setting.default_value.reset(); },
      [](auto& setting) { setting.range->second = 2e18; },
      [](auto& setting) { setting.range.reset(); },
      [](auto& setting) { setting.values = {"1s"}; },
  };
  for (std::size_t i = 0; i < changes.size(); ++i) {
    manifest::Manifest found = sample();
    changes[i](found.kinds[0].settings[0]);
    EXPECT_EQ(difference(found), expected) << i;
  }
  manifest::Manifest found = sample();
  found.kinds.push_back(found.kinds[0]);
  found.kinds[1].name = "more";
  EXPECT_EQ(difference(found), expected);
  found.kinds[0].after = {"more"};
  EXPECT_EQ(difference(found), expected);
}

std::string refusal(const std::string& text) {
  const Result<Pins> pins = parse_lockfile(text, "/etc/freshet/freshet.lock");
  if (pins) return "";
  EXPECT_EQ(pins.error().code, "F1063");
  return pins.error().what + "\n" + pins.error().detail;
}

TEST(Lockfile, WhatIsNotItsFormIsRefusedWithItsPlace) {
  const std::string good = format_lockfile({{"org.example.old-logs", make_pin(sample(), hash('a'), "")}});
  EXPECT_EQ(refusal(good), "");
  const auto changed = [&](const std::string& from, const std::string& to) {
    std::string text = good;
    const std::size_t at = text.find(from);
    EXPECT_NE(at, std::string::npos) << from;
    return refusal(text.replace(at, from.size(), to));
  };
  EXPECT_NE(changed("format = 1\n", "").find("`format` is missing"), std::string::npos);
  EXPECT_NE(changed("format = 1", "format = 2").find("freshet.lock:2:"), std::string::npos);
  EXPECT_NE(changed("version = ", "versoin = ").find("`version`"), std::string::npos);
  EXPECT_NE(changed(hash('a'), hash('A')).find("no SHA-256"), std::string::npos);
  EXPECT_NE(changed("\"remove\"", "7").find("required-permissions"), std::string::npos);
  EXPECT_NE(changed("[plugin.\"org.example.old-logs\"]", "[plugin]").find("must be a table"), std::string::npos);
  EXPECT_NE(refusal("[[[[").find("freshet.lock:1:"), std::string::npos);
  EXPECT_NE(refusal(std::string(32 * 1024, '[')), "");
  EXPECT_NE(refusal(std::string(kMaxLockfileBytes + 1, '#')).find("over"), std::string::npos);
}

TEST(Lockfile, ATruncatedFileApprovesNothingElse) {
  const Pins pins = {{"org.example.old-logs", make_pin(sample(), hash('a'), "")}};
  const std::string text = format_lockfile(pins);
  std::size_t refused = 0;
  for (std::size_t length = 0; length + 1 < text.size(); ++length) {
    const Result<Pins> cut = parse_lockfile(std::string_view(text).substr(0, length), "freshet.lock");
    if (!cut) ++refused;
    else EXPECT_TRUE(cut->empty()) << text.substr(0, length);
  }
  EXPECT_GT(refused, text.size() / 2);
}

}  // namespace
}  // namespace freshet::policy

#include "runtime/manifest/keys.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>
#include <functional>
#include <set>
#include <sstream>

#include "runtime/manifest/reader.h"

namespace freshet::manifest {
namespace {

struct Line {
  std::string table, key, text;
  bool block = false;  // a table of its own: without it, what is in it goes too
};

// Every key there is, each in a line.
const std::vector<Line> kWhole = {
    {"", "id", "id = \"org.example.x\""},
    {"", "version", "version = \"1.0.0\""},
    {"", "license", "license = \"MIT\""},
    {"", "doc", "doc = \"x\""},
    {"", "irreversible", "irreversible = true"},
    {"", "locks", "locks = [{ path = \"/lock\", kind = \"posix\" }]"},
    {"", "abi", "[abi]", true},
    {"abi", "min", "min = \"1.0\""},
    {"abi", "below", "below = \"2.0\""},
    {"", "permissions", "[permissions]", true},
    {"permissions", "required", "required = [\"remove\", \"ipc\", \"lock\"]"},
    {"permissions", "optional", "optional = [\"read\"]"},
    {"", "limits", "[limits]", true},
    {"limits", "memory", "memory = \"64MiB\""},
    {"limits", "cpu", "cpu = \"20s\""},
    {"limits", "wall", "wall = \"60s\""},
    {"limits", "threads", "threads = 2"},
    {"limits", "fds", "fds = 32"},
    {"", "task", "[task.x]", true},
    {"task.KIND", "doc", "doc = \"x\""},
    {"task.KIND", "after", "after = [\"y\"]"},
    {"task.KIND", "requires", "requires = [\"y\"]"},
    {"task.KIND", "guard", "guard = false"},
    {"task.KIND", "settings", "[task.x.settings]", true},
    {"task.KIND.settings.NAME", "type", "n.type = \"integer\""},
    {"task.KIND.settings.NAME", "doc", "n.doc = \"x\""},
    {"task.KIND.settings.NAME", "default", "n.default = 1"},
    {"task.KIND.settings.NAME", "range", "n.range = [0, 9]"},
    {"task.KIND.settings.NAME", "values", "s = { type = \"string\", doc = \"x\", default = \"a\", values = [\"a\"] }"},
    {"", "task", "[task.y]", true},
    {"task.KIND", "doc", "doc = \"y\""},
};

bool below(const std::string& table, const Line& block) {
  if (block.key == "task") return table.starts_with("task.KIND");
  if (block.key == "settings") return table == "task.KIND.settings.NAME";
  return table == block.key;
}

std::string without(const std::function<bool(const Line&)>& left_out) {
  std::string out;
  for (const Line& line : kWhole)
    if (!left_out(line)) out += line.text + "\n";
  return out;
}

TEST(ManifestKeys, TheTableHasWhatTheParserKnowsAndNothingElse) {
  const auto whole = parse_manifest(without([](const Line&) { return false; }));
  ASSERT_TRUE(whole) << whole.error().what << whole.error().detail;
  std::set<std::pair<std::string, std::string>> written{{"locks", "path"}, {"locks", "kind"}}, table;
  for (const Line& line : kWhole) written.emplace(line.table, line.key);
  for (const Key& key : keys()) EXPECT_TRUE(table.emplace(key.table, key.name).second) << key.table << " " << key.name;
  EXPECT_EQ(written, table);
}

// Of a block all goes; of "task" both kinds, of "doc" only the first.
TEST(ManifestKeys, WhatIsRequiredIsMissedAndWhatIsNotIsNot) {
  for (const Key& key : keys()) {
    if (key.table == "locks") continue;
    const Line* const first = &*std::ranges::find_if(kWhole, [&](const Line& line) { return line.table == key.table && line.key == key.name; });
    const std::string text = without([&](const Line& line) {
      // These need each other.
      const bool asking = key.name == "irreversible" || key.name == "required" || key.name == "permissions";
      if (asking && (line.key == "locks" || line.key == "irreversible" || line.key == "required")) return true;
      if (key.name == "task") return line.table == key.table ? line.key == "task" : below(line.table, *first);
      return &line == first || (first->block && below(line.table, *first));
    });
    const auto parsed = parse_manifest(text);
    EXPECT_EQ(!parsed, key.required) << key.table << " " << key.name << "\n" << (parsed ? text : parsed.error().what + parsed.error().detail);
    if (parsed) continue;
    const std::string missed = "`" + std::string(key.name) + "` of ";
    EXPECT_NE((parsed.error().what + parsed.error().detail).find(missed), std::string::npos) << parsed.error().what;
  }
}

TEST(ManifestKeys, AMisspeltKeyIsNamedInEveryTable) {
  for (const Key& key : keys()) {
    if (key.table == "locks") continue;
    std::string text;
    for (const Line& line : kWhole) {
      text += line.text + "\n";
      if (line.table == key.table && line.key == key.name && !line.block)
        text += (key.table.ends_with("NAME") ? "n." : "") + std::string(key.name) + "x = 1\n";
    }
    if (text == without([](const Line&) { return false; })) continue;  // a table
    const auto parsed = parse_manifest(text);
    ASSERT_FALSE(parsed) << key.name;
    EXPECT_NE((parsed.error().what + parsed.error().detail).find(std::string(key.name) + "x"), std::string::npos) << parsed.error().what;
  }
}

// sdk/MANIFEST.md between its marks, as it should be.
TEST(ManifestKeys, ThePageIsOfThisTable) {
  std::string expected;
  std::string_view table = "-";
  for (const Key& key : keys()) {
    if (key.table != table) {
      table = key.table;
      expected += table.empty() ? "## Top\n\n" : "\n## `" + std::string(table) + "`\n\n";
      expected += "| key | type | | |\n| --- | --- | --- | --- |\n";
    }
    expected += "| `" + std::string(key.name) + "` | " + std::string(key.type) + " | " + (key.required ? "required" : "") + " | " + std::string(key.doc) + " |\n";
  }
  std::ifstream file(SDK_DIR "/MANIFEST.md");
  std::stringstream page;
  page << file.rdbuf();
  EXPECT_NE(page.str().find(expected), std::string::npos) << "sdk/MANIFEST.md should have:\n" << expected;
}

}  // namespace
}  // namespace freshet::manifest

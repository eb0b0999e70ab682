#include <gtest/gtest.h>

#include <string>

#include "runtime/manifest/reader.h"

namespace freshet::manifest {
namespace {

constexpr const char* kWhole = R"(
id = "org.example.old-logs"
version = "1.2.3-rc.1+build5"
license = "MIT OR Apache-2.0"
doc = "Finds logs"
abi = { min = "1.0", below = "2.0" }
permissions = { required = ["remove"], optional = ["read"] }
limits = { memory = "64MiB", cpu = "10s", wall = "1m", threads = 2, fds = 32 }

[task.scan]
doc = "Finds old logs"
after = ["first"]
requires = ["first"]
[task.scan.settings]
zeta = { type = "duration", range = ["0s", "100y"], doc = "No default" }
alpha = { type = "strings", values = ["a", "b"], default = ["b"], doc = "A list" }
share = { type = "number", range = [0, 1.5], default = 0.5, doc = "A number" }
count = { type = "integer", range = [1, 10], default = 3, doc = "An integer" }
flag = { type = "boolean", default = true, doc = "A flag" }
text = { type = "string", values = ["x", "y"], default = "y", doc = "A text" }
bytes = { type = "size", default = "2KiB", doc = "A size" }

[task.first]
doc = """Goes
first"""
)";

// A good manifest with one line more, or one replaced.
std::string with(const std::string& line) { return std::string(kWhole) + line + "\n"; }
std::string replaced(const std::string& what, const std::string& by) {
  std::string out = kWhole;
  const auto at = out.find(what);
  EXPECT_NE(at, std::string::npos) << what;
  return out.replace(at, what.size(), by);
}

// The refusal of a setting, written as the inside of its braces.
Error refusal_of_setting(const std::string& inside) {
  const auto manifest = parse_manifest(replaced("zeta = {", "fresh = { " + inside + " }\nzeta = {"));
  EXPECT_FALSE(manifest) << inside;
  return manifest ? Error{} : manifest.error();
}

void expect_refused(const std::string& text, const char* code, const std::string& culprit) {
  const auto manifest = parse_manifest(text);
  ASSERT_FALSE(manifest) << culprit;
  EXPECT_EQ(manifest.error().code, code) << manifest.error().what;
  EXPECT_EQ(manifest.error().kind, ErrorKind::invalid);
  EXPECT_NE((manifest.error().what + manifest.error().detail).find(culprit), std::string::npos)
      << manifest.error().what << "\n" << manifest.error().detail;
}

TEST(ParseManifest, EverythingArrives) {
  const auto manifest = parse_manifest(kWhole);
  ASSERT_TRUE(manifest) << manifest.error().what << "\n" << manifest.error().detail;
  EXPECT_EQ(manifest->id, "org.example.old-logs");
  EXPECT_EQ(manifest->version, "1.2.3-rc.1+build5");
  EXPECT_EQ(manifest->license, "MIT OR Apache-2.0");
  EXPECT_EQ(manifest->doc, "Finds logs");
  EXPECT_EQ(manifest->abi_min, (AbiVersion{1, 0}));
  EXPECT_EQ(manifest->abi_below, (AbiVersion{2, 0}));
  EXPECT_EQ(manifest->required_permissions, std::vector<std::string>{"remove"});
  EXPECT_EQ(manifest->optional_permissions, std::vector<std::string>{"read"});
  EXPECT_EQ(manifest->limits.memory_bytes, 64ULL << 20);
  EXPECT_EQ(manifest->limits.cpu_ns, 10'000'000'000);
  EXPECT_EQ(manifest->limits.wall_ns, 60'000'000'000);
  EXPECT_EQ(manifest->limits.threads, 2U);
  EXPECT_EQ(manifest->limits.fds, 32U);
  ASSERT_EQ(manifest->kinds.size(), 2U);
  const TaskKind* scan = find_kind(*manifest, "scan");
  ASSERT_NE(scan, nullptr);
  EXPECT_EQ(scan->after, std::vector<std::string>{"first"});
  EXPECT_EQ(scan->requires_, std::vector<std::string>{"first"});
  ASSERT_NE(find_kind(*manifest, "first"), nullptr);
  EXPECT_EQ(find_kind(*manifest, "first")->doc, "Goes\nfirst");
}

TEST(ParseManifest, SettingsKeepTheirOrderTypesAndDefaults) {
  const auto manifest = parse_manifest(kWhole);
  ASSERT_TRUE(manifest) << manifest.error().what;
  const auto& settings = find_kind(*manifest, "scan")->settings;
  ASSERT_EQ(settings.size(), 7U);
  const char* names[] = {"zeta", "alpha", "share", "count", "flag", "text", "bytes"};
  for (std::size_t i = 0; i < 7; ++i) EXPECT_EQ(settings[i].name, names[i]);
  EXPECT_EQ(settings[0].type, SettingType::duration);
  EXPECT_FALSE(settings[0].default_value);
  ASSERT_TRUE(settings[0].range);
  EXPECT_EQ(settings[0].range->second, 100.0 * 365 * 86400 * 1e9);
  EXPECT_EQ(settings[1].default_value, TypedValue(std::vector<std::string>{"b"}));
  EXPECT_EQ(settings[1].values, (std::vector<std::string>{"a", "b"}));
  EXPECT_EQ(settings[2].default_value, TypedValue(0.5));
  EXPECT_EQ(settings[3].default_value, TypedValue(std::int64_t{3}));
  EXPECT_EQ(settings[4].default_value, TypedValue(true));
  EXPECT_EQ(settings[5].default_value, TypedValue(std::string("y")));
  EXPECT_EQ(settings[6].default_value, TypedValue(std::int64_t{2048}));
}

TEST(ParseManifest, TheSmallestManifestNeedsFourKeysAndAKind) {
  EXPECT_TRUE(parse_manifest("id = \"a.b\"\nversion = \"0.0.1\"\nlicense = \"x\"\n"
                             "abi = { min = \"1.0\", below = \"2.0\" }\n[task.t]\ndoc = \"x\"\n"));
}

TEST(ParseManifest, SyntaxErrorsHaveAPlace) {
  for (const char* text : {"id = ", "id = \"a", "= 1", "a = 1\na = 2\n", "[a\n", "a = [1,\n", "a = \"\\q\"\n", "a = 1 b = 2\n"})
    expect_refused(text, "F2005", "manifest");
  expect_refused("id = \"a.b\"\nversion = 1.2.3\n", "F2005", "manifest:2:");
  expect_refused("ok = 1\n\xff\n", "F2005", "manifest:2:1:");
  expect_refused(std::string("ok = 1\nno = \"a\0b\"\n", 18), "F2005", "manifest:2:8:");
}

TEST(ParseManifest, NestingIsRefusedBeforeTheTomlParserSeesIt) {
  // In lines of their own: a long line would be refused as such.
  std::string brackets;
  for (int i = 0; i < 1024; ++i) brackets += "[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[\n";
  expect_refused("a = " + brackets, "F2005", "nested");
  expect_refused("a = " + std::string(33, '[') + std::string(33, ']') + "\n", "F2005", "nested");
  std::string inline_tables = "a = ";
  for (int i = 0; i < 2000; ++i) inline_tables += "{ a = ";
  expect_refused(inline_tables + "\n", "F2005", "nested");
  std::string dotted = "a";
  for (int i = 0; i < 20000; ++i) dotted += ".a";
  expect_refused(dotted + " = 1\n", "F2005", "");
  expect_refused("[" + dotted + "]\n", "F2005", "");
  // Brackets in texts and comments are no nesting, and do not hide any.
  EXPECT_TRUE(parse_manifest(with("# " + std::string(1000, '['))));
  EXPECT_TRUE(parse_manifest(replaced("Finds logs", std::string(1000, '['))));
  expect_refused("a = \"\"\"x\"\"\"\"" "\nb = " + brackets, "F2005", "nested");
  expect_refused("a = '''x''''\nb = " + brackets, "F2005", "nested");
}

TEST(ParseManifest, TheSizeIsCapped) {
  expect_refused(std::string(kWhole) + "#" + std::string(kMaxManifestBytes, 'x') + "\n", "F2020", "65536");
}

TEST(ParseManifest, MissingKeysAreNamed) {
  expect_refused("", "F2006", "id");
  expect_refused(replaced("version =", "#"), "F2006", "version");
  expect_refused(replaced("license =", "#"), "F2006", "license");
  expect_refused(replaced("abi =", "#"), "F2006", "abi");
  expect_refused(replaced(", below = \"2.0\"", ""), "F2006", "below");
  expect_refused(replaced("doc = \"Finds old logs\"", ""), "F2006", "doc");
  expect_refused(replaced("type = \"size\", ", ""), "F2006", "type");
  expect_refused(replaced(", doc = \"A size\"", ""), "F2006", "doc");
}

TEST(ParseManifest, UnknownKeysAreNamed) {
  expect_refused("licence = \"MIT\"\n" + std::string(kWhole), "F2006", "licence");
  expect_refused(replaced("threads = 2", "thread = 2"), "F2006", "thread");
  expect_refused(replaced("min = \"1.0\"", "min = \"1.0\", max = \"1.0\""), "F2006", "max");
  expect_refused(replaced("optional = [\"read\"]", "possible = [\"read\"]"), "F2006", "possible");
  expect_refused(replaced("after = [\"first\"]", "before = [\"first\"]"), "F2006", "before");
  expect_refused(replaced("type = \"size\",", "type = \"size\", unit = \"B\","), "F2006", "unit");
}

TEST(ParseManifest, IdsAreReverseDomainNames) {
  for (const char* id : {"old", "Org.example", "org..x", ".org.x", "org.x.", "org.-x", "org.x-", "org.x y", "org/x.y", "", "org.\xc3\xa4"})
    expect_refused(replaced("\"org.example.old-logs\"", "\"" + std::string(id) + "\""), "F2006", "id");
  expect_refused(replaced("org.example.old-logs", "org." + std::string(130, 'a')), "F2006", "id");
  EXPECT_TRUE(parse_manifest(replaced("org.example.old-logs", "9p.x-y.z0")));
}

TEST(ParseManifest, VersionsAreThreeNumbers) {
  for (const char* version : {"1", "1.0", "1.0.x", "01.0.0", "1.0.0-", "1.0.0 beta", "v1.0.0", "1.0.0.0", "", "1.0.99999999999"})
    expect_refused(replaced("1.2.3-rc.1+build5", version), "F2006", "version");
  for (const char* abi : {"1", "0.1.0", "-1.0", "0.x", " 0.1", "0.01"})
    expect_refused(replaced("min = \"1.0\"", "min = \"" + std::string(abi) + "\""), "F2006", "min");
  expect_refused(replaced("below = \"2.0\"", "below = \"0.1\""), "F2006", "abi");
}

TEST(ParseManifest, OnlyKnownPermissions) {
  expect_refused(replaced("[\"remove\"]", "[\"remove\", \"network\"]"), "F2006", "network");
  expect_refused(replaced("optional = [\"read\"]", "optional = [\"remove\"]"), "F2006", "remove");
  expect_refused(replaced("[\"remove\"]", "[\"remove\", \"remove\"]"), "F2006", "remove");
  expect_refused(replaced("[\"remove\"]", "\"remove\""), "F2006", "required");
  expect_refused(replaced("[\"remove\"]", "[1]"), "F2006", "required");
}

TEST(ParseManifest, LimitsArePositive) {
  expect_refused(replaced("\"64MiB\"", "\"0B\""), "F2006", "memory");
  expect_refused(replaced("\"64MiB\"", "64"), "F2006", "memory");
  expect_refused(replaced("\"64MiB\"", "\"64\""), "F2006", "memory");
  expect_refused(replaced("\"10s\"", "\"0s\""), "F2006", "cpu");
  expect_refused(replaced("threads = 2", "threads = 0"), "F2006", "threads");
  expect_refused(replaced("threads = 2", "threads = -1"), "F2006", "threads");
  expect_refused(replaced("fds = 32", "fds = 32.5"), "F2006", "fds");
}

TEST(ParseManifest, EdgesNameKindsOfTheSameManifest) {
  expect_refused(replaced("after = [\"first\"]", "after = [\"second\"]"), "F2006", "second");
  expect_refused(replaced("requires = [\"first\"]", "requires = [\"scan\"]"), "F2006", "own");
  expect_refused(with("after = [\"scan\"]"), "F2006", "wait for each other");
}

TEST(ParseManifest, NamesArePlain) {
  expect_refused(with("[task.\"a b\"]\ndoc = \"x\""), "F2006", "a b");
  expect_refused(with("[task.A]\ndoc = \"x\""), "F2006", "A");
  expect_refused(with("[task.\"\"]\ndoc = \"x\""), "F2006", "task");
  expect_refused(with("[task." + std::string(65, 'a') + "]\ndoc = \"x\""), "F2006", "task");
  expect_refused(replaced("zeta =", "older_than ="), "F2006", "older_than");
}

TEST(ParseManifest, SomeKindHasToBeThere) {
  expect_refused("id = \"a.b\"\nversion = \"0.0.1\"\nlicense = \"x\"\nabi = { min = \"1.0\", below = \"2.0\" }\n[task]\n",
                 "F2006", "task");
  expect_refused("id = \"a.b\"\nversion = \"0.0.1\"\nlicense = \"x\"\nabi = { min = \"1.0\", below = \"2.0\" }\ntask = 1\n",
                 "F2006", "task");
}

TEST(ParseManifest, DefaultsFitTypeRangeAndValues) {
  const std::pair<const char*, const char*> kCases[] = {
      {R"(type = "boolean", default = 1, doc = "x")", "default"},
      {R"(type = "integer", default = 1.0, doc = "x")", "default"},
      {R"(type = "integer", default = "1", doc = "x")", "default"},
      {R"(type = "number", default = inf, doc = "x")", "default"},
      {R"(type = "number", default = nan, doc = "x")", "default"},
      {R"(type = "string", default = 1, doc = "x")", "default"},
      {R"(type = "strings", default = "a", doc = "x")", "default"},
      {R"(type = "strings", default = [1], doc = "x")", "default"},
      {R"(type = "duration", default = 30, doc = "x")", "default"},
      {R"(type = "duration", default = "30", doc = "x")", "default"},
      {R"(type = "size", default = "many", doc = "x")", "default"},
      {R"(type = "integer", range = [1, 2], default = 3, doc = "x")", "range"},
      {R"(type = "duration", range = ["1h", "1d"], default = "2d", doc = "x")", "range"},
      {R"(type = "size", range = ["1k", "1M"], default = "0B", doc = "x")", "range"},
      {R"(type = "string", values = ["a"], default = "b", doc = "x")", "values"},
      {R"(type = "strings", values = ["a"], default = ["a", "b"], doc = "x")", "values"},
  };
  for (const auto& [inside, culprit] : kCases) {
    const Error error = refusal_of_setting(inside);
    EXPECT_EQ(error.code, "F2006") << inside;
    EXPECT_NE(error.what.find("fresh"), std::string::npos) << error.what;
    EXPECT_NE((error.what + error.detail).find(culprit), std::string::npos) << error.what;
  }
}

TEST(ParseManifest, SchemasMakeSense) {
  for (const char* inside : {
           R"(type = "colour", doc = "x")",
           R"(type = 1, doc = "x")",
           R"(type = "string", range = [1, 2], doc = "x")",
           R"(type = "integer", values = ["1"], doc = "x")",
           R"(type = "integer", range = [2, 1], doc = "x")",
           R"(type = "integer", range = [1], doc = "x")",
           R"(type = "integer", range = [1, 2, 3], doc = "x")",
           R"(type = "integer", range = 1, doc = "x")",
           R"(type = "integer", range = [0.5, 1], doc = "x")",
           R"(type = "duration", range = [1, 2], doc = "x")",
           R"(type = "string", values = [], doc = "x")",
           R"(type = "string", values = ["a", "a"], doc = "x")",
           R"(type = "string", doc = "")",
           R"(type = "string", doc = "a\u0007b")",
           R"(type = "string", doc = 1979-05-27)",
       }) {
    EXPECT_EQ(refusal_of_setting(inside).code, "F2006") << inside;
  }
  EXPECT_NE(refusal_of_setting(R"(type = "colour", doc = "x")").detail.find("duration"), std::string::npos)
      << "the types there are";
}

TEST(ParseManifest, CapsAreThoseOfTheMessage) {
  expect_refused(replaced("Finds logs", std::string(1025, 'x')), "F2006", "doc");
  expect_refused(replaced("MIT OR Apache-2.0", std::string(256, 'x')), "F2006", "license");
  std::string kinds;
  for (int i = 0; i < 63; ++i) kinds += "[task.k" + std::to_string(i) + "]\ndoc = \"x\"\n";
  expect_refused(with(kinds), "F2006", "64");
  std::string settings;
  for (int i = 0; i < 257; ++i) settings += "s" + std::to_string(i) + " = { type = \"boolean\", doc = \"x\" }\n";
  expect_refused(replaced("zeta =", settings + "zeta ="), "F2006", "256");
}

TEST(ParseManifest, EveryPrefixIsRefusedOrWhole) {
  const std::string whole = kWhole;
  std::size_t refused = 0;
  for (std::size_t length = 0; length < whole.size(); ++length) {
    const std::string prefix = whole.substr(0, length);
    const auto manifest = parse_manifest(prefix);
    if (manifest) continue;  // the last kind's text may end early
    ++refused;
    EXPECT_TRUE(manifest.error().code == "F2005" || manifest.error().code == "F2006") << length;
  }
  EXPECT_GT(refused, whole.size() - 60) << "scan needs `first`, which comes last";
}

TEST(ParseManifest, NoSingleBitFlipIsAnythingButRefusedOrRead) {
  const std::string whole = kWhole;
  for (std::size_t i = 0; i < whole.size(); ++i) {
    for (const std::size_t bit : {i % 8, (i + 3) % 8}) {
      std::string flipped = whole;
      flipped[i] = static_cast<char>(flipped[i] ^ (1 << bit));
      const auto manifest = parse_manifest(flipped);
      if (!manifest)
        EXPECT_TRUE(manifest.error().code == "F2005" || manifest.error().code == "F2006") << i << " " << bit;
      else
        EXPECT_FALSE(manifest->id.empty());
    }
  }
}

TEST(Manifest, SaysThatIpcObjectsAreGoneForGood) {
  const std::string asks = replaced("optional = [\"read\"]", "optional = [\"ipc\"]");
  const auto good = parse_manifest("irreversible = true\n" + asks);
  ASSERT_TRUE(good) << good.error().what;
  EXPECT_TRUE(good->irreversible);
  for (const char* line : {"", "irreversible = false\n", "irreversible = 1\n"}) {
    const auto bad = parse_manifest(line + asks);
    ASSERT_FALSE(bad) << line;
    EXPECT_EQ(bad.error().code, "F2006");
  }
  EXPECT_FALSE(parse_manifest("irreversible = true\n" + std::string(kWhole))) << "nothing that it asks for is";
}

TEST(Manifest, NamesLocksThatItWantsHeld) {
  const auto good = parse_manifest("locks = [{ path = \"/var/lib/dpkg/lock\", kind = \"posix\" }, { path = \"/run/x\" }]\n" +
                                   replaced("optional = [\"read\"]", "optional = [\"read\", \"lock\", \"hook\"]"));
  ASSERT_TRUE(good) << good.error().what << good.error().detail;
  ASSERT_EQ(good->locks.size(), 2U);
  EXPECT_EQ(good->locks[0].path, "/var/lib/dpkg/lock");
  EXPECT_TRUE(good->locks[0].posix);
  EXPECT_FALSE(good->locks[1].posix);
  for (const char* locks : {"[]", "1", "[1]", "[{}]", "[{ path = \"x\" }]", "[{ path = \"/x\", kind = \"y\" }]", "[{ path = \"/x\", more = 1 }]", "[{ path = \"/x/../y\" }]"}) {
    const auto bad = parse_manifest("locks = " + std::string(locks) + "\n" + replaced("optional = [\"read\"]", "optional = [\"lock\"]"));
    ASSERT_FALSE(bad) << locks;
    EXPECT_EQ(bad.error().code, "F2006");
  }
  const auto unasked = parse_manifest("locks = [{ path = \"/x\" }]\n" + std::string(kWhole));
  ASSERT_FALSE(unasked) << "the permission is not asked for";
  EXPECT_NE(unasked.error().what.find("without the permission `lock`"), std::string::npos) << unasked.error().what;
}

}  // namespace
}  // namespace freshet::manifest

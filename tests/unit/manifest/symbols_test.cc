#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>
#include <sstream>
#include <string>

#include "runtime/manifest/reader.h"

namespace freshet::manifest {
namespace {

std::string read_file(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::stringstream out;
  out << file.rdbuf();
  return out.str();
}

// Whether an address in it has such a name: of every 8th byte, where functions begin, 256 KiB at a time.
bool names(const std::string& bytes, const std::string& begin) {
  std::vector<std::uint64_t> addresses(256 * 1024 / 8);
  for (std::uint64_t from = 0; from < 2 * bytes.size(); from += 8 * addresses.size()) {
    for (std::size_t i = 0; i < addresses.size(); ++i) addresses[i] = from + 8 * i;
    const auto all = name_addresses(bytes, addresses);
    if (std::ranges::any_of(all, [&](const std::string& name) { return name.starts_with(begin); })) return true;
  }
  return false;
}

TEST(Symbols, FunctionsAreNamedWithThePlaceInThem) {
  const std::string plugin = read_file(PART_FILES_SO);
  EXPECT_TRUE(names(plugin, "freshet_plugin_entry+0"));
  EXPECT_TRUE(names(plugin, "PartFiles::scan(freshet::Host&)+")) << "as people write it";
}

TEST(Symbols, OfAStrippedFileOnlyWhatItExports) {
  const std::string plugin = read_file(TEST_PLUGINS "/stripped/org.freshet.test.well-behaved.so");
  EXPECT_TRUE(names(plugin, "freshet_plugin_entry+0"));
}

TEST(Symbols, WhatIsInNoFunctionHasNoName) {
  const std::string plugin = read_file(PART_FILES_SO);
  EXPECT_EQ(name_addresses(plugin, {0, ~0ULL}), (std::vector<std::string>{"", ""}));
  EXPECT_EQ(name_addresses("no ELF file", {1}), std::vector<std::string>{""});
}

TEST(Symbols, EveryTruncatedFileIsTaken) {
  const std::string plugin = read_file(PART_FILES_SO);
  const std::vector<std::uint64_t> addresses{0, 0x1100, 0x2000, ~0ULL};
  for (std::size_t length = 0; length < plugin.size(); length += 61)
    EXPECT_EQ(name_addresses(std::string_view(plugin).substr(0, length), addresses).size(), addresses.size());
}

}  // namespace
}  // namespace freshet::manifest

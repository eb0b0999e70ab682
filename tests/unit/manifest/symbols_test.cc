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

// The first 256 KiB of its code, every 16th byte.
std::vector<std::uint64_t> many_addresses() {
  std::vector<std::uint64_t> out(256 * 1024 / 16);
  for (std::size_t i = 0; i < out.size(); ++i) out[i] = 16 * i;
  return out;
}

bool names(const std::string& bytes, const std::string& begin) {
  const auto all = name_addresses(bytes, many_addresses());
  return std::ranges::any_of(all, [&](const std::string& name) { return name.starts_with(begin); });
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

// Versions and archive names as dpkg and apt have them, and dpkg's status file.
#include <gtest/gtest.h>
#include <sys/wait.h>

#include <cstdlib>
#include <string>
#include <vector>

#include "plugins/package-cache/debian.h"

namespace package_cache {
namespace {

// In dpkg's order; those of one line are equal.
const std::vector<std::vector<std::string>> kOrder = {
    {"0~~", "0:0~~"},
    {"0~~a"},
    {"0~"},
    {"0", "0-0", "00", "0:0"},
    {"0a"},
    {"0+"},
    {"0.0"},
    {"1.0~rc1-1"},
    {"1.0", "1.00", "1.0-0"},
    {"1.0-1~bpo12+1"},
    {"1.0-1", "1.00-01", "0:1.0-1"},
    {"1.0-1+b1"},
    {"1.0-1+deb12u1"},
    {"1.0-1.1"},
    {"1.0-10"},
    {"1.0+dfsg-1"},
    {"1.0.1-1"},
    {"1.2"},
    {"1.10"},
    {"1.10a"},
    {"1.10-2-3"},
    {"20191031.4036a9c-2"},
    {"184467440737095516160"},
    {"184467440737095516161"},
    {"1:0.1~"},
    {"1:0.1"},
    {"2:0.0.1"},
    {"10:0"},
};

int sign(int value) { return (value > 0) - (value < 0); }

TEST(DebianVersions, AreOrderedAsTheTableHasThem) {
  for (std::size_t i = 0; i < kOrder.size(); ++i)
    for (std::size_t k = 0; k < kOrder.size(); ++k)
      for (const std::string& a : kOrder[i])
        for (const std::string& b : kOrder[k]) EXPECT_EQ(sign(compare_versions(a, b)), (i > k) - (i < k)) << a << " and " << b;
}

// The table itself, by the program that decides.
TEST(DebianVersions, AreOrderedAsDpkgOrdersThem) {
  const auto holds = [](const std::string& a, const char* how, const std::string& b) {
    const std::string command = "dpkg --compare-versions '" + a + "' " + how + " '" + b + "' 2>/dev/null";
    const int status = std::system(command.c_str());
    return WIFEXITED(status) && WEXITSTATUS(status) == 0;
  };
  ASSERT_TRUE(holds("1", "eq", "1")) << "this test needs dpkg";
  for (std::size_t i = 0; i < kOrder.size(); ++i) {
    for (const std::string& other : kOrder[i]) EXPECT_TRUE(holds(kOrder[i].front(), "eq", other)) << kOrder[i].front() << " = " << other;
    if (i > 0) {
      EXPECT_TRUE(holds(kOrder[i - 1].back(), "lt", kOrder[i].back())) << kOrder[i - 1].back() << " < " << kOrder[i].back();
    }
  }
}

TEST(ArchiveNames, SayPackageVersionAndArchitecture) {
  const auto archive = parse_archive_name("automake_1%3a1.16.5-1.3_all.deb");
  ASSERT_TRUE(archive);
  EXPECT_EQ(archive->package, "automake");
  EXPECT_EQ(archive->version, "1:1.16.5-1.3");
  EXPECT_EQ(archive->architecture, "all");
  EXPECT_EQ(parse_archive_name("libstdc++6_12.2.0-14+deb12u1_amd64.deb")->package, "libstdc++6");
  EXPECT_EQ(parse_archive_name("a_1%3A2_amd64.deb")->version, "1:2");
  for (const char* name : {"", ".deb", "a.deb", "a_1.deb", "a_1_amd64", "a_1_amd64.deb.part", "_1_amd64.deb", "a__amd64.deb", "a_1_.deb",
                           "a_1%2f2_amd64.deb", "a b_1_amd64.deb", "a_1_amd64.DEB", "lock", "pkgcache.bin"})
    EXPECT_FALSE(parse_archive_name(name)) << name;
}

const std::string kStatus =
    "Package: hello\nStatus: install ok installed\nArchitecture: amd64\nVersion: 2.10-3\nDescription: a friend\n of: many\n .\n words\n\n"
    "Package: gone\nStatus: deinstall ok config-files\nArchitecture: amd64\nVersion: 1.0\n\n"
    "Package: half\nStatus: install reinstreq half-installed\nArchitecture: all\nVersion: 3\n\n"
    "Package: never\nStatus: unknown ok not-installed\nArchitecture: amd64\n\n"
    "Package: hello\nStatus: install ok installed\nArchitecture: i386\nVersion: 2.9\n\n";

using Versions = std::set<std::string>;

TEST(StatusFile, IsReadWhateverPiecesItComesIn) {
  for (const std::size_t piece : {std::size_t{1}, std::size_t{7}, kStatus.size()}) {
    StatusReader reader;
    for (std::size_t at = 0; at < kStatus.size(); at += piece) ASSERT_TRUE(reader.take(std::string_view(kStatus).substr(at, piece)));
    ASSERT_TRUE(reader.finish());
    EXPECT_EQ(reader.installed().versions("hello", "amd64"), Versions{"2.10-3"});
    EXPECT_EQ(reader.installed().versions("hello", "i386"), Versions{"2.9"});
    EXPECT_EQ(reader.installed().versions("hello", "all"), (Versions{"2.10-3", "2.9"})) << "it was one for all once";
    EXPECT_EQ(reader.installed().versions("half", "amd64"), Versions{"3"}) << "whatever of it is there counts";
    for (const char* name : {"gone", "never", "other"}) EXPECT_EQ(reader.installed().versions(name, "amd64"), Versions{}) << name;
  }
}

bool is_read(std::string_view text) {
  StatusReader reader;
  return reader.take(text) && reader.finish();
}

TEST(StatusFile, ThatBreaksOffIsNone) {
  EXPECT_TRUE(is_read(kStatus));
  for (std::size_t length = 0; length < kStatus.size(); ++length) {
    const bool whole = length >= 2 && kStatus.substr(length - 2, 2) == "\n\n";
    EXPECT_EQ(is_read(std::string_view(kStatus).substr(0, length)), whole) << length;
  }
}

TEST(StatusFile, WhatItCannotHoldIsRefused) {
  for (const char* text : {"Package: a\nPackage: b\nStatus: install ok installed\nVersion: 1\n\n", "Status: install ok installed\nVersion: 1\n\n",
                           "Package: a\nVersion: 1\n\n", "Package: a\nStatus: install ok installed\n\n", " begins: within\n\n", "no field\n\n", ": 1\n\n"})
    EXPECT_FALSE(is_read(text)) << text;
  StatusReader reader;
  EXPECT_FALSE(reader.take("Package: " + std::string(StatusReader::kLongestLine, 'x'))) << "a line without an end";
}

}  // namespace
}  // namespace package_cache

#include <freshet/plugin.h>
#include <gtest/gtest.h>

#include <fstream>
#include <regex>
#include <sstream>
#include <string>

#include "runtime/manifest/manifest.h"

extern "C" const size_t freshet_test_c_layout[12];

namespace {

std::string read_file(const std::string& path) {
  std::ifstream file(path);
  std::stringstream out;
  out << file.rdbuf();
  return out.str();
}

std::string header() { return read_file(SDK_DIR "/include/freshet/plugin.h"); }

std::string without_comments(const std::string& text) {
  std::string out;
  for (std::size_t i = 0; i < text.size();) {
    if (text.compare(i, 2, "/*") == 0) {
      const auto end = text.find("*/", i);
      for (; i < end + 2 && i < text.size(); ++i) {
        if (text[i] == '\n') out += '\n';
      }
    } else {
      out += text[i++];
    }
  }
  return out;
}

std::string body_of(const std::string& text, const std::string& head) {
  const auto from = text.find(head);
  const auto until = text.find("\n}", from);
  return from == std::string::npos ? "" : text.substr(from, until - from);
}

std::size_t count_matches(const std::string& text, const std::string& pattern) {
  const std::regex expression(pattern);
  return static_cast<std::size_t>(
      std::distance(std::sregex_iterator(text.begin(), text.end(), expression), std::sregex_iterator()));
}

TEST(PluginHeader, HasAtMostThreeHundredLinesOfCode) {
  std::istringstream lines(without_comments(header()));
  std::size_t code = 0;
  for (std::string line; std::getline(lines, line);) {
    if (line.find_first_not_of(" \t") != std::string::npos) ++code;
  }
  EXPECT_GT(code, 100U) << "the test does not see the header";
  EXPECT_LE(code, 300U);
}

TEST(PluginHeader, HasAtMostTwelveHostAndEightPluginFunctions) {
  const std::string code = without_comments(header());
  const std::string host = body_of(code, "struct freshet_host {");
  const std::string plugin = body_of(code, "typedef struct freshet_plugin {");
  EXPECT_EQ(count_matches(host, R"(\(\*\w+\)\()"), 12U);
  EXPECT_LE(count_matches(plugin, R"(\(\*\w+\)\()"), 8U);
  EXPECT_GE(count_matches(plugin, R"(\(\*\w+\)\()"), 5U) << "the test does not see the functions";
}

TEST(PluginHeader, EveryFunctionHasAPurposeAndAStateTag) {
  const std::string text = header();
  for (const char* head : {"struct freshet_host {", "typedef struct freshet_plugin {"}) {
    const std::string body = body_of(text, head);
    const std::size_t functions = count_matches(without_comments(body), R"(\(\*\w+\)\()");
    EXPECT_EQ(count_matches(body, "Purpose:"), functions) << head;
    std::size_t tagged = 0;
    const std::regex comment(R"(/\*[^*]*(\*[^/][^*]*)*\*/)");
    for (auto it = std::sregex_iterator(body.begin(), body.end(), comment); it != std::sregex_iterator(); ++it) {
      const std::string words = it->str();
      if (words.find("Purpose:") != std::string::npos &&
          std::regex_search(words, std::regex(R"(\[(entry|configured|scanning|worker thread)\])")))
        ++tagged;
    }
    EXPECT_EQ(tagged, functions) << head;
  }
}

TEST(PluginHeader, IncludesNothingButStddefAndStdint) {
  const std::string text = header();
  const std::regex include(R"(#include\s*[<"]([^>"]+)[>"])");
  for (auto it = std::sregex_iterator(text.begin(), text.end(), include); it != std::sregex_iterator(); ++it) {
    const std::string name = (*it)[1];
    EXPECT_TRUE(name == "stddef.h" || name == "stdint.h") << name;
  }
}

TEST(PluginHeader, CAndCxxAgreeOnEveryLayout) {
  const size_t ours[] = {
      sizeof(freshet_setting), offsetof(freshet_setting, count),
      sizeof(freshet_entry),   offsetof(freshet_entry, flags),
      sizeof(freshet_root),    offsetof(freshet_root, path),
      sizeof(freshet_finding), offsetof(freshet_finding, cost_bytes),
      sizeof(freshet_host),    offsetof(freshet_host, buffer_put),
      sizeof(freshet_plugin),  offsetof(freshet_plugin, feature),
  };
  for (std::size_t i = 0; i < std::size(ours); ++i) EXPECT_EQ(ours[i], freshet_test_c_layout[i]) << i;
}

// A changed number here is a broken ABI, unless the minor version went up and the struct only grew.
TEST(PluginHeader, TheStructsOfVersion01HaveTheirSizes) {
  EXPECT_EQ(sizeof(freshet_setting), 64U);
  EXPECT_EQ(sizeof(freshet_entry), 112U);
  EXPECT_EQ(sizeof(freshet_root), 24U);
  EXPECT_EQ(sizeof(freshet_finding), 56U);
  EXPECT_EQ(sizeof(freshet_host), 120U);
  EXPECT_EQ(sizeof(freshet_plugin), 64U);
}

TEST(PluginHeader, TheRuntimeSpeaksTheVersionOfTheHeader) {
  EXPECT_EQ(freshet::manifest::kRuntimeAbi.major, static_cast<unsigned>(FRESHET_ABI_MAJOR));
  EXPECT_EQ(freshet::manifest::kRuntimeAbi.minor, static_cast<unsigned>(FRESHET_ABI_MINOR));
}

TEST(PluginHeader, CompatibilityIsOneRule) {
  EXPECT_TRUE(freshet_abi_compatible({0, 1}, {0, 1}));
  EXPECT_FALSE(freshet_abi_compatible({0, 2}, {0, 1}));
  EXPECT_FALSE(freshet_abi_compatible({0, 1}, {0, 2}));
  EXPECT_TRUE(freshet_abi_compatible({1, 3}, {1, 1}));
  EXPECT_FALSE(freshet_abi_compatible({1, 1}, {1, 3}));
  EXPECT_FALSE(freshet_abi_compatible({2, 0}, {1, 0}));
}

}  // namespace

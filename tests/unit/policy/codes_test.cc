#include "runtime/policy/codes.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <regex>
#include <set>
#include <string>

namespace freshet::policy {
namespace {

TEST(Codes, EveryPageIsCompleteAndTheNumbersGoUp) {
  std::string_view last;
  for (const CodePage& page : code_pages()) {
    EXPECT_TRUE(std::regex_match(std::string(page.code), std::regex("F[123][0-9]{3}"))) << page.code;
    EXPECT_LT(last, page.code);
    EXPECT_FALSE(page.title.empty());
    EXPECT_TRUE(page.meaning.ends_with('.')) << page.code;
    EXPECT_TRUE(page.remedy.ends_with('.')) << page.code;
    last = page.code;
  }
}

TEST(Codes, APageIsFoundByItsCode) {
  ASSERT_NE(find_code_page("F1011"), nullptr);
  EXPECT_EQ(find_code_page("F1011")->code, "F1011");
  EXPECT_EQ(find_code_page("f2004"), find_code_page("F2004"));
  for (const std::string_view wrong : {"", "F", "F101", "F10111", "F9999", "1011"}) {
    EXPECT_EQ(find_code_page(wrong), nullptr) << wrong;
  }
  EXPECT_EQ(closest_code("F101O").substr(0, 4), "F101");
}

// Whoever writes fail("F1234", ..) writes its page too.
TEST(Codes, EveryCodeInTheSourcesHasAPage) {
  const std::regex code("\"(F[123][0-9]{3})\"");
  std::set<std::string> seen;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(FRESHET_SOURCE_DIR "/runtime")) {
    if (entry.path().extension() != ".cc" && entry.path().extension() != ".h") continue;
    std::ifstream stream(entry.path());
    const std::string text{std::istreambuf_iterator<char>(stream), {}};
    for (std::sregex_iterator at(text.begin(), text.end(), code), end; at != end; ++at) {
      const std::string found = (*at)[1];
      EXPECT_NE(find_code_page(found), nullptr) << found << " in " << entry.path() << " has no page in codes.cc";
      seen.insert(found);
    }
  }
  EXPECT_TRUE(seen.contains("F1011"));
}

}  // namespace
}  // namespace freshet::policy

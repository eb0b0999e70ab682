#include "runtime/policy/codes.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <set>
#include <string>
#include <string_view>

namespace freshet::policy {
namespace {

// "F1001" and the like.
bool is_code(std::string_view text) {
  return text.size() == 5 && text[0] == 'F' && text[1] >= '1' && text[1] <= '3' &&
         text.find_first_not_of("0123456789", 2) == std::string_view::npos;
}

TEST(Codes, EveryPageIsCompleteAndTheNumbersGoUp) {
  std::string_view last;
  for (const CodePage& page : code_pages()) {
    EXPECT_TRUE(is_code(page.code)) << page.code;
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
  std::set<std::string> seen;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(FRESHET_SOURCE_DIR "/runtime")) {
    if (entry.path().extension() != ".cc" && entry.path().extension() != ".h") continue;
    std::ifstream stream(entry.path());
    const std::string text{std::istreambuf_iterator<char>(stream), {}};
    for (std::size_t quote = text.find('"'); quote != std::string::npos; quote = text.find('"', quote + 1)) {
      const std::string found = text.substr(quote + 1, 5);
      if (!is_code(found) || text.compare(quote + 6, 1, "\"") != 0) continue;
      EXPECT_NE(find_code_page(found), nullptr)
          << found << " in " << entry.path() << " has no page in codes.cc";
      seen.insert(found);
    }
  }
  EXPECT_TRUE(seen.contains("F1011"));
}

}  // namespace
}  // namespace freshet::policy

// LINK: Freshet::sdk
#include <freshet/tree.hpp>

#include <cstddef>
#include <cstdint>
#include <cstdlib>

// What parses is written to a text that means the same.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  try {
    const std::string text = freshet::testing::Tree::parse({reinterpret_cast<const char*>(data), size}).text();
    if (freshet::testing::Tree::parse(text).text() != text) std::abort();
  } catch (const freshet::testing::BadTree&) {
  }
  return 0;
}

// Nothing before it, and twice: the test kit stands alone, in every language from C++17 on.
#include <freshet/testing.hpp>
#include <freshet/testing.hpp>

std::size_t count_nothing();
std::size_t count_nothing() {
  freshet::testing::FakeHost host;
  return host.findings.size();
}

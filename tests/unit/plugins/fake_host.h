#pragma once

#include <algorithm>
#include <freshet/testing.hpp>
#include <string>
#include <vector>

// The SDK's test kit, by the short names that the tests of this tree use.
namespace freshet_test {

using freshet::testing::FakeFinding;
using freshet::testing::FakeHost;
using freshet::testing::FakeSettings;
using freshet::testing::kDay;
using freshet::testing::kNow;
using freshet::testing::kSecond;
using freshet::testing::RunningTask;
using FakeEntry = freshet::testing::Node;

// Of what was proposed, that which lies in no directory that was.
inline std::vector<std::string> tops(const FakeHost& host) {
  const std::vector<std::string> all = host.proposed();
  std::vector<std::string> out;
  for (const std::string& path : all) {
    const bool inside = std::any_of(all.begin(), all.end(), [&](const std::string& other) { return path.rfind(other + "/", 0) == 0; });
    if (!inside) out.push_back(path);
  }
  return out;
}

}  // namespace freshet_test

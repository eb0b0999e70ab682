#pragma once

#include <freshet/testing.hpp>

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

}  // namespace freshet_test

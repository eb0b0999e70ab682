#include "runtime/manager/state_machine.h"

#include <gtest/gtest.h>

namespace freshet {
namespace {

constexpr int kStates = static_cast<int>(TaskState::rolled_back) + 1;

TEST(StateMachine, FinalStatesLeadNowhereButIntoARollback) {
  for (int from = 0; from < kStates; ++from) {
    for (int to = 0; to < kStates; ++to) {
      const auto a = static_cast<TaskState>(from);
      const auto b = static_cast<TaskState>(to);
      if (!is_final(a) || !is_legal_transition(a, b)) continue;
      EXPECT_EQ(b, TaskState::rolling_back) << to_string(a) << " to " << to_string(b);
    }
  }
}

TEST(StateMachine, NothingBeginsToActBeforeItIsAdmitted) {
  for (int from = 0; from < kStates; ++from) {
    const auto state = static_cast<TaskState>(from);
    EXPECT_EQ(is_legal_transition(state, TaskState::executing), state == TaskState::admitted) << to_string(state);
  }
}

TEST(StateMachine, EveryNameLeadsBackToItsState) {
  for (int i = 0; i < kStates; ++i) {
    const auto state = static_cast<TaskState>(i);
    EXPECT_EQ(task_state_named(to_string(state)), state);
  }
  EXPECT_FALSE(task_state_named("unknown").has_value());
}

}  // namespace
}  // namespace freshet

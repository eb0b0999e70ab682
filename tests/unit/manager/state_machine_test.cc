#include "runtime/manager/state_machine.h"

#include <gtest/gtest.h>

#include <random>

#include "runtime/base/log.h"
#include "runtime/manager/plan_model.h"

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

// The design's own words: the way down, the side exits, and the ways back.
bool designed(TaskState from, TaskState to) {
  using enum TaskState;
  const auto at = static_cast<int>(from);
  if (to == rolling_back) return from == executed || from == verified || from == committed || from == failed;
  if (from == rolling_back) return to == rolled_back || to == failed;
  if (at < static_cast<int>(committed) && static_cast<int>(to) == at + 1) return true;
  if (to == failed) return at <= static_cast<int>(executed) && from != committed;
  if (to == refused || to == skipped) return at <= static_cast<int>(admitted);
  return false;
}

TEST(StateMachine, RandomSequencesGoOnlyWhereTheDesignAllows) {
  ASSERT_TRUE(setup_logging({.level = "off"}));  // every bug report is a line
  std::mt19937 random(7);
  int legal = 0;
  int illegal = 0;
  for (int sequence = 0; sequence < 2000; ++sequence) {
    TaskPlan task;
    task.shown.state = TaskState::registered;
    for (int step = 0; step < 20; ++step) {
      const TaskState from = task.shown.state;
      const auto to = static_cast<TaskState>(random() % 13);
      ASSERT_EQ(is_legal_transition(from, to), designed(from, to)) << to_string(from) << " -> " << to_string(to);
      task.shown.note.clear();
      enter(task, to);
      if (designed(from, to)) {
        ++legal;
        EXPECT_EQ(task.shown.state, to);
        EXPECT_TRUE(task.shown.note.empty());
      } else {
        ++illegal;
        EXPECT_EQ(task.shown.state, TaskState::failed);
        EXPECT_NE(task.shown.note.find("bug"), std::string::npos) << "never passed over in silence";
      }
      EXPECT_EQ(task.changes.back().state, task.shown.state);
    }
  }
  ASSERT_TRUE(setup_logging({}));
  EXPECT_GT(legal, 100);
  EXPECT_GT(illegal, 100);
}

}  // namespace
}  // namespace freshet

#include "runtime/cli/exit_codes.h"

#include <gtest/gtest.h>

namespace freshet::cli {
namespace {

PlanSummary plan_of(const std::vector<TaskState>& states) {
  PlanSummary plan;
  for (const TaskState state : states) plan.tasks.emplace_back().state = state;
  return plan;
}

RunResult result_of(RunState state, std::optional<Error> error = std::nullopt) {
  RunResult result;
  result.state = state;
  result.error = std::move(error);
  return result;
}

TEST(ExitCodes, AnErrorIsOneUnlessABoundaryRefused) {
  EXPECT_EQ(exit_code_of(Error{ErrorKind::invalid, "", "", ""}), kFailed);
  EXPECT_EQ(exit_code_of(Error{ErrorKind::busy, "", "", ""}), kFailed);
  EXPECT_EQ(exit_code_of(Error{ErrorKind::refused, "", "", ""}), kRefused);
}

TEST(ExitCodes, ARunAnswersItsState) {
  EXPECT_EQ(exit_code_of(result_of(RunState::done)), 0);
  EXPECT_EQ(exit_code_of(result_of(RunState::partly)), 3);
  EXPECT_EQ(exit_code_of(result_of(RunState::failed)), 1);
  EXPECT_EQ(exit_code_of(result_of(RunState::refused)), 4);
  EXPECT_EQ(exit_code_of(result_of(RunState::interrupted)), 130);
  EXPECT_EQ(exit_code_of(result_of(RunState::done, Error{ErrorKind::busy, "", "", ""})), 1);
  EXPECT_EQ(exit_code_of(result_of(RunState::failed, Error{ErrorKind::refused, "", "", ""})), 4);
  EXPECT_EQ(exit_code_of(result_of(RunState::interrupted, Error{ErrorKind::busy, "", "", ""})), 130);
}

TEST(ExitCodes, TheWorstOfAllTasksOfAPlanCounts) {
  using enum TaskState;
  EXPECT_EQ(exit_code_of(plan_of({})), 0);
  EXPECT_EQ(exit_code_of(plan_of({admitted, planned})), 0);
  EXPECT_EQ(exit_code_of(plan_of({admitted, refused})), 3);
  EXPECT_EQ(exit_code_of(plan_of({admitted, failed})), 3);
  EXPECT_EQ(exit_code_of(plan_of({refused, skipped})), 4);
  EXPECT_EQ(exit_code_of(plan_of({failed, skipped})), 1);
  EXPECT_EQ(exit_code_of(plan_of({failed, refused})), 4);
}

}  // namespace
}  // namespace freshet::cli

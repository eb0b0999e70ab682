#include "runtime/manager/state_machine.h"

#include <array>
#include <utility>

namespace freshet {
namespace {

using enum TaskState;

constexpr std::pair<TaskState, TaskState> kTransitions[] = {
    {registered, validated},   {registered, refused},      {registered, skipped},     {registered, failed},
    {validated, planned},      {validated, refused},       {validated, skipped},      {validated, failed},
    {planned, admitted},       {planned, refused},         {planned, skipped},        {planned, failed},
    {admitted, executing},     {admitted, refused},        {admitted, skipped},       {admitted, failed},
    {executing, executed},     {executing, failed},        {executed, verified},      {executed, failed},
    {executed, rolling_back},  {verified, committed},      {verified, rolling_back},  {committed, rolling_back},
    {failed, rolling_back},    {rolling_back, rolled_back}, {rolling_back, failed},
};

constexpr std::array<std::string_view, 13> kNames = {
    "registered", "validated", "planned", "admitted", "executing",    "executed",   "verified",
    "committed",  "refused",   "skipped", "failed",   "rolling-back", "rolled-back"};

}  // namespace

std::string_view to_string(TaskState state) {
  const auto index = static_cast<std::size_t>(state);
  return index < kNames.size() ? kNames[index] : "unknown";
}

std::optional<TaskState> task_state_named(std::string_view name) {
  for (std::size_t i = 0; i < kNames.size(); ++i)
    if (kNames[i] == name) return static_cast<TaskState>(i);
  return std::nullopt;
}

bool is_legal_transition(TaskState from, TaskState to) {
  for (const auto& [a, b] : kTransitions)
    if (a == from && b == to) return true;
  return false;
}

std::string illegal_transition(TaskState from, TaskState to) {
  return "this is a bug of Freshet, please report it: a task went from `" + std::string(to_string(from)) + "` to `" +
         std::string(to_string(to)) + "`";
}

bool is_final(TaskState state) {
  switch (state) {
    case committed:
    case refused:
    case skipped:
    case failed:
    case rolled_back: return true;
    default: return false;
  }
}

std::string_view to_string(EndReason reason) {
  switch (reason) {
    case EndReason::none: return "none";
    case EndReason::setup: return "setup";
    case EndReason::breach: return "breach";
    case EndReason::signal: return "signal";
    case EndReason::timeout: return "timeout";
    case EndReason::limit: return "limit";
    case EndReason::protocol: return "protocol";
    case EndReason::plugin: return "plugin";
  }
  return "unknown";
}

}  // namespace freshet

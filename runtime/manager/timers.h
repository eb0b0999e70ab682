#pragma once

#include <algorithm>
#include <cstdint>
#include <string>
#include <utility>

#include "runtime/manager/figures.h"
#include "runtime/manager/plan_model.h"
#include "runtime/metrics/stopwatch.h"

namespace freshet {

// Each of these measures from its construction to the end of its scope.

// What a call for a task takes. Counts once `task` is set. `counter` rises by the units that the call works on.
class CallTimer {
 public:
  CallTimer(Figures& figures, metrics::Limited what, std::string task_name = {}, const std::uint64_t* counter = nullptr)
      : task(std::move(task_name)), figures_(figures), what_(what), counter_(counter), before_(counter == nullptr ? 0 : *counter) {}
  ~CallTimer() {
    if (!task.empty()) figures_.add_call(task, what_, metrics::monotonic_ns() - began_ns_, counter_ == nullptr ? 0 : *counter_ - before_);
  }
  CallTimer(const CallTimer&) = delete;
  CallTimer& operator=(const CallTimer&) = delete;

  std::string task;

 private:
  Figures& figures_;
  const metrics::Limited what_;
  const std::uint64_t* const counter_;
  const std::uint64_t before_;
  const std::int64_t began_ns_ = metrics::monotonic_ns();
};

// The validation of a task's boundaries in a run.
class ValidationTimer {
 public:
  explicit ValidationTimer(TaskPlan& task) : task_(task), before_ns_(task.metrics.validate_ns), watch_(task.metrics.overhead_ns) {}
  ~ValidationTimer() {
    watch_.lap(task_.metrics.validate_ns, task_.metrics.validate_cpu_ns);
    task_.measured.keep_longest(metrics::Limited::security_validation, task_.metrics.validate_ns - before_ns_);
  }
  ValidationTimer(const ValidationTimer&) = delete;
  ValidationTimer& operator=(const ValidationTimer&) = delete;

 private:
  TaskPlan& task_;
  const std::int64_t before_ns_;
  metrics::Stopwatch watch_;
};

// A part of a task's run that the specification limits; the longest counts.
class PartTimer {
 public:
  PartTimer(MeasuredTimes& times, metrics::Limited what, std::uint64_t part_size = 0) : times_(times), what_(what), size_(part_size) {}
  ~PartTimer() { times_.keep_longest(what_, metrics::monotonic_ns() - began_ns_, size_); }
  PartTimer(const PartTimer&) = delete;
  PartTimer& operator=(const PartTimer&) = delete;

 private:
  MeasuredTimes& times_;
  const metrics::Limited what_;
  const std::uint64_t size_;
  const std::int64_t began_ns_ = metrics::monotonic_ns();
};

// A state of a task on its way into the history. `task`: of the run that it belongs to, null after the run.
class TransitionTimer {
 public:
  explicit TransitionTimer(Figures& figures, TaskPlan* task = nullptr) : figures_(figures), task_(task) {}
  ~TransitionTimer() {
    const std::int64_t now = metrics::monotonic_ns();
    figures_.add_transition(now - began_ns_);
    if (task_ == nullptr) return;
    task_->metrics.transition_ns = std::max(task_->metrics.transition_ns, now - began_ns_);
    task_->metrics.overhead_ns += metrics::monotonic_ns() - now;
  }
  TransitionTimer(const TransitionTimer&) = delete;
  TransitionTimer& operator=(const TransitionTimer&) = delete;

 private:
  Figures& figures_;
  TaskPlan* const task_;
  const std::int64_t began_ns_ = metrics::monotonic_ns();
};

// Adds wall clock time to what is there.
class Span {
 public:
  explicit Span(std::int64_t& into_ns) : into_ns_(into_ns) {}
  ~Span() { into_ns_ += metrics::monotonic_ns() - began_ns_; }
  Span(const Span&) = delete;
  Span& operator=(const Span&) = delete;

 private:
  std::int64_t& into_ns_;
  const std::int64_t began_ns_ = metrics::monotonic_ns();
};

}  // namespace freshet

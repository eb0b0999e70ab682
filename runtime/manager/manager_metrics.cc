#include <utility>

#include "runtime/manager/manager_impl.h"
#include "runtime/manager/running.h"
#include "runtime/manager/timers.h"

namespace freshet {
namespace {

template <class Number>
MetricValue number(Number value) {
  return {static_cast<double>(value)};
}

MetricValue text(std::string_view value) { return {std::string(value)}; }

MetricValue spread_out(const metrics::Histogram& histogram, const char* unit) {
  MetricValue::List buckets;
  for (std::size_t i = 0; i < metrics::Histogram::kBuckets; ++i) {
    if (histogram.in_bucket(i) == 0) continue;
    MetricValue::Map bucket;
    bucket.emplace("largest", number(metrics::Histogram::largest_of(i)));
    bucket.emplace("count", number(histogram.in_bucket(i)));
    buckets.push_back(MetricValue{std::move(bucket)});
  }
  MetricValue::Map out;
  out.emplace("unit", text(unit));
  out.emplace("count", number(histogram.count()));
  out.emplace("sum", number(histogram.sum()));
  out.emplace("min", number(histogram.smallest()));
  out.emplace("max", number(histogram.largest()));
  out.emplace("p50", number(histogram.percentile(0.5)));
  out.emplace("p90", number(histogram.percentile(0.9)));
  out.emplace("p99", number(histogram.percentile(0.99)));
  out.emplace("buckets", MetricValue{std::move(buckets)});
  return MetricValue{std::move(out)};
}

MetricValue task_out(const Figures::Task& task) {
  const CleanupMetrics none;
  const CleanupMetrics& last = task.last ? *task.last : none;
  MetricValue::Map out;
  out.emplace("state", text(to_string(task.state)));
  out.emplace("channel", text(task.channel));
  out.emplace("runs", number(task.runs));
  out.emplace("entries", number(last.entries));
  out.emplace("bytes", number(last.bytes));
  out.emplace("wall_ns", number(last.wall_ns));
  out.emplace("queue_ns", number(last.queue_ns));
  out.emplace("cpu_ns", number(last.cpu_ns));
  out.emplace("peak_rss_bytes", number(last.peak_rss_bytes));
  out.emplace("overhead_ns", number(last.overhead_ns));
  out.emplace("limit_breaches", number(task.limit_breaches));
  return MetricValue{std::move(out)};
}

MetricValue channel_out(const Figures::Channel& channel, std::size_t live) {
  MetricValue::Map out;
  out.emplace("runs", number(channel.runs));
  out.emplace("entries_removed", number(channel.entries));
  out.emplace("bytes_reclaimed_now", number(channel.bytes_now));
  out.emplace("bytes_reclaimable_at_purge", number(channel.bytes_at_purge));
  out.emplace("bytes_purged", number(channel.bytes_purged));
  out.emplace("breaches", number(channel.breaches));
  out.emplace("live_processes", number(live));
  return MetricValue{std::move(out)};
}

}  // namespace

void CleanupManager::remember_plan(const TaskPlan& task) {
  {
    const MutexLock lock(mutex_);
    if (!records_.at(task.shown.name).last_run.empty()) return;
  }
  figures_.set_state(task.shown.name, task.shown.state);
}

void CleanupManager::remember_run(const Running& running, const TaskPlan& task, const CleanupResult& result) {
  const MutexLock lock(mutex_);
  Record& own = records_.at(task.shown.name);
  own.last_run = running.plan.id;
  own.last_number = task.number;
  if (task.native && result.state == TaskState::committed) own.completed = result;
}

void CleanupManager::remember(const TaskPlan& task, const CleanupResult& result, bool began) {
  const std::int64_t since_ns = metrics::monotonic_ns();
  figures_.set_state(task.shown.name, result.state);
  if (!began) return;
  CleanupMetrics last = task.metrics;
  last.wall_ns += since_ns - task.acting_since_ns;
  MeasuredTimes measured = task.measured;
  using enum metrics::Limited;
  if (!task.native && last.start_ns > 0) measured.set(channel_operation, last.start_ns);
  if (last.release_ns > 0) measured.set(resource_release, last.release_ns);
  measured.set(state_transition, last.transition_ns);
  if (last.verify_ns > 0) measured.set(completion_verification, last.verify_ns, task.shown.units);
  figures_.end_task(result, task.shown.channel, std::move(last), measured, since_ns);
}

CleanupMetrics CleanupManager::track_cleanup_performance(CleanupHandle handle) {
  const Result<Target> target = find(handle);
  if (target) return figures_.metrics_of(target->name);
  CleanupMetrics out;
  out.error.emplace(ExecutionCause::unknown_handle, target.error());
  return out;
}

std::map<std::string, MetricValue> CleanupManager::get_cleanup_metrics() {
  const Figures::All all = figures_.copy();
  std::map<std::string, MetricValue> out;
  out.emplace("tasks_registered", number(all.tasks.size()));
  out.emplace("runs", number(all.totals.runs));
  out.emplace("task_runs", number(all.totals.task_runs));
  out.emplace("task_runs_failed", number(all.totals.task_runs_failed));
  out.emplace("entries_removed", number(all.totals.entries_removed));
  out.emplace("bytes_reclaimed_now", number(all.totals.bytes_now));
  out.emplace("bytes_reclaimable_at_purge", number(all.totals.bytes_at_purge));
  out.emplace("entries_purged", number(all.totals.entries_purged));
  out.emplace("bytes_purged", number(all.totals.bytes_purged));
  out.emplace("breaches", number(all.totals.breaches));
  out.emplace("limit_breaches", number(all.totals.limit_breaches));
  out.emplace("waiting", number(callers_.waiting() + executing_.waiting() + rollbacks_.waiting() + turns_.waiting()));
  MetricValue::Map tasks;
  for (const auto& [name, task] : all.tasks) tasks.emplace(name, task_out(task));
  out.emplace("tasks", MetricValue{std::move(tasks)});
  MetricValue::Map channels;
  for (const auto& [name, channel] : all.channels) channels.emplace(name, channel_out(channel, core_.live->of(name).size()));
  out.emplace("channels", MetricValue{std::move(channels)});
  MetricValue::Map histograms;
  for (std::size_t i = 0; i < all.spreads.size(); ++i)
    histograms.emplace(Figures::kSpreads[i], spread_out(all.spreads[i], i == static_cast<std::size_t>(Figures::Spread::bytes) ? "bytes" : "ns"));
  out.emplace("histograms", MetricValue{std::move(histograms)});
  return out;
}

}  // namespace freshet

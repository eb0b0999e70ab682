#include "runtime/manager/figures.h"

#include <utility>

#include "runtime/base/log.h"
#include "runtime/base/units.h"
#include "runtime/manager/result_rows.h"
#include "runtime/manager/role_figures.h"
#include "runtime/metrics/stopwatch.h"

namespace freshet {
namespace {

using metrics::Limited;
using Spread = Figures::Spread;

void add_to(Figures::All& all, Spread spread, std::int64_t ns) { all.spreads[static_cast<std::size_t>(spread)].add_time(ns); }

// "1.234 ms": finer than format_duration.
std::string shown_time(std::int64_t ns) {
  const std::int64_t us = ns / 1000;
  std::string part = std::to_string(us % 1000);
  part.insert(0, 3 - part.size(), '0');
  return std::to_string(us / 1000) + "." + part + " ms";
}

// Counts those over their limit, for the caller to log once it has let go of the lock.
std::vector<LimitMeasured> count_breaches(Figures::All& all, Figures::Task& task, const MeasuredTimes& measured) {
  std::vector<LimitMeasured> over = measured.list();
  std::erase_if(over, [](const LimitMeasured& limit) { return limit.within; });
  task.limit_breaches += over.size();
  all.totals.limit_breaches += over.size();
  return over;
}

// Nothing is wrong with what was done, so operators see it only when they ask for it.
void log_breaches(const LogContext& about, const std::vector<LimitMeasured>& over) {
  for (const LimitMeasured& limit : over)
    log_info(about, limit.name + " took " + shown_time(limit.measured_ns) + ", its limit is " + shown_time(limit.limit_ns));
}

}  // namespace

Figures::Figures(const std::vector<std::string>& channels) {
  book_.write([&](All& all) {
    for (const std::string& name : channels) all.channels[name];
  });
}

void Figures::add_task(const std::string& name, const std::string& channel) {
  book_.write([&](All& all) { all.tasks[name].channel = channel; });
}

void Figures::set_state(const std::string& name, TaskState state) {
  book_.write([&](All& all) {
    if (const auto task = all.tasks.find(name); task != all.tasks.end()) task->second.state = state;
  });
}

TaskState Figures::state_of(const std::string& name) const {
  return book_.read([&](const All& all) {
    const auto task = all.tasks.find(name);
    return task == all.tasks.end() ? TaskState::registered : task->second.state;
  });
}

void Figures::end_task(const CleanupResult& result, const std::string& channel, CleanupMetrics metrics, const MeasuredTimes& measured,
                       std::int64_t since_ns) {
  metrics.task = result.task;
  metrics.entries = result.entries_removed;
  metrics.bytes = result.bytes_reclaimed_now + result.bytes_reclaimable_at_purge;
  metrics.cpu_ns += metrics.validate_cpu_ns + metrics.start_cpu_ns + metrics.scan_cpu_ns + metrics.remove_cpu_ns + metrics.verify_cpu_ns +
                    metrics.rollback_cpu_ns;
  const auto last = std::make_shared<CleanupMetrics>(std::move(metrics));
  MeasuredTimes times = measured;
  times.set(Limited::execution, last->wall_ns, result.entries_found);
  const std::vector<LimitMeasured> over = book_.write([&](All& all) {
    Totals& totals = all.totals;
    ++totals.task_runs;
    if (is_bad(result.state)) ++totals.task_runs_failed;
    totals.entries_removed += result.entries_removed;
    totals.bytes_now += result.bytes_reclaimed_now;
    totals.bytes_at_purge += result.bytes_reclaimable_at_purge;
    if (const auto at = all.channels.find(channel); at != all.channels.end()) {
      ++at->second.runs;
      at->second.entries += result.entries_removed;
      at->second.bytes_now += result.bytes_reclaimed_now;
      at->second.bytes_at_purge += result.bytes_reclaimable_at_purge;
    }
    add_to(all, Spread::execution, last->wall_ns);
    add_to(all, Spread::queue_wait, last->queue_ns);
    if (last->scan_ns > 0) add_to(all, Spread::scan, last->scan_ns);
    if (last->remove_ns > 0) add_to(all, Spread::remove, last->remove_ns);
    if (last->verify_ns > 0) add_to(all, Spread::verify, last->verify_ns);
    if (times.ns(Limited::rollback) >= 0) add_to(all, Spread::rollback, times.ns(Limited::rollback));
    all.spreads[static_cast<std::size_t>(Spread::bytes)].add(last->bytes);
    Task& task = all.tasks[result.task];
    ++task.runs;
    task.last = last;
    MeasuredTimes kept;
    kept.set(Limited::registration, task.measured.ns(Limited::registration));
    last->overhead_ns += metrics::monotonic_ns() - since_ns;
    times.set(Limited::tracking_overhead, last->overhead_ns);
    kept.take(times);
    task.measured = kept;
    return count_breaches(all, task, times);
  });
  log_breaches({result.run_id, channel, result.task}, over);
}

void Figures::end_run() {
  book_.write([](All& all) { ++all.totals.runs; });
}

void Figures::add_call(const std::string& name, Limited what, std::int64_t ns, std::uint64_t size) {
  MeasuredTimes times;
  times.set(what, ns, size);
  std::string channel;
  const std::vector<LimitMeasured> over = book_.write([&](All& all) {
    const auto task = all.tasks.find(name);
    if (what == Limited::rollback) add_to(all, Spread::rollback, ns);
    if (task == all.tasks.end()) return std::vector<LimitMeasured>();
    channel = task->second.channel;
    task->second.measured.take(times);
    return count_breaches(all, task->second, times);
  });
  log_breaches({{}, channel, name}, over);
}

void Figures::add_rollback(const std::string& name, const std::vector<channel::RoleUsage>& brokers) {
  book_.write([&](All& all) {
    const auto task = all.tasks.find(name);
    if (task == all.tasks.end() || !task->second.last) return;
    const auto news = std::make_shared<CleanupMetrics>(*task->second.last);
    const std::int64_t before_ns = news->rollback_cpu_ns;
    add_rollback_usage(*news, brokers);
    news->cpu_ns += news->rollback_cpu_ns - before_ns;
    task->second.last = news;
  });
}

void Figures::add_isolation_check(const std::string& channel, std::int64_t ns) {
  MeasuredTimes times;
  times.set(Limited::isolation_check, ns);
  std::vector<LimitMeasured> over = times.list();
  std::erase_if(over, [](const LimitMeasured& limit) { return limit.within; });
  book_.write([&](All& all) {
    all.totals.limit_breaches += over.size();
    if (const auto at = all.channels.find(channel); at != all.channels.end()) at->second.isolation_check_ns = ns;
  });
  log_breaches({{}, channel, {}}, over);
}

void Figures::add_transition(std::int64_t ns) {
  book_.write([&](All& all) { add_to(all, Spread::state_transition, ns); });
}

void Figures::add_breach(const std::string& channel) {
  book_.write([&](All& all) {
    ++all.totals.breaches;
    if (const auto at = all.channels.find(channel); at != all.channels.end()) ++at->second.breaches;
  });
}

void Figures::add_purge(const std::string& channel, std::uint64_t entries, std::uint64_t bytes) {
  book_.write([&](All& all) {
    all.totals.entries_purged += entries;
    all.totals.bytes_purged += bytes;
    if (const auto at = all.channels.find(channel); at != all.channels.end()) at->second.bytes_purged += bytes;
  });
}

CleanupMetrics Figures::metrics_of(const std::string& name) const {
  Task task;
  std::int64_t isolation_ns = -1;
  book_.read([&](const All& all) {
    const auto at = all.tasks.find(name);
    if (at == all.tasks.end()) return;
    task = at->second;
    if (const auto channel = all.channels.find(task.channel); channel != all.channels.end()) isolation_ns = channel->second.isolation_check_ns;
  });
  CleanupMetrics out;
  if (task.last) {
    out = *task.last;
    out.runs = task.runs;
    out.limit_breaches = task.limit_breaches;
    if (isolation_ns >= 0) task.measured.set(Limited::isolation_check, isolation_ns);
    out.limits = task.measured.list();
  }
  out.task = name;
  out.state = task.state;
  return out;
}

}  // namespace freshet

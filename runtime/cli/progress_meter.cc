#include "runtime/cli/progress_meter.h"

#include <fmt/format.h>

#include "runtime/base/units.h"

namespace freshet::cli {
namespace {

constexpr std::int64_t kRateAfter = 200'000'000;  // nanoseconds; a rate from less jumps about

std::string_view doing(const std::string& phase) {
  if (phase == "scan") return "scanning";
  if (phase == "remove") return "removing";
  if (phase == "restore") return "putting back";
  if (phase == "purge") return "purging";
  return phase;
}

}  // namespace

bool ProgressMeter::take(const Progress& progress, std::int64_t now_ns) {
  const bool begins = progress.phase != phase_;
  if (begins) {
    phase_ = progress.phase;
    phase_began_ns_ = now_ns;
    tasks_.clear();
  }
  tasks_[progress.task] = progress;
  return begins;
}

std::string ProgressMeter::line(std::int64_t now_ns, const report::Style& style) const {
  if (tasks_.empty()) return {};
  std::uint64_t scanned = 0, found = 0, done = 0, total = 0, bytes = 0;
  for (const auto& [name, progress] : tasks_) {
    scanned += progress.scanned;
    found += progress.found;
    done += progress.done;
    total += progress.total;
    bytes += progress.bytes;
  }
  const bool scanning = phase_ == "scan";
  const std::uint64_t counted = scanning ? scanned : done;
  std::string text = fmt::format("{}  {}", doing(phase_), format_count(counted));
  if (scanning) {
    text += fmt::format(" entries  {} found", format_count(found));
  } else if (total > 0) {
    text += fmt::format(" of {}", format_count(total));
  }
  if (scanning || bytes > 0) text += "  " + format_size(bytes);
  if (const std::int64_t elapsed = now_ns - phase_began_ns_; elapsed >= kRateAfter) {
    const double rate = static_cast<double>(counted) * 1e9 / static_cast<double>(elapsed);
    text += fmt::format("  {}/s", format_count(static_cast<std::uint64_t>(rate)));
  }
  text += "  " + (tasks_.size() == 1 ? report::show(style, tasks_.begin()->first)
                                     : fmt::format("{} tasks", tasks_.size()));
  while (report::columns_of(text) >= style.width && !text.empty()) text.pop_back();
  return text;
}

}  // namespace freshet::cli

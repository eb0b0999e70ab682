#include "runtime/manager/native_context.h"

#include <utility>

#include "runtime/base/units.h"

namespace freshet {

void NativeContext::count(std::uint64_t entries, std::uint64_t bytes) {
  entries_.fetch_add(entries, std::memory_order_relaxed);
  bytes_.fetch_add(bytes, std::memory_order_relaxed);
}

bool NativeContext::note_return() {
  const std::size_t left = pool_.note_return();  // first: what runs on may still return what it holds
  memory_.note_return();
  buffers_.note_return();
  return left > 0;
}

std::vector<ResourceCheck> NativeContext::finish() {
  if (pool_.check().after > 0) request_stop();
  pool_.join();
  std::vector<ResourceCheck> checks{memory_.check(), pool_.check()};
  checks.push_back(channel_check(checks.back().after));
  checks.push_back(buffers_.check());
  return checks;
}

std::vector<ResourceCheck> NativeContext::unfinished_checks() const {
  std::vector<ResourceCheck> checks{memory_.check(), pool_.check()};
  checks.push_back(channel_check(checks.back().after));
  checks.push_back(buffers_.check_counts());
  for (ResourceCheck& check : checks) {
    check.passed = false;
    std::string held = std::exchange(check.detail, "the task still runs, so this is what it holds now");
    if (!held.empty()) check.detail += ": " + held;
  }
  return checks;
}

ResourceCheck NativeContext::channel_check(std::uint64_t pieces) const {
  const std::uint64_t blocks = memory_.leaked_blocks();
  const std::uint64_t buffers = buffers_.leaked_buffers();
  ResourceCheck check{"channel resources", false, 0, blocks + pieces + buffers, "resources", ""};
  check.passed = check.after == 0;
  if (!check.passed)
    check.detail = "of what the task's context handed out, " + counted(blocks, "block of memory", "blocks of memory") + ", " +
                   counted(pieces, "piece of work", "pieces of work") + " and " +
                   counted(buffers, "buffer", "buffers") + " were left";
  return check;
}

}  // namespace freshet

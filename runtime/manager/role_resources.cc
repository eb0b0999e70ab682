#include "runtime/manager/role_resources.h"

#include <algorithm>

#include "runtime/base/bytes.h"
#include "runtime/base/units.h"

namespace freshet {
namespace {

constexpr const char* kChannelResources = "channel resources";

std::uint64_t more(std::uint64_t before, std::uint64_t after) { return after > before ? after - before : 0; }

void note(std::string& list, const std::string& line) { list += (list.empty() ? "" : "; ") + line; }

ResourceCheck memory_check(const channel::Inventory& before, const channel::Inventory& after, const wire::Released& said) {
  ResourceCheck out{"memory reclamation", true, before.memory_bytes, after.memory_bytes, "bytes", {}};
  if (const std::uint64_t kept = more(before.memory_bytes, after.memory_bytes); kept > kMemoryAllowance + said.buffer_bytes)
    note(out.detail, "the process kept " + format_size(kept) + " (" + format_size(kMemoryAllowance) + " are allowed)");
  // Buffers that are out are the pool's matter, and no second leak.
  if (const std::uint64_t kept = more(said.heap_before + said.buffer_bytes, said.heap_after); kept > kHeapAllowance) {
    note(out.detail, "the plugin did not free " + format_size(kept) + " (" + format_size(kHeapAllowance) + " are allowed)");
    out.before = said.heap_before;
    out.after = said.heap_after;
  }
  out.passed = out.detail.empty();
  return out;
}

ResourceCheck thread_check(const channel::Inventory& before, const channel::Inventory& after) {
  ResourceCheck out{"thread pool restoration", true, before.threads, after.threads, "threads", {}};
  if (const std::uint64_t kept = more(before.threads, after.threads); kept > 0) note(out.detail, counted(kept, "thread", "threads") + " did not end");
  out.passed = out.detail.empty();
  return out;
}

// What is in `after` and not in `before`.
std::string added(const std::vector<std::string>& before, const std::vector<std::string>& after) {
  std::vector<std::string> known = before;
  std::string out;
  std::size_t shown = 0;
  for (const std::string& one : after) {
    if (const auto at = std::ranges::find(known, one); at != known.end()) {
      known.erase(at);
    } else if (++shown <= 5) {
      out += (out.empty() ? "" : ", ") + escape_bytes(one);
    }
  }
  return out;
}

void compare_rest(ResourceCheck& out, const channel::Inventory& before, const channel::Inventory& after) {
  if (const std::uint64_t kept = more(before.processes, after.processes); kept > 0) note(out.detail, counted(kept, "process", "processes") + " did not end");
  if (const std::uint64_t kept = more(before.mounts, after.mounts); kept > 0) note(out.detail, counted(kept, "mount", "mounts") + " more");
  if (const std::uint64_t kept = more(before.locks, after.locks); kept > 0) note(out.detail, counted(kept, "lock", "locks") + " still held");
  out.passed = out.detail.empty();
}

}  // namespace

std::vector<ResourceCheck> worker_checks(const channel::Inventory& before, const channel::Inventory& after,
                                         const wire::Released& said) {
  // Of an ordinary user's worker only its own host can count them.
  const bool seen = !before.descriptors.empty();
  ResourceCheck rest{kChannelResources, true, seen ? before.descriptors.size() : said.fds_before,
                     seen ? after.descriptors.size() : said.fds_after, "fds", {}};
  if (const std::uint64_t kept = more(rest.before, rest.after); kept > 0) {
    const std::string which = added(before.descriptors, after.descriptors);
    note(rest.detail, counted(kept, "descriptor", "descriptors") + " not closed" + (which.empty() ? "" : ": " + which));
  }
  compare_rest(rest, before, after);
  ResourceCheck buffers{"buffer pool", true, 0, said.buffers_out, "buffers", {}};
  if (said.buffers_out > 0)
    note(buffers.detail, counted(said.buffers_out, "buffer", "buffers") + " of " + format_size(said.buffer_bytes) + " in all not given back");
  if (said.buffers_spoiled > 0) note(buffers.detail, counted(said.buffers_spoiled, "buffer", "buffers") + " written after the return");
  buffers.passed = buffers.detail.empty();
  return {memory_check(before, after, said), thread_check(before, after), std::move(rest), std::move(buffers)};
}

std::vector<ResourceCheck> broker_checks(const channel::Inventory& before, const channel::Inventory& after, const BrokerLoad& load) {
  constexpr std::uint64_t kForEachInUse = 32;   // two numbers, in a list that doubles
  constexpr std::uint64_t kForEachLinked = 96;  // a node of a map
  const std::uint64_t allowed =
      kMemoryAllowance + load.table_bytes + kForEachInUse * load.in_use + kForEachLinked * load.linked;
  ResourceCheck memory{"memory reclamation", true, before.memory_bytes, after.memory_bytes, "bytes", {}};
  if (const std::uint64_t kept = more(before.memory_bytes, after.memory_bytes); kept > allowed)
    note(memory.detail, "it kept " + format_size(kept) + " (" + format_size(allowed) + " are allowed)");
  memory.passed = memory.detail.empty();
  // It keeps the directories it is in open until it has finished: a fixed number for each root, and some listings.
  constexpr std::size_t kForEachRoot = 4;
  constexpr std::size_t kListings = 64;
  ResourceCheck rest{kChannelResources, true, before.descriptors.size(), after.descriptors.size(), "fds", {}};
  if (after.descriptors.size() > before.descriptors.size() + kForEachRoot * load.roots + kListings)
    note(rest.detail, counted(after.descriptors.size() - before.descriptors.size(), "descriptor", "descriptors") + " not closed");
  compare_rest(rest, before, after);
  std::vector<ResourceCheck> out = {std::move(memory), thread_check(before, after), std::move(rest)};
  for (ResourceCheck& check : out)
    if (!check.passed) check.detail.insert(0, "the broker: ");
  return out;
}

std::vector<ResourceCheck> unseen_checks(const std::string& why) {
  std::vector<ResourceCheck> out;
  constexpr std::pair<const char*, const char*> kAll[] = {
      {"memory reclamation", "bytes"}, {"thread pool restoration", "threads"}, {kChannelResources, "fds"}, {"buffer pool", "buffers"}};
  for (const auto& [name, unit] : kAll) out.push_back({name, false, 0, 0, unit, "not looked at: " + why});
  return out;
}

void check_gone(std::vector<ResourceCheck>& checks, const channel::RoleProcess& role) {
  if (role.gone()) return;
  for (ResourceCheck& check : checks) {
    if (check.name != kChannelResources) continue;
    note(check.detail, "its process is not gone");
    check.passed = false;
  }
}

}  // namespace freshet

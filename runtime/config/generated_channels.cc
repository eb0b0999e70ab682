#include "runtime/config/generated_channels.h"

#include <algorithm>
#include <numeric>
#include <string_view>
#include <utility>
#include <vector>

#include "runtime/base/bytes.h"
#include "runtime/config/overlap.h"

namespace freshet::config {
namespace {

// Which tasks belong together: sets that are merged.
class Groups {
 public:
  explicit Groups(std::size_t count) : parent_(count) {
    std::iota(parent_.begin(), parent_.end(), std::size_t{0});
  }

  std::size_t find(std::size_t i) {
    while (parent_[i] != i) i = parent_[i] = parent_[parent_[i]];
    return i;
  }
  // The smaller number stays the set's name: tasks are numbered in the order of their names.
  void merge(std::size_t a, std::size_t b) {
    a = find(a);
    b = find(b);
    parent_[std::max(a, b)] = std::min(a, b);
  }

 private:
  std::vector<std::size_t> parent_;
};

void refuse_disagreement(const TaskConfig& task, const TaskConfig& first, std::string_view key,
                         Reporter& reporter) {
  const auto written = task.key_positions.find(std::string(key));
  const auto first_written = first.key_positions.find(std::string(key));
  const Position& first_position =
      first_written == first.key_positions.end() ? first.position : first_written->second;
  reporter.add(
      written == task.key_positions.end() ? task.position : written->second,
      "tasks `" + first.name + "` (" + to_string(first_position) + ") and `" + task.name +
          "` have roots in common, so they share one channel, but they do not agree on `" + std::string(key) +
          "`",
      "write the same `" + std::string(key) + "` in both, or exclude the inner root from the outer one");
}

void merge_into(ChannelConfig& channel, const TaskConfig& first, const TaskDraft& draft, Reporter& reporter) {
  const ChannelConfig& own = *draft.own;
  const auto agree = [&](bool equal, std::string_view key) {
    if (!equal) refuse_disagreement(draft.task, first, key, reporter);
  };
  agree(own.limits == channel.limits, "limits");
  agree(own.budget == channel.budget, "budget");
  agree(own.quarantine == channel.quarantine, "quarantine");
  agree(own.floors == channel.floors, "floors");
  agree(own.isolation == channel.isolation, "isolation");
  agree(own.irreversible_allowed == channel.irreversible_allowed, "irreversible");
  agree(own.locks == channel.locks, "locks");
  agree(own.ipc == channel.ipc, "ipc");
  agree(own.hooks == channel.hooks, "hooks");
  for (const RootConfig& root : own.roots) {
    const auto same = std::find_if(channel.roots.begin(), channel.roots.end(),
                                   [&](const RootConfig& other) { return other.path == root.path; });
    if (same == channel.roots.end()) {
      channel.roots.push_back(root);
    } else if (!(*same == root)) {
      reporter.add(root.position,
                   "root `" + escape_bytes(root.path) + "` of task `" + draft.task.name +
                       "` differs from the same root at " + to_string(same->position) +
                       ", with which it shares one channel",
                   "write the same `access`, `exclude` and `optional` in both");
    }
  }
}

}  // namespace

void generate_channels(std::map<std::string, TaskDraft>& drafts,
                       std::map<std::string, ChannelConfig>& channels, Reporter& reporter) {
  std::vector<TaskDraft*> tasks;
  std::vector<OwnedRoot> roots;
  for (auto& [name, draft] : drafts) {
    if (!draft.own) continue;
    for (const RootConfig& root : draft.own->roots) roots.push_back({&root, tasks.size()});
    tasks.push_back(&draft);
  }
  Groups groups(tasks.size());
  for_each_overlap(
      roots, [&](const OwnedRoot& outer, const OwnedRoot& inner) { groups.merge(outer.owner, inner.owner); });
  std::map<std::string, ChannelConfig> generated;
  for (std::size_t i = 0; i < tasks.size(); ++i) {
    TaskDraft& draft = *tasks[i];
    const TaskDraft& first = *tasks[groups.find(i)];
    draft.task.channel = first.task.name;
    if (&first != &draft) {
      merge_into(generated.at(first.task.name), first.task, draft, reporter);
      continue;
    }
    if (const auto declared = channels.find(draft.task.name); declared != channels.end()) {
      reporter.add(
          draft.task.position,
          "task `" + draft.task.name +
              "` has roots of its own, and the channel made for it would have the name of"
              " the channel at " +
              to_string(declared->second.position),
          "give the task another name, or write channel = \"" + draft.task.name + "\" instead of its roots");
    }
    generated.emplace(draft.task.name, *draft.own);
  }
  channels.merge(generated);
}

}  // namespace freshet::config

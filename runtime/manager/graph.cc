#include "runtime/manager/graph.h"

#include <algorithm>
#include <unordered_map>

namespace freshet {

const DependencyGraph::Edges* DependencyGraph::find(const std::string& name) const {
  const auto at = edges_.find(name);
  return at == edges_.end() ? nullptr : &at->second;
}

DependencyGraph::Order DependencyGraph::order(const std::vector<std::string>& from) const {
  enum class Mark : std::uint8_t { open, done };
  struct Frame {
    const std::string* name;
    std::vector<const std::string*> next;  // sorted
    std::size_t at = 0;
  };
  Order out;
  std::unordered_map<std::string, Mark> marks;
  std::vector<Frame> stack;

  const auto enter = [&](const std::string& name, const Edges& edges) {
    Frame frame{&name, {}, 0};
    for (const auto* list : {&edges.after, &edges.requires_})
      for (const std::string& dependency : *list) frame.next.push_back(&dependency);
    std::ranges::sort(frame.next, {}, [](const std::string* text) -> const std::string& { return *text; });
    marks.emplace(name, Mark::open);
    stack.push_back(std::move(frame));
  };

  std::vector<std::string> starts = from;
  std::ranges::sort(starts);
  for (const std::string& start : starts) {
    const auto known = edges_.find(start);
    if (known == edges_.end() || marks.contains(start)) continue;
    enter(known->first, known->second);
    while (!stack.empty()) {
      Frame& top = stack.back();
      if (top.at == top.next.size()) {
        marks[*top.name] = Mark::done;
        out.order.push_back(*top.name);
        stack.pop_back();
        continue;
      }
      const std::string& dependency = *top.next[top.at++];
      const auto found = edges_.find(dependency);
      if (found == edges_.end()) {
        out.missing.push_back(dependency + " (wanted by " + *top.name + ")");
        continue;
      }
      const auto mark = marks.find(dependency);
      if (mark == marks.end()) {
        enter(found->first, found->second);
      } else if (mark->second == Mark::open && out.cycle.empty()) {
        const auto first = std::ranges::find_if(stack, [&](const Frame& f) { return *f.name == dependency; });
        for (auto frame = first; frame != stack.end(); ++frame) out.cycle.push_back(*frame->name);
        out.cycle.push_back(dependency);
      }
    }
  }
  return out;
}

}  // namespace freshet

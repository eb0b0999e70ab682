#include "runtime/manager/graph.h"

#include <algorithm>
#include <span>

namespace freshet {

DependencyGraph::Number DependencyGraph::number_of(const std::string& name) {
  if (const auto known = numbers_.find(name); known != numbers_.end()) return known->second;
  const auto number = static_cast<Number>(names_.size());
  numbers_.emplace(names_.emplace_back(name), number);
  edges_.emplace_back();
  next_.emplace_back();
  groups_.push_back(0);
  marks_.push_back(Mark::missing);
  return number;
}

void DependencyGraph::set(const std::string& name, Edges edges, std::uint32_t group) {
  std::vector<Link> next;
  next.reserve(edges.after.size() + edges.requires_.size());
  for (const auto* list : {&edges.requires_, &edges.after})  // of two to the same name the required one stays
    for (const std::string& dependency : *list) next.push_back({number_of(dependency) & 0x7FFF'FFFFU, list == &edges.requires_});
  const auto same = [](const Link& a, const Link& b) { return a.number == b.number; };
  std::ranges::sort(next, [&](const Link& a, const Link& b) {
    return a.number == b.number ? a.required > b.required : names_[a.number] < names_[b.number];
  });
  next.erase(std::ranges::unique(next, same).begin(), next.end());
  const Number number = number_of(name);
  edges_[number] = std::move(edges);
  groups_[number] = group;
  Span& span = next_[number];
  if (next.size() > span.size) {
    span.begin = links_.size();
    links_.resize(links_.size() + next.size());
  }
  span.size = next.size();
  std::ranges::copy(next, links_.begin() + static_cast<std::ptrdiff_t>(span.begin));
  marks_[number] = Mark::fresh;
}

std::uint32_t DependencyGraph::group_of(const std::string& name) const {
  const auto at = numbers_.find(name);
  return at == numbers_.end() ? 0 : groups_[at->second];
}

const DependencyGraph::Edges* DependencyGraph::find(const std::string& name) const {
  const auto at = numbers_.find(name);
  return at == numbers_.end() || marks_[at->second] == Mark::missing ? nullptr : &edges_[at->second];
}

DependencyGraph::Order DependencyGraph::order(const std::vector<std::string>& from, Tell tell) const {
  // A task whose dependencies are being walked: those from `at` on are still to come.
  struct Frame {
    Number number;
    const Link* at;
    const Link* end;
  };
  Order out;
  std::vector<Mark> marks = marks_;
  std::vector<Frame> stack;  // without the innermost one
  std::vector<Number> order;
  const auto enter = [&](Number number) {
    marks[number] = Mark::open;
    const Link* next = links_.data() + next_[number].begin;
    return Frame{number, next, next + next_[number].size};
  };
  const auto note_cycle = [&](Number innermost, Number again) {
    if (!out.cycle.empty()) return;
    for (auto frame = std::ranges::find(stack, again, &Frame::number); frame != stack.end(); ++frame)
      out.cycle.push_back(names_[frame->number]);
    out.cycle.push_back(names_[innermost]);
    out.cycle.push_back(names_[again]);
  };

  std::vector<Number> starts;
  for (const std::string& name : from)
    if (const auto known = numbers_.find(name); known != numbers_.end()) starts.push_back(known->second);
  const auto name_of = [&](Number number) -> const std::string& { return names_[number]; };
  if (!std::ranges::is_sorted(starts, {}, name_of)) std::ranges::sort(starts, {}, name_of);

  for (const Number start : starts) {
    if (marks[start] != Mark::fresh) continue;
    Frame top = enter(start);
    for (;;) {
      if (top.at != top.end) {
        const Number dependency = (top.at++)->number;
        const Mark mark = marks[dependency];
        if (mark == Mark::done) continue;
        if (mark == Mark::fresh) {
          stack.push_back(top);
          top = enter(dependency);
        } else if (mark == Mark::open) {
          note_cycle(top.number, dependency);
        } else {
          out.missing.push_back(names_[dependency] + " (wanted by " + names_[top.number] + ")");
        }
        continue;
      }
      marks[top.number] = Mark::done;
      order.push_back(top.number);
      if (stack.empty()) break;
      top = stack.back();
      stack.pop_back();
    }
  }
  out.order.reserve(order.size());
  for (const Number number : order) out.order.push_back(names_[number]);
  if (tell == Tell::order) return out;
  out.required.resize(order.size());
  std::vector<bool> required(names_.size());
  for (const Number start : starts) required[start] = true;
  for (std::size_t i = order.size(); i-- > 0;) {  // dependents before what they depend on
    out.required[i] = required[order[i]];
    const Span& span = next_[order[i]];
    for (const Link& link : std::span(links_).subspan(span.begin, span.size)) {
      if (link.required && required[order[i]]) required[link.number] = true;
      if (marks_[link.number] != Mark::missing && groups_[link.number] != groups_[order[i]])
        out.crossing.push_back(names_[order[i]] + " -> " + names_[link.number]);
    }
  }
  std::ranges::reverse(out.crossing);
  return out;
}

}  // namespace freshet

#pragma once

#include <cstdint>
#include <deque>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace freshet {

// Dependencies by name. A name may be pointed at before anybody has it. Names become numbers when edges are set, once,
// so that an order is found without comparing a text. Not thread-safe.
class DependencyGraph {
 public:
  struct Edges {
    std::vector<std::string> after;
    std::vector<std::string> requires_;
  };

  // Replaces what `name` had. `group`: edges between groups are told apart. O(edges of `name`), with a sort of them.
  void set(const std::string& name, Edges edges, std::uint32_t group = 0);
  // The group of a name that was set, else 0.
  [[nodiscard]] std::uint32_t group_of(const std::string& name) const;
  // The edges of a name that was set, else nullptr; until the next `set`.
  [[nodiscard]] const Edges* find(const std::string& name) const;

  struct Order {
    std::vector<std::string> order;    // every reachable known task, dependencies first; ties bytewise by name
    std::vector<std::string> cycle;    // closed path, empty if there is none
    std::vector<std::string> missing;  // "x (wanted by y)"
    // Only with Tell::everything:
    std::vector<std::string> crossing; // "x -> y": x depends on y of another group
    std::vector<bool> required;        // of `order`: by requirements alone a name of `from`, or needed by one
  };
  enum class Tell : std::uint8_t { order, everything };
  // What is reachable from `from` (and nothing else), in order. Linear in the reachable tasks and edges (and a byte for
  // every name of the graph); `from` is sorted first where it is not. No recursion.
  [[nodiscard]] Order order(const std::vector<std::string>& from, Tell tell = Tell::order) const;

 private:
  using Number = std::uint32_t;
  struct Link {
    Number number : 31;
    Number required : 1;
  };
  struct Span {
    std::size_t begin = 0;
    std::size_t size = 0;
  };
  // What a walk knows of a node; before it begins every node is `missing` or `fresh`.
  enum class Mark : std::uint8_t { missing, fresh, open, done };

  Number number_of(const std::string& name);

  std::deque<std::string> names_;  // by number; they never move, `numbers_` has views into them
  std::unordered_map<std::string_view, Number> numbers_;
  std::deque<Edges> edges_;    // by number, as they were set
  std::vector<Span> next_;     // by number: dependencies, bytewise by name, each once; in links_
  std::vector<std::uint32_t> groups_;  // by number
  std::vector<Link> links_;    // a list that was replaced by a longer one leaves its place unused
  std::vector<Mark> marks_;    // by number, as a walk finds them
};

}  // namespace freshet

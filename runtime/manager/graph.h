#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <vector>

namespace freshet {

// Dependencies by name. A name may be pointed at before anybody has it.
class DependencyGraph {
 public:
  struct Edges {
    std::vector<std::string> after;
    std::vector<std::string> requires_;
  };

  void set(const std::string& name, Edges edges) { edges_[name] = std::move(edges); }
  [[nodiscard]] const Edges* find(const std::string& name) const;

  struct Order {
    std::vector<std::string> order;    // every reachable known task, dependencies first; ties bytewise by name
    std::vector<std::string> cycle;    // closed path, empty if there is none
    std::vector<std::string> missing;  // "x (wanted by y)"
  };
  // What is reachable from `from` (and nothing else), in order. Linear in tasks and edges; no recursion.
  [[nodiscard]] Order order(const std::vector<std::string>& from) const;

 private:
  std::map<std::string, Edges> edges_;
};

}  // namespace freshet

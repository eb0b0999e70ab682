#include "runtime/manager/graph.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>

namespace freshet {
namespace {

using Names = std::vector<std::string>;

TEST(DependencyGraph, DependenciesComeFirstAndTiesGoByName) {
  DependencyGraph graph;
  graph.set("c", {{"b"}, {"a"}});
  graph.set("b", {});
  graph.set("a", {});
  graph.set("unrelated", {});
  EXPECT_EQ(graph.order({"c"}).order, (Names{"a", "b", "c"}));
}

TEST(DependencyGraph, CycleIsReportedAsAClosedPath) {
  DependencyGraph graph;
  graph.set("a", {{"b"}, {}});
  graph.set("b", {{}, {"c"}});
  graph.set("c", {{"a"}, {}});
  EXPECT_EQ(graph.order({"a"}).cycle, (Names{"a", "b", "c", "a"}));
}

TEST(DependencyGraph, MissingNamesSayWhoWantedThem) {
  DependencyGraph graph;
  graph.set("a", {{"ghost"}, {}});
  EXPECT_EQ(graph.order({"a"}).missing, (Names{"ghost (wanted by a)"}));
}

TEST(DependencyGraph, ATaskThatWantsItselfIsACycleOfOne) {
  DependencyGraph graph;
  graph.set("a", {{"a"}, {}});
  EXPECT_EQ(graph.order({"a"}).cycle, (Names{"a", "a"}));
}

TEST(DependencyGraph, ADependencyNamedTwiceIsMissingOnce) {
  DependencyGraph graph;
  graph.set("a", {{"ghost", "ghost"}, {"ghost"}});
  EXPECT_EQ(graph.order({"a"}).missing.size(), 1U);
}

TEST(DependencyGraph, OnlyWhatIsReachableIsOrderedAndEachOnce) {
  DependencyGraph graph;
  for (const char* name : {"a", "b", "c", "d"}) graph.set(name, {});
  graph.set("top", {{"a", "b"}, {}});
  EXPECT_EQ(graph.order({"top", "b", "top", "unknown"}).order, (Names{"b", "a", "top"}));
}

TEST(DependencyGraph, EdgesSetAgainReplaceTheFormer) {
  DependencyGraph graph;
  graph.set("top", {{"a"}, {}});
  EXPECT_EQ(graph.find("a"), nullptr);  // pointed at, not set
  for (const char* name : {"a", "b", "c"}) graph.set(name, {});
  graph.set("other", {{"c"}, {}});
  graph.set("top", {{"a"}, {"c", "b"}});
  EXPECT_EQ(graph.order({"top"}).order, (Names{"a", "b", "c", "top"}));
  graph.set("top", {{}, {"b"}});
  EXPECT_EQ(graph.order({"top"}).order, (Names{"b", "top"}));
  EXPECT_EQ(graph.order({"other"}).order, (Names{"c", "other"}));
  EXPECT_EQ(graph.find("top")->requires_, (Names{"b"}));
}

TEST(DependencyGraph, AVeryLongChainNeedsNoStack) {
  DependencyGraph graph;
  constexpr int kLength = 200'000;
  for (int i = 0; i < kLength; ++i) graph.set(std::to_string(i), i == 0 ? DependencyGraph::Edges{} : DependencyGraph::Edges{{std::to_string(i - 1)}, {}});
  const auto order = graph.order({std::to_string(kLength - 1)});
  ASSERT_EQ(order.order.size(), static_cast<std::size_t>(kLength));
  EXPECT_EQ(order.order.front(), "0");
  EXPECT_TRUE(order.cycle.empty());
}

TEST(DependencyGraph, RandomGraphsWithoutCyclesAreOrdered) {
  std::mt19937 random(7);
  for (int round = 0; round < 50; ++round) {
    DependencyGraph graph;
    Names names;
    for (int i = 0; i < 60; ++i) names.push_back("t" + std::to_string(i));
    std::ranges::shuffle(names, random);
    for (std::size_t i = 0; i < names.size(); ++i) {
      DependencyGraph::Edges edges;
      for (std::size_t k = 0; k < i; ++k)
        if (random() % 10 == 0) (random() % 2 ? edges.after : edges.requires_).push_back(names[k]);
      graph.set(names[i], edges);
    }
    const auto order = graph.order(names);
    ASSERT_TRUE(order.cycle.empty());
    ASSERT_EQ(order.order.size(), names.size());
    const auto place = [&](const std::string& name) { return std::ranges::find(order.order, name) - order.order.begin(); };
    for (const std::string& name : names) {
      for (const std::string& other : graph.find(name)->after) EXPECT_LT(place(other), place(name));
      for (const std::string& other : graph.find(name)->requires_) EXPECT_LT(place(other), place(name));
    }
  }
}

TEST(DependencyGraph, CrossingEdgesAndRequirementsAreTold) {
  DependencyGraph graph;
  graph.set("top", {{"a", "elsewhere"}, {"b"}}, 1);
  graph.set("a", {{}, {"c"}}, 1);
  graph.set("b", {{"d"}, {"elsewhere", "nobody"}}, 1);
  graph.set("c", {}, 1);
  graph.set("d", {}, 0);
  graph.set("elsewhere", {}, 2);
  const DependencyGraph::Order order = graph.order({"top"}, DependencyGraph::Tell::everything);
  EXPECT_EQ(order.crossing, (std::vector<std::string>{"b -> elsewhere", "b -> d", "top -> elsewhere"}));
  std::vector<std::string> required;
  for (std::size_t i = 0; i < order.order.size(); ++i)
    if (order.required[i]) required.push_back(order.order[i]);
  // `c` is required by `a`, which `top` only comes after.
  EXPECT_EQ(required, (std::vector<std::string>{"elsewhere", "b", "top"}));
  graph.set("top", {{"b"}, {"b"}}, 2);
  EXPECT_EQ(graph.order({"top"}, DependencyGraph::Tell::everything).crossing, (std::vector<std::string>{"b -> elsewhere", "b -> d", "top -> b"}));
  EXPECT_TRUE(graph.order({"top"}, DependencyGraph::Tell::everything).required.back());
}

}  // namespace
}  // namespace freshet

// The order of the dependencies of one task that reaches all others, side by side with Boost.Graph's topological sort
// of the same graph; both are built before the clock starts. Ours is asked by name and answers with names, Boost's with
// vertex numbers. Every row has the median and the 99th percentile of single calls; BigO and RMS are the benchmark
// library's fit of a straight line over the sizes.
#include <benchmark/benchmark.h>

#include <boost/graph/adjacency_list.hpp>
#include <boost/graph/compressed_sparse_row_graph.hpp>
#include <boost/graph/topological_sort.hpp>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <iterator>
#include <map>
#include <numeric>
#include <random>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "runtime/config/config.h"
#include "runtime/manager/graph.h"
#include "runtime/manager/make_manager.h"

namespace freshet {
namespace {

// Every task but the top one is depended on by one above it, and all other edges go anywhere downwards: random, and the
// same graph whenever it is made for a size.
struct Sample {
  std::vector<std::string> names;
  std::vector<std::pair<std::size_t, std::size_t>> edges;  // task, dependency; sorted
  std::size_t top = 0;

  Sample(std::size_t tasks, std::size_t edge_count) {
    std::mt19937_64 random(tasks);
    for (std::size_t i = 0; i < tasks; ++i) {
      const std::string number = std::to_string(i);
      names.push_back("task-" + std::string(7 - number.size(), '0') + number);
    }
    std::vector<std::size_t> task_at(tasks);  // by height, so that a number says nothing about the order
    std::iota(task_at.begin(), task_at.end(), std::size_t{0});
    std::shuffle(task_at.begin(), task_at.end(), random);
    top = task_at.back();
    const auto below = [&](std::size_t height) { return static_cast<std::size_t>(random() % height); };
    std::set<std::pair<std::size_t, std::size_t>> chosen;
    for (std::size_t low = 0; low + 1 < tasks; ++low) chosen.emplace(task_at[low + 1 + below(tasks - low - 1)], task_at[low]);
    while (chosen.size() < edge_count) {
      const std::size_t high = 1 + below(tasks - 1);
      chosen.emplace(task_at[high], task_at[below(high)]);
    }
    edges.assign(chosen.begin(), chosen.end());
  }
};

const Sample& sample_of(const benchmark::State& state) {
  static std::map<std::pair<std::int64_t, std::int64_t>, Sample> samples;
  const auto key = std::pair(state.range(0), state.range(1));
  const auto known = samples.find(key);
  if (known != samples.end()) return known->second;
  return samples.emplace(key, Sample(static_cast<std::size_t>(key.first), static_cast<std::size_t>(key.second))).first->second;
}

// Calls `call` until the state has enough, with a time for each call.
template <class Call>
void measure(benchmark::State& state, Call call) {
  std::vector<double> times;
  for (auto _ : state) {
    const auto began = std::chrono::steady_clock::now();
    auto result = call();
    benchmark::DoNotOptimize(result);
    const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - began).count();
    state.SetIterationTime(seconds);
    times.push_back(seconds);
  }
  std::sort(times.begin(), times.end());
  const auto at = [&](double part) { return times[static_cast<std::size_t>(part * static_cast<double>(times.size() - 1))] * 1e6; };
  state.counters["p50_us"] = at(0.5);
  state.counters["p99_us"] = at(0.99);
  state.SetComplexityN(state.range(0) + state.range(1));
}

void ours(benchmark::State& state) {
  const Sample& sample = sample_of(state);
  std::vector<DependencyGraph::Edges> lists(sample.names.size());
  for (const auto& [from, to] : sample.edges) lists[from].after.push_back(sample.names[to]);
  DependencyGraph graph;
  for (std::size_t i = 0; i < sample.names.size(); ++i) graph.set(sample.names[i], std::move(lists[i]));
  measure(state, [&] { return graph.order({sample.names[sample.top]}); });
}

template <class Graph>
std::vector<std::size_t> sort_with_boost(const Graph& graph) {
  std::vector<std::size_t> order;
  boost::topological_sort(graph, std::back_inserter(order));
  return order;
}

void boost_adjacency_list(benchmark::State& state) {
  const Sample& sample = sample_of(state);
  using Graph = boost::adjacency_list<boost::vecS, boost::vecS, boost::directedS>;
  const Graph graph(sample.edges.begin(), sample.edges.end(), sample.names.size());
  measure(state, [&] { return sort_with_boost(graph); });
}

void boost_compressed_rows(benchmark::State& state) {
  const Sample& sample = sample_of(state);
  using Graph = boost::compressed_sparse_row_graph<boost::directedS>;
  const Graph graph(boost::edges_are_sorted, sample.edges.begin(), sample.edges.end(), sample.names.size());
  measure(state, [&] { return sort_with_boost(graph); });
}

// The whole question, as a host program asks it: handle in, result out.
void validate_dependencies(benchmark::State& state) {
  const Sample& sample = sample_of(state);
  std::string place = (std::filesystem::temp_directory_path() / "freshet-graph-XXXXXX").string();
  if (::mkdtemp(place.data()) == nullptr) return state.SkipWithError("no temporary directory");
  {
    ManagerOptions options;
    options.state_dir = place;
    options.role_executable = FRESHET_ROLE;
    const std::expected<Manager, Error> manager = make_manager(config::Config{}, options);
    if (!manager) return state.SkipWithError(manager.error().what.c_str());
    std::vector<CleanupTask> tasks(sample.names.size());
    for (const auto& [from, to] : sample.edges) tasks[from].requires_.push_back(sample.names[to]);
    CleanupHandle top;
    for (std::size_t i = 0; i < sample.names.size(); ++i) {
      tasks[i].body = NativeTask{[](TaskContext&) { return Status{}; }, nullptr, nullptr};
      const auto handle = manager->cleanup->register_cleanup_task(sample.names[i], std::move(tasks[i]));
      if (!handle) return state.SkipWithError(handle.error().what.c_str());
      if (i == sample.top) top = *handle;
    }
    measure(state, [&] { return manager->cleanup->validate_dependencies(top); });
  }
  std::filesystem::remove_all(place);
}

// What comes before all that for a graph that stands in a file: reading and typing the TOML text of one, apart.
void read_configuration(benchmark::State& state) {
  const Sample& sample = sample_of(state);
  std::vector<std::string> lists(sample.names.size());
  for (const auto& [from, to] : sample.edges) lists[from] += (lists[from].empty() ? "\"" : ", \"") + sample.names[to] + '"';
  std::string text = "[channel.c]\nroots = [{ path = \"/srv/cache\" }]\n";
  for (std::size_t i = 0; i < sample.names.size(); ++i)
    text += "[task." + sample.names[i] + "]\nplugin = \"org.example.plugin\"\nchannel = \"c\"\nrequires = [" + lists[i] + "]\n";
  const std::vector<config::NamedText> texts{{"freshet.toml", text}};
  if (!config::load_texts(texts)) return state.SkipWithError("the configuration does not hold");
  measure(state, [&] { return config::load_texts(texts); });
  state.counters["KiB"] = static_cast<double>(text.size()) / 1024;
}

void sizes(benchmark::internal::Benchmark* benchmark) {
  benchmark->Args({1'000, 4'000})->Args({10'000, 100'000})->Args({100'000, 1'000'000});
  benchmark->UseManualTime()->Unit(benchmark::kMicrosecond)->Complexity(benchmark::oN);
}
BENCHMARK(ours)->Apply(sizes);
BENCHMARK(boost_adjacency_list)->Apply(sizes);
BENCHMARK(boost_compressed_rows)->Apply(sizes);
BENCHMARK(validate_dependencies)->Apply(sizes);
BENCHMARK(read_configuration)->Args({1'000, 4'000})->UseManualTime()->Unit(benchmark::kMicrosecond);

}  // namespace
}  // namespace freshet

BENCHMARK_MAIN();

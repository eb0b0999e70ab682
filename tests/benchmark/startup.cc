// How long a channel's pair takes to stand ready: a worker with its plugin loaded and a broker, both locked, beside one
// `bwrap --unshare-all --ro-bind / / /bin/true`, interleaved; and what the proof of a channel's isolation takes. Prints
// medians, ratios and the goals; tests/benchmark/startup.sh runs it.
#include <fcntl.h>
#include <spawn.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <functional>
#include <thread>
#include <vector>

#include "runtime/base/clock.h"
#include "runtime/base/identity.h"
#include "runtime/channel/plugin_bytes.h"
#include "runtime/channel/role_process.h"
#include "runtime/sandbox/host_support.h"
#include "runtime/sandbox/spawner.h"

namespace freshet::channel {
namespace {

constexpr std::uint32_t kUidBase = 1879048192;
constexpr std::size_t kFurther = 4;  // channels beside the first

[[noreturn]] void die(const std::string& what) {
  std::fprintf(stderr, "startup: %s\n", what.c_str());
  std::exit(2);
}

template <class T>
T must(Result<T> result) {
  if (!result) die(result.error().what + " " + result.error().detail);
  return std::move(*result);
}

// Starts from rest, as a task does: what is made ahead between two tasks (a network) is there.
double milliseconds(const std::function<void()>& work) {
  std::this_thread::sleep_for(std::chrono::milliseconds(20));
  const auto began = std::chrono::steady_clock::now();
  work();
  return std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - began).count();
}

double median(std::vector<double> values) {
  std::ranges::sort(values);
  return values[values.size() / 2];
}

wire::Setting setting(const char* name, wire::SettingTag tag, std::int64_t number = 0, std::vector<std::string> strings = {}) {
  wire::Setting out;
  out.name = name;
  out.tag = tag;
  out.integer = number;
  out.strings = std::move(strings);
  return out;
}

// One channel's root, and what its roles are started with.
class Channel {
 public:
  Channel(const std::string& path, std::uint32_t number, const PluginBytes& plugin, sandbox::FilterBook& filters)
      : plugin_(plugin), filters_(filters), number_(number) {
    std::filesystem::create_directories(path);
    root_.config.path = path;
    root_.config.access.remove = true;
    root_.directory = Fd(::open(path.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
    const EntryStat info = must(stat_entry(root_.directory.get(), ""));
    root_.dev = info.dev;
    root_.identity = info.identity;
  }

  std::unique_ptr<RoleProcess> start_worker(sandbox::Spawner& spawner, const sandbox::HostSupport& support, bool strict) const {
    RoleRequest request = base(wire::Role::worker, strict);
    request.plugin_memfd = plugin_.memfd.get();
    auto worker = must(RoleProcess::start(spawner, support, request));
    wire::Load load;
    load.kind = "expired-files";
    load.announced = {"expired-files"};
    using enum wire::SettingTag;
    load.settings = {setting("older-than", duration, 1), setting("age-by", strings, 0, {"mtime"}), setting("keep", strings),
                     setting("only", strings), setting("types", strings, 0, {"file"}), setting("min-size", size),
                     setting("owner", strings), setting("empty-directories", boolean), setting("max-depth", integer, 1000)};
    worker->send_message(load);
    wire::Loaded loaded;
    while (const auto packet = worker->receive({}))
      if (wire::decode_message(*packet, loaded)) return worker;
    die("a plugin was not loaded: " + worker->finish().what);
  }

  // The worker of a proof: no plugin is in it.
  std::unique_ptr<RoleProcess> start_probe(sandbox::Spawner& spawner, const sandbox::HostSupport& support, bool strict) const {
    return must(RoleProcess::start(spawner, support, base(wire::Role::worker, strict)));
  }

  // As verify_cleanup_isolation looks at it.
  void check(RoleProcess& probe) const {
    const Proof proof = must(probe.prove());
    for (const auto& points : {judge_proof(proof, {root_.config.path}), probe.check()}) {
      if (points.empty()) die("nothing was checked");
      for (const CheckedPoint& point : points)
        if (!point.passed) die("not isolated: " + point.name + ": " + point.seen);
    }
  }

  std::unique_ptr<RoleProcess> start_broker(sandbox::Spawner& spawner, const sandbox::HostSupport& support, bool strict) const {
    return must(RoleProcess::start(spawner, support, base(wire::Role::broker, strict)));
  }

 private:
  [[nodiscard]] RoleRequest base(wire::Role role, bool strict) const {
    RoleRequest request;
    request.role = role;
    request.roots = {&root_};
    request.areas = {".freshet"};
    request.strict = strict;
    request.filters = &filters_;
    request.uid = kUidBase + number_ * 2 + (role == wire::Role::broker ? 1 : 0);
    return request;
  }

  const PluginBytes& plugin_;
  sandbox::FilterBook& filters_;
  const std::uint32_t number_;
  OpenRoot root_;
};

struct Pair {
  std::unique_ptr<RoleProcess> worker, broker;
};

Pair start_pair(const Channel& channel, sandbox::Spawner& spawner, const sandbox::HostSupport& support, bool strict) {
  Pair out;
  std::thread beside([&] { out.broker = channel.start_broker(spawner, support, strict); });
  out.worker = channel.start_worker(spawner, support, strict);
  beside.join();
  return out;
}

void run_bwrap() {
  const char* const arguments[] = {"bwrap", "--unshare-all", "--ro-bind", "/", "/", "/bin/true", nullptr};
  pid_t pid = -1;
  if (::posix_spawnp(&pid, "bwrap", nullptr, nullptr, const_cast<char* const*>(arguments), environ) != 0) die("bwrap cannot be started");
  int status = 0;
  if (::waitpid(pid, &status, 0) != pid || status != 0) die("bwrap failed");
}

int run(int rounds, const std::string& place) {
  const sandbox::HostSupport support = sandbox::find_host_support();
  const bool strict = support.missing_for_strict().empty();
  const auto spawner = must(sandbox::Spawner::create(FRESHET_ROLE));
  const PluginBytes plugin = must(read_plugin_file(FRESHET_PLUGINS "/org.freshet.expired-files.so"));
  sandbox::FilterBook filters;
  std::vector<std::unique_ptr<Channel>> channels;
  for (std::uint32_t i = 0; i <= kFurther; ++i)
    channels.push_back(std::make_unique<Channel>(place + "/root-" + std::to_string(i), i, plugin, filters));

  std::vector<double> bwrap, worker, broker, pair, all, checks, probe;
  for (int round = 0; round < rounds; ++round) {
    bwrap.push_back(milliseconds(run_bwrap));
    // A process ends outside of what is timed, like bwrap's program, which has nothing to clear away.
    Pair kept;
    pair.push_back(milliseconds([&] { kept = start_pair(*channels[0], *spawner, support, strict); }));
    kept = {};
    worker.push_back(milliseconds([&] { kept.worker = channels[0]->start_worker(*spawner, support, strict); }));
    kept = {};
    broker.push_back(milliseconds([&] { kept.broker = channels[0]->start_broker(*spawner, support, strict); }));
    kept = {};
    if (strict) {
      double checked = 0;
      probe.push_back(milliseconds([&] {
        kept.worker = channels[0]->start_probe(*spawner, support, strict);
        const auto began = std::chrono::steady_clock::now();
        channels[0]->check(*kept.worker);
        checked = std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - began).count();
      }));
      checks.push_back(checked);
      kept = {};
    }
    std::vector<Pair> many(channels.size());
    all.push_back(milliseconds([&] {
      for (std::size_t i = 0; i < channels.size(); ++i) many[i] = start_pair(*channels[i], *spawner, support, strict);
    }));
  }
  const double reference = median(bwrap);
  const auto row = [&](const char* what, double value, const char* goal = "") {
    std::printf("%-52s %8.2f %8.2f  %s\n", what, value, value / reference, goal);
  };
  std::printf("%-52s %8s %8s  %s\n", "medians", "ms", "to bwrap", "goal");
  row("bwrap --unshare-all --ro-bind / / /bin/true", reference);
  row("worker and broker, side by side, plugin loaded", median(pair), "at most 1.0 to bwrap");
  row("worker with its plugin, alone", median(worker));
  row("broker, alone", median(broker));
  row("each further channel, at once", (median(all) - median(pair)) / kFurther, "at most 4 ms");
  if (strict) {
    row("isolation of a channel: its checks", median(checks), "under 1.5 ms");
    row("isolation of a channel: with the start of its probe", median(probe), "under 15 ms");
  }
  std::printf("%d rounds, interleaved; %s isolation, %s\n", rounds, strict ? "strict" : "best-effort",
              ::geteuid() == 0 ? "as root" : "as an ordinary user");
  return 0;
}

}  // namespace
}  // namespace freshet::channel

int main(int argc, char** argv) {
  int rounds = 50;
  std::string place;
  for (int i = 1; i + 1 < argc; i += 2) {
    if (std::strcmp(argv[i], "--rounds") == 0) rounds = std::atoi(argv[i + 1]);
    else if (std::strcmp(argv[i], "--place") == 0) place = argv[i + 1];
  }
  if (place.empty() || rounds < 1) {
    std::fprintf(stderr, "Usage: %s --place DIR [--rounds N]\n", argv[0]);
    return 64;
  }
  return freshet::channel::run(rounds, place);
}

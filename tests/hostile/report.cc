// freshet-hostile-report: runs the hostile cases of tests/plugins/hostile/cases and says for each what became of it, and
// which layer stopped it. README.md has the options.
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <map>
#include <sstream>

#include "runtime/base/bytes.h"
#include "runtime/base/clock.h"
#include "runtime/channel/end_reason.h"
#include "runtime/channel/plugin_bytes.h"
#include "runtime/channel/role_process.h"
#include "runtime/manager/intake.h"
#include "runtime/sandbox/filter_book.h"
#include "tests/hostile/mode.h"
#include "tests/hostile/sweep.h"
#include "tests/hostile/world.h"

namespace freshet::hostile {
namespace {

constexpr std::uint64_t kMuchMemory = std::uint64_t{192} << 20;  // of 64 MiB
constexpr std::int64_t kMuchCpu = 1'700'000'000;                 // of 1 s
constexpr std::int64_t kMuchTime = 2'900'000'000;                // of 2 s
constexpr std::uint64_t kManyLines = 300;                        // of 200

struct Verdict {
  bool through = false;
  std::string seen;     // the evidence
  std::string end;      // how the worker ended: "breach: called socket(2)", or "-"
};

// The manager's side of a scan, without a manager: what arrives is given to its intake, or believed.
struct Reception {
  bool believing = false;
  std::unique_ptr<Intake> intake;
  std::uint64_t packets = 0, lines = 0, findings = 0;
  std::vector<std::string> told;
  std::string complaint;

  void take(channel::RoleProcess& worker, std::string_view packet) {
    ++packets;
    if (believing) return believe(packet);
    if (const Status taken = intake->take(packet); !taken) {
      complaint = taken.error().what;
      worker.close_for(channel::EndReason::protocol, complaint);
    }
  }
  void line(std::string_view text) {
    ++lines;
    if (told.size() < 20'000) told.emplace_back(text);
  }
  void believe(std::string_view packet) {
    if (packet.empty() || static_cast<wire::MessageType>(packet[0]) != wire::MessageType::events) return;
    wire::Decoder in(packet.substr(1));
    while (in.ok() && !in.empty()) {
      wire::EventType type{};
      in.enumeration(type, wire::kLastEvent);
      if (!in.ok()) return;
      if (type == wire::EventType::log) {
        wire::LogEvent event;
        visit(in, event);
        if (in.ok()) line(event.text);
      } else if (type == wire::EventType::finding) {
        wire::FindingEvent event;
        visit(in, event);
        if (in.ok()) ++findings;
      } else if (type == wire::EventType::directory) {
        wire::DirectoryEvent event;
        visit(in, event);
      } else if (type == wire::EventType::ipc) {
        wire::IpcEvent event;
        visit(in, event);
      } else if (type == wire::EventType::keep) {
        wire::KeepEvent event;
        visit(in, event);
      } else if (type == wire::EventType::directory_end) {
        wire::DirectoryEndEvent event;
        visit(in, event);
      } else if (type == wire::EventType::unread) {
        wire::UnreadEvent event;
        visit(in, event);
      } else {
        wire::ProgressEvent event;
        visit(in, event);
      }
    }
  }
};

std::string first_new(const std::vector<std::string>& before, const std::vector<std::string>& after, const std::string& about) {
  const auto count = [&](const std::vector<std::string>& fds) {
    return std::ranges::count_if(fds, [&](const std::string& link) { return link.find(about) != std::string::npos; });
  };
  if (count(after) <= count(before)) return {};
  for (const std::string& link : after)
    if (link.find(about) != std::string::npos) return link;
  return {};
}

class Runner {
 public:
  Runner(Mode& mode, const channel::PluginBytes& plugin) : mode_(mode), plugin_(plugin) {}

  Verdict run(const std::string& group, const Case& tried) {
    if (tried.evidence == Evidence::outlives) return outlive(group, tried);
    World world(tried, mode_.uid);
    Reception reception;
    prepare(world, reception);
    Verdict out;
    auto worker = start(world);
    if (!worker) {
      out.end = "not started: " + worker.error().what;
      failed_starts_ += 1;
      return out;
    }
    const pid_t pid = (*worker)->pid();
    ProcessState before, after;
    bool alive = false;
    std::string locked, held;
    if (load(**worker, group, world)) {
      while (const auto packet = (*worker)->receive({})) {
        wire::Loaded loaded;
        wire::ScanEnd end;
        if (before.threads == 0 && wire::decode_message(*packet, loaded)) {
          before = world.look(pid);
          (*worker)->send_message(wire::Scan{1'700'000'000'000'000'000});
        } else if (wire::decode_message(*packet, end)) {
          after = world.look(pid);
          alive = after.threads > 0;
          locked = world.locked();
          if (tried.evidence == Evidence::victim) held = world.victim();
          break;
        } else {
          reception.take(**worker, *packet);
        }
      }
    }
    const std::uint64_t most = std::max(before.threads, after.threads);
    const channel::End end = (*worker)->finish();
    const channel::RoleUsage usage = (*worker)->usage();
    out.end = end.reason == channel::EndReason::none ? "-" : std::string(to_string(end.reason)) + ": " + end.what;
    if (!reception.believing) {
      if (reception.intake->finish(); true) reception.findings = reception.intake->accepted();
    }
    (*worker).reset();
    if (tried.evidence == Evidence::left || tried.evidence == Evidence::heard) ::usleep(2000);
    // A signal that was sent may not have been taken yet.
    for (int i = 0; i < 30 && tried.evidence == Evidence::victim && held.empty() && end.reason != channel::EndReason::breach; ++i) {
      ::usleep(2000);
      held = world.victim();
    }
    const std::uint32_t left = end_what_is_left(world.victim_pid(), world.racer_pid());
    out.seen = judge(tried, world, reception, before, after, alive, locked, end, usage, left, most);
    if (out.seen.empty()) out.seen = held;
    out.through = !out.seen.empty();
    return out;
  }

  [[nodiscard]] int failed_starts() const { return failed_starts_; }

 private:
  void prepare(const World& world, Reception& reception) {
    reception.believing = (mode_.on & kManager) == 0;
    roots_.clear();
    task_ = {};
    task_.shown.name = "case";
    task_.shown.roots.resize(1);
    PlanRoot root;
    root.config = world.root().config;
    root.area = ".freshet";
    task_.roots.push_back(root);
    channel::OpenRoot copy;
    copy.config = world.root().config;
    copy.dev = world.root().dev;
    copy.identity = world.root().identity;
    roots_.push_back(std::move(copy));
    taken_ = std::make_unique<TakenEntries>();
    plan_folder_ = world.folder() + "-plan";
    std::filesystem::create_directories(plan_folder_);
    Intake::Inputs inputs;
    inputs.task = &task_;
    inputs.roots = &roots_;
    inputs.taken = taken_.get();
    inputs.task_names = &names_;
    inputs.now_ns = 1'700'000'000'000'000'000;
    inputs.plan_dir = plan_folder_;
    inputs.log = [&reception](LogLevel, std::string_view text) { reception.line(text); };
    auto made = Intake::create(inputs);
    if (!made) std::abort();
    reception.intake = std::move(*made);
  }

  Result<std::unique_ptr<channel::RoleProcess>> start(const World& world) {
    channel::RoleRequest request;
    request.role = wire::Role::worker;
    request.roots = {&world.root()};
    request.areas = {".freshet"};
    request.limits = mode_.limits;
    request.plugin_memfd = plugin_.memfd.get();
    request.libraries = manifest::kAllLibraries;
    request.strict = mode_.strict;
    request.uid = mode_.uid;
    request.filters = &filters_;
    return channel::RoleProcess::start(*mode_.spawner, mode_.support, request);
  }

  static bool load(channel::RoleProcess& worker, const std::string& group, const World& world) {
    wire::Load load;
    load.kind = "case";
    load.announced = {"case"};
    load.settings.push_back({.name = "scene", .tag = wire::SettingTag::string, .string = world.scene(group), .strings = {}});
    return worker.send_message(load);
  }

  std::string judge(const Case& tried, World& world, const Reception& reception, const ProcessState& before, const ProcessState& after,
                    bool alive, const std::string& locked, const channel::End& end, const channel::RoleUsage& usage, std::uint32_t left,
                    std::uint64_t threads) const {
    const std::string about = tried.about;
    switch (tried.evidence) {
      case Evidence::control: {
        const bool said = std::ranges::any_of(reception.told, [&](const std::string& line) { return world.has_name_of_grant(line); });
        if (!said || end.reason != channel::EndReason::none) return {};
        return about.empty() || reception.findings == 1 ? "it works" : "";
      }
      case Evidence::changed: return world.changed();
      case Evidence::read_time: return world.read_time();
      case Evidence::told:
        for (const std::string& line : reception.told)
          if (world.has_secret(line)) return "told: " + escape_bytes(line.substr(0, 60));
        return {};
      case Evidence::heard: return world.heard();
      case Evidence::victim: return world.victim();
      case Evidence::left:
        if (alive && after.processes > before.processes) return std::to_string(after.processes) + " processes below it";
        return left > 0 ? std::to_string(left) + " processes left" : "";
      case Evidence::ipc: return world.ipc();
      case Evidence::holds: return alive ? first_new(before.fds, after.fds, about) : "";
      case Evidence::maps:
        for (const std::string& line : after.executable)
          if (alive && !before.executable.contains(line)) return line;
        return {};
      case Evidence::state:
        if (!alive || before.values.at(about) == after.values.at(about)) return {};
        return "was" + escape_bytes(before.values.at(about).substr(0, 40)) + ", is " + escape_bytes(after.values.at(about).substr(0, 40));
      case Evidence::locked: return alive ? locked : "";
      case Evidence::exceeds: return exceeds(about, reception, after, usage, left, threads);
      case Evidence::accepted: return accepted(tried, reception, end);
      case Evidence::inherited: {
        if (before.threads == 0) return {};
        const std::string& value = before.values.at(about);
        const bool clean = value.find_first_not_of("0 \t") == std::string::npos;
        return clean ? "" : about + " is " + value;
      }
      case Evidence::outlives: break;
    }
    return {};
  }

  static std::string exceeds(const std::string& about, const Reception& reception, const ProcessState& after, const channel::RoleUsage& usage,
                             std::uint32_t left, std::uint64_t threads) {
    if (about == "rss" && usage.peak_rss_bytes > kMuchMemory) return std::to_string(usage.peak_rss_bytes >> 20) + " MiB";
    if (about == "cpu" && usage.cpu_ns - usage.start_cpu_ns > kMuchCpu) return std::to_string(usage.cpu_ns / 1'000'000) + " ms of CPU";
    if (about == "wall" && usage.wall_ns > kMuchTime) return std::to_string(usage.wall_ns / 1'000'000) + " ms";
    if (about == "threads" && threads > 8) return std::to_string(threads) + " threads";
    if (about == "fds" && after.fds.size() > 64) return std::to_string(after.fds.size()) + " descriptors";
    if (about == "lines" && reception.lines > kManyLines) return std::to_string(reception.lines) + " lines";
    if (about == "processes" && after.processes + left > 4) return std::to_string(after.processes + left) + " processes";
    return {};
  }

  // No complaint, where every honest manager has one. One that believes has got something.
  static std::string accepted(const Case& tried, const Reception& reception, const channel::End& end) {
    if (reception.believing) {
      if (reception.packets > 0) return "it arrived";
      return end.reason == channel::EndReason::protocol || end.reason == channel::EndReason::plugin ? "it arrived" : "";
    }
    if (!reception.complaint.empty() || end.reason != channel::EndReason::none) return {};
    const std::string name = tried.name;
    if (name == "type-device") return reception.findings > 0 ? "it is in the plan" : "";
    if (name == "repeated-finding") return reception.findings > 1 ? "it is in the plan more than once" : "";
    return "no complaint";
  }

  // A manager of its own, which is killed.
  Verdict outlive(const std::string& group, const Case& tried) {
    World world(tried, mode_.uid);
    int ends[2];
    if (::pipe2(ends, O_CLOEXEC) != 0) std::abort();
    const Fd from(ends[0]);
    Fd to(ends[1]);
    const pid_t manager = ::fork();
    if (manager == 0) {
      Mode own = make_mode(mode_.on, role_path, test_role_path, observer_folder());
      (void)mode_.spawner.release();  // its thread is not in this process
      mode_ = std::move(own);
      auto worker = start(world);
      if (!worker || !load(**worker, group, world)) ::_exit(1);
      while (const auto packet = (*worker)->receive({})) {
        wire::Loaded loaded;
        if (!wire::decode_message(*packet, loaded)) continue;
        (*worker)->send_message(wire::Scan{1});
        const pid_t pid = (*worker)->pid();
        (void)!::write(to.get(), &pid, sizeof pid);
        for (;;) ::pause();
      }
      ::_exit(1);
    }
    to.reset();
    pid_t worker = -1;
    Verdict out;
    if (::read(from.get(), &worker, sizeof worker) != sizeof worker) {
      out.end = "not started";
      ++failed_starts_;
    } else {
      ::usleep(20'000);  // into the scan
      ::kill(manager, SIGKILL);
      for (int i = 0; i < 40; ++i) {
        ::usleep(25'000);
        out.through = is_running(worker);
        if (!out.through) break;
      }
      out.seen = out.through ? "the worker is still there" : "";
      out.end = out.through ? "-" : "it ended with its manager";
    }
    ::kill(manager, SIGKILL);
    ::waitpid(manager, nullptr, 0);
    end_what_is_left(world.victim_pid(), world.racer_pid());
    return out;
  }

 public:
  std::string role_path, test_role_path;

 private:
  Mode& mode_;
  const channel::PluginBytes& plugin_;
  sandbox::FilterBook filters_;
  std::vector<channel::OpenRoot> roots_;
  TaskPlan task_;
  std::unique_ptr<TakenEntries> taken_;
  const std::vector<std::string> names_{"case"};
  std::string plan_folder_;
  int failed_starts_ = 0;
};

struct Options {
  std::string role = FRESHET_ROLE, test_role = FRESHET_TEST_ROLE_FILE, plugin = FRESHET_CASES_PLUGIN;
  std::string layers = "report";  // all, none, NAME, -NAME, report
  std::string only;               // part of "group/case"
  std::string expect;             // file: which layers stop what
  std::map<std::string, unsigned> wanted;  // when not empty: only these
  bool write = false;
  bool verbose = false;
  bool sweep = false;
};

unsigned layer_named(const std::string& name) {
  for (const auto& one : kLayers)
    if (name == one.name) return one.layer;
  std::fprintf(stderr, "no such layer: %s\n", name.c_str());
  std::exit(64);
}

using Results = std::map<std::string, Verdict>;  // by "group/case"

std::string id_of(const Group& group, const Case& tried) { return std::string(group.name) + "/" + tried.name; }

bool is_control(const Case& tried) { return tried.evidence == Evidence::control; }

bool belongs(const Options& options, const Group& group, const Case& tried) {
  if ((tried.flags & kRoot) != 0 && ::geteuid() != 0) return false;
  if (!options.wanted.empty() && !is_control(tried) && !options.wanted.contains(id_of(group, tried))) return false;
  return options.only.empty() || id_of(group, tried).find(options.only) != std::string::npos;
}

Results run_mode(unsigned on, const Options& options, const channel::PluginBytes& plugin) {
  Mode mode = make_mode(on, options.role, options.test_role, observer_folder());
  Runner runner(mode, plugin);
  runner.role_path = options.role;
  runner.test_role_path = options.test_role;
  Results out;
  for (const Group& group : all_groups())
    for (const Case& tried : group.cases)
      if (belongs(options, group, tried)) {
        const std::string id = id_of(group, tried);
        out[id] = runner.run(group.name, tried);
        // With everything off it has to succeed: on a busy machine the observer may have looked too soon.
        for (int again = 0; on == 0 && !out[id].through && tried.needs == nullptr && again < 4; ++again) out[id] = runner.run(group.name, tried);
        if (options.verbose)
          std::fprintf(stderr, "%-9s %s: %s [%s]\n", out[id].through ? "THROUGH" : "stopped", id.c_str(), out[id].seen.c_str(), out[id].end.c_str());
      }
  if (runner.failed_starts() > 0) std::fprintf(stderr, "%d workers could not be started\n", runner.failed_starts());
  return out;
}

template <class F>
void for_each_case(const Options& options, F&& what) {
  for (const Group& group : all_groups())
    for (const Case& tried : group.cases)
      if (belongs(options, group, tried)) what(group, tried);
}

// ---- what a run is judged by ----

std::map<std::string, unsigned> read_expectations(const std::string& file) {
  std::map<std::string, unsigned> out;
  std::ifstream in(file);
  for (std::string line; std::getline(in, line);) {
    const std::size_t colon = line.rfind(": ");
    if (line.empty() || line[0] == '#' || colon == std::string::npos) continue;
    std::istringstream names(line.substr(colon + 2));
    unsigned layers = 0;
    for (std::string name; names >> name;)
      if (name != "-") layers |= layer_named(name);
    out[line.substr(0, colon)] = layers;
  }
  return out;
}

// Every layer on: nothing gets through, and the control does.
int judge_all(const Options& options, const channel::PluginBytes& plugin) {
  const Results results = run_mode(kAllLayers, options, plugin);
  int cases = 0, through = 0, controls = 0, broken = 0;
  for_each_case(options, [&](const Group& group, const Case& tried) {
    const Verdict& verdict = results.at(id_of(group, tried));
    if (is_control(tried)) {
      ++controls;
      if (verdict.through) return;
      ++broken;
      std::printf("CONTROL FAILED  %s (%s)\n", id_of(group, tried).c_str(), verdict.end.c_str());
      return;
    }
    ++cases;
    if (verdict.end.starts_with("not started")) {
      ++broken;
      std::printf("NOT JUDGED  %s: %s\n", id_of(group, tried).c_str(), verdict.end.c_str());
    }
    if (!verdict.through) return;
    ++through;
    std::printf("GOT THROUGH  %s: %s (%s)\n", id_of(group, tried).c_str(), verdict.seen.c_str(), verdict.end.c_str());
  });
  std::printf("all layers: %d cases, %d got through; %d controls, %d failed\n", cases, through, controls, broken);
  return through + broken == 0 && cases > 0 ? 0 : 1;
}

// Everything off: each case succeeds, or it is none here, for a reason that is written in its row.
int judge_none(const Options& options, const channel::PluginBytes& plugin) {
  const Results results = run_mode(0, options, plugin);
  int cases = 0, excluded = 0, wrong = 0;
  for_each_case(options, [&](const Group& group, const Case& tried) {
    const Verdict& verdict = results.at(id_of(group, tried));
    ++cases;
    if (verdict.through) return;
    if (tried.needs != nullptr) {
      ++excluded;
      std::printf("no case here  %s: needs %s\n", id_of(group, tried).c_str(), tried.needs);
      return;
    }
    ++wrong;
    std::printf("DOES NOT SUCCEED WITH EVERYTHING OFF  %s (%s)\n", id_of(group, tried).c_str(), verdict.end.c_str());
  });
  std::printf("no layer: %d cases, %d succeed, %d cannot here, %d should\n", cases, cases - excluded - wrong, excluded, wrong);
  return wrong == 0 && cases > 0 ? 0 : 1;
}

// One layer alone: it stops all that the file says it stops, some others get through (or something else than the layer
// were at work), and the control succeeds.
int judge_alone(unsigned layer, Options options, const channel::PluginBytes& plugin) {
  const std::map<std::string, unsigned> expected = read_expectations(options.expect);
  int others = 0;
  for (const auto& [id, layers] : expected)
    if ((layers & layer) != 0 || (layers != 0 && others++ % 40 == 0)) options.wanted[id] = layers;
  const Results results = run_mode(layer, options, plugin);
  int stopped = 0, through = 0, wrong = 0;
  for_each_case(options, [&](const Group& group, const Case& tried) {
    const std::string id = id_of(group, tried);
    const Verdict& verdict = results.at(id);
    if (is_control(tried)) {
      if (!verdict.through) ++wrong, std::printf("CONTROL FAILED  %s (%s)\n", id.c_str(), verdict.end.c_str());
      return;
    }
    ++(verdict.through ? through : stopped);
    const auto known = expected.find(id);
    if (verdict.through && known != expected.end() && (known->second & layer) != 0) {
      ++wrong;
      std::printf("%s ALONE NO LONGER STOPS  %s: %s\n", names_of(layer).c_str(), id.c_str(), verdict.seen.c_str());
    }
  });
  std::printf("%s alone: %d stopped, %d got through, %d wrong\n", names_of(layer).c_str(), stopped, through, wrong);
  return wrong == 0 && stopped > 0 && through > 0 ? 0 : 1;
}

int report(const Options& options, const channel::PluginBytes& plugin) {
  const Results all = run_mode(kAllLayers, options, plugin);
  const Results none = run_mode(0, options, plugin);
  std::map<unsigned, Results> alone, without;
  for (const auto& one : kLayers) {
    alone[one.layer] = run_mode(one.layer, options, plugin);
    without[one.layer] = run_mode(kAllLayers & ~one.layer, options, plugin);
  }
  std::ofstream file;
  if (options.write) {
    file.open(options.expect);
    file << "# Which layers stop a case with every other layer off. Written by freshet-hostile-report --write; a layer that no\n"
            "# longer stops what it stopped is a failed test.\n";
  }
  int cases = 0, through = 0, excluded = 0;
  std::map<unsigned, int> stops, stops_only;
  std::printf("%-17s %-38s %-12s %-58s %s\n", "class", "case", "verdict", "layers that stop it alone [only one left]", "how it ended");
  for_each_case(options, [&](const Group& group, const Case& tried) {
    const std::string id = id_of(group, tried);
    if (is_control(tried)) {
      std::printf("%-17s %-38s %-12s\n", group.name, tried.name, all.at(id).through ? "works" : "BROKEN");
      return;
    }
    if (!none.at(id).through) {
      ++excluded;
      std::printf("%-17s %-38s %-12s needs %s\n", group.name, tried.name, "no case here", tried.needs != nullptr ? tried.needs : "?");
      if (file) file << id << ": -\n";
      return;
    }
    ++cases;
    unsigned stopping = 0, only = 0;
    for (const auto& one : kLayers) {
      if (!alone[one.layer].at(id).through) stopping |= one.layer, ++stops[one.layer];
      if (without[one.layer].at(id).through) only |= one.layer, ++stops_only[one.layer];
    }
    if (all.at(id).through) ++through;
    std::printf("%-17s %-38s %-12s %-58s %s\n", group.name, tried.name, all.at(id).through ? "GOT THROUGH" : "stopped",
                (names_of(stopping) + (only != 0 ? " [" + names_of(only) + "]" : "")).c_str(), all.at(id).end.c_str());
    if (file) file << id << ": " << names_of(stopping) << "\n";
  });
  std::printf("\n%d cases that succeed with everything off, %d got through all layers; %d that cannot succeed here\n", cases, through, excluded);
  for (const auto& one : kLayers)
    std::printf("  %-11s alone stops %d; without it, all others on, %d get through\n", one.name, stops[one.layer], stops_only[one.layer]);
  return through == 0 ? 0 : 1;
}

int usage() {
  std::fputs("freshet-hostile-report [--layers all|none|NAME|-NAME|report] [--only PART] [--expect FILE] [--write] [--verbose] [--sweep]\n"
             "                       [--role FILE] [--test-role FILE] [--plugin FILE]\n", stderr);
  return 64;
}

int run(const Options& options) {
  set_library(options.plugin);
  auto plugin = channel::read_plugin_file(options.plugin);
  if (!plugin) {
    std::fprintf(stderr, "%s\n", plugin.error().what.c_str());
    return 2;
  }
  if (options.sweep) {
    Mode mode = make_mode(options.layers == "none" ? 0 : kAllLayers, options.role, options.test_role, observer_folder());
    return sweep(mode, *plugin);
  }
  if (options.layers == "report") return report(options, *plugin);
  if (options.layers == "all") return judge_all(options, *plugin);
  if (options.layers == "none") return judge_none(options, *plugin);
  if (options.layers.starts_with("-")) {
    const Results results = run_mode(kAllLayers & ~layer_named(options.layers.substr(1)), options, *plugin);
    int through = 0;
    for_each_case(options, [&](const Group& group, const Case& tried) {
      const Verdict& verdict = results.at(id_of(group, tried));
      if (is_control(tried) || !verdict.through) return;
      ++through;
      std::printf("%s: %s\n", id_of(group, tried).c_str(), verdict.seen.c_str());
    });
    std::printf("without %s: %d got through\n", options.layers.substr(1).c_str(), through);
    return 0;
  }
  return judge_alone(layer_named(options.layers), options, *plugin);
}

}  // namespace
}  // namespace freshet::hostile

int main(int count, char** arguments) {
  using namespace freshet::hostile;
  prepare_observer(count, arguments);
  Options options;
  for (int i = 1; i < count; ++i) {
    const std::string name = arguments[i];
    const auto value = [&](std::string& out) {
      if (i + 1 < count) out = arguments[++i];
    };
    if (name == "--layers") value(options.layers);
    else if (name == "--only") value(options.only);
    else if (name == "--expect") value(options.expect);
    else if (name == "--role") value(options.role);
    else if (name == "--test-role") value(options.test_role);
    else if (name == "--plugin") value(options.plugin);
    else if (name == "--write") options.write = true;
    else if (name == "--verbose") options.verbose = true;
    else if (name == "--sweep") options.sweep = true;
    else if (name != program_secret()) return usage();
  }
  const int result = run(options);
  remove_observer_folder();
  return result;
}

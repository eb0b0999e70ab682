// What the border to a plugin costs: nanoseconds an entry for a plugin that walks a tree and proposes everything through the
// C ABI, beside the same loop compiled in, straight on what stands behind the ABI. Both in this process, without a sandbox,
// interleaved; medians. Usage: border --place DIR --plugin FILE [--rounds N] [--files N]
#include <dlfcn.h>
#include <fcntl.h>
#include <freshet/plugin.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <string>
#include <thread>
#include <vector>

#include "runtime/base/bytes.h"
#include "runtime/wire/packet.h"
#include "runtime/worker/host.h"

namespace freshet::worker {
namespace {

constexpr std::size_t kFds = 32;
constexpr int kFilesInOne = 100;

[[noreturn]] void die(const std::string& what) {
  std::fprintf(stderr, "border: %s\n", what.c_str());
  std::exit(2);
}

// Takes every packet, as the manager does, and counts findings by their packets' bytes.
class Reader {
 public:
  Reader() {
    auto ends = wire::make_socket_pair();
    if (!ends) die("no socket pair");
    ours_ = std::move(ends->first);
    theirs_ = std::move(ends->second);
    thread_ = std::thread([this] {
      std::vector<char> packet(wire::kMaxPacket);
      for (ssize_t got = 0; (got = ::recv(ours_.get(), packet.data(), packet.size(), 0)) > 0;) bytes_ += static_cast<std::uint64_t>(got);
    });
  }
  ~Reader() { (void)finish(); }
  [[nodiscard]] int socket() const { return theirs_.get(); }
  std::uint64_t finish() {
    theirs_.reset();
    if (thread_.joinable()) thread_.join();
    return bytes_;
  }

 private:
  Fd ours_, theirs_;
  std::uint64_t bytes_ = 0;
  std::thread thread_;
};

std::vector<RootView> roots_of(const std::string& place) {
  RootView root;
  root.shown = root.path = place;
  return {root};
}

struct Sample {
  double nanoseconds = 0;  // an entry
  std::uint64_t entries = 0;
  std::uint64_t bytes = 0;
};

Sample measured(std::uint64_t entries, std::chrono::steady_clock::duration took) {
  return {static_cast<double>(std::chrono::duration_cast<std::chrono::nanoseconds>(took).count()) / static_cast<double>(entries), entries, 0};
}

Sample by_plugin(const std::string& place, decltype(&freshet_plugin_entry) entry) {
  Reader reader;
  Sample out;
  {
    Host host(reader.socket(), roots_of(place), kFds);
    freshet_plugin plugin{};
    plugin.size = sizeof plugin;
    freshet_task* task = nullptr;
    const char* kind = nullptr;
    freshet_setting reason{};
    reason.size = sizeof reason;
    reason.type = FRESHET_STRING;
    reason.name = "reason";
    reason.string = {"everything goes", 15};
    if (entry(host.table(), &plugin) != FRESHET_OK || plugin.describe(0, &kind) != FRESHET_OK ||
        plugin.configure(host.table(), kind, &reason, 1, &task) != FRESHET_OK)
      die("the plugin cannot be configured");
    host.begin(false, 1);
    const auto began = std::chrono::steady_clock::now();
    if (plugin.scan(task, host.table()) != FRESHET_OK) die("the plugin's scan failed");
    const auto took = std::chrono::steady_clock::now() - began;
    host.end();
    out = measured(host.entries(), took);
    plugin.destroy(task);
  }
  out.bytes = reader.finish();
  return out;
}

// The loop of the plugin: every directory after what is in it, every entry proposed.
Sample compiled_in(const std::string& place) {
  Reader reader;
  Sample out;
  {
    EventWriter events(reader.socket());
    Walker walker(roots_of(place), kFds, events);
    walker.begin(true);
    const auto began = std::chrono::steady_clock::now();
    struct Level {
      freshet_dir* directory;
      freshet_entry entry;  // in its parent
      std::string name;
    };
    const auto propose = [&](const freshet_dir& directory, const freshet_entry& entry, std::string_view name) {
      wire::FindingEvent event;
      event.directory = directory.id;
      event.name = name;
      event.identity = {entry.inode, entry.btime, static_cast<EntryType>(entry.type), 0, 0};
      if (event.identity.type != EntryType::directory) {
        event.identity.mtime_ns = entry.mtime;
        event.identity.size = entry.bytes;
      }
      event.mtime_ns = entry.mtime;
      event.atime_ns = entry.atime;
      event.allocated = entry.allocated;
      event.links = entry.links;
      event.uid = entry.uid;
      event.kind = wire::FindingKind::aged;
      event.reason = "everything goes";
      events.add(event);
    };
    std::vector<Level> stack;
    freshet_dir* top = nullptr;
    if (walker.open(0, nullptr, "", &top) != FRESHET_OK) die("the root cannot be opened");
    stack.push_back({top, {}, {}});
    freshet_entry entry{};
    entry.size = sizeof entry;
    while (!stack.empty()) {
      const freshet_status got = walker.next(stack.back().directory, entry);
      if (got == FRESHET_OK && entry.type == FRESHET_DIRECTORY) {
        freshet_dir* below = nullptr;
        std::string name(entry.name.data, entry.name.length);
        if (walker.open(0, stack.back().directory, name, &below) == FRESHET_OK) stack.push_back({below, entry, std::move(name)});
      } else if (got == FRESHET_OK) {
        propose(*stack.back().directory, entry, {entry.name.data, entry.name.length});
      } else {
        const Level done = std::move(stack.back());
        stack.pop_back();
        walker.close(done.directory);
        if (!stack.empty()) propose(*stack.back().directory, done.entry, done.name);
      }
    }
    const auto took = std::chrono::steady_clock::now() - began;
    walker.end();
    events.flush();
    out = measured(walker.entries(), took);
  }
  out.bytes = reader.finish();
  return out;
}

double median(std::vector<double> values) {
  std::ranges::sort(values);
  return values[values.size() / 2];
}

int run(const std::string& place, const std::string& file, int rounds, int files) {
  void* const library = ::dlopen(file.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (library == nullptr) die(::dlerror());
  const auto entry = reinterpret_cast<decltype(&freshet_plugin_entry)>(::dlsym(library, "freshet_plugin_entry"));
  if (entry == nullptr) die("the plugin has no entry");
  const std::filesystem::path root = std::filesystem::path(place) / "border";
  for (int i = 0; i < files; ++i) {
    const std::filesystem::path directory = root / ("d" + std::to_string(i / kFilesInOne));
    if (i % kFilesInOne == 0) std::filesystem::create_directories(directory);
    std::ofstream(directory / ("file" + std::to_string(i))) << "x";
  }
  std::vector<double> plugin, compiled, ratios;
  for (int round = -1; round < rounds; ++round) {  // the first fills the cache
    const Sample one = by_plugin(root, entry);
    const Sample other = compiled_in(root);
    constexpr std::uint64_t kProgress = 2000;  // bytes; it is told by the clock
    const std::uint64_t difference = one.bytes > other.bytes ? one.bytes - other.bytes : other.bytes - one.bytes;
    if (one.entries != other.entries || difference > kProgress) die("the two did not find the same");
    if (round < 0) continue;
    plugin.push_back(one.nanoseconds);
    compiled.push_back(other.nanoseconds);
    ratios.push_back(one.nanoseconds / other.nanoseconds);
  }
  std::printf("%d files, medians of %d\n  through the ABI  %7.0f ns an entry\n  compiled in      %7.0f ns an entry\n  ratio            %7.2f (goal 1.1)\n",
              files, rounds, median(plugin), median(compiled), median(ratios));
  std::filesystem::remove_all(root);
  return 0;
}

}  // namespace
}  // namespace freshet::worker

int main(int count, char** words) {
  std::string place, plugin;
  int rounds = 15, files = 20'000;
  for (int i = 1; i + 1 < count; i += 2) {
    const std::string option = words[i];
    if (option == "--place") place = words[i + 1];
    if (option == "--plugin") plugin = words[i + 1];
    if (option == "--rounds") rounds = std::atoi(words[i + 1]);
    if (option == "--files") files = std::atoi(words[i + 1]);
  }
  if (place.empty() || plugin.empty() || rounds < 1 || files < 1) {
    std::fprintf(stderr, "usage: border --place DIR --plugin FILE [--rounds N] [--files N]\n");
    return 64;
  }
  return freshet::worker::run(place, plugin, rounds, files);
}

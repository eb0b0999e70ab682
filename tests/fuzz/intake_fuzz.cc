// LINK: freshet_manager
//
// What a worker sends during its scan, as the manager takes it in. An input is a run of packets, each behind two bytes of
// length (little-endian) that leave out the type of a packet of events.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "runtime/base/bytes.h"
#include "runtime/manager/directory_table.h"
#include "runtime/manager/intake.h"

namespace {

using namespace freshet;

constexpr std::uint64_t kDevice = 7;
constexpr std::uint64_t kRootInode = 100;

// One for all inputs, on a file system in memory where there is one.
struct Place {
  std::string path = std::string(std::filesystem::exists("/dev/shm") ? "/dev/shm" : "/tmp") + "/freshet-intake-fuzz-XXXXXX";

  Place() {
    if (::mkdtemp(path.data()) == nullptr) std::abort();
  }
  ~Place() {
    std::error_code ignored;
    std::filesystem::remove_all(path, ignored);
  }
};

const std::string& folder() {
  static const Place place;
  return place.path;
}

bool is_within(const std::string& path, const std::string& top) { return path == top || path.starts_with(top + "/"); }

// Whatever was accepted stays below the root, and out of what is closed off.
void check(const TaskPlan& task, std::uint64_t accepted) {
  const auto directories = DirectoryTable::load(directories_file(folder(), task.number), 2);
  if (!directories) std::abort();
  const auto allowed = [&](const std::string& path) { return !is_within(path, "live") && !is_within(path, ".freshet"); };
  for (std::uint32_t id = 0; id < directories->size(); ++id) {
    const DirectoryNode& node = directories->node(id);
    if (node.root > 1) std::abort();
    if (node.parent == kNoNode && node.inode != kRootInode + node.root) std::abort();
    if (node.parent != kNoNode && !is_entry_name(directories->name(id))) std::abort();
    if (node.depth < 100 && node.root == 0 && !allowed(directories->path(id))) std::abort();
  }
  auto reader = EntryReader::open(entries_file(folder(), task.number), directories->size());
  if (!reader) std::abort();
  std::uint64_t count = 0;
  PlanEntry entry;
  for (;;) {
    const auto more = (*reader)->next(entry);
    if (!more) std::abort();
    if (!*more) break;
    ++count;
    const DirectoryNode& node = directories->node(entry.directory);
    if (!is_entry_name(entry.name) || !is_utf8(entry.reason) || entry.identity.type == EntryType::unknown) std::abort();
    if (node.root != 0) std::abort();  // the other root is granted without `remove`
    if (node.parent == kNoNode && !allowed(std::string(entry.name))) std::abort();
  }
  // What was withdrawn is named, once each, and what is left of a whole stands side by side.
  std::vector<std::uint64_t> dropped = task.dropped;
  std::sort(dropped.begin(), dropped.end());
  if (std::adjacent_find(dropped.begin(), dropped.end()) != dropped.end()) std::abort();
  if (!dropped.empty() && dropped.back() >= count) std::abort();
  if (count - dropped.size() != accepted) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::vector<channel::OpenRoot> roots(2);
  TaskPlan task;
  task.shown.name = "t";
  task.shown.roots.resize(2);
  for (std::size_t i = 0; i < 2; ++i) {
    roots[i].config.path = i == 0 ? "/root" : "/other";
    roots[i].config.access = {.list = true, .read = false, .remove = i == 0};
    if (i == 0) roots[i].config.exclude = {"/root/live"};
    roots[i].dev = kDevice;
    roots[i].identity.inode = kRootInode + i;
    PlanRoot root;
    root.config = roots[i].config;
    root.area = ".freshet";
    task.roots.push_back(root);
  }
  const std::vector<wire::IpcObject> objects(2);
  TakenEntries taken;
  const std::vector<std::string> names{"t"};
  std::uint64_t lines = 0;
  Intake::Inputs inputs;
  inputs.task = &task;
  inputs.roots = &roots;
  inputs.objects = &objects;
  inputs.taken = &taken;
  inputs.task_names = &names;
  inputs.now_ns = 1;
  inputs.plan_dir = folder();
  inputs.log = [&](LogLevel, std::string_view text) {
    if (++lines > 200 || text.size() > wire::kMaxText) std::abort();
  };
  auto intake = Intake::create(inputs);
  if (!intake) std::abort();
  std::string_view rest(reinterpret_cast<const char*>(data), size);
  bool good = true;
  while (good && rest.size() >= 2) {
    const std::size_t length = static_cast<std::uint8_t>(rest[0]) | std::size_t{static_cast<std::uint8_t>(rest[1])} << 8;
    rest.remove_prefix(2);
    const std::string_view part = rest.substr(0, length);
    rest.remove_prefix(part.size());
    std::string packet(1, static_cast<char>(wire::MessageType::events));
    packet += part;
    const Status result = (*intake)->take(packet);
    if (!result && result.error().kind != ErrorKind::peer) std::abort();
    good = static_cast<bool>(result);
  }
  if (!(*intake)->finish()) std::abort();
  if (task.ipc.size() > objects.size()) std::abort();
  if (good) check(task, (*intake)->accepted());  // of a worker that was ended nothing is used
  return 0;
}

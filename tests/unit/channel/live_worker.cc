#include "live_worker.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <map>

namespace freshet::channel::testing {
namespace {

namespace fs = std::filesystem;

std::string text_of(const Error& error) { return error.what + (error.detail.empty() ? "" : "\n" + error.detail); }

void take_events(std::string_view packet, std::vector<std::pair<std::uint32_t, std::string>>& directories,
                 Scanned& scanned) {
  wire::Decoder decoder(packet.substr(1));
  while (!decoder.empty() && decoder.ok()) {
    wire::EventType type{};
    decoder.enumeration(type, wire::kLastEvent);
    switch (type) {
      case wire::EventType::directory: {
        wire::DirectoryEvent event;
        visit(decoder, event);
        ASSERT_EQ(event.id, directories.size());
        std::string path;
        if (event.parent != wire::kNoDirectory) {
          ASSERT_LT(event.parent, directories.size());
          path = directories[event.parent].second + std::string(event.name) + "/";
        }
        directories.emplace_back(event.root, path.size() > 300 ? std::string(".../") : path);
        ++scanned.directories;
        break;
      }
      case wire::EventType::finding: {
        wire::FindingEvent event;
        visit(decoder, event);
        ASSERT_LT(event.directory, directories.size());
        scanned.findings.push_back(std::to_string(directories[event.directory].first) + ":" +
                                   directories[event.directory].second + std::string(event.name));
        scanned.owners.push_back(event.uid);
        break;
      }
      case wire::EventType::directory_end: {
        wire::DirectoryEndEvent event;
        visit(decoder, event);
        if (!event.complete) ++scanned.incomplete;
        break;
      }
      case wire::EventType::unread: {
        wire::UnreadEvent event;
        visit(decoder, event);
        const std::string parent = event.directory == wire::kNoDirectory ? "" : directories[event.directory].second;
        scanned.unread.push_back(std::to_string(event.root) + ":" + parent + std::string(event.name) + " " +
                                 std::to_string(event.error_number));
        break;
      }
      case wire::EventType::progress: {
        wire::ProgressEvent event;
        visit(decoder, event);
        break;
      }
      case wire::EventType::ipc: {
        wire::IpcEvent event;
        visit(decoder, event);
        scanned.findings.push_back("ipc " + std::to_string(event.index));
        break;
      }
      case wire::EventType::keep: {
        wire::KeepEvent event;
        visit(decoder, event);
        scanned.findings.push_back("keep " + std::to_string(event.index));
        break;
      }
      case wire::EventType::log: {
        wire::LogEvent event;
        visit(decoder, event);
        scanned.log.emplace_back(event.text);
        break;
      }
      case wire::EventType::together: {
        wire::TogetherEvent event;
        visit(decoder, event);
        break;
      }
      case wire::EventType::needed: {
        wire::NeededEvent event;
        visit(decoder, event);
        break;
      }
      case wire::EventType::note: break;
    }
  }
  ASSERT_TRUE(decoder.done());
}

}  // namespace

TempTree::TempTree() {
  const char* base = std::getenv("TMPDIR");
  std::string pattern = std::string(base != nullptr ? base : "/tmp") + "/freshet-test-XXXXXX";
  if (::mkdtemp(pattern.data()) == nullptr) std::abort();
  path_ = fs::canonical(pattern);
}

TempTree::~TempTree() {
  const std::string command = "chmod -R u+rwx '" + path_ + "' 2>/dev/null; rm -rf '" + path_ + "'";
  if (std::system(command.c_str()) != 0) std::abort();
}

std::string TempTree::directory(const std::string& relative, unsigned mode) const {
  const std::string whole = path_ + "/" + relative;
  fs::create_directories(whole);
  ::chmod(whole.c_str(), mode);
  return whole;
}

std::string TempTree::file(const std::string& relative, const std::string& contents, unsigned mode) const {
  const fs::path whole = path_ + "/" + relative;
  fs::create_directories(whole.parent_path());
  std::ofstream(whole) << contents;
  ::chmod(whole.c_str(), mode);
  return whole;
}

OpenRoot open_root(const std::string& path, config::Access access) {
  OpenRoot root;
  root.config.path = path;
  root.config.access = access;
  root.directory = Fd(::open(path.c_str(), O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
  const auto stat = stat_entry(root.directory.get(), "");
  if (!stat) std::abort();
  root.dev = stat->dev;
  root.identity = stat->identity;
  return root;
}

std::string role_executable() {
  const char* folder = std::getenv("FRESHET_TEST_DIR");
  return folder != nullptr ? std::string(folder) + "/freshet-role" : FRESHET_ROLE;
}

sandbox::Spawner& spawner() {
  static const std::unique_ptr<sandbox::Spawner> only = [] {
    auto made = sandbox::Spawner::create(role_executable());
    if (!made) std::abort();
    return std::move(*made);
  }();
  return *only;
}

std::string test_role_executable() {
  const char* folder = std::getenv("FRESHET_TEST_DIR");
  return folder != nullptr ? std::string(folder) + "/freshet-test-role" : FRESHET_TEST_ROLE_FILE;
}

sandbox::Spawner& spawner_without(const std::string& steps) {
  static const TempTree folder;
  static std::map<std::string, std::unique_ptr<sandbox::Spawner>> all;
  auto& spawner = all[steps];
  if (!spawner) {
    ::chmod(folder.path().c_str(), 0755);
    const std::string name = folder.path() + "/without-" + steps;
    fs::copy_file(test_role_executable(), name);
    ::chmod(name.c_str(), 0755);
    auto made = sandbox::Spawner::create(name);
    if (!made) std::abort();
    spawner = std::move(*made);
  }
  return *spawner;
}

std::string plugin_path(const std::string& name) {
  const char* folder = std::getenv("FRESHET_TEST_DIR");
  return std::string(folder != nullptr ? folder : FRESHET_TEST_PLUGINS) + "/" + name + ".so";
}

Result<std::unique_ptr<RoleProcess>> start_worker(const PluginBytes& plugin, const std::vector<const OpenRoot*>& roots,
                                                  const WorkerOptions& options) {
  RoleRequest request;
  request.role = wire::Role::worker;
  request.roots = roots;
  request.areas = options.areas;
  request.areas.resize(roots.size());
  request.limits = options.resources;
  request.plugin_memfd = plugin.memfd.get();
  request.libraries = options.libraries;
  request.strict = options.strict;
  request.uid = options.uid;
  sandbox::Spawner& by = options.left_out.empty() ? spawner() : spawner_without(options.left_out);
  sandbox::HostSupport support = sandbox::find_host_support(options.limits);
  if (options.groups) support.control_groups = options.groups;
  return RoleProcess::start(by, support, request);
}

bool load(RoleProcess& worker, const std::string& what) {
  wire::Load load;
  load.kind = "act";
  load.announced = {"act"};
  load.settings.push_back({.name = "what", .tag = wire::SettingTag::string, .string = what, .strings = {}});
  return worker.send_message(load);
}

bool read_scan(RoleProcess& worker, Scanned& scanned, std::stop_token stop) {
  std::vector<std::pair<std::uint32_t, std::string>> directories;
  while (const auto packet = worker.receive(stop)) {
    wire::Loaded loaded;
    wire::ScanEnd end;
    if (wire::decode_message(*packet, loaded)) {
      if (!worker.send_message(wire::Scan{1'700'000'000'000'000'000})) return false;
    } else if (wire::decode_message(*packet, end)) {
      scanned.end = end;
      return true;
    } else {
      take_events(*packet, directories, scanned);
      if (::testing::Test::HasFatalFailure()) return false;
    }
  }
  return false;
}

Outcome run_plugin(const std::string& name, const std::string& what, const std::vector<const OpenRoot*>& roots,
                   const WorkerOptions& options) {
  Outcome out;
  auto bytes = read_plugin_file(plugin_path(name));
  if (!bytes) {
    out.end = {EndReason::setup, text_of(bytes.error()), bytes.error().code};
    return out;
  }
  auto worker = start_worker(*bytes, roots, options);
  if (!worker) {
    out.end = {EndReason::setup, text_of(worker.error()), worker.error().code};
    return out;
  }
  if (load(**worker, what)) read_scan(**worker, out.scanned, options.stop);
  out.end = (*worker)->finish();
  out.usage = (*worker)->usage();
  out.missing = (*worker)->missing_layers();
  return out;
}

}  // namespace freshet::channel::testing

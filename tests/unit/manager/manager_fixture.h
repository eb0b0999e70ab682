#pragma once

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <atomic>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <functional>
#include <optional>
#include <string>
#include <thread>
#include <variant>

#include "runtime/config/config.h"
#include "runtime/manager/examine_host.h"
#include "runtime/manager/make_manager.h"
#include "tests/unit/manager/temp_dir.h"

namespace freshet {

// A manager on real files, with real workers and brokers.
class ManagerFixture : public ::testing::Test {
 protected:
  ManagerFixture() {
    std::filesystem::create_directory(dir_ / "root");
    config_.isolation = config::Isolation::strict;
    for (const DoctorRow& row : examine_host())
      if (row.needed_for_strict && !row.available) config_.isolation = config::Isolation::best_effort;
    add_channel("cache", dir_ / "root");
  }

  void add_channel(const std::string& name, const std::string& root) {
    config::ChannelConfig channel;
    channel.name = name;
    config::RootConfig place;
    place.path = root;
    channel.roots.push_back(place);
    channel.budget.share = 1.0;
    config_.channels.emplace(name, channel);
  }
  void add_task(const std::string& name, const std::string& channel, const std::string& age = "30d") {
    config::TaskConfig task;
    task.name = name;
    task.plugin = "org.freshet.expired-files";
    task.channel = channel;
    task.settings["older-than"] = {age, {}};
    task.settings["age-by"] = {std::vector<config::SettingValue>{{std::string("mtime"), {}}}, {}};
    task.settings["empty-directories"] = {true, {}};
    config_.tasks.emplace(name, task);
  }
  void make_old_file(const std::string& path) {
    std::filesystem::create_directories(std::filesystem::path(path).parent_path());
    std::ofstream(path) << "content of " << path;
    const timespec times[2] = {{1'600'000'000, 5}, {1'600'000'000, 7}};
    ASSERT_EQ(::utimensat(AT_FDCWD, path.c_str(), times, 0), 0);
  }
  void open(const std::string& plugins = FRESHET_PLUGINS, const std::string& role = FRESHET_ROLE) {
    ManagerOptions options;
    options.state_dir = dir_ / "state";
    options.plugin_dirs = {plugins};
    options.role_executable = role;
    options.on_progress = on_progress_;
    options.broker_patience_ns = broker_patience_ns_;
    auto made = make_manager(config_, options);
    ASSERT_TRUE(made) << made.error().what;
    manager_ = std::move(*made);
  }
  CleanupHandle add(const std::string& name, CleanupTask task, const std::optional<std::string>& channel = std::nullopt) {
    const auto handle = manager_.cleanup->register_cleanup_task(name, std::move(task), channel);
    EXPECT_TRUE(handle);
    return handle.value_or(CleanupHandle{});
  }
  // Until so many calls and tasks wait for others.
  void await_waiting(double count) {
    while (std::get<double>(manager_.cleanup->get_cleanup_metrics().at("waiting").value) < count)
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  CleanupResult execute(CleanupHandle handle) { return manager_.cleanup->execute_cleanup(handle); }
  CleanupHandle handle(const std::string& name) {
    for (const IRuns::TaskEntry& task : manager_.runs->tasks())
      if (task.name == name) return task.handle;
    return {};
  }
  [[nodiscard]] bool exists(const std::string& name) const { return std::filesystem::exists(dir_ / ("root/" + name)); }

  TempDir dir_;
  config::Config config_;
  std::function<void(const Progress&)> on_progress_;
  std::int64_t broker_patience_ns_ = ManagerOptions().broker_patience_ns;
  Manager manager_;
};

// A native task that counts its runs, three entries and 300 bytes each.
inline NativeTask counting(std::atomic<int>& count) {
  NativeTask task;
  task.run = [&](TaskContext& context) -> Status {
    ++count;
    context.count(3, 300);
    return {};
  };
  return task;
}

}  // namespace freshet

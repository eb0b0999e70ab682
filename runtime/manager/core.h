#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "runtime/base/clock.h"
#include "runtime/channel/live_roles.h"
#include "runtime/channel/role_process.h"
#include "runtime/config/config.h"
#include "runtime/manager/make_manager.h"
#include "runtime/manager/plan_model.h"
#include "runtime/sandbox/filter_book.h"
#include "runtime/sandbox/host_support.h"
#include "runtime/sandbox/spawner.h"
#include "runtime/store/history.h"

namespace freshet {

// What every part of the manager shares. Constant after construction but for what `history`, `spawner`, `filters` and
// `live` guard themselves.
struct Core {
  ManagerOptions options;
  config::Config config;
  SystemClock clock;
  sandbox::HostSupport support;
  std::unique_ptr<sandbox::Spawner> spawner;
  std::unique_ptr<sandbox::FilterBook> filters = std::make_unique<sandbox::FilterBook>();
  std::unique_ptr<channel::LiveRoles> live = std::make_unique<channel::LiveRoles>();
  std::unique_ptr<store::History> history;

  [[nodiscard]] std::string plan_dir(const std::string& id) const { return options.state_dir + "/plans/" + id; }
  [[nodiscard]] std::string run_dir(const std::string& id) const { return options.state_dir + "/runs/" + id; }
  [[nodiscard]] std::string lock_dir() const { return options.state_dir + "/locks"; }
  void progress(const Progress& step) const {
    if (options.on_progress) options.on_progress(step);
  }
};

// The sandbox uid of a role of a channel: every channel has a pair of its own. `channel_index` from 0.
std::uint32_t role_uid(const Core& core, std::uint32_t channel_index, wire::Role role);

EndReason to_public(channel::EndReason reason);

}  // namespace freshet

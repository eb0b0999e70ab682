#include "runtime/worker/plugin_loader.h"

#include <dlfcn.h>
#include <malloc.h>

#include <algorithm>
#include <cstddef>
#include <deque>
#include <new>
#include <stdexcept>

#include "runtime/worker/out_of_memory.h"

namespace freshet::worker {
namespace {

using Entry = freshet_status(const freshet_host*, freshet_plugin*);

constexpr const char* kEntryName = "freshet_plugin_entry";

std::unexpected<Error> refuse(std::string code, std::string what) {
  return fail(std::move(code), ErrorKind::invalid, std::move(what));
}

std::string with_complaint(std::string what, Host& host) {
  if (const std::string complaint = host.last_complaint(); !complaint.empty()) what += ": " + complaint;
  return what;
}

// A function beyond the plugin's own `size` is not there, whatever the bytes say.
template <class F>
bool has(const freshet_plugin& table, F freshet_plugin::*function) {
  const auto* at = reinterpret_cast<const char*>(&(table.*function));
  const auto end = static_cast<std::size_t>(at - reinterpret_cast<const char*>(&table)) + sizeof(F);
  return end <= table.size && table.*function != nullptr;
}

Status check_table(freshet_plugin& table, Host& host, Entry* entry) {
  table.size = sizeof table;
  if (const freshet_status status = entry(host.table(), &table); status != FRESHET_OK)
    return refuse("F2010", with_complaint("its entry function returned " + std::to_string(status), host));
  table.size = std::min<std::uint32_t>(table.size, sizeof table);
  if (!freshet_abi_compatible({FRESHET_ABI_MAJOR, FRESHET_ABI_MINOR}, table.abi))
    return refuse("F2007", "it was compiled for ABI " + std::to_string(table.abi.major) + "." +
                               std::to_string(table.abi.minor) + ", this is " + std::to_string(FRESHET_ABI_MAJOR) +
                               "." + std::to_string(FRESHET_ABI_MINOR));
  if (!has(table, &freshet_plugin::describe) || !has(table, &freshet_plugin::configure) ||
      !has(table, &freshet_plugin::scan) || !has(table, &freshet_plugin::destroy))
    return refuse("F2010", "its entry function left out a required function");
  if (!has(table, &freshet_plugin::verify)) table.verify = nullptr;
  return {};
}

Status check_kinds(const freshet_plugin& table, const wire::Load& load) {
  bool offered = false;
  for (std::uint32_t i = 0; i <= wire::kMaxKinds; ++i) {
    const char* kind = nullptr;
    const freshet_status status = table.describe(i, &kind);
    if (status == FRESHET_END) {
      if (offered) return {};
      return refuse("F2011", "it does not offer the task kind `" + load.kind + "` that its manifest announces");
    }
    if (status != FRESHET_OK || kind == nullptr) return refuse("F2010", "its describe function failed");
    if (std::find(load.announced.begin(), load.announced.end(), kind) == load.announced.end())
      return refuse("F2011", "it offers the task kind `" + std::string(kind).substr(0, 200) +
                                 "` that its manifest does not announce");
    offered = offered || load.kind == kind;
  }
  return refuse("F2011", "it offers more task kinds than a manifest can announce");
}

// Settings as the ABI has them; everything they point to lives in `load` or here.
class SettingList {
 public:
  explicit SettingList(const wire::Load& load) {
    for (const wire::Setting& from : load.settings) {
      freshet_setting& to = settings_.emplace_back();
      to = {};
      to.size = sizeof to;
      to.type = static_cast<freshet_value_type>(from.tag) + 1;  // the tags are in the ABI's order
      to.name = from.name.c_str();
      to.integer = from.integer;
      to.number = from.number;
      to.string = {from.string.data(), from.string.size()};
      auto& members = lists_.emplace_back();
      for (const std::string& member : from.strings) members.push_back({member.data(), member.size()});
      to.strings = members.data();
      to.count = members.size();
    }
  }
  [[nodiscard]] const freshet_setting* data() const { return settings_.data(); }
  [[nodiscard]] std::uint64_t size() const { return settings_.size(); }

 private:
  std::vector<freshet_setting> settings_;
  std::deque<std::vector<freshet_bytes>> lists_;
};
static_assert(static_cast<int>(wire::SettingTag::boolean) + 1 == FRESHET_BOOLEAN);
static_assert(static_cast<int>(wire::SettingTag::duration) + 1 == FRESHET_DURATION);
static_assert(static_cast<int>(wire::SettingTag::strings) + 1 == FRESHET_STRINGS);

Status make_task(LoadedPlugin& plugin, const wire::Load& load, Host& host) {
  const SettingList settings(load);
  const freshet_status status =
      plugin.table.configure(host.table(), load.kind.c_str(), settings.data(), settings.size(), &plugin.task);
  if (status == FRESHET_OK && plugin.task != nullptr) return {};
  if (status == FRESHET_NO_MEMORY) end_out_of_memory();
  if (status == FRESHET_INVALID) return refuse("F2012", with_complaint("it does not take these settings", host));
  if (status == FRESHET_UNKNOWN) return refuse("F2011", "it does not know the task kind `" + load.kind + "`");
  return refuse("F2010", with_complaint("its configure function returned " + std::to_string(status), host));
}

}  // namespace

std::uint64_t heap_in_use() {
  const struct mallinfo2 info = ::mallinfo2();
  return info.uordblks + info.hblkhd;
}

Result<LoadedPlugin> load_plugin(const std::string& path, const wire::Load& load, Host& host) {
  LoadedPlugin plugin;  // outside of the try: an exception of the plugin lives in its library
  try {
    std::error_code error;
    plugin.library.load(path, error, boost::dll::load_mode::rtld_now | boost::dll::load_mode::rtld_local);
    if (error) {
      const char* text = ::dlerror();
      return refuse("F2013", std::string("the loader refuses it: ") + (text != nullptr ? text : "no reason given"));
    }
    plugin.heap_when_loaded = heap_in_use();
    if (!plugin.library.has(kEntryName)) return refuse("F2008", std::string("it does not export ") + kEntryName);
    Entry& entry = plugin.library.get<Entry>(kEntryName);
    if (auto done = check_table(plugin.table, host, &entry); !done) return std::unexpected(done.error());
    if (auto done = check_kinds(plugin.table, load); !done) return std::unexpected(done.error());
    if (auto done = make_task(plugin, load, host); !done) return std::unexpected(done.error());
    return plugin;
  } catch (const std::bad_alloc&) {
    end_out_of_memory();
  } catch (const std::exception& exception) {
    return refuse("F2010", std::string("it let an exception out: ") + exception.what());
  } catch (...) {
    return refuse("F2010", "it let an exception out");
  }
}

}  // namespace freshet::worker

#pragma once

#include <gtest/gtest.h>
#include <sys/types.h>

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "runtime/base/fd.h"
#include "runtime/base/identity.h"
#include "runtime/base/tree_digest.h"
#include "runtime/wire/messages.h"
#include "runtime/wire/packet.h"

// A real broker in a child process over real trees, and the manager's side of the conversation.
namespace freshet::broker::test {

// An ordinary user for tests that run as root.
inline constexpr uid_t kSomebody = 64123;

class TempDir {
 public:
  TempDir();
  ~TempDir();
  TempDir(const TempDir&) = delete;
  TempDir& operator=(const TempDir&) = delete;
  [[nodiscard]] const std::string& path() const { return path_; }

 private:
  std::string path_;
};

void make_dir(const std::string& path, unsigned mode = 0755);
void write_file(const std::string& path, std::string_view content = "x");
std::string read_file(const std::string& path);
bool exists(const std::string& path);
void make_link(const std::string& target, const std::string& path);
// Of the entry itself, links not followed; atime and mtime.
void set_times_of(const std::string& path, std::int64_t atime_seconds, std::int64_t mtime_seconds);
void set_times_like(const std::string& path, const EntryStat& stat);
// Everything below `path`, itself included: two different stamps in the past for each entry.
void age(const std::string& path);
void chown_tree(const std::string& path, uid_t uid);
EntryStat stat_of(const std::string& path);
std::vector<std::string> names_in(const std::string& path);
// A chain of `depth` directories named `name` below `path`, longer than PATH_MAX if need be; the deepest's descriptor.
Fd make_chain(const std::string& path, const std::string& name, int depth);
void remove_tree(const std::string& path);

using Snapshot = std::map<std::string, std::string>;

// All that must survive a removal and its rollback, of every entry below `path` and of `path` itself, by relative path.
// Nothing read here changes a time. `without`: a name at the top that is left out.
Snapshot snapshot(const std::string& path, const std::string& without = ".freshet");
// Names what differs.
testing::AssertionResult same(const Snapshot& before, const Snapshot& after);

// One task's plan over one root.
class Plan {
 public:
  explicit Plan(std::string root, std::uint32_t root_index = 0) : root_(std::move(root)), root_index_(root_index) {}

  // Entries by path relative to the root, as they are now.
  Plan& add(const std::string& path);
  Plan& add_whole(const std::string& path);
  // Slot of the directory `parent`, made when it is new.
  std::uint32_t slot_of(const std::string& parent);

  TreeDigest::Key key{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16};
  std::vector<wire::Slot> slots;
  std::vector<wire::Unit> units;

 private:
  wire::Unit& push(const std::string& path);

  std::string root_;
  std::uint32_t root_index_;
  std::map<std::string, std::uint32_t> by_parent_;
};

struct Options {
  std::vector<std::string> roots;
  std::vector<std::string> excludes;      // of the first root
  std::vector<std::string> areas;         // default: ".freshet" for each root
  std::set<std::size_t> not_to_remove;    // indices of roots that the task may only list
  std::string top;                        // all areas stand there; default: each in its root
  std::optional<uid_t> run_as;
  bool area_only = false;
  bool lie_about_root = false;             // Setup names another inode than the root has
  std::function<void()> prepare;          // in the child, before the roots are opened
};

// The broker in a child process. The destructor kills and reaps it.
class Broker {
 public:
  explicit Broker(const Options& options);
  ~Broker();
  Broker(const Broker&) = delete;
  Broker& operator=(const Broker&) = delete;

  template <class M>
  bool send(const M& message) {
    return static_cast<bool>(wire::send_message(socket_.get(), message));
  }
  // The next packet, or empty when the broker is gone.
  std::string receive();
  // The next packet as an M; a test failure when it is something else.
  template <class M>
  M expect() {
    const std::string packet = receive();
    M message;
    wire::Failed failed;
    if (wire::decode_message(packet, message)) return message;
    if (wire::decode_message(packet, failed))
      ADD_FAILURE() << "the broker failed: " << failed.code << " " << failed.what;
    else
      ADD_FAILURE() << (packet.empty() ? "the broker is gone" : "another message came");
    return M{};
  }
  void kill();
  // Exit code, or -1 for a signal.
  int wait();
  [[nodiscard]] int socket() const { return socket_.get(); }

 private:
  Fd socket_;
  pid_t pid_ = -1;
  int status_ = 0;
};

wire::Begin begin_of(wire::BrokerPhase phase, const Plan* plan = nullptr);

struct RemovalResult {
  std::vector<wire::Outcome> outcomes;
  wire::Finished finished;
  [[nodiscard]] wire::OutcomeCode code(std::size_t unit) const {
    return unit < outcomes.size() ? outcomes[unit].code : wire::OutcomeCode::failed;
  }
};

// Whole conversations. `adjust` may change Begin.
RemovalResult remove_plan(const Options& options, const Plan& plan,
                          const std::function<void(wire::Begin&)>& adjust = {},
                          const std::vector<wire::InUse>& in_use = {});
// Up to SlotsReady, and the units by hand.
void begin_removal(Broker& broker, const Plan& plan, const std::function<void(wire::Begin&)>& adjust = {},
                   const std::vector<wire::InUse>& in_use = {});
std::vector<wire::Outcome> send_units(Broker& broker, const std::vector<wire::Unit>& units);

struct RestoreResult {
  std::vector<wire::RestoreConflict> conflicts;
  std::vector<wire::Working> steps;
  wire::Finished finished;
};
RestoreResult restore(const Options& options);
wire::Finished purge(const Options& options, bool tidy = false, const std::vector<std::uint32_t>& keep = {},
                     std::vector<wire::Working>* steps = nullptr);

// "" or why this test cannot run here.
std::string cannot_mount();

// Runs `body` in a forked child whose mount namespace is its own; its failures are this test's.
void in_own_mount_namespace(const std::function<void()>& body);

}  // namespace freshet::broker::test

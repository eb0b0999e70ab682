// The broker role behind its locks. Parent: the manager, which starts it and kills it; peer: the same, over one socket.
// Holds: the granted roots as O_PATH directories and nothing else. It runs no foreign code and reads no contents. It
// distrusts the file system in every answer, and the manager in so far as caps and order are checked. It ends when its
// phase is done, when the manager is gone, or with Failed at the first request that the phase does not permit.
#include "runtime/broker/broker.h"

#include <algorithm>
#include <exception>
#include <memory>
#include <new>
#include <optional>
#include <string>

#include "runtime/base/bytes.h"
#include "runtime/broker/file_system.h"
#include "runtime/broker/ipc_removal.h"
#include "runtime/broker/purge.h"
#include "runtime/broker/removal.h"
#include "runtime/broker/restoration.h"
#include "runtime/broker/session.h"
#include "runtime/broker/trial.h"

namespace freshet::broker {
namespace {

using wire::BrokerPhase;
using wire::MessageType;

// How far a phase has come. Everything starts at `fresh`, where only Begin is permitted.
enum class Stage : std::uint8_t { fresh, begun, collecting, ready, done };

constexpr unsigned in(Stage stage) { return 1U << static_cast<unsigned>(stage); }

struct Broker {
  Session session;
  bool area_only = false;
  bool ipc = false;
  Stage stage = Stage::fresh;
  std::optional<Removal> removal;

  Verdict begin(std::string_view packet);
  Verdict in_use(std::string_view packet);
  Verdict slots(std::string_view packet);
  Verdict units(std::string_view packet);
  Verdict finish(std::string_view packet);
  Verdict restore(std::string_view packet);
  Verdict purge(std::string_view packet);
  Verdict trial(std::string_view packet);
  Verdict remove_ipc(std::string_view packet);
};

// The broker's policy: a message is permitted if a row of the phase names it in this stage, else it ends the broker.
// Stages only go forward, except from ready to collecting, so a row in one stage that its handler leaves is a "once".
struct Row {
  MessageType type;
  unsigned stages;
  Verdict (Broker::*handler)(std::string_view packet);
};

constexpr Row kBeforeBegin[] = {
    {MessageType::begin, in(Stage::fresh), &Broker::begin},
};
constexpr Row kRemove[] = {
    {MessageType::in_use, in(Stage::begun), &Broker::in_use},
    {MessageType::slots, in(Stage::begun) | in(Stage::collecting) | in(Stage::ready), &Broker::slots},
    {MessageType::units, in(Stage::ready), &Broker::units},
    {MessageType::finish, in(Stage::begun) | in(Stage::ready), &Broker::finish},
};
constexpr Row kRestore[] = {
    {MessageType::restore, in(Stage::begun), &Broker::restore},
};
constexpr Row kPurge[] = {
    {MessageType::purge, in(Stage::begun), &Broker::purge},
};
constexpr Row kTrial[] = {
    {MessageType::trial, in(Stage::begun), &Broker::trial},
};

constexpr Row kIpc[] = {
    {MessageType::ipc_remove, in(Stage::begun), &Broker::remove_ipc},
    {MessageType::finish, in(Stage::begun), &Broker::finish},
};

std::span<const Row> rows_of(const Broker& broker) {
  if (broker.stage == Stage::fresh) return kBeforeBegin;
  switch (broker.session.begin.phase) {
    case BrokerPhase::remove: return kRemove;
    case BrokerPhase::restore: return kRestore;
    case BrokerPhase::purge: return kPurge;
    case BrokerPhase::trial: return kTrial;
    case BrokerPhase::ipc: return kIpc;
  }
  return {};
}

std::unexpected<wire::Failed> undecodable(const char* name) {
  return give_up(kOutOfOrder, std::string(name) + " does not decode");
}

// Folder names below the area. A leading dot is kept for the area's own.
bool is_folder_name(std::string_view name) { return is_entry_name(name) && name.front() != '.'; }

Verdict Broker::begin(std::string_view packet) {
  wire::Begin& begin = session.begin;
  if (!wire::decode_message(packet, begin)) return undecodable("Begin");
  if (!is_folder_name(begin.channel) || !is_folder_name(begin.run))
    return give_up(kNotPermitted, "a channel or run with a name that cannot be");
  if (begin.unlink && begin.phase != BrokerPhase::remove)
    return give_up(kNotPermitted, "unlinking in a phase that does not remove");
  if ((area_only && begin.phase != BrokerPhase::purge) || ipc != (begin.phase == BrokerPhase::ipc))
    return give_up(kNotPermitted, "a phase that this process was not made for");
  if (begin.phase == BrokerPhase::remove) removal.emplace(session);
  stage = Stage::begun;
  return {};
}

Verdict Broker::in_use(std::string_view packet) {
  wire::InUse message;
  if (!wire::decode_message(packet, message)) return undecodable("InUse");
  return removal->take_in_use(message);
}

Verdict Broker::slots(std::string_view packet) {
  wire::Slots message;
  if (!wire::decode_message(packet, message)) return undecodable("Slots");
  stage = message.last ? Stage::ready : Stage::collecting;
  return removal->take_slots(message);
}

Verdict Broker::units(std::string_view packet) {
  wire::Units message;
  if (!wire::decode_message(packet, message)) return undecodable("Units");
  return removal->take_units(message);
}

Verdict Broker::finish(std::string_view packet) {
  wire::Finish message;
  if (!wire::decode_message(packet, message)) return undecodable("Finish");
  stage = Stage::done;
  if (ipc) return session.send(wire::Finished{});
  return removal->finish();
}

Verdict Broker::remove_ipc(std::string_view packet) {
  wire::IpcRemove message;
  if (!wire::decode_message(packet, message)) return undecodable("IpcRemove");
  return remove_ipc_objects(session, message);
}

Verdict Broker::restore(std::string_view packet) {
  wire::Restore message;
  if (!wire::decode_message(packet, message)) return undecodable("Restore");
  stage = Stage::done;
  return Restoration(session).run();
}

Verdict Broker::purge(std::string_view packet) {
  wire::Purge message;
  if (!wire::decode_message(packet, message)) return undecodable("Purge");
  stage = Stage::done;
  return Purging(session).run(message);
}

Verdict Broker::trial(std::string_view packet) {
  wire::Trial message;
  if (!wire::decode_message(packet, message)) return undecodable("Trial");
  stage = Stage::done;
  return run_trial(session);
}

// The area of a root, which at the top of a mount may be another root's too.
std::size_t place_area(Session& session, const Root& root, std::uint32_t top, const std::string& top_path,
                       const EntryStat& top_stat) {
  Area area{root.area, root.directory.get(), root.path, root.stat, false};
  if (top != 0) area = {root.area, session.tops[top - 1].get(), top_path, top_stat, true};
  for (std::size_t i = 0; i < session.areas.size(); ++i) {
    const Area& known = session.areas[i];
    if (top != 0 && known.at_top && known.name == area.name && known.stat.dev == area.stat.dev &&
        known.stat.identity.inode == area.stat.identity.inode)
      return i;
  }
  session.areas.push_back(std::move(area));
  return session.areas.size() - 1;
}

Verdict set_up(Broker& broker, int socket, const wire::Setup& setup, std::vector<Fd> roots) {
  Session& session = broker.session;
  session.socket = socket;
  session.owner = setup.fs_uid;
  broker.area_only = setup.area_only;
  broker.ipc = setup.ipc;
  if (roots.size() != setup.roots.size() + setup.tops.size() || setup.areas.size() != setup.roots.size())
    return give_up(kOutOfOrder, "roots, areas and descriptors do not match");
  // 0 to 3 are taken; beside listings and walks a phase holds up to six more for a moment.
  const std::size_t taken = 4 + roots.size() + 6;
  session.free_fds = std::clamp<std::size_t>(setup.open_files > taken ? setup.open_files - taken : 0, 4, 48);
  std::vector<EntryStat> top_stats;
  for (std::size_t i = 0; i < setup.tops.size(); ++i) {
    const wire::TopSpec& spec = setup.tops[i];
    session.tops.push_back(std::move(roots[setup.roots.size() + i]));
    EntryStat& seen = top_stats.emplace_back();
    const int error = stat_at(session.tops.back().get(), "", false, seen);
    if (error != 0 || seen.identity.type != EntryType::directory || seen.dev != spec.dev || seen.identity.inode != spec.inode)
      return give_up(kRootChanged, spec.path + " is not the directory it was", error);
    if ((spec.use != wire::TopUse::areas) != setup.ipc) return give_up(kOutOfOrder, spec.path + " is of no use to this process");
    if (spec.use == wire::TopUse::areas) continue;
    int& place = spec.use == wire::TopUse::shm ? session.shm : session.queues;
    if (place >= 0) return give_up(kOutOfOrder, spec.path + " is not the only one of its kind");
    place = session.tops.back().get();
  }
  for (std::size_t i = 0; i < setup.roots.size(); ++i) {
    const wire::RootSpec& spec = setup.roots[i];
    Root root;
    root.directory = std::move(roots[i]);
    root.path = spec.path;
    root.remove = spec.remove;
    root.area = setup.areas[i];
    root.excludes = spec.excludes;
    root.with_birth = spec.stable_birth;
    for (std::string& exclude : root.excludes)
      while (exclude.ends_with('/')) exclude.pop_back();
    if (!root.area.empty() && !is_entry_name(root.area))
      return give_up(kNotPermitted, "an area with a name that cannot be");
    const int error = stat_at(root.directory.get(), "", spec.stable_birth, root.stat);
    if (error != 0 || root.stat.identity.type != EntryType::directory || root.stat.dev != spec.dev ||
        root.stat.identity.inode != spec.inode)
      return give_up(kRootChanged, "root " + spec.path + " is not the directory it was", error);
    if (spec.top > setup.tops.size() || !is_relative_path(spec.below_top) || (spec.top == 0 && !spec.below_top.empty()))
      return give_up(kOutOfOrder, "root " + spec.path + " has no such top");
    if (spec.top != 0) {
      const EntryStat& top = top_stats[spec.top - 1];
      if (top.dev != root.stat.dev || top.mount_id != root.stat.mount_id)
        return give_up(kRootChanged, "root " + spec.path + " and " + setup.tops[spec.top - 1].path + " are not on one mount");
    }
    if (!root.area.empty()) {
      root.below_area = spec.below_top;
      const bool at_top = spec.top != 0;
      root.area_index = place_area(session, root, spec.top, at_top ? setup.tops[spec.top - 1].path : std::string(),
                                   at_top ? top_stats[spec.top - 1] : EntryStat());
    }
    session.roots.push_back(std::move(root));
  }
  return {};
}

Verdict serve(Broker& broker) {
  const auto buffer = std::make_unique<char[]>(wire::kMaxPacket);
  while (broker.stage != Stage::done) {
    const Result<wire::Received> received =
        wire::receive_packet(broker.session.socket, {buffer.get(), wire::kMaxPacket});
    if (!received) return give_up(kOutOfOrder, received.error().what);
    // Whoever stands behind the manager then finds every entry at its origin or in its slot.
    if (received->closed) return give_up(kOutOfOrder, "the manager is gone");
    if (!received->fds.empty()) return give_up(kOutOfOrder, "descriptors came with a request");
    const auto type = static_cast<MessageType>(received->bytes.front());
    const Row* permitted = nullptr;
    for (const Row& row : rows_of(broker))
      if (row.type == type && (row.stages & in(broker.stage)) != 0) permitted = &row;
    if (permitted == nullptr)
      return give_up(kOutOfOrder,
                     "message " + std::to_string(static_cast<unsigned>(type)) + " is not permitted at this point");
    if (const Verdict handled = (broker.*permitted->handler)(received->bytes); !handled) return handled;
  }
  return {};
}

}  // namespace

int run_broker(int socket, const wire::Setup& setup, std::vector<Fd> roots) {
  Verdict verdict;
  try {
    Broker broker;
    verdict = set_up(broker, socket, setup, std::move(roots));
    if (verdict) verdict = serve(broker);
  } catch (const std::bad_alloc&) {
    verdict = give_up(kOutOfMemory, "out of memory");
  } catch (const std::exception& error) {
    verdict = give_up(kOutOfOrder, std::string("broken invariant: ") + error.what());
  }
  if (verdict) return kExitDone;
  (void)wire::send_message(socket, verdict.error());  // the manager may be gone
  return kExitFailed;
}

}  // namespace freshet::broker

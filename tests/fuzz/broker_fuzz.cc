// LINK: freshet_broker
//
// What a manager that was taken over may send to a broker, on a real tree: a script, one byte a step, that mixes true
// requests with bent ones and with bytes of the input. Whatever it is, nothing outside the root changes, nor does what is
// excluded, and all that lies in the root is still there unless unlinking was what the phase is for.
//
// Of IPC objects it has an IPC namespace of its own, with objects of its own; where it may not have one, the broker is told an
// owner that nobody is, and no request can be true. What was never truly named stays, and so does what is attached or another's.
#include <fcntl.h>
#include <sched.h>
#include <sys/ipc.h>
#include <sys/msg.h>
#include <sys/resource.h>
#include <sys/sem.h>
#include <sys/shm.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "runtime/broker/broker.h"
#include "runtime/wire/packet.h"

namespace {

using namespace freshet;
namespace fs = std::filesystem;

constexpr std::size_t kMaxSteps = 24;

struct Place {
  std::string path = std::string(fs::exists("/dev/shm") ? "/dev/shm" : "/tmp") + "/freshet-broker-fuzz-XXXXXX";

  Place() {
    if (::mkdtemp(path.data()) == nullptr) std::abort();
  }
  ~Place() {
    std::error_code ignored;
    fs::remove_all(path, ignored);
  }
};

const std::string& top() {
  static const Place place;
  return place.path;
}

void write_file(const std::string& path) { std::ofstream(path) << "x"; }

void make_tree() {
  std::error_code ignored;
  fs::remove_all(top() + "/root", ignored);
  fs::remove_all(top() + "/outside", ignored);
  for (const char* one : {"/outside", "/root", "/root/a", "/root/a/b", "/root/live"}) fs::create_directory(top() + one);
  for (const char* one : {"/outside/victim", "/root/one", "/root/a/two", "/root/a/b/three", "/root/live/secret"}) write_file(top() + one);
  fs::create_symlink("../outside", top() + "/root/link");
}

std::set<std::uint64_t> inodes_below(const std::string& path) {
  std::set<std::uint64_t> out;
  for (const auto& entry : fs::recursive_directory_iterator(path)) {
    struct stat info {};
    if (::lstat(entry.path().c_str(), &info) == 0) out.insert(info.st_ino);
  }
  return out;
}

constexpr std::int64_t kSecond = 1'000'000'000;
constexpr std::uint32_t kNobody = 4'000'000'000;  // whom the broker is told, where the objects are not ours alone

bool own_ipc_namespace() {
  static const bool own = ::unshare(CLONE_NEWIPC) == 0 || ::unshare(CLONE_NEWUSER | CLONE_NEWIPC) == 0;
  return own;
}

std::uint32_t owner() { return own_ipc_namespace() ? ::geteuid() : kNobody; }

// Of semctl; the caller has to declare it.
union SemaphoreArgument {
  int value;
  semid_ds* set;
  unsigned short* values;
};

// What a script of phase `ipc` can mean: one object of every kind, one that is attached, one of another owner.
class Objects {
 public:
  Objects() {
    for (const char* directory : {"/shm", "/mqueue"}) {
      std::error_code ignored;
      fs::remove_all(top() + directory, ignored);
      fs::create_directory(top() + directory);
      for (const char* file : {"/mine", "/other", "/sem.mine"}) write_file(top() + directory + file);
    }
    for (const wire::IpcKind kind : {wire::IpcKind::posix_shm, wire::IpcKind::posix_sem, wire::IpcKind::posix_msg})
      posix(kind, kind == wire::IpcKind::posix_sem ? "sem.mine" : "mine");
    if (!own_ipc_namespace()) return;
    shm_ = ::shmget(IPC_PRIVATE, 4096, IPC_CREAT | 0600);
    attached_ = ::shmget(IPC_PRIVATE, 4096, IPC_CREAT | 0600);
    foreign_ = ::shmget(IPC_PRIVATE, 4096, IPC_CREAT | 0600);
    sem_ = ::semget(IPC_PRIVATE, 2, IPC_CREAT | 0600);
    msg_ = ::msgget(IPC_PRIVATE, IPC_CREAT | 0600);
    memory_ = ::shmat(attached_, nullptr, 0);
    if (shm_ < 0 || attached_ < 0 || foreign_ < 0 || sem_ < 0 || msg_ < 0 || memory_ == reinterpret_cast<void*>(-1)) std::abort();
    shmid_ds given{};
    if (::shmctl(foreign_, IPC_STAT, &given) != 0) std::abort();
    given.shm_perm.uid = 1;
    const bool foreign = ::shmctl(foreign_, IPC_SET, &given) == 0;  // not where nobody else has a number
    for (const int id : {shm_, attached_, foreign_}) {
      if (id == foreign_ && !foreign) continue;
      shmid_ds now{};
      if (::shmctl(id, IPC_STAT, &now) != 0) std::abort();
      wire::IpcObject object = system_v(wire::IpcKind::shm, id, now.shm_perm, now.shm_ctime);
      object.bytes = now.shm_segsz;
      object.used_ns = std::max(now.shm_atime, now.shm_dtime) * kSecond;
      truths_.push_back(object);
    }
    semid_ds set{};
    msqid_ds queue{};
    if (::semctl(sem_, 0, IPC_STAT, SemaphoreArgument{.set = &set}) != 0 || ::msgctl(msg_, IPC_STAT, &queue) != 0) std::abort();
    truths_.push_back(system_v(wire::IpcKind::sem, sem_, set.sem_perm, set.sem_ctime));
    truths_.back().count = 2;
    truths_.push_back(system_v(wire::IpcKind::msg, msg_, queue.msg_perm, queue.msg_ctime));
  }
  ~Objects() {
    if (!own_ipc_namespace()) return;
    ::shmdt(memory_);
    ::shmctl(shm_, IPC_RMID, nullptr);
    ::shmctl(attached_, IPC_RMID, nullptr);
    ::shmctl(foreign_, IPC_RMID, nullptr);
    ::semctl(sem_, 0, IPC_RMID);
    ::msgctl(msg_, IPC_RMID, nullptr);
  }
  Objects(const Objects&) = delete;
  Objects& operator=(const Objects&) = delete;

  [[nodiscard]] const std::vector<wire::IpcObject>& truths() const { return truths_; }

  // Aborts when one has gone that was not truly named, or that nobody may remove. `named`: by its place in truths().
  void judge(const std::set<std::size_t>& named) const {
    for (std::size_t i = 0; i < truths_.size(); ++i)
      if (!is_there(truths_[i]) && (!named.contains(i) || is_kept(truths_[i]))) std::abort();
    for (const char* other : {"/shm/other", "/mqueue/other", "/mqueue/sem.mine"})
      if (!fs::exists(top() + other)) std::abort();
  }

 private:
  static wire::IpcObject system_v(wire::IpcKind kind, int id, const ipc_perm& facts, std::int64_t changed) {
    wire::IpcObject out;
    out.kind = kind;
    out.id = id;
    out.key = facts.__key;
    out.uid = facts.uid;
    out.creator = facts.cuid;
    out.changed_ns = changed * kSecond;
    return out;
  }

  [[nodiscard]] bool is_kept(const wire::IpcObject& object) const {
    return object.kind == wire::IpcKind::shm && (object.id == attached_ || object.id == foreign_);
  }

  static std::string path(const wire::IpcObject& object) {
    return top() + (object.kind == wire::IpcKind::posix_msg ? "/mqueue/" : "/shm/") + object.name;
  }

  void posix(wire::IpcKind kind, const char* name) {
    wire::IpcObject out;
    out.kind = kind;
    out.name = name;
    const auto stat = stat_entry(AT_FDCWD, path(out).c_str());
    if (!stat) std::abort();
    out.uid = out.creator = stat->uid;
    out.inode = stat->identity.inode;
    out.birth_ns = stat->identity.birth_ns;
    out.bytes = stat->identity.size;
    out.changed_ns = stat->mtime_ns;
    truths_.push_back(out);
  }

  [[nodiscard]] static bool is_there(const wire::IpcObject& object) {
    shmid_ds shm{};
    semid_ds sem{};
    msqid_ds msg{};
    switch (object.kind) {
      case wire::IpcKind::shm: return ::shmctl(object.id, IPC_STAT, &shm) == 0 && (shm.shm_perm.mode & SHM_DEST) == 0;
      case wire::IpcKind::sem: return ::semctl(object.id, 0, IPC_STAT, SemaphoreArgument{.set = &sem}) == 0;
      case wire::IpcKind::msg: return ::msgctl(object.id, IPC_STAT, &msg) == 0;
      default: return fs::exists(path(object));
    }
  }

  std::vector<wire::IpcObject> truths_;
  int shm_ = -1, attached_ = -1, foreign_ = -1, sem_ = -1, msg_ = -1;
  void* memory_ = nullptr;
};

class Input {
 public:
  Input(const std::uint8_t* data, std::size_t size) : rest_(reinterpret_cast<const char*>(data), size) {}
  [[nodiscard]] bool empty() const { return rest_.empty(); }
  std::uint8_t byte() {
    if (rest_.empty()) return 0;
    const auto out = static_cast<std::uint8_t>(rest_.front());
    rest_.remove_prefix(1);
    return out;
  }
  std::string text() {
    const std::string out(rest_.substr(0, byte() % 40));
    rest_.remove_prefix(std::min(rest_.size(), out.size()));
    return out;
  }

 private:
  std::string_view rest_;
};

// One of the places that a script can mean, or what the input says.
std::string place(Input& in, bool parent) {
  static const char* const kParents[] = {"", "a", "a/b", "link", "live", ".freshet", "..", "a/../..", "/"};
  static const char* const kNames[] = {"one", "two", "three", "a", "b", "link", "live", ".freshet", "..", "victim"};
  const std::uint8_t which = in.byte();
  if (parent) return which < std::size(kParents) ? kParents[which] : in.text();
  return which < std::size(kNames) ? kNames[which] : in.text();
}

class Script {
 public:
  Script(int socket, Input& in, std::optional<Objects>& objects) : socket_(socket), in_(in), objects_(objects) {}

  void play() {
    for (std::size_t i = 0; i < kMaxSteps && !in_.empty(); ++i) step();
  }
  [[nodiscard]] bool unlinks() const { return unlinks_; }
  // The broker is one of IPC objects; places in Objects::truths() that it was truly told to remove.
  [[nodiscard]] bool ipc() const { return ipc_; }
  [[nodiscard]] const std::set<std::size_t>& named() const { return named_; }

 private:
  template <class M>
  void send(const M& message) {
    std::vector<std::uint8_t> bytes;
    wire::encode_message(message, bytes);
    send_bytes(bytes);
  }
  void send_bytes(const std::vector<std::uint8_t>& bytes) const { (void)::send(socket_, bytes.data(), bytes.size(), MSG_NOSIGNAL | MSG_DONTWAIT); }

  void step() {
    switch (in_.byte() % 10) {
      case 0: return begin();
      case 1: return slots();
      case 2: return units();
      case 3: return send(wire::Finish{});
      case 4: return send(wire::Restore{});
      case 5: return send(wire::Purge{(in_.byte() & 1) != 0, {}});
      case 6: return send(wire::Trial{});
      case 7: return send(wire::InUse{in_.byte() == 0 ? 1U : 0U, {1, 2, 3}});
      case 8: return remove_ipc();
      default: {
        const std::string raw = in_.text();
        return send_bytes({raw.begin(), raw.end()});
      }
    }
  }

  void begin() {
    wire::Begin message;
    message.phase = static_cast<wire::BrokerPhase>(in_.byte() % 5);
    const std::uint8_t how = in_.byte();
    message.channel = (how & 1) != 0 ? in_.text() : "c";
    message.run = (how & 2) != 0 ? in_.text() : "r";
    message.unlink = (how & 4) != 0;
    message.max_entries = (how & 8) != 0 ? in_.byte() : 1000;
    if (message.phase == wire::BrokerPhase::ipc && (how & 16) == 0) ipc_ = true;  // else one that was not made for it
    unlinks_ = unlinks_ || message.unlink || message.phase == wire::BrokerPhase::purge;
    send(message);
  }

  void slots() {
    wire::Slots message;
    const std::uint8_t how = in_.byte();
    for (int i = 0; i <= (how & 3); ++i) {
      wire::Slot slot;
      slot.number = (how & 4) != 0 ? in_.byte() : ++slots_;
      slot.root = (how & 8) != 0 ? in_.byte() : 0;
      slot.path = place(in_, true);
      if (const auto stat = look(slot.path); stat && (how & 16) == 0) {
        slot.inode = stat->identity.inode;
        slot.birth_ns = stat->identity.birth_ns;
      }
      paths_.push_back(slot.path);
      message.slots.push_back(slot);
    }
    message.last = (how & 32) == 0;
    send(message);
  }

  void units() {
    wire::Units message;
    const std::uint8_t how = in_.byte();
    for (int i = 0; i <= (how & 3); ++i) {
      wire::Unit unit;
      unit.sequence = (how & 4) != 0 ? in_.byte() : sequence_++;
      unit.slot = in_.byte() % 5;
      unit.name = place(in_, false);
      const std::string parent = unit.slot > 0 && unit.slot <= paths_.size() ? paths_[unit.slot - 1] : "";
      if (const auto stat = look(parent.empty() ? unit.name : parent + "/" + unit.name); stat && (how & 8) == 0) unit.identity = stat->identity;
      unit.whole = (how & 16) != 0;
      unit.entries = (how & 32) != 0 ? in_.byte() : 1;
      message.units.push_back(unit);
    }
    send(message);
  }

  // Objects as they are, or with one thing about them bent; or what the input says of one.
  void remove_ipc() {
    wire::IpcRemove message;
    const std::uint8_t how = in_.byte();
    if (!objects_) objects_.emplace();
    const std::vector<wire::IpcObject>& truths = objects_->truths();
    for (int i = 0; i <= (how & 3); ++i) {
      const std::size_t which = in_.byte() % truths.size();
      wire::IpcObject object = truths[which];
      const std::uint8_t bend = in_.byte();
      if (bend != 0) this->bend(object, bend);
      for (std::size_t other = 0; other < truths.size(); ++other)
        if (names(object, truths[other])) named_.insert(other);
      message.objects.push_back(object);
    }
    send(message);
  }

  // Whether a request is a true one for that object: of each kind it is other facts that say so.
  static bool names(const wire::IpcObject& one, const wire::IpcObject& other) {
    if (wire::is_posix(one.kind) != wire::is_posix(other.kind) || one.uid != other.uid || one.changed_ns != other.changed_ns) return false;
    if (wire::is_posix(one.kind)) {
      const bool queue = one.kind == wire::IpcKind::posix_msg;
      return queue == (other.kind == wire::IpcKind::posix_msg) && one.name == other.name && one.inode == other.inode &&
             one.birth_ns == other.birth_ns && (queue || one.bytes == other.bytes);
    }
    return one.kind == other.kind && one.id == other.id && one.key == other.key && one.creator == other.creator && one.used_ns == other.used_ns &&
           (one.kind == wire::IpcKind::shm ? one.bytes == other.bytes : one.count == other.count);
  }

  void bend(wire::IpcObject& object, std::uint8_t how) {
    switch (how % 13) {
      case 0: object.kind = static_cast<wire::IpcKind>(in_.byte() % 6); break;
      case 1: object.name = "other"; break;
      case 2: object.name = in_.text(); break;
      case 3: object.id += in_.byte(); break;
      case 4: object.key += in_.byte(); break;
      case 5: object.uid += in_.byte(); break;
      case 6: object.creator += in_.byte(); break;
      case 7: object.inode += in_.byte(); break;
      case 8: object.birth_ns += in_.byte(); break;
      case 9: object.changed_ns += in_.byte() * kSecond; break;
      case 10: object.used_ns += in_.byte() * kSecond; break;
      case 11: object.bytes += in_.byte(); break;
      default: object.count += in_.byte(); break;
    }
  }

  static Result<EntryStat> look(const std::string& relative) {
    const Fd root(::open((top() + "/root").c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
    return stat_entry(root.get(), relative.c_str());
  }

  const int socket_;
  Input& in_;
  std::optional<Objects>& objects_;
  std::set<std::size_t> named_;
  bool ipc_ = false;
  std::uint32_t slots_ = 0;
  std::uint64_t sequence_ = 0;
  std::vector<std::string> paths_;
  bool unlinks_ = false;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  make_tree();
  const std::set<std::uint64_t> outside = inodes_below(top() + "/outside"), excluded = inodes_below(top() + "/root/live"),
                                all = inodes_below(top() + "/root");
  auto pair = wire::make_socket_pair();
  if (!pair) std::abort();
  Input in(data, size);
  std::optional<Objects> objects;
  Script script(pair->first.get(), in, objects);
  script.play();
  ::shutdown(pair->first.get(), SHUT_WR);

  wire::Setup setup;
  setup.role = wire::Role::broker;
  setup.fs_uid = ::geteuid();
  setup.open_files = 64;
  std::vector<Fd> roots;
  roots.emplace_back(::open((top() + "/root").c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
  const auto stat = stat_entry(roots.back().get(), "");
  if (!stat) std::abort();
  wire::RootSpec spec;
  spec.remove = true;
  spec.path = top() + "/root";
  spec.excludes = {"live"};
  spec.dev = stat->dev;
  spec.inode = stat->identity.inode;
  setup.roots.push_back(spec);
  setup.areas.emplace_back(".freshet");
  if (script.ipc()) {
    if (!objects) objects.emplace();
    setup.ipc = true;
    setup.fs_uid = owner();
    setup.roots.clear();
    setup.areas.clear();
    roots.clear();
    for (const wire::TopUse use : {wire::TopUse::shm, wire::TopUse::queues}) {
      const std::string path = top() + (use == wire::TopUse::shm ? "/shm" : "/mqueue");
      roots.emplace_back(::open(path.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
      const auto seen = stat_entry(roots.back().get(), "");
      if (!seen) std::abort();
      setup.tops.push_back({path, seen->dev, seen->identity.inode, use});
    }
  }
  (void)broker::run_broker(pair->second.get(), setup, std::move(roots));
  if (objects) objects->judge(script.ipc() ? script.named() : std::set<std::size_t>());

  if (inodes_below(top() + "/outside") != outside || inodes_below(top() + "/root/live") != excluded) std::abort();
  const std::set<std::uint64_t> now = inodes_below(top() + "/root");
  if (!script.unlinks() && !std::ranges::includes(now, all)) std::abort();
  return 0;
}

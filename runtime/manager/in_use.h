#pragma once

#include <cstdint>
#include <set>
#include <string>
#include <unordered_map>
#include <vector>

namespace freshet {

// What processes hold at one moment: open, mapped, working directory, root, executable, locked (flock or POSIX, by
// /proc/locks), listening unix sockets. Entries are named by (device, inode); only devices asked for are kept.
// Nothing is opened or locked to find out. Source: proc(5).
class InUseOracle {
 public:
  // `devices`: st_dev of the roots, as EntryStat::dev has it. `ours`: what this process holds counts too, which beside
  // Freshet's own descriptors may be those of a program that Freshet is in.
  static InUseOracle look(const std::set<std::uint64_t>& devices, bool ours = false);

  struct Holder {
    int pid = 0;          // 0: unknown (a lock whose owner this pid namespace does not show)
    bool locked = false;  // a lock, not only an open file
  };
  // Null when nobody that could be seen holds it.
  [[nodiscard]] const Holder* find(std::uint64_t dev, std::uint64_t inode) const;
  [[nodiscard]] bool locked(std::uint64_t dev, std::uint64_t inode) const;
  // "open in nginx (pid 812)", "locked by pid 12". Reads the name from /proc now.
  [[nodiscard]] static std::string describe(const Holder& holder);

  // Every held inode of a device, for the broker.
  [[nodiscard]] std::vector<std::uint64_t> inodes(std::uint64_t dev) const;
  // Processes whose descriptors this user may not read.
  [[nodiscard]] std::uint64_t unseen_processes() const { return unseen_; }

 private:
  using Held = std::unordered_map<std::uint64_t, Holder>;

  void add(std::uint64_t dev, std::uint64_t inode, int pid, bool locked);
  void look_at_process(int proc_fd, int pid);
  void look_at_maps(int process_fd, int pid);
  void look_at_locks();
  void add_as_shown(std::uint64_t dev, std::uint64_t inode, int pid, bool locked);
  void look_at_sockets();

  std::unordered_map<std::uint64_t, Held> by_device_;  // the keys are the devices asked for
  // Mappings and locks on file systems whose device number in /proc is not that of stat(2) (btrfs, overlayfs): by inode
  // alone, which may spare too much and never too little.
  Held any_device_;
  // tmpfs and the like, whose number is the same everywhere: their small inode numbers stand for no other file system's.
  std::set<std::uint64_t> memory_devices_;
  std::uint64_t unseen_ = 0;
};

}  // namespace freshet

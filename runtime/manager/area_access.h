#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "runtime/manager/core.h"
#include "runtime/manager/plan_model.h"

// Quarantine areas as the manager handles them: where they stand, and who uses them. Rules for areas at the top of a
// mount are in runtime/broker/QUARANTINE.md ("At the top of a mount").
namespace freshet {

// The top of the mount that an open root is on, found by climbing from its descriptor; `config.path` is its path. F1019
// when an area cannot stand there: not `uid`'s own, writable by others, another device (a subvolume), not to be found.
Result<channel::OpenRoot> find_mount_top(const channel::OpenRoot& root, std::uint32_t uid);

// The recorded directory that the area of an open root stands in, when that is not the root: F1018 when it is another
// one, or on another mount than the root.
Result<channel::OpenRoot> open_planned_top(const channel::OpenRoot& root, const PlanRoot& planned);

// What one broker needs of its areas beside the roots: the tops they stand in, and locks (flock on the area) that keep an
// area that several channels use from being removed under one of them. Holds the locks as long as it lives. Used by one
// thread.
class AreaAccess {
 public:
  enum class Use : std::uint8_t {
    move,     // entries move in: areas at tops are made; shared locks
    restore,  // shared locks on what is there
    purge,    // exclusive locks in the roots where they are free at once, shared ones at tops; what is not held
              // exclusively is to be kept
    remove,   // exclusive locks where they are free at once, at tops only on areas with nothing but their marker in them;
              // the others are to be kept
  };
  // `roots` as opened from `planned`, in its order; not owned, and outlives this. `look` takes no lock.
  static Result<AreaAccess> look(const std::vector<channel::OpenRoot>& roots, const std::vector<PlanRoot>& planned);
  static Result<AreaAccess> open(const Core& core, const std::vector<channel::OpenRoot>& roots, const std::vector<PlanRoot>& planned,
                                 Use use);

  // Sets roots, areas and tops.
  void fill(channel::RoleRequest& request) const;
  // That the area of a root stands in.
  [[nodiscard]] int directory_of(std::size_t root) const;
  [[nodiscard]] bool any_at_top() const { return !tops_.empty(); }
  // Indices of the roots whose areas the broker may not remove.
  [[nodiscard]] const std::vector<std::uint32_t>& kept() const { return kept_; }

 private:
  Status hold(const Core& core, std::size_t root, const PlanRoot& planned, Use use);

  const std::vector<channel::OpenRoot>* roots_ = nullptr;
  std::vector<std::string> names_;
  std::vector<channel::OpenRoot> tops_;
  std::vector<std::uint32_t> top_of_;  // by root: in tops_, from 1; 0: the root itself
  std::vector<std::uint32_t> kept_;
  std::vector<Fd> locks_;              // areas
  Fd gate_;                            // held while areas at tops are removed
};

// The path of the directory that the area of a planned root stands in.
const std::string& area_directory(const PlanRoot& root);

}  // namespace freshet

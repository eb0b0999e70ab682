#pragma once

#include <optional>
#include <string>
#include <vector>

#include "runtime/manager/area_access.h"
#include "runtime/manager/core.h"
#include "runtime/manager/plan_model.h"

// The times of the directories that areas stand in: roots, or tops of mounts. Making and removing an area changes them,
// and who does it gives them back with its next call; a process that is killed between the two leaves them changed. What
// the manager read before is given back then, by the rule in runtime/broker/QUARANTINE.md ("The root's own times"): only
// where the area's entry is the last thing that changed in the directory.
namespace freshet {

// None when it cannot be read.
std::optional<DirectoryTimes> times_of(int directory);

// True when an area of ours stands in `directory` that its maker did not come to mark, and nothing changed the
// directory's entries since it was made. A marked area's maker has given the times back.
bool is_unmarked_area_last(int directory, const std::string& area);

// False when they may not be set.
bool give_times_back(int directory, const DirectoryTimes& times);

// Notes the times in `roots`, which are then to be recorded, before the first effect of a task. A directory that an
// interrupted run left changed gets back first what the history has of it. The caller holds the roots' lock.
void note_root_times(const Core& core, std::vector<PlanRoot>& roots);

// Gives the noted times back to what an interrupted run left changed. Before an area is touched again: it is the
// evidence. `directory` is the one that the area of `planned` stands in.
void mend_root_times(int directory, const PlanRoot& planned);
void mend_root_times(const std::vector<PlanRoot>& roots);

// For one broker that may make or remove areas: the times from before, for when it is killed and the manager is not.
class RootTimesWatch {
 public:
  // Refers to descriptors of `areas`.
  RootTimesWatch(const AreaAccess& areas, const std::vector<PlanRoot>& planned);
  void broker_died() const;

 private:
  struct Watched {
    int directory = -1;
    std::string area;
    bool had_area = false;
    std::optional<DirectoryTimes> before;
  };
  std::vector<Watched> watched_;
};

}  // namespace freshet

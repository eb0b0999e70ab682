#pragma once

#include <string>
#include <vector>

#include "runtime/broker/area.h"
#include "runtime/broker/directory_stack.h"
#include "runtime/broker/listing.h"
#include "runtime/broker/session.h"
#include "runtime/broker/teller.h"

namespace freshet::broker {

// Phase `purge`: unlinks what one task left in the quarantine, by descriptors, without following a link or entering a
// mount; then the folders that are empty. With `tidy` it removes only what holds no entry.
class Purging {
 public:
  explicit Purging(const Session& session);

  // Answers Working as often as needed, then Finished.
  Verdict run(const wire::Purge& request);

 private:
  struct Pending {
    std::size_t name = 0;  // offset in names_, NUL-terminated
    std::uint64_t allocated = 0;
  };

  Verdict purge_area(const Area& area, bool tidy, bool keep);
  void empty_task(const Area& area, int task, bool tidy);
  // Everything below the directory `name` of `parent`, not itself.
  void empty_directory(const Area& area, int parent, const char* name);
  // Unlinks all but directories in the deepest directory of the stack; those are left pending.
  void unlink_files(const Area& area, int dir);
  void remove_directory(int parent, const char* name, std::uint64_t allocated);
  void count_unlinked(std::uint64_t allocated);

  const Session& session_;
  DirectoryStack stack_;
  Listing listing_;
  std::string names_;
  std::vector<Pending> pending_;
  wire::Finished done_;
  Teller teller_;
};

}  // namespace freshet::broker

#pragma once

#include "runtime/broker/session.h"

namespace freshet::broker {

// Phase `trial`: renames a file, an empty directory and a directory with a file between two directories of the area
// and back, in every root that has one, and leaves nothing behind. Answers Finished with the number of renames.
Verdict run_trial(const Session& session);

}  // namespace freshet::broker

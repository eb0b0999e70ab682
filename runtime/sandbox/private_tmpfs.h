#pragma once

#include "runtime/sandbox/step_error.h"

namespace freshet::sandbox {

// Makes an empty tmpfs, attaches it over "/" and makes it the working directory: what is prepared below "." is the
// later root. Needs a mount namespace of its own, whose propagation it turns to slave. System calls only: it may run
// in a child cloned from a program with threads.
StepError enter_private_tmpfs();

// Makes "." the root and lets go of everything else: no other mount is left in this namespace.
StepError pivot_to_private_tmpfs();

}  // namespace freshet::sandbox

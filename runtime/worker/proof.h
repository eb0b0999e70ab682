#pragma once

#include "runtime/wire/proof_message.h"

namespace freshet::worker {

// Tries everything a locked worker may not do, one by one, and says what came of each. See proof.cc.
wire::Proved prove(const wire::Setup& setup);

}  // namespace freshet::worker

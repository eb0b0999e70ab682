#pragma once

namespace freshet::sandbox {

// The step that failed, and its errno. `step` is a literal; null when all went well.
struct StepError {
  const char* step = nullptr;
  int error_number = 0;
};

}  // namespace freshet::sandbox

# Sourced by the checks, in the machine that is emulated.
set -euo pipefail
cd "$BUILD"
dir=$(mktemp -d)

fail() { printf '%s\n' "$*"; exit 1; }

# tests PROGRAM FILTER: all of them are run, and pass.
tests() {
  local log=$dir/$1.log
  "bin/$1" --gtest_filter="$2" >"$log" 2>&1 || { cat "$log"; exit 1; }
  ! grep '^\[  SKIPPED \]' "$log" || fail "something was skipped"
  grep '^\[  PASSED  \] [1-9]' "$log" || fail "nothing was run"
}

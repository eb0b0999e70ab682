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
  grep -q '^\[  PASSED  \] [1-9]' "$log" || fail "nothing was run"
  printf 'figure: %s: %s\n' "$1" "$(grep '^\[  PASSED' "$log")"
}

# cases REGEX..: the tests that ctest knows by these names; all of them are run, and pass.
cases() {
  local log=$dir/ctest.log IFS='|'
  ctest --test-dir "$BUILD" --no-tests=error --timeout 900 --output-on-failure -j "$(nproc)" -R "^($*)" >"$log" 2>&1 || { tail -n 200 "$log"; exit 1; }
  ! grep -i '(Skipped)' "$log" || fail "something was skipped"
  printf 'figure: %s\n' "$(grep 'tests passed' "$log")"
}

# hostile PART: the cases with this in their names, as root, against all layers.
hostile() {
  bin/freshet-hostile-report --layers all --only "$1" >"$dir/hostile.log" 2>&1 || { cat "$dir/hostile.log"; exit 1; }
  printf 'figure: %s: %s\n' "${1:-all}" "$(tail -n 1 "$dir/hostile.log")"
}

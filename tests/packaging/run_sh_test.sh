#!/bin/bash
# tests/run.sh beside stand-ins for cmake and ctest: it may only pass when tests ran, passed, and none was skipped
# that nobody expected; and then it ends with ctest's own closing lines.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
die() { echo "$*"; cat "$scratch/out"; exit 1; }

mkdir -p "$scratch/bin" "$scratch/tree/tests" "$scratch/tree/packaging"
cp tests/run.sh "$scratch/tree/tests/"
printf '#!/bin/bash\n' | tee "$scratch/bin/cmake" "$scratch/tree/packaging/install-deps.sh" >/dev/null
# shellcheck disable=SC2016
printf '#!/bin/bash\ncat "%s/ctest.says"\nexit "$(cat "%s/ctest.status")"\n' "$scratch" "$scratch" >"$scratch/bin/ctest"
chmod +x "$scratch"/bin/* "$scratch"/tree/*/*.sh
printf '# a comment\nsandbox.Needs*  this machine has no such thing\n' >"$scratch/tree/tests/expected-skips.txt"

# passes STATUS TEXT: whether run.sh is content with a ctest that says TEXT and exits with STATUS
passes() {
  printf '%s' "$1" >"$scratch/ctest.status"
  printf '%s\n' "$2" >"$scratch/ctest.says"
  PATH=$scratch/bin:$PATH FRESHET_CHECK_DIR=$scratch/work "$scratch/tree/tests/run.sh" quick >"$scratch/out" 2>&1
}

closing='100% tests passed, 0 tests failed out of 12

Total Test time (real) =   0.30 sec'
passes 0 "12/12 Test #12: base.Last ....   Passed    0.01 sec

$closing" || die "did not pass when all passed"
[[ $(tail -n 3 "$scratch/out") == "$closing" ]] || die "does not end with ctest's closing lines"

skipped() {
  printf '1/1 Test #1: x ....***Skipped\n\n%s\n\nThe following tests did not run:\n\t  3 - %s (%s)\n' "$closing" "$1" "$2"
}
passes 0 "$(skipped sandbox.NeedsCgroup Skipped)" || die "an expected skip failed the run"
grep -q 'expected skip: sandbox.NeedsCgroup: this machine has no such thing' "$scratch/out" || die "does not say why it was skipped"
! passes 0 "$(skipped sandbox.Other Skipped)" || die "passed with an unexpected skip"
grep -q '^sandbox.Other$' "$scratch/out" || die "does not name the skipped test"
! passes 0 "$(skipped base.Off Disabled)" || die "passed with a disabled test"
! passes 8 "92% tests passed, 1 tests failed out of 12" || die "passed with a failed test"
! passes 0 "No tests were found!!!" || die "passed without tests"
! passes 0 "100% tests passed, 0 tests failed out of 0" || die "passed with no test run"
! passes 8 "$closing" || die "passed although ctest failed"

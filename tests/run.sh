#!/bin/bash
# Builds Freshet and runs its tests: tests/run.sh [quick|limits|asan|tsan|clang|fuzz|kernel|install|all].., default all.
#
#   quick    g++, optimised, warnings are errors; every test
#   limits   every limit of the specification, few samples, judged by their median (tests/benchmark/limits.sh has them all)
#   clang    clang++-19, warnings are errors; compiled, not run
#   asan     clang++-19 with AddressSanitizer and UndefinedBehaviorSanitizer; every test that can be judged there
#   tsan     clang++-19 with ThreadSanitizer; the tests of the manager
#   fuzz     a few seconds of every fuzz target (FRESHET_FUZZ_SECONDS, default 6)
#   kernel   the checks of tests/kernel on Debian's own kernel, emulated
#   install  cmake --install into an empty prefix, the program run from there, and a program that embeds the library
#
# It fails on any failure, on a run without tests, and on a skipped test that tests/expected-skips.txt does not list.
# When all is well it ends with the lines ctest closed the quick run with. Needs no terminal and no input.
set -euo pipefail

cd "$(dirname "${BASH_SOURCE[0]}")/.."
exec </dev/null
export LC_ALL=C.UTF-8
export NINJA_STATUS='[%f/%t, %e s] '
export CTEST_OUTPUT_ON_FAILURE=1 GTEST_COLOR=no

work=${FRESHET_CHECK_DIR:-$PWD/build/check}
jobs=$(nproc)
closing=

modes=("$@")
((${#modes[@]})) || modes=(all)
[[ " ${modes[*]} " != *" all "* ]] || modes=(quick limits asan tsan fuzz kernel install)

heading() { printf '\n==== %s (%d s so far)\n' "$*" "$SECONDS"; }
die() { printf '\ntests/run.sh: FAILED: %s\n' "$*" >&2; exit 1; }

# configure_and_build DIR OPTION..: all of it, or what $targets names
configure_and_build() {
  local dir=$work/$1 target=() name
  for name in ${targets:-}; do target+=(--target "$name"); done
  shift
  cmake -S . -B "$dir" -G Ninja -DFRESHET_WERROR=ON -DFRESHET_TESTS=ON "$@" >"$dir.log" 2>&1 ||
    { cat "$dir.log"; die "configuring $dir"; }
  cmake --build "$dir" --parallel "$jobs" "${target[@]}" || die "building $dir"
}

# Prints the skipped tests of a ctest log that nobody expected.
unexpected_skips() {
  local name pattern why
  sed -n '/^The following tests did not run:/,/^$/p' "$1" | sed -nE 's/^[[:space:]]+[0-9]+ - (.*) \(.*\)$/\1/p' |
    while IFS= read -r name; do
      why=
      while read -r pattern why; do
        [[ -z $pattern || $pattern == '#'* ]] && continue
        # shellcheck disable=SC2053  # the list holds patterns
        [[ $name == $pattern ]] && break
        why=
      done <tests/expected-skips.txt
      if [[ -n $why ]]; then printf 'expected skip: %s: %s\n' "$name" "$why" >&2; else printf '%s\n' "$name"; fi
    done
}

# run_ctest DIR OPTION..: runs the tests of a build and leaves ctest's closing lines in $closing.
run_ctest() {
  local dir=$work/$1 log=$work/$1.ctest.log status=0 skips
  shift
  ctest --test-dir "$dir" --no-tests=error --parallel $((2 * jobs)) --timeout 300 "$@" 2>&1 | tee "$log" || status=$?
  closing=$(sed -n '/^[0-9]*% tests passed/,$p' "$log")
  skips=$(unexpected_skips "$log")
  [[ -z $skips ]] || die "skipped, and not in tests/expected-skips.txt:
$skips"
  ((status == 0)) || die "tests in $dir"
  grep -Eq 'tests passed, 0 tests failed out of [1-9]' <<<"$closing" || die "no test was run in $dir"
}

with_clang=(-DCMAKE_C_COMPILER=clang-19 -DCMAKE_CXX_COMPILER=clang++-19)
sanitizer_options() {
  export ASAN_OPTIONS=abort_on_error=1:detect_stack_use_after_return=1
  export UBSAN_OPTIONS=print_stacktrace=1:halt_on_error=1
  export TSAN_OPTIONS=halt_on_error=1:abort_on_error=1
}

quick() {
  heading "quick: g++, -O2, all tests"
  configure_and_build quick
  run_ctest quick
}

limits() {
  heading "limits: of the specification"
  configure_and_build quick
  tests/benchmark/limits.sh --quick --build "$work/quick" || die "a limit of the specification is exceeded"
}

clang() {
  heading "clang: compile without a warning"
  configure_and_build clang "${with_clang[@]}" -DCMAKE_BUILD_TYPE=Debug
}

build_asan() {
  configure_and_build asan "${with_clang[@]}" -DCMAKE_BUILD_TYPE=None -DCMAKE_CXX_FLAGS="-O1 -g1" -DCMAKE_C_FLAGS="-O1 -g1" \
    -DFRESHET_SANITIZE=address -DFRESHET_FUZZ=ON
}

asan() {
  heading "asan: clang++-19, AddressSanitizer and UndefinedBehaviorSanitizer"
  build_asan
  (sanitizer_options; run_ctest asan --label-exclude ordinary-only)
}

tsan() {
  heading "tsan: clang++-19, ThreadSanitizer, the manager with the roles of the quick build"
  configure_and_build quick
  targets="unit_manager unit_metrics org.freshet.expired-files" configure_and_build tsan "${with_clang[@]}" -DCMAKE_BUILD_TYPE=None \
    -DCMAKE_CXX_FLAGS="-O1 -g1" -DCMAKE_C_FLAGS="-O1 -g1" -DFRESHET_SANITIZE=thread -DFRESHET_ROLES_FROM="$work/quick"
  (sanitizer_options; run_ctest tsan --label-exclude ordinary-only --tests-regex '^(manager|metrics)\.')
}

fuzz() {
  local target name scratch seconds=${FRESHET_FUZZ_SECONDS:-6} status inputs dir
  heading "fuzz: $seconds s a target"
  build_asan
  for target in "$work"/asan/bin/fuzz_*; do
    [[ -x $target && $target != */fuzz_replay_* ]] || continue
    name=${target##*/fuzz_}
    scratch=$(mktemp -d "$work/corpus.$name.XXXXXX")
    mkdir -p "$work/fuzz-findings"
    inputs=("$scratch")
    for dir in tests/fuzz/seeds/$name tests/fuzz/regressions/$name; do
      [[ ! -d $dir ]] || inputs+=("$dir")
    done
    status=0
    (
      sanitizer_options
      "$target" -max_total_time="$seconds" -timeout=20 -rss_limit_mb=2048 -print_final_stats=1 \
        -artifact_prefix="$work/fuzz-findings/$name." "${inputs[@]}"
    ) >"$work/fuzz.$name.log" 2>&1 || status=$?
    rm -rf "$scratch"
    ((status == 0)) || { tail -n 60 "$work/fuzz.$name.log"; die "fuzz target $name (input in $work/fuzz-findings)"; }
    printf '%-24s %s executions, clean\n' "$name" "$(sed -n 's/^stat::number_of_executed_units: *//p' "$work/fuzz.$name.log")"
  done
}

kernel() {
  heading "kernel: Debian's own, emulated"
  configure_and_build quick
  if ((EUID)); then
    echo "expected skip: kernel: only root can lend its files to another machine" >&2
    return
  fi
  tests/kernel/run.sh --build "$work/quick" || die "tests/kernel/run.sh"
}

install_check() {
  local prefix plugins check
  heading "install: into an empty prefix"
  configure_and_build quick
  prefix=$(mktemp -d "$work/prefix.XXXXXX")
  cmake --install "$work/quick" --prefix "$prefix" >"$work/install.log" || { cat "$work/install.log"; die "cmake --install"; }
  (cd "$prefix" && find . -type f -o -type l | sort)
  plugins=$("$prefix/bin/freshet" --state-dir "$prefix/state" plugins list --json) || die "freshet plugins list from the prefix"
  grep -q org.freshet.expired-files <<<"$plugins" || die "the installed program does not find its plugins: $plugins"
  for check in exports host_program public_headers; do
    "tests/embed/$check.sh" "$prefix" || die "tests/embed/$check.sh"
    echo "embed: $check: as it should be"
  done
  rm -rf "$prefix"
}

packaging/install-deps.sh --tests
mkdir -p "$work"
main_closing=
for mode in "${modes[@]}"; do
  case $mode in
    quick) quick; main_closing=$closing ;;
    limits | asan | tsan | clang | fuzz | kernel) "$mode" ;;
    install) install_check ;;
    *) sed -n '2,13s/^# \{0,1\}//p' "${BASH_SOURCE[0]}" >&2; exit 64 ;;
  esac
done
heading "all well: ${modes[*]}"
[[ -z $main_closing ]] || printf '%s\n' "$main_closing"

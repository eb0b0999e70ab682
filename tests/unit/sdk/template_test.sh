#!/bin/sh
# From an installed prefix to a plugin that works, as a new author would: `plugins new`, build, test, look into it; in both
# languages. usage: template_test.sh FRESHET BUILD CMAKE C++-COMPILER
set -eu
freshet=$1 build=$2 cmake=$3 compiler=$4
ctest=$(dirname "$cmake")/ctest
work=$(mktemp -d "${TMPDIR:-/tmp}/freshet-template.XXXXXX")
trap 'rm -rf "$work"' EXIT
quietly() { "$@" >"$work/log" 2>&1 || { echo "FAILED: $*"; cat "$work/log"; exit 1; }; }

quietly "$cmake" --install "$build" --prefix "$work/prefix" --component sdk
for language in c c++; do
  project=$work/$language
  id=org.vendor.$(echo "$language" | tr + p)
  quietly "$freshet" plugins new old-things --lang "$language" --dir "$project" --id "$id" --license MIT
  quietly "$cmake" -S "$project" -B "$project/build" -DCMAKE_PREFIX_PATH="$work/prefix" \
    -DCMAKE_CXX_COMPILER="$compiler" -DCMAKE_C_FLAGS=-Werror -DCMAKE_CXX_FLAGS=-Werror
  quietly "$cmake" --build "$project/build"
  quietly "$ctest" --test-dir "$project/build" --no-tests=error --output-on-failure
  for test in unit check; do
    grep -q "$test \.\." "$work/log" || { echo "the test $test did not run"; cat "$work/log"; exit 1; }
  done
  quietly "$freshet" --state-dir "$work/state" plugins inspect "$project/build/$id.so"
  grep -q older-than "$work/log"
  quietly "$cmake" --install "$project/build"
  find "$work/prefix" -path '*/freshet/plugins/*' -name "$id.so" | grep -q . || { echo "$id.so was not installed"; exit 1; }
done
echo "both plugins were built, tested, looked into and installed"

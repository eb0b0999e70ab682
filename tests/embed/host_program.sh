#!/bin/bash
# Configures, builds and runs a program that embeds Freshet, against an installed tree: host_program.sh PREFIX
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
prefix=$(cd "${1:?usage: host_program.sh PREFIX}" && pwd)
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

cmake -S "$here/cache_server" -B "$scratch/build" -DCMAKE_PREFIX_PATH="$prefix" -DCMAKE_BUILD_TYPE=Release >"$scratch/log" 2>&1 &&
  cmake --build "$scratch/build" >>"$scratch/log" 2>&1 || { cat "$scratch/log"; exit 1; }
program=$scratch/build/cache_server
starts() { wc -l <"$program.started"; }

mkdir "$scratch/work" "$scratch/other"
"$program" "$scratch/work"
[[ $(starts) == 1 ]] || { echo "the program was started $(starts) times: it executed itself"; exit 1; }

# The same count where it is made to execute itself.
rm "$program.started"
"$program" "$scratch/other" itself
(($(starts) > 1)) || { echo "a program that executes itself was not noticed"; exit 1; }

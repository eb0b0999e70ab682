#!/bin/bash
# The limits of the specification beside what this machine needs: one table, with 1,000 registered tasks.
set -euo pipefail

usage() {
  cat <<'END'
Usage: tests/benchmark/limits.sh [OPTION..]

  --build DIR   a build of Freshet with its tests (default: build/check/quick, else build)
  --place DIR   where trees and state are made (default: a fresh directory in TMPDIR or /tmp)
  --quick       few samples, judged by their median

Exits 1 when a p99 (--quick: a median) is over its limit. A missed tenth is only printed.
END
}

source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
build='' place='' quick=0
take_options 'build place' 'quick' "$@"
find_build limits
work=$(mktemp -d "${place:-${TMPDIR:-/tmp}}/freshet-limits.XXXXXX")
trap 'rm -rf "$work"' EXIT
arguments=(--place "$work")
((!quick)) || arguments+=(--quick)
"$build/bin/limits" "${arguments[@]}"
printf '%d CPUs, Linux %s, %s\n' "$(nproc)" "$(uname -r)" "$(stat -f -c %T "$work")"

#!/bin/bash
# How long a worker and a broker take to stand ready and locked, beside one bwrap: on all CPUs, and pinned to one.
set -euo pipefail

usage() {
  cat <<'END'
Usage: tests/benchmark/startup.sh [OPTION..]

  --build DIR   a build of Freshet with its tests (default: build/check/quick, else build)
  --place DIR   where roots are made (default: a fresh directory in TMPDIR or /tmp)
  --rounds N    samples of each variant, interleaved (default 50)
END
}

source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
build='' place='' rounds=50
take_options 'build place rounds' '' "$@"
command -v bwrap >/dev/null || { echo "startup.sh: no bwrap; packaging/install-deps.sh --tests installs it" >&2; exit 1; }
find_build startup
work=$(mktemp -d "${place:-${TMPDIR:-/tmp}}/freshet-startup.XXXXXX")
trap 'rm -rf "$work"' EXIT
echo "all $(nproc) CPUs, Linux $(uname -r)"
"$build/bin/startup" --place "$work" --rounds "$rounds"
printf '\npinned to one CPU\n'
taskset -c "$(($(nproc) - 1))" "$build/bin/startup" --place "$work" --rounds "$rounds"

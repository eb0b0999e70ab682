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

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
source_dir=$(cd "$here/../.." && pwd)
build='' place='' quick=()
while (($#)); do
  case $1 in
    --quick) quick=(--quick) ;;
    -h | --help) usage; exit 0 ;;
    --build | --place)
      (($# > 1)) || { usage >&2; exit 64; }
      name=${1#--}
      printf -v "$name" '%s' "$2"
      shift
      ;;
    *) usage >&2; exit 64 ;;
  esac
  shift
done
if [[ -z $build ]]; then
  build=$source_dir/build/check/quick
  [[ -x $build/bin/limits ]] || build=$source_dir/build
fi
[[ -x $build/bin/limits ]] || { echo "limits.sh: no $build/bin/limits; build first (tests/run.sh quick)" >&2; exit 1; }
work=$(mktemp -d "${place:-${TMPDIR:-/tmp}}/freshet-limits.XXXXXX")
trap 'rm -rf "$work"' EXIT
"$build/bin/limits" --place "$work" "${quick[@]}"
printf '%d CPUs, Linux %s, %s\n' "$(nproc)" "$(uname -r)" "$(stat -f -c %T "$work")"

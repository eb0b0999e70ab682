#!/bin/bash
# The quick start itself, with the program of this build installed into a prefix: quickstart_test.sh BUILD WAY
# WAY: plain (as whoever runs the tests), ordinary-user, without-namespaces, plan-only
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
build=$1 way=$2
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
chmod 0755 "$scratch"
die() { echo "$*"; cat "$scratch/out"; exit 1; }

# Copies, since an ordinary user may not be able to reach the clone.
cmake --install "$build" --prefix "$scratch/prefix" >/dev/null
mkdir -m 0755 "$scratch/clone" "$scratch/home"
cp -r packaging "$scratch/clone/"
chmod -R a+rX "$scratch"
as=()
if [[ $way == ordinary-user ]] && ((EUID == 0)); then
  chown -R 65534:65534 "$scratch/home"
  as=(setpriv --reuid=65534 --regid=65534 --clear-groups)
fi
[[ $way != without-namespaces ]] || as=("$build/bin/without_namespaces")
quickstart() {
  "${as[@]}" env HOME="$scratch/home" TMPDIR="$scratch/home" FRESHET_PROGRAM="$scratch/prefix/bin/freshet" \
    "$scratch/clone/packaging/quickstart.sh" "$@" </dev/null >"$scratch/out" 2>&1
}

if [[ $way == plan-only ]]; then
  packaging/demo_tree.sh "$scratch/demo"
  packaging/tree_manifest.sh "$scratch/demo" >"$scratch/before"
  quickstart "$scratch/demo" || die "the quick start with a directory failed"
  packaging/tree_manifest.sh "$scratch/demo" >"$scratch/after"
  cmp "$scratch/before" "$scratch/after" || die "a plan changed the directory"
  grep -q 'nothing in .* was changed' "$scratch/out" || die "does not say that nothing was changed"
  mkdir "$scratch/all old"
  touch -d '60 days ago' "$scratch/all old/"{1..120}
  quickstart "$scratch/all old" || die "no plan of a directory that is old as a whole"
  grep -Eq '^To be removed +120$' "$scratch/out" || die "not all of it is in the plan"
else
  quickstart || die "the quick start failed"
  grep -q 'entries are back: names' "$scratch/out" || die "no proof that the tree came back"
  grep -q 'Was the figure true' "$scratch/out" || die "no comparison of the free space"
  expected=strict
  [[ $way != without-namespaces ]] || expected=best-effort
  [[ $(grep -A 1 '── Demo' "$scratch/out" | tail -n 1) == "Isolation: $expected."* ]] || die "does not begin with '$expected'"
fi
[[ -z $(ls -A "$scratch/home") ]] || die "left something behind: $(ls -A "$scratch/home")"

#!/bin/bash
# A plugin with one fault fails one verdict, and no other: one_verdict.sh FRESHET PLUGIN VERDICT [ARGUMENT..]. With `none`
# it passes, and proposes of its recorded tree what the file $EXPECTED says.
set -euo pipefail
freshet=$1 plugin=$2 want=$3
shift 3
work=$(mktemp -d "${TMPDIR:-/tmp}/freshet-verdict.XXXXXX")
trap 'rm -rf "$work"' EXIT
code=0
"$freshet" plugins check "$plugin" --verbose "$@" >"$work/out" 2>"$work/err" || code=$?
failed=$(sed -n 's/^  failed   \([a-z-]*\):.*/\1/p' "$work/out" | sort | tr '\n' ' ')
if [[ $want == none ]]; then
  [[ $code == 0 && -z $failed ]] || { echo "exit $code, failed: $failed"; cat "$work/out" "$work/err"; exit 1; }
  [[ -z ${EXPECTED:-} ]] || diff <(sed -n "s|^  proposes ||; T; s|^$(dirname "$EXPECTED")/||; p" "$work/out" | sort) <(sort "$EXPECTED")
else
  [[ $code == 1 && $failed == "$want " ]] || { echo "exit $code, failed: $failed; wanted $want"; cat "$work/out" "$work/err"; exit 1; }
  for word in where seen why mend; do grep -q "^    $word " "$work/out" || { echo "it does not say: $word"; exit 1; }; done
fi
grep -E ' (passed|not tried)' "$work/out" | tail -1

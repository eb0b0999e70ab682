# A reader that goes away ends the output, never the work, and is no error.
source "$(dirname "$0")/lib.sh"
write_config
old_files "$root/a" 3000
set +o pipefail
freshet plan --json 2>"$err" | head -n 1 >"$out"
codes=("${PIPESTATUS[@]}")
[[ ${codes[0]} == 0 ]] || fail "plan: exit ${codes[0]}"
[[ ! -s $err ]] || fail "it complained"
freshet run --yes --json 2>"$err" | true
codes=("${PIPESTATUS[@]}")
[[ ${codes[0]} == 0 ]] || fail "run: exit ${codes[0]}"
set -o pipefail
[[ ! -e $root/a ]] || fail "the run was lost"
expect 0 rollback latest
expect 0 plan --full
(($(wc -l <"$out") > 3000)) || fail "--full lists too little"
freshet plan >/dev/full 2>"$err" </dev/null && fail "a full disk was not told"
says "$err" 'No space left'

# Closed streams: what is opened next must not take their place, and be written into.
old_files "$root/b" 3
got=0
"$FRESHET" --config "$config" --state-dir "$state" run --yes <&- >&- 2>&- || got=$?
[[ $got == 1 ]] || fail "with closed streams: exit $got"
[[ ! -e $root/b ]] || fail "the run was lost"
expect 0 history
says "$out" done
silent "$out" interrupted
! grep -q 'writing the output' "$state/history.db" || fail "messages are in the history"
expect 0 rollback latest

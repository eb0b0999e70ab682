# Progress is for a terminal: entries, found, bytes and rate; lines of the log never run into it.
source "$(dirname "$0")/lib.sh"
command -v script >/dev/null || skip "script(1) is not installed"
write_config 'settings = { older-than = "30d", age-by = ["mtime"] }'
rmdir "$root"
"$MAKE_TREE" "$root" 5000 50 100 40
on_terminal() {
  script -qec "stty cols 100; $FRESHET --config $config --state-dir $state $*" /dev/null >"$out" 2>"$err" </dev/null ||
    fail "freshet $* on a terminal"
}
on_terminal plan --verbose
tr '\r' '\n' <"$out" >"$dir/lines"
grep -Eq '^scanning  [0-9,]+ entries  [0-9,]+ found  [0-9.]+ [KM]?i?B' "$dir/lines" || fail "no progress of the scan"
grep -Eq ' info run=[^ ]+ channel=old task=old admitted' "$dir/lines" || fail "no log beside the progress"
! grep -E 'scanning.* info run=' "$dir/lines" || fail "the log runs into the progress"
on_terminal run --yes
tr '\r' '\n' <"$out" >"$dir/lines"
grep -Eq '^removing  [0-9,]+ of 5,000  [0-9.]+ [KM]iB' "$dir/lines" || fail "no bytes in the progress of the removal"
(($(grep -n 'To be removed' "$dir/lines" | cut -d: -f1) < $(grep -n -m 1 '^removing' "$dir/lines" | cut -d: -f1))) ||
  fail "something was removed before the plan was shown"
expect 0 plan
silent "$err" scanning
on_terminal rollback latest
tr '\r' '\n' <"$out" >"$dir/lines"
grep -Eq '^putting back  [0-9,]+  ' "$dir/lines" || fail "no progress of the rollback"
on_terminal run --yes
on_terminal purge latest
tr '\r' '\n' <"$out" >"$dir/lines"
grep -Eq '^purging  [0-9,]+ of 5,000  ' "$dir/lines" || fail "no progress of the purge"

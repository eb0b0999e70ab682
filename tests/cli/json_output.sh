# What machines read agrees with what happened.
source "$(dirname "$0")/lib.sh"
write_config
old_files "$root/a" 5
old_files "$root/b" 3
echo fresh >"$root/b/fresh"

expect 0 plan --json
[[ $(json --count) == 10 ]] || fail "$(json --count) lines, expected 9 findings and a summary"
expect_json /object summary
expect_json /entries 9
expect_json /tasks/0/name old
expect_json /tasks/0/roots/0/path "$root"
json --all /path | grep -qx "$root/a/3" || fail "a finding is missing"
json --all /reason | grep -q 'mtime 40 d' || fail "reasons are missing"
[[ $(json --all /type | sort | uniq -c | tr -s ' \n' ' ') == ' 1 directory 8 file ' ]] || fail "types are wrong"
[[ -e $root/a/3 ]] || fail "a plan removed something"

expect 0 run --yes --json
[[ $(json --count) == 1 ]] || fail "more than one object"
expect_json /status done
expect_json /entries_removed 9
expect_json /bytes_reclaimed_now 0
(($(json /bytes_reclaimable_at_purge) > 0)) || fail "nothing is reclaimable"
expect_json /tasks/0/name old
expect_json /tasks/0/status committed
expect_json /tasks/0/entries_found 9
expect_json /tasks/0/entries_removed 9
expect_json /tasks/0/entries_refused 0
[[ $(json --all /tasks/0/resources/0/name) == 'memory reclamation' && $(json --all /tasks/0/resources/3/passed) == true ]] ||
  fail "the resource checks are missing"
id=$(json /run_id)

expect 0 history --json
expect_json /run_id "$id"
expect_json /in_quarantine true
expect 0 rollback "$id" --json
expect_json /complete true
expect 0 status --json
[[ ! -s $out ]] || fail "something waits after the rollback"

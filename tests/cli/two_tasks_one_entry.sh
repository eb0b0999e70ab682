# Tasks whose roots are nested share a channel; what both want goes to the first, and the other says who took it.
source "$(dirname "$0")/lib.sh"
old_files "$root/in" 3
old_files "$root/out" 2
{ task b-inner "$root/in"; task a-outer "$root"; } >"$config"
expect 0 check
expect 0 plan
says "$out" 'taken by a-outer'
expect 0 run --yes --json
expect_json /tasks/0/name a-outer
expect_json /tasks/1/entries_removed 0
remember
expect 0 rollback latest
[[ -e $root/in/3 ]] || fail "it did not come back"

# Every run ends by purging what was kept long enough, and says so; never the run just made.
source "$(dirname "$0")/lib.sh"
write_config 'settings = { older-than = "30d", age-by = ["mtime"] }' 'quarantine = { keep = "1s" }'
old_files "$root/a" 2
expect 0 run --yes --json
first=$(json /run_id)
sleep 1.2
old_files "$root/b" 2
expect 0 run --yes --json
expect_json /purged/0/run_id "$first"
[[ -z $(json /purged/1 || true) ]] || fail "more than the first run was purged"
second=$(json /run_id)
expect 1 rollback "$first"
expect 0 rollback "$second"
[[ -e $root/b/1 ]] || fail "the run just made was purged"
expect 0 run --yes
sleep 1.2
expect 0 purge --expired
says "$out" 'Purged run'

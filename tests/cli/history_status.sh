# What `history` and `status` tell over the life of a run.
source "$(dirname "$0")/lib.sh"
write_config
expect 0 history
says "$out" 'No run yet'
expect 0 status
says "$out" 'Nothing waits'
old_files "$root/a" 3
expect 0 run --yes --json
id=$(json /run_id)
bytes=$(json /bytes_reclaimable_at_purge)
expect 0 history
says "$out" "$id" done old
expect 0 status
says "$out" 'In the quarantine: 4 entries' "$id" 'kept for 6 d'
expect 0 purge "${id:0:8}" --json
expect_json /purged/0/run_id "$id"
expect_json /purged/0/bytes "$bytes"
expect 0 status
says "$out" 'Nothing waits'
expect 0 history --json
expect_json /status purged
expect 0 purge --expired
says "$out" 'Nothing to purge'
mv "$config" "$config.away"
expect 0 history
expect 1 plan

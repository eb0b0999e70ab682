# Quarantine mode `none` needs a word of its own, frees at once, and cannot be taken back.
source "$(dirname "$0")/lib.sh"
old_files "$root/a" 3
remember
settings='settings = { older-than = "30d", age-by = ["mtime"], empty-directories = true }'
write_config "$settings" 'quarantine = { mode = "none" }'
expect 4 check
says "$err" F1002 irreversible
expect 4 run --yes
unchanged
write_config "$settings" 'quarantine = { mode = "none" }' 'irreversible = "allowed"'
expect 0 check
expect 0 plan
says "$out" none
expect 0 run --yes --json
expect_json /entries_removed 4
expect_json /bytes_reclaimable_at_purge 0
(($(json /bytes_reclaimed_now) > 0)) || fail "nothing was freed"
[[ -z $(ls -A "$root") ]] || fail "something is left: $(ls -A "$root")"
got=0
freshet rollback latest >"$out" 2>"$err" </dev/null || got=$?
[[ $got == 1 || $got == 3 ]] || fail "a rollback of what is gone: exit $got"
expect 0 history
says "$out" done

# What a plugin says of sizes makes no quarantine look full, or empty: earlier runs stay, and no more goes in than may.
source "$(dirname "$0")/lib.sh"
plugins=(--plugin-dir "$TEST_PLUGINS/hostile")
# by PLUGIN MAX [SETTINGS]
by() {
  printf '[task.t]\nplugin = "org.freshet.test.%s"\nroots = [{ path = "%s" }]\nbudget = { share = 1.0 }\n' "$1" "$root" >"$config"
  printf 'quarantine = { max = "%s" }\n%s\n' "$2" "${3:-}" >>"$config"
}
old_files "$root/a" 3
by well-behaved 1GiB
expect 0 run --yes --json "${plugins[@]}"
expect_json /entries_removed 4
first=$(json /run_id)
echo x >"$root/b" && old "$root/b"
by forge 1GiB 'settings = { how = "large" }'
expect 0 run --yes --json "${plugins[@]}"
expect_json /entries_removed 1
(($(json /bytes_reclaimable_at_purge) < 1000000)) || fail "a file of a few bytes is a gigabyte"
silent "$out" "$first"
expect 0 rollback latest
expect 0 rollback "$first"
[[ -e $root/a/1 && -e $root/b ]] || fail "it was not put back"

# Half of what is there fits.
rm -rf "${root:?}"/*
for n in 1 2 3 4; do head -c 600000 /dev/zero | tr '\0' x >"$root/$n"; done
old "$root"/*
sync
by forge 1MiB 'settings = { how = "small" }'
expect 3 run --yes --json "${plugins[@]}"
expect_json /entries_removed 1
expect 0 rollback latest

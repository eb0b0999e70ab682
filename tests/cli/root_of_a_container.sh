# Root of a user namespace alone, as in a container that an ordinary user started: it may make networks and mounts, and not
# come back to the host's. All works there that needs no more.
source "$(dirname "$0")/lib.sh"
((EUID == 0)) || skip "to any other user / belongs to somebody unknown there"
unshare --map-root-user --mount true 2>/dev/null || skip "this machine grants no user namespace"
freshet() { unshare --map-root-user --mount "$FRESHET" --config "$config" --state-dir "$state" "$@"; }
old_files "$root/a" 5
write_config
remember
if ! freshet doctor --json </dev/null | "$JSON_GET" /strict | grep -qx true; then
  sed -i '1i isolation = "best-effort"' "$config"
fi
expect 0 check
expect 0 run --yes --json
expect_json /entries_removed 6
expect 0 verify latest
expect 0 rollback latest
unchanged

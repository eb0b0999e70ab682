# quarantine.at = "mount-top" for an ordinary user: at the top of a mount that is his own, never at that of another.
source "$(dirname "$0")/lib.sh"
if ((EUID == 0)) && [[ -z ${USER_ID:-} ]]; then
  user=65534
  share_freshet
  freshet() { HOME=$dir setpriv --reuid=$user --regid=$user --clear-groups "$FRESHET" --config "$config" --state-dir "$state" "$@"; }
  mount -t tmpfs -o size=16m,mode=755,uid=$user,gid=$user tmpfs "$root" 2>/dev/null || skip "this machine lets nothing be mounted"
  at_exit+=("umount '$root'")
elif [[ -z ${USER_ID:-} ]]; then
  # His own namespaces let him mount; two more turns make him the ordinary user again, on that mount.
  unshare --map-root-user --mount true 2>/dev/null || skip "only root, or a user with namespaces of his own, may mount"
  cleanup
  export USER_ID=$EUID GROUP_ID=$(id -g) USER_MOUNT
  USER_MOUNT=$(mktemp -d "${TMPDIR:-/tmp}/freshet-cli.XXXXXX")
  got=0
  unshare --map-root-user --mount bash -c 'mount -t tmpfs -o size=16m,mode=755 tmpfs "$USER_MOUNT" || exit 77
    exec unshare --user --map-user="$USER_ID" --map-group="$GROUP_ID" bash "$0"' "$0" || got=$?
  rmdir "$USER_MOUNT"
  exit $got
else
  user=$EUID
  rmdir "$root"
  root=$USER_MOUNT
  at_exit+=("find '$root' -mindepth 1 -delete")
fi
[[ $user != 0 ]] || fail "not an ordinary user"
area=$root/.freshet-$user

write_top_config() { write_config 'quarantine = { at = "mount-top" }' 'floors = { spare-in-use = false }' \
  'settings = { older-than = "30d", age-by = ["mtime"], empty-directories = true }'; }
old_files "$root/cache/a" 3
old_files "$root/cache/whole/deep" 3
echo fresh >"$root/cache/fresh"
mkdir -p "$state"
((EUID != 0)) || chown -R "$user:$user" "$state" "$root"
find "$root/cache" -mindepth 1 -type d -exec touch -d '40 days ago' {} +
touch -d '50 days ago 00:00:00.123456789' "$root"
top=$root
root=$top/cache
write_top_config
root=$top
if ! freshet doctor --json </dev/null | "$JSON_GET" /strict | grep -qx true; then
  sed -i '1i isolation = "best-effort"' "$config"
fi
remember

expect 0 check
unchanged
expect 0 run --yes
[[ -d $area && $(stat -c %u:%a "$area") == "$user:700" ]] || fail "the area is not at the top, or not the user's own"
[[ ! -e $top/cache/a && ! -e $top/cache/whole && -e $top/cache/fresh && -z $(find "$top/cache" -name '.freshet*') ]] || fail "the wrong entries went"
[[ $(stat -c %.9Y "$top") == *.123456789 ]] || fail "the times of the top are lost"
expect 0 verify latest
expect 0 rollback latest
unchanged
expect 0 run --yes
expect 0 purge latest
[[ ! -e $area && ! -e $top/cache/a && -e $top/cache/fresh ]] || fail "the purge left something or took too much"

# A folder of his own on a mount that is not his.
if ((EUID == 0)); then
  old_files "$root/cache/a" 3
  chown -R "$user:$user" "$root/cache"
  chown 0:0 "$root"
  remember
  expect 4 run --yes
  tr -s ' \n' ' ' <"$out" | grep -qF 'belongs to uid 0, not to the user that Freshet runs as' || fail "it is not said whose the top is"
  says "$out" F1019
  unchanged
fi

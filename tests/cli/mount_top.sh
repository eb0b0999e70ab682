# quarantine.at = "mount-top" on real mounts: one area for all roots and channels of a mount, at its top; refused where
# that is not the user's own.
source "$(dirname "$0")/lib.sh"
((EUID == 0)) || skip "only root may mount"
small() { mount -t tmpfs -o size=16m,mode=755 tmpfs "$1" 2>/dev/null; }
ext4() {
  truncate -s 16M "$dir/image" && mkfs.ext4 -q -F "$dir/image" 2>/dev/null && mount -o loop "$dir/image" "$1" 2>/dev/null &&
    rmdir "$1/lost+found"
}
kinds=()
mkdir "$dir/small" "$dir/ext4"
for kind in small ext4; do
  $kind "$dir/$kind" || continue
  at_exit+=("umount '$dir/$kind'")
  kinds+=("$kind")
done
((${#kinds[@]} > 0)) || skip "this machine lets nothing be mounted"

two_channels() {  # one with two roots, one with one
  local settings='settings = { older-than = "30d", age-by = ["mtime"], empty-directories = true }'
  printf '[channel.web]\nroots = [{ path = "%s" }, { path = "%s" }]\nquarantine = { at = "mount-top" }\nbudget = { share = 1.0 }\n' "$root/web" "$root/srv/www"
  printf '[channel.logs]\nroots = [{ path = "%s" }]\nquarantine = { at = "mount-top" }\nbudget = { share = 1.0 }\n' "$root/logs"
  for name in web logs; do printf '[task.%s]\nplugin = "org.freshet.expired-files"\nchannel = "%s"\n%s\n' $name $name "$settings"; done
}

for kind in "${kinds[@]}"; do
  root=$dir/$kind
  area=$root/.freshet
  old_files "$root/web/a" 3
  old_files "$root/srv/www/whole/deep" 3
  old_files "$root/logs" 2
  find "$root" -mindepth 1 -type d -exec touch -d '40 days ago' {} +
  touch -d '50 days ago 00:00:00.123456789' "$root" "$root/srv"
  two_channels >"$config"
  remember

  expect 0 check
  unchanged
  [[ ! -e $area ]] || fail "the trial left its area"
  expect 0 plan
  says "$out" 'at the top of the mount'
  unchanged
  expect 0 run --yes
  [[ -d $area/web && -d $area/logs && -z $(find "$root/web" "$root/srv" "$root/logs" -name '.freshet*') ]] || fail "not in one area at the top"
  [[ ! -e $root/web/a && ! -e $root/srv/www/whole && -z $(ls "$root/logs") ]] || fail "entries stayed"
  [[ $(stat -c %.9Y "$root") == "$(sed -n 's/^\. .*  \([0-9]*\.[0-9]\{9\}\).*/\1/p' "$dir/before")" ]] || fail "the times of the top are lost"
  expect 0 verify latest
  expect 0 rollback latest
  unchanged

  # Each channel's run comes and goes without the other's.
  expect 0 run --yes web
  expect 0 run --yes --json logs
  logs=$(json /run_id)
  expect 0 purge "$logs"
  [[ -d $area/web && ! -e $area/logs && -z $(ls "$root/logs") ]] || fail "the purge did not keep to its channel"
  expect 0 rollback latest
  [[ -e $root/web/a/3 && ! -e $area ]] || fail "the rollback left something"

  # Another plan's place is not taken over.
  expect 0 plan --out "$dir/plan" web
  sed -i 's/mount-top/in-root/' "$config"
  expect 4 run --yes --plan "$dir/plan"
  tr -s ' \n' ' ' <"$out" | grep -qF 'is not where it was when the plan was made' || fail "another plan's place was taken over"
  [[ -e $root/web/a/3 ]] || fail "it went all the same"
  rm "$dir/plan"

  # A root that is the top itself: scans skip the area.
  printf '[task.all]\nplugin = "org.freshet.expired-files"\nroots = [{ path = "%s" }]\nquarantine = { at = "mount-top" }\nbudget = { share = 1.0 }\nsettings = { older-than = "30d", age-by = ["mtime"] }\n' "$root" >"$config"
  expect 0 run --yes
  expect 0 plan
  silent "$out" .freshet/
  expect 0 rollback latest
  [[ -e $root/web/a/3 && ! -e $area ]] || fail "the rollback left something of the top's own run"

  # Not the user's own, or open to others.
  two_channels >"$config"
  chown 12345 "$root"
  expect 4 run --yes
  says "$out" F1019 'belongs to uid 12345'
  chown 0 "$root"
  chmod 0777 "$root"
  expect 4 run --yes
  says "$out" F1019
  chmod 1777 "$root"
  expect 0 run --yes
  expect 0 rollback latest
  [[ -e $root/web/a/3 ]] || fail "the rollback left something below a sticky top"
done

# Two channels share one area at the top of a mount: runs, rollbacks and kills of one never disturb the other, and the
# top keeps its times.
# On a tmpfs inode numbers are small, and what is mapped on any device without a number of its own counts as in use: not
# asked for here.
source "$(dirname "$0")/lib.sh"
((EUID == 0)) || skip "only root may mount"
mount -t tmpfs -o size=16m,mode=755 tmpfs "$root" 2>/dev/null || skip "this machine lets nothing be mounted"
at_exit+=("umount '$root'")
for name in web logs; do
  old_files "$root/$name/a" 20
  old_files "$root/$name/b/deep" 20
  printf '[task.%s]\nplugin = "org.freshet.expired-files"\nroots = [{ path = "%s" }]\nquarantine = { at = "mount-top" }\nfloors = { spare-in-use = false }\nbudget = { share = 1.0 }\nsettings = { older-than = "30d", age-by = ["mtime"], empty-directories = true }\n' \
    $name "$root/$name"
done >"$config"
find "$root" -mindepth 1 -type d -exec touch -d '40 days ago' {} +
touch -d '50 days ago 00:00:00.123456789' "$root"
remember

# side NAME: ten runs of one channel, each taken back.
side() {
  local n id
  for n in 1 2 3 4 5 6 7 8 9 10; do
    freshet run --yes --json "$1" >"$dir/$1.out" 2>"$dir/$1.err" </dev/null || return 1
    id=$("$JSON_GET" /run_id <"$dir/$1.out")
    [[ ! -e $root/$1/a ]] || return 2
    freshet rollback "$id" >>"$dir/$1.out" 2>>"$dir/$1.err" </dev/null || return 3
    [[ -e $root/$1/a/20 && -e $root/$1/b/deep/20 ]] || return 4
  done
}
side web & web=$!
side logs & logs=$!
wait "$web" || fail "web: $? $(cat "$dir"/web.*)"
wait "$logs" || fail "logs: $? $(cat "$dir"/logs.*)"
unchanged
[[ ! -e $root/.freshet ]] || fail "an empty area is left"

# Kills of a run of one, while what the other moved waits in the area, and while it does not.
for other in waits gone; do
  [[ $other == gone ]] || { expect 0 run --yes --json logs; id=$(json /run_id); }
  manifest "$root/web" >"$dir/web-before"
  for ((moment = 0; moment < 15; ++moment)); do
    start run --yes web
    sleep "$(printf '0.%03d' $((moment * 12)))"
    kill -KILL "$pid" 2>/dev/null || true
    wait "$pid" 2>/dev/null || true
    freshet rollback latest >"$out" 2>"$err" </dev/null || grep -q 'no run that could be taken back' "$err" || fail "rollback at moment $moment"
    if [[ $other == waits && ! -e $root/logs/a ]]; then
      manifest "$root/web" | diff "$dir/web-before" - >&2 || fail "not as it was, moment $moment"
      [[ -d $root/.freshet/logs ]] || fail "what waits of the other is gone"
    fi
    if [[ $other == gone ]]; then
      unchanged
      [[ ! -e $root/.freshet ]] || fail "an empty area is left at moment $moment"
    fi
  done
  [[ $other == gone ]] || [[ -e $root/logs/a ]] || expect 0 rollback "$id"
done

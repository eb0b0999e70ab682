# SIGKILL of the manager, a broker or a worker at 20 moments of a run each: every entry is at its origin or in the
# quarantine exactly once, and `rollback latest` brings all of it back.
source "$(dirname "$0")/lib.sh"
write_config
for ((n = 0; n < 60; ++n)); do
  mkdir "$root/$n" "$root/$n/whole"
  for m in 1 2 3 4 5 6 7 8 9; do echo "$n $m" >"$root/$n/$m"; echo "$n $m" >"$root/$n/whole/$m"; done
done
find "$root" -exec touch -d '40 days ago' {} +
for ((n = 0; n < 60; ++n)); do : >"$root/$n/fresh"; done
remember
# Regular files by inode: a file that is there twice, or not at all, shows.
inodes() { find "$root" -type f ! -path '*/.freshet*/table' ! -name .freshet-area -printf '%i\n' | sort; }
inodes >"$dir/inodes"

# role_of NAME: the pid of the manager's child in that role, or nothing.
role_of() {
  local child
  for child in $(cat /proc/"$pid"/task/*/children 2>/dev/null); do
    if { tr '\0' ' ' <"/proc/$child/cmdline"; } 2>/dev/null | grep -q " $1 "; then echo "$child"; return; fi
  done
}

began=$(date +%s%N)
expect 0 run --yes
length=$((($(date +%s%N) - began) / 1000))
expect 0 rollback latest
unchanged

for who in manager broker worker; do
  hits=0
  for ((moment = 1; moment <= 20; ++moment)); do
    start run --yes
    sleep "$(printf '%d.%06d' 0 $((length * (moment - 1) / 25 % 1000000)))"
    victim=$pid
    if [[ $who != manager ]]; then  # the next one that is met is killed at once: a worker is there for moments only
      victim=
      while [[ -z $victim ]] && kill -0 "$pid" 2>/dev/null; do victim=$(role_of "$who"); done
    fi
    if [[ -n $victim ]] && kill -KILL "$victim" 2>/dev/null; then hits=$((hits + 1)); fi
    wait "$pid" 2>/dev/null || true
    inodes | cmp -s - "$dir/inodes" || fail "after the $who's end at moment $moment files are lost, or there twice"
    # Nothing to take back is fine too: it ended before the first effect, or the run itself took it back.
    freshet rollback latest >"$out" 2>"$err" </dev/null || grep -q 'no run that could be taken back' "$err" || fail "rollback after the $who's end"
    unchanged
    [[ ! -e $root/.freshet ]] || fail "an empty quarantine is left after the $who's end at moment $moment"
  done
  ((hits > 0)) || fail "the $who was never met alive"
done

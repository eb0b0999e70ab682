# SIGKILL of the manager, the broker and the worker at 20 moments of a run each: every entry is at its origin or in the
# quarantine exactly once, and `rollback latest` brings all of it back.
source "$(dirname "$0")/lib.sh"
write_config
for ((n = 0; n < 100; ++n)); do
  mkdir "$root/$n" "$root/$n/whole"
  for m in 1 2 3 4 5 6 7 8 9 a b c; do echo "$n $m" >"$root/$n/$m"; done
  for m in 1 2 3; do echo "$n $m" >"$root/$n/whole/$m"; done
done
find "$root" -exec touch -d '40 days ago' {} +
for ((n = 0; n < 100; ++n)); do : >"$root/$n/fresh"; done
remember
# Regular files by inode: a file that is there twice, or not at all, shows.
inodes() { find "$root" -type f ! -path '*/.freshet*/table' ! -name .freshet-area -printf '%i\n' | sort; }
inodes >"$dir/inodes"

# Entries go in the order of the plan: one of every 22nd part of it is a clock that no load can put out of step.
expect 0 plan --json
json --all /path | grep -v whole >"$dir/order"
mapfile -t order <"$dir/order"
last=${order[-1]}

# role_of NAME: sets $victim to the pid of the manager's child in that role, or to nothing. Built-ins alone: a worker is
# done in a few milliseconds, and every fork would take one of them.
role_of() {
  local file child children words
  victim=
  for file in /proc/"$pid"/task/*/children; do
    children=()
    { read -r -a children <"$file"; } 2>/dev/null || true
    for child in "${children[@]}"; do
      words=()
      { mapfile -d '' -t words <"/proc/$child/cmdline"; } 2>/dev/null || continue
      if [[ " ${words[*]} " == *" $1 "* ]]; then victim=$child; return; fi
    done
  done
}
meet() { victim=; while [[ -z $victim ]] && kill -0 "$pid" 2>/dev/null; do role_of "$1"; done; }
# A role outlives a manager that was killed by a moment, and may end the rename it is in.
note_roles() {
  local file children
  roles=()
  for file in /proc/"$pid"/task/*/children; do
    children=()
    { read -r -a children <"$file"; } 2>/dev/null || true
    roles+=("${children[@]}")
  done
}
roles=()
await_roles() {
  local role state
  for role in "${roles[@]}"; do
    while { read -r _ _ state _ <"/proc/$role/stat"; } 2>/dev/null && [[ $state != [ZX] ]]; do :; done
  done
  roles=()
}
settled() {
  wait "$pid" 2>/dev/null || true
  await_roles
  inodes | cmp -s - "$dir/inodes" || fail "after the $who's end at moment $moment files are lost, or there twice"
  expect 0 status
  # Nothing to take back is fine too: it ended before the first effect, or the run itself took it back.
  freshet rollback latest >"$out" 2>"$err" </dev/null || grep -q 'no run that could be taken back' "$err" || fail "rollback after the $who's end"
  unchanged
  [[ ! -e $root/.freshet ]] || fail "an empty quarantine is left after the $who's end at moment $moment"
}

# try MOMENT: kills once the entry of that moment is gone; true when others were still to go.
try() {
  local gone=${order[$1 * ${#order[@]} / 22]} good=1
  start run --yes
  victim=$pid
  [[ $who == manager ]] || meet broker
  while [[ -e $gone ]] && kill -0 "$pid" 2>/dev/null; do :; done
  note_roles
  if kill -KILL "$victim" 2>/dev/null && [[ -e $last && ! -e $gone ]]; then good=0; fi
  settled
  return $good
}
for who in manager broker; do
  for ((moment = 1; moment <= 20; ++moment)); do
    for ((attempt = 1; attempt <= 20; ++attempt)); do ! try "$moment" || continue 2; done
    fail "the $who was never met in the middle of moment $moment"
  done
done

# The worker changes nothing, so that only its own life can be the clock.
who=worker
start run --yes
meet worker
for ((life = 0; life < 1000000; ++life)); do kill -0 "$victim" 2>/dev/null || break; done
moment=0
settled
for ((moment = 1; moment <= 20; ++moment)); do
  for ((attempt = 0; attempt < 20; ++attempt)); do
    start run --yes --json
    meet worker
    for ((n = 0; n < life * moment / 22 / (attempt + 1); ++n)); do kill -0 "$victim" 2>/dev/null || break; done
    ended=none
    if kill -KILL "$victim" 2>/dev/null; then
      wait "$pid" 2>/dev/null || true
      ended=$(json /tasks/0/ended)
    fi
    settled
    [[ $ended != signal && $ended != setup ]] || continue 2
  done
  fail "the worker was never met alive at moment $moment"
done

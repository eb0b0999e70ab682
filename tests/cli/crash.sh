# SIGKILL in the middle of a run: `status` finds it and names the commands, and everything comes back.
source "$(dirname "$0")/lib.sh"
write_config
for ((n = 0; n < 300; ++n)); do
  mkdir "$root/$n"
  for m in 1 2 3 4 5 6 7 8 9; do : >"$root/$n/$m"; done
done
find "$root" -exec touch -d '40 days ago' {} +
for ((n = 0; n < 300; ++n)); do : >"$root/$n/fresh"; done
remember
crashed=0
for attempt in 1 2 3 4 5 6 7 8; do
  freshet run --yes >/dev/null 2>&1 </dev/null &
  pid=$!
  while kill -0 "$pid" 2>/dev/null && [[ -e $root/0/1 && -e $root/299/1 && -e $root/150/1 ]]; do :; done
  kill -KILL "$pid" 2>/dev/null || true
  wait "$pid" 2>/dev/null || true
  expect 0 status
  if grep -q unfinished "$out"; then
    crashed=1
    says "$out" 'freshet rollback' 'freshet verify'
  fi
  expect 0 rollback latest
  unchanged
  ((!crashed)) || break
done
((crashed)) || fail "the kill never came in the middle"
expect 0 status
silent "$out" unfinished
expect 0 run --yes

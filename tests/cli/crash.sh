# SIGKILL in the middle of a run: `status` finds it and names the commands, and everything comes back.
source "$(dirname "$0")/lib.sh"
write_config
wide_tree 1200 15
remember
crashed=0
for attempt in 1 2 3 4 5 6 7 8; do
  start run --yes
  while kill -0 "$pid" 2>/dev/null && [[ -e $root/0/1 && -e $root/1199/1 && -e $root/600/1 ]]; do :; done
  kill -KILL "$pid" 2>/dev/null || true
  wait "$pid" 2>/dev/null || true
  expect 0 status
  if ! grep -q 'none is unfinished' "$out"; then
    crashed=1
    says "$out" 'freshet rollback' 'freshet verify'
  fi
  expect 0 rollback latest
  unchanged
  ((!crashed)) || break
done
((crashed)) || fail "the kill never came in the middle"
expect 0 status
says "$out" 'none is unfinished'
expect 0 run --yes

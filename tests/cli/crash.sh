# SIGKILL in the middle of a run: `status` finds it and names the commands, and everything comes back.
source "$(dirname "$0")/lib.sh"
write_config
make_wide_tree
crashed=0
for _ in {1..8}; do
  launch run --yes >/dev/null 2>&1 </dev/null &
  pid=$!
  until_it_acts "$pid"
  kill -KILL "$pid" 2>/dev/null || true
  wait "$pid" 2>/dev/null || true
  expect 0 status
  if grep -q '^unfinished ' "$out"; then
    crashed=1
    says "$out" 'freshet rollback' 'freshet verify'
  fi
  expect 0 rollback latest
  wide_tree_is_whole
  ((!crashed)) || break
done
((crashed)) || fail "the kill never came in the middle"
expect 0 status
silent "$out" 'freshet rollback'
expect 0 run --yes

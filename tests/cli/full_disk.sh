# The state directory's disk is full at every point of a run in turn: either nothing happened, or what happened is told
# of and comes back.
source "$(dirname "$0")/lib.sh"
((EUID == 0)) || skip "needs root"
mkdir "$dir/small"
mount -t tmpfs -o size=1M,mode=700 tmpfs "$dir/small" 2>/dev/null || skip "no tmpfs can be mounted here"
umount "$dir/small"
at_exit+=("umount '$dir/small'")
write_config
wide_tree 100 5
remember
state=$dir/small/state
effects=0
for ((kb = 48; kb < 1000; kb += 4)); do
  mount -t tmpfs -o size=${kb}k,mode=700 tmpfs "$dir/small"
  got=0
  freshet run --yes --json >"$out" 2>"$err" </dev/null || got=$?
  if [[ $got == 0 ]]; then
    expect_json /entries_removed 500
  else
    [[ $got == 1 ]] || fail "$kb KiB: exit $got"
    grep -q -e 'No space left' -e 'full' -e 'no room' "$out" "$err" || fail "$kb KiB: the reason is not told"
  fi
  if [[ -e $root/.freshet ]]; then
    effects=$((effects + 1))
    mount -o remount,size=16M "$dir/small"
    expect 0 rollback latest
  fi
  unchanged
  umount "$dir/small"
  [[ $got != 0 ]] || break
done
((kb > 48 && kb < 1000)) || fail "the disk was never full, or never large enough"
((effects > 0)) || fail "no run went through"

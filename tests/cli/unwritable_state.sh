# Where no history can be kept, nothing is removed.
source "$(dirname "$0")/lib.sh"
write_config
old_files "$root/a" 2
remember
for state in /proc/no-such-place "$config" "$config/below" /dev/null; do
  expect 1 run --yes
  says "$err" "$state"
  unchanged
done
state=$dir/random
mkdir "$state"
head -c 8192 /dev/urandom >"$state/history.db"
cp "$state/history.db" "$dir/copy"
expect 1 run --yes
says "$err" history.db
cmp "$state/history.db" "$dir/copy" || fail "the damaged history was written to"
unchanged
if ((EUID == 0)) && mkdir "$dir/small" && mount -t tmpfs -o size=256k,mode=700 tmpfs "$dir/small" 2>/dev/null; then
  at_exit+=("umount '$dir/small'")
  state=$dir/small/state
  mkdir "$state"
  dd if=/dev/zero of="$dir/small/full" bs=4k 2>/dev/null || true
  expect 1 run --yes
  unchanged
fi

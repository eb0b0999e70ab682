# What somebody holds a lock on, or has open, stays; a lock on a directory spares all below it.
source "$(dirname "$0")/lib.sh"
write_config
for name in locked posix open below/deep free; do old_files "$root/$name" 2; done
old "$root/below"
remember
exec 7<"$root/locked/1" && flock 7
exec 8<"$root/open/1"
exec 9<"$root/below" && flock -s 9
expect 0 plan --json
json --all /path >"$dir/paths" || true
for spared in locked/1 open/1 below/deep/1 below/deep/2 below/deep locked open; do
  ! grep -qx "$root/$spared" "$dir/paths" || fail "$spared is in use and in the plan"
done
for taken in locked/2 open/2 free/1 free; do grep -qx "$root/$taken" "$dir/paths" || fail "$taken is not in the plan"; done
expect 0 run --yes
[[ -e $root/locked/1 && -e $root/open/1 && -e $root/below/deep/2 && ! -e $root/free ]] || fail "the wrong entries went"
expect 0 plan
says "$out" stays
exec 7<&- 8<&- 9<&-
expect 0 rollback latest
unchanged
expect 0 run --yes
[[ ! -e $root/locked && ! -e $root/below ]] || fail "what is free again stays"

# A rollback never overwrites: what is in the way is named, the rest comes back, and later so does that.
source "$(dirname "$0")/lib.sh"
write_config
old_files "$root/a" 3
echo keep >"$root/a/fresh"
remember
expect 0 run --yes
echo mine >"$root/a/2"
expect 3 rollback latest
says "$err" "$root/a/2"
[[ $(<"$root/a/2") == mine && -e $root/a/1 && -e $root/a/3 ]] || fail "the rest did not come back"
rm "$root/a/2"
expect 0 rollback latest
unchanged

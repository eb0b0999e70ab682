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

# Many conflicts: the first thousand are named, all are counted.
for ((n = 0; n < 1200; ++n)); do echo old >"$root/a/n$n"; done
find "$root/a" -name 'n*' -exec touch -d '40 days ago' {} +
remember
expect 0 run --yes
for ((n = 0; n < 1200; ++n)); do echo mine >"$root/a/n$n"; done
expect 3 rollback latest
says "$err" '1,200 could not be' 'and 200 more'
[[ $(<"$root/a/n7") == mine ]] || fail "something was overwritten"
rm "$root"/a/n*
expect 0 rollback latest
unchanged

# While the root is away nothing is put back, freed or forgotten.
expect 0 run --yes
mv "$root" "$dir/away"
expect 1 rollback latest
says "$err" "$root"
mkdir "$root"
expect 1 rollback latest
expect 4 purge latest
says "$err" "$root"
rmdir "$root"
mv "$dir/away" "$root"
expect 0 rollback latest
unchanged

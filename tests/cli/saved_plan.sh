# A saved plan is applied exactly: nothing that came later, nothing that changed since.
source "$(dirname "$0")/lib.sh"
write_config
old_files "$root/a" 5
echo keep >"$root/a/fresh"
expect 0 plan --out "$dir/p.plan"
says "$out" "freshet run --plan $dir/p.plan"
[[ -s $dir/p.plan ]] || fail "no plan was saved"
old_files "$root/later" 2
echo changed >"$root/a/2"
rm "$root/a/3"
expect 64 run old --plan "$dir/p.plan" --yes
expect 0 run --plan "$dir/p.plan" --yes --json
expect_json /entries_removed 3
(($(json /tasks/0/changed_by_others) >= 1)) || fail "changes by others are not counted"
[[ -e $root/later/1 && $(<"$root/a/2") == changed && ! -e $root/a/1 ]] || fail "not the plan was applied"
expect 0 rollback latest

old_files "$root/b" 300
expect 0 plan --out "$dir/q.plan"
remember
size=$(stat -c %s "$dir/q.plan")
for length in 0 1 $((size / 2)) $((size - 1)); do
  head -c "$length" "$dir/q.plan" >"$dir/short.plan"
  expect 1 run --plan "$dir/short.plan" --yes
  says "$err" "$dir/short.plan"
done
for at in 3 $((size / 3)) $((size / 2)) $((size - 5)); do
  cp "$dir/q.plan" "$dir/bad.plan"
  byte=$(dd if="$dir/bad.plan" bs=1 skip="$at" count=1 status=none | od -An -tu1)
  printf "\\x$(printf %02x $((byte ^ 0x55)))" | dd of="$dir/bad.plan" bs=1 seek="$at" conv=notrunc status=none
  expect 1 run --plan "$dir/bad.plan" --yes
done
expect 1 run --plan "$dir/no-such.plan" --yes
unchanged

# A plan takes the place of a file only, and nothing beside it.
mkfifo "$dir/fifo"
ln -s "$dir/q.plan" "$dir/link"
for place in "$dir/fifo" "$dir/link" "$dir" "$dir/nowhere/x"; do
  expect 1 plan --out "$place"
  says "$err" "$place"
done
[[ -p $dir/fifo && -L $dir/link ]] || fail "something was replaced"
echo mine >"$dir/q.plan.new"
expect 0 plan --out "$dir/q.plan"
[[ $(<"$dir/q.plan.new") == mine ]] || fail "a neighbour was overwritten"

# What the configuration does not allow any more is refused.
cp "$config" "$dir/allowed.toml"
remember
{ cat "$dir/allowed.toml"; echo 'enabled = false'; } >"$config" && expect 4 run --plan "$dir/q.plan" --yes
unchanged
sed 's|path = "[^"]*"|&, access = ["list"]|' "$dir/allowed.toml" >"$config" && expect 4 run --plan "$dir/q.plan" --yes
unchanged
sed "s|path = \"[^\"]*\"|&, exclude = [\"$root/b/7\"]|" "$dir/allowed.toml" >"$config" && expect 4 run --plan "$dir/q.plan" --yes
unchanged
sed 's|share = 1.0|entries = 3|' "$dir/allowed.toml" >"$config" && expect 4 run --plan "$dir/q.plan" --yes
unchanged
cp "$dir/allowed.toml" "$config"
mv "$root" "$dir/moved" && cp -a "$dir/moved" "$root"
expect 4 run --plan "$dir/q.plan" --yes

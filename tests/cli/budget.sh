# A plan over the budget is refused as a whole before the first effect; `trim` takes the oldest instead.
source "$(dirname "$0")/lib.sh"
old_files "$root/a" 10
echo keep >"$root/a/fresh"
touch -d '90 days ago' "$root/a/7"
touch -d '80 days ago' "$root/a/4"
remember
settings='settings = { older-than = "30d", age-by = ["mtime"] }'
write_config "$settings" 'budget = { entries = 2 }'
for command in plan 'run --yes'; do
  # shellcheck disable=SC2086
  expect 4 $command
  cat "$out" "$err" >"$dir/all"
  says "$dir/all" 10 entries budget
done
unchanged
write_config "$settings" 'budget = { bytes = "1KiB" }'
expect 4 run --yes
unchanged
write_config "$settings" 'budget = { entries = 2, over = "trim" }'
expect 0 run --yes --json
expect_json /entries_removed 2
[[ ! -e $root/a/7 && ! -e $root/a/4 && -e $root/a/1 ]] || fail "trim did not take the oldest"
expect 0 rollback latest
unchanged
write_config "$settings" 'quarantine = { max = "1KiB" }'
expect 4 run --yes
unchanged
for n in {1..120}; do echo x >"$root/share-$n"; done
find "$root" -name 'share-*' -exec touch -d '40 days ago' {} +
remember
write_config "$settings" 'budget = { share = 0.5 }'
expect 4 run --yes
unchanged

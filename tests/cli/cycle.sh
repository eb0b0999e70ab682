# A cycle and a missing name are errors of `check`, and nothing runs.
source "$(dirname "$0")/lib.sh"
mkdir "$dir/b"
old_files "$root/a" 1
{
  task one "$root"
  echo 'after = ["two"]'
  task two "$dir/b"
  echo 'requires = ["one"]'
} >"$config"
remember
expect 1 check
grep -Eq 'one.*two.*one|two.*one.*two' "$err" || fail "the cycle is not printed"
expect 1 run --yes
says "$err" "$config:6:10: error: "
unchanged
{ task one "$root"; echo 'after = ["oen"]'; } >"$config"
expect 1 check
says "$err" oen
line=$(grep -n oen "$config" | cut -d: -f1)
for command in check plan 'plan one' 'run --yes'; do
  expect 1 $command
  says "$err" "$config:$line:10: error: " 'after = ["oen"]' '         ^' 'no task is named so'
done
expect 1 plan --json
[[ $(json --all /diagnostics/0/line) == "$line" ]] || fail "the place is not in the JSON"
unchanged

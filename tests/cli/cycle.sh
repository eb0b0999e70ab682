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
unchanged
{ task one "$root"; echo 'after = ["oen"]'; } >"$config"
expect 1 check
says "$err" oen
expect 1 run --yes
unchanged

# A missing root is refused, unless it may be missing; a root behind a link always.
source "$(dirname "$0")/lib.sh"
task old "$dir/nowhere" >"$config"
expect 4 check
says "$err" F1012 "$dir/nowhere" optional
expect 4 run --yes
sed -i 's|path = "[^"]*"|&, optional = true|' "$config"
expect 0 check
expect 0 run --yes

mkdir "$dir/real"
old_files "$dir/real/a" 2
ln -s real "$dir/link"
for place in "$dir/link" "$dir/link/a" "$dir/real/a/1"; do
  task old "$place" >"$config"
  expect 4 check
  says "$err" F1013 "$place"
  expect 4 run --yes
done
[[ -e $dir/real/a/1 ]] || fail "something went through the link"

# All that is wrong with a task is named, by whoever says that it was refused.
task old "$dir/nowhere" >"$config"
sed -i "s|roots = \[|&{ path = \"$dir/link\" }, |" "$config"
expect 4 run --yes --json
[[ $(json /tasks/0/violations/0/code) == F1013 && $(json /tasks/0/violations/1/code) == F1012 ]] || fail "a violation is missing"
for command in plan 'run --yes'; do
  # shellcheck disable=SC2086
  expect 4 $command --quiet
  [[ ! -s $out ]] || fail "$command --quiet speaks on stdout"
  says "$err" F1013 "$dir/link" F1012 "$dir/nowhere"
done

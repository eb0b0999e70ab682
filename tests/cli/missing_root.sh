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

# A new plugin is written from the command line or from answers, and never over anything.
source "$(dirname "$0")/lib.sh"
cd "$dir"
new=(plugins new)
expect 64 "${new[@]}"
says "$err" NAME 'no terminal'
expect 64 "${new[@]}" old-dumps
says "$err" --id 'no terminal'
expect 64 "${new[@]}" old-dumps --id org.example.old-dumps
says "$err" --license
expect 64 "${new[@]}" 'a b' --id org.example.x --license MIT
says "$err" 'a b'
expect 64 "${new[@]}" x --id 'org' --license MIT
says "$err" 'reverse domain'
expect 64 "${new[@]}" x --id org.example.x --license 'M"IT'
says "$err" SPDX
expect 64 "${new[@]}" x --id org.example.x --license MIT --lang rust
says "$err" 'c or c++'
expect 64 "${new[@]}" x --id org.example.x --license MIT --yes
says "$err" 'belongs to `freshet plugins approve`'
[[ ! -e x ]] || fail "a refused wish left something"

expect 0 "${new[@]}" old-dumps --id org.example.old-dumps --license MIT --ci --json
expect_json /id org.example.old-dumps
[[ -f old-dumps/CMakeLists.txt && -f old-dumps/old-dumps.cc && -f old-dumps/.github/workflows/build.yml ]] || fail "a file is missing"
! grep -rn '@[A-Z]*@' old-dumps || fail "a mark was left"
cp -r old-dumps before
expect 1 "${new[@]}" old-dumps --id org.example.other --license MIT
says "$err" 'not empty'
diff -r before old-dumps || fail "something was overwritten"
mkdir empty
ln -s "$dir/victim" broken
expect 0 "${new[@]}" other --dir empty --id org.example.other --license MIT --lang c
[[ -f empty/other.c && ! -e empty/.github ]] || fail "the C template is not there"
expect 1 "${new[@]}" other --dir broken --id org.example.other --license MIT
[[ ! -e victim ]] || fail "it was written through a link"

command -v script >/dev/null || skip "script(1) is not installed"
printf 'BAD\nasked\n\nGPL-3.0-or-later\n' | script -qec "$FRESHET plugins new" /dev/null >"$out" 2>"$err"
says "$out" 'no name for a plugin' '[org.example.asked]'
says asked/asked.cc org.example.asked GPL-3.0-or-later

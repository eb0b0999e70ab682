# A directory is recorded without its contents, and a plugin runs on the recording as it runs on the directory.
source "$(dirname "$0")/lib.sh"
write_config
old_files "$root/a" 3
mkdir -p "$root/deep/$(printf 'd/%.0s' {1..200})" "$root/closed"
echo secret >"$root/a/new"
ln -s /etc/passwd "$root/link"
mkfifo "$root/fifo"
printf 'x' >"$root/$(printf 'odd\n\377name')"
tree=$dir/tree
count=$(find "$root" -printf . | wc -c)

expect 64 plugins record --root "$root"
says "$err" --out
expect 64 plugins list --root "$root"
says "$err" 'belongs to' '`freshet plugins record`'
expect 64 plugins check x.so --root "$root" --tree x
expect 1 plugins check x.so --root "$dir/nothing"
expect 1 plugins record --root "$dir/nothing" --out "$tree"
[[ ! -e $tree ]] || fail "a recording of nothing was left"
expect 0 plugins record --root "$root" --out "$tree" --json
[[ $(json /entries) == "$count" ]] || fail "$(json /entries) entries, $count are there"
silent "$tree" secret
silent "$tree" /etc/passwd
says "$tree" 'freshet-tree 1' 'odd\x0a\xffname'
expect 0 plugins record --root "$root" --out "$dir/again"
cmp <(grep -v ^recorded "$tree") <(grep -v ^recorded "$dir/again") || fail "two recordings of one tree differ"
expect 1 plugins record --root "$root" --out "$tree"
says "$err" 'File exists'

# The same findings as on the directory itself, with no file system behind them.
mv "$root" "$dir/elsewhere"
plugin=$PLUGINS/org.freshet.expired-files.so
expect 0 plugins check "$plugin" --tree "$tree" --set older-than=30d --set age-by=mtime --json
expect_json /proposed_count 3
expect_json /passed true

head -c -20 "$tree" >"$dir/cut"
expect 1 plugins check "$plugin" --tree "$dir/cut"
says "$err" truncated
expect 1 plugins check "$plugin" --tree "$dir/none"
expect 1 plugins check "$plugin" --set nothing=1
expect 64 plugins check "$plugin" --set nothing
expect 1 plugins check "$dir/none.so"

# Two files with one id: in one directory neither counts, in two the first does, whatever the version; links are followed, and
# who can write to what is on the way is judged.
source "$(dirname "$0")/lib.sh"
old=$TEST_PLUGINS/hostile/org.freshet.test.well-behaved.so
new=$TEST_PLUGINS/next/org.freshet.test.well-behaved.so
mkdir "$dir"/{one,first,second,links}
old_files "$root/a" 2
printf '[task.t]\nplugin = "org.freshet.test.well-behaved"\nroots = [{ path = "%s" }]\nbudget = { share = 1.0 }\n' "$root" >"$config"
version() { "$FRESHET" --config "$config" --state-dir "$state" "$@" plan --json 2>"$err" </dev/null >"$out" || true; json /tasks/0/plugin; }

cp "$old" "$dir/one/well-behaved-1.so"
cp "$new" "$dir/one/well-behaved-2.so"
expect 1 check --plugin-dir "$dir/one"
says "$err" F1043 'well-behaved-1.so (1.0.0), well-behaved-2.so'
expect 0 plugins list --plugin-dir "$dir/one"
says "$out" F1043 'several files of one directory'
expect 1 run --yes --plugin-dir "$dir/one"
[[ -e $root/a/1 ]] || fail "one of two ran"
# The same bytes under two names are no question.
cp "$old" "$dir/one/well-behaved-2.so"
expect 0 check --plugin-dir "$dir/one"

# The directory that is named first counts: that is the operator's word, not the version.
cp "$old" "$dir/first/a.so"
cp "$new" "$dir/second/a.so"
[[ $(version --plugin-dir "$dir/first" --plugin-dir "$dir/second") == 'org.freshet.test.well-behaved 1.0.0' ]] || fail "$(json /tasks/0/plugin)"
[[ $(version --plugin-dir "$dir/second" --plugin-dir "$dir/first") != 'org.freshet.test.well-behaved 1.0.0' ]] || fail "the older one counts"
expect 0 plugins list --plugin-dir "$dir/first" --plugin-dir "$dir/second" --json
grep -F "\"hidden_by\":\"$dir/first/a.so\"" "$out" | grep -qF "\"file\":\"$dir/second/a.so\"" || fail "the second is not hidden by the first"
expect 0 plugins list --plugin-dir "$dir/first" --plugin-dir "$dir/second"
says "$out" hidden

# A link is its target; where others can change that, root refuses.
mkdir "$dir/target"
cp "$old" "$dir/target/a.so"
ln -s "$dir/target/a.so" "$dir/links/a.so"
expect 0 check --plugin-dir "$dir/links"
((EUID == 0)) || exit 0
chmod o+w "$dir/target"
expect 4 check --plugin-dir "$dir/links"
says "$err" F1030 "$dir/target"

# A new version of a plugin beside the installed one, on the real roots: what it finds, before anything is approved.
source "$(dirname "$0")/lib.sh"
id=org.freshet.test.well-behaved
plugins=(--plugin-dir "$TEST_PLUGINS/hostile")
next=$TEST_PLUGINS/next/$id.so
old_files "$root/a" 3
old_files "$root" 1
touch -d '90 days ago' "$root/spared.1" "$root/spared.2" "$root/more.1" "$root/a/spared.3"
printf '[task.one]\nplugin = "%s"\nroots = [{ path = "%s" }]\nbudget = { share = 1.0 }\n' "$id" "$root" >"$config"
mkdir "$dir/other"
old_files "$dir/other/x" 1
printf '[task.other]\nplugin = "org.freshet.expired-files"\nroots = [{ path = "%s" }]\nsettings = { older-than = "30d" }\n' "$dir/other" >>"$config"
remember
hash=$(sha256sum "$TEST_PLUGINS/hostile/$id.so" | cut -d' ' -f1)
expect 0 plugins approve "$id" --yes --sha256 "$hash" "${plugins[@]}"

expect 64 plugins upgrade "$next" "${plugins[@]}"
says "$err" '--dry-run'
expect 0 plugins upgrade "$next" --dry-run "${plugins[@]}"
says "$out" '1.0.0 -> 1.1.0' 'asks in addition: read' 'spared.1' 'spared.3' 'more.1' 'Nothing was changed'
silent "$out" "$dir/other"
expect 0 plugins upgrade "$next" --dry-run --json "${plugins[@]}"
expect_json /object upgrade
expect_json /before 1.0.0
expect_json /now 1.1.0
expect_json /tasks/0/name one
expect_json /tasks/0/more 1
# The directory that keeps an entry stays too.
expect_json /tasks/0/fewer 4
[[ $(json --all /change | sort | uniq -c | tr -s ' \n' ' ') == ' 4 fewer 1 more ' ]] || fail "other entries: $(cat "$out")"
unchanged
says "$dir/freshet.lock" "$hash"

# The same file finds the same; another id is no upgrade; a file that is none is said so.
expect 0 plugins upgrade "$TEST_PLUGINS/hostile/$id.so" --dry-run --json "${plugins[@]}"
expect_json /tasks/0/more 0
expect_json /tasks/0/fewer 0
expect 1 plugins upgrade "$TEST_PLUGINS/hostile/org.freshet.test.spin.so" --dry-run --plugin-dir "$TEST_PLUGINS/next"
says "$err" 'no plugin with the id'
expect 1 plugins upgrade "$TEST_PLUGINS/refused/org.freshet.test.not-elf.so" --dry-run "${plugins[@]}"
says "$err" F2001
unchanged
[[ -z $(ls -A "$state/plans") ]] || fail "plans are left: $(ls "$state/plans")"

# What was approved of a plugin is pinned in freshet.lock; a file that differs in anything is refused until it is approved.
source "$(dirname "$0")/lib.sh"
id=org.freshet.test.well-behaved
folder=$dir/plugins
lock=$dir/freshet.lock
mkdir "$folder"
cp "$TEST_PLUGINS/hostile/$id.so" "$folder/$id.so"
plugins=(--plugin-dir "$folder")
old_files "$root/a" 2
configure() { printf '[task.t]\nplugin = "%s"\nroots = [{ path = "%s" }]\nbudget = { share = 1.0 }\n%s' "$id" "$root" "$1" >"$config"; }
require='
[policy]
lockfile = "require"
'

# Without the key nothing has to be approved; with it everything.
configure ''
expect 0 check "${plugins[@]}"
configure "$require"
remember
expect 4 check "${plugins[@]}"
says "$err" F1062 "$id" 'plugins approve'
expect 4 run --yes "${plugins[@]}"
unchanged
expect 0 plugins list "${plugins[@]}"
says "$out" 'not approved'

# Nobody approves by accident.
expect 64 plugins approve "$id" "${plugins[@]}"
says "$err" 'no terminal'
expect 64 plugins approve "$id" --yes "${plugins[@]}"
says "$err" '--sha256'
expect 1 plugins approve "$id" --yes --sha256 "$(printf '0%.0s' {1..64})" "${plugins[@]}"
says "$err" 'SHA-256'
[[ ! -e $lock ]] || fail "a refused approval left a lock file"
hash=$(sha256sum "$folder/$id.so" | cut -d' ' -f1)
expect 0 plugins approve "$id" --yes --sha256 "$hash" --json "${plugins[@]}"
expect_json /object approval
expect_json /written true
expect_json /approved_before false
expect_json /lockfile "$lock"
says "$lock" "sha256 = \"$hash\""
cp "$lock" "$dir/first"
expect 0 plugins approve "$id" --yes --sha256 "$hash" "${plugins[@]}"
says "$out" 'approved as it is'
cmp "$lock" "$dir/first"
expect 0 check "${plugins[@]}"
expect 0 plugins list "${plugins[@]}"
says "$out" approved
expect 0 plugins verify "${plugins[@]}"

# One more byte behind the sections is another file, whatever the policy.
printf 'x' >>"$folder/$id.so"
for policy in "$require" ''; do
  configure "$policy"
  expect 4 run --yes "${plugins[@]}"
  unchanged
  expect 4 check "${plugins[@]}"
  says "$err" F1061 'bytes are others' "$hash"
done
expect 4 plugins verify --json "${plugins[@]}"
expect_json /holds false
expect 0 plugins list "${plugins[@]}"
says "$out" changed
expect 0 plugins approve "$id" --yes --sha256 "$(sha256sum "$folder/$id.so" | cut -d' ' -f1)" "${plugins[@]}"
says "$out" 'Since it was approved' 'bytes are others'
expect 0 check "${plugins[@]}"

# A pin whose permissions are others, as after an upgrade that asks for more.
sed -i 's/^required-permissions = .*/required-permissions = []/' "$lock"
expect 4 check "${plugins[@]}"
says "$err" F1061 'requires in addition: remove'
expect 0 explain F1061

# A lock file that cannot be read refuses, with its line.
printf 'format = 1\n[plugin."%s"]\nversion = 7\n' "$id" >"$lock"
expect 4 check "${plugins[@]}"
says "$err" F1063 "$lock:3:"
expect 1 plugins approve "$id" --yes --sha256 "$hash" "${plugins[@]}"
says "$err" "$lock:3:"

rm "$lock"
expect 1 plugins revoke "$id" "${plugins[@]}"
expect 0 plugins approve "$id" --yes --sha256 "$(sha256sum "$folder/$id.so" | cut -d' ' -f1)" "${plugins[@]}"
expect 0 plugins revoke "$id" "${plugins[@]}"
configure "$require"
expect 4 check "${plugins[@]}"
says "$err" F1062
if ((EUID == 0)); then
  expect 0 plugins approve "$id" --yes --sha256 "$(sha256sum "$folder/$id.so" | cut -d' ' -f1)" "${plugins[@]}"
  chmod 666 "$lock"
  expect 4 check "${plugins[@]}"
  says "$err" F1030 freshet.lock
fi

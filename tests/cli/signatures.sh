# Signatures as the ordinary minisign makes them: a bad one is refused always, a missing one where the policy wants it.
source "$(dirname "$0")/lib.sh"
id=org.freshet.test.well-behaved
folder=$dir/plugins
keys=$dir/trusted-keys.d
so=$folder/$id.so
mkdir "$folder" "$keys"
cp "$TEST_PLUGINS/hostile/$id.so" "$so"
plugins=(--plugin-dir "$folder")
old_files "$root/a" 2
configure() { printf '[task.t]\nplugin = "%s"\nroots = [{ path = "%s" }]\nbudget = { share = 1.0 }\n[policy]\nsignatures = "%s"\n' "$id" "$root" "$1" >"$config"; }
for name in vendor stranger; do minisign -G -W -p "$dir/$name.pub" -s "$dir/$name.key" >/dev/null; done
sign() { rm -f "$so.minisig"; minisign -S -s "$dir/$1.key" -m "$so" -x "$so.minisig" "${@:2}" >/dev/null; }
refused() { expect 4 check "${plugins[@]}"; says "$err" "$@"; }
remember

configure off
expect 0 check "${plugins[@]}"
silent "$err" signed
configure warn
expect 0 check "${plugins[@]}"
says "$err" 'not signed'
configure require
refused F1065 'not signed'
expect 4 run --yes "${plugins[@]}"
unchanged

# Signed by somebody nobody trusts, then by a trusted key.
cp "$dir/vendor.pub" "$keys/vendor.pub"
sign stranger
refused F1065 'not trusted'
configure off
expect 0 check "${plugins[@]}"
says "$err" 'unknown key'
configure require
for form in -H -l; do
  sign vendor "$form"
  minisign -V -q -p "$keys/vendor.pub" -m "$so"
  expect 0 check "${plugins[@]}"
done
expect 0 plugins inspect "$id" --json "${plugins[@]}"
expect_json /signature good
expect_json /signer vendor

# The signer is part of what is approved.
hash=$(sha256sum "$so" | cut -d' ' -f1)
expect 0 plugins approve "$id" --yes --sha256 "$hash" "${plugins[@]}"
says "$dir/freshet.lock" 'signer = "vendor"'
cp "$dir/stranger.pub" "$keys/other.pub"
sign stranger
refused F1061 'signed by other instead of vendor'
expect 0 plugins revoke "$id" "${plugins[@]}"
sign vendor

# What a key may do stands in its file, below the two lines that minisign reads.
limit() { { cat "$dir/vendor.pub"; printf '%s\n' "$@"; } >"$keys/vendor.pub"; }
limit 'plugins = ["org.freshet."]' 'valid-from = 2020-01-01' 'valid-until = 2999-01-01'
minisign -V -q -p "$keys/vendor.pub" -m "$so"
expect 0 check "${plugins[@]}"
limit 'plugins = ["org.freshet.tes"]'
refused F1066 'may not sign for this id'
limit 'valid-until = 2020-01-01'
refused F1066 'was valid until 2020-01-01'
limit 'valid-from = 2200-01-01'
refused F1066 'valid from 2200-01-01'
limit 'plugin = ["org.freshet."]'
refused F1067 "$keys/vendor.pub:3:" 'plugins'
limit
cp "$dir/vendor.pub" "$keys/vendor-2025.revoked"
refused F1066 revoked
configure off
refused F1066 revoked
rm "$keys/vendor-2025.revoked"
expect 0 check "${plugins[@]}"

# A bad signature, whatever the policy: another byte in the file, in the signature, in its trusted comment, cut anywhere.
cp "$so" "$dir/good.so"
cp "$so.minisig" "$dir/good.minisig"
printf 'x' >>"$so"
refused F1064 'not the bytes'
expect 4 run --yes "${plugins[@]}"
unchanged
expect 4 plugins approve "$id" --yes --sha256 "$(sha256sum "$so" | cut -d' ' -f1)" "${plugins[@]}"
cp "$dir/good.so" "$so"
sed 's/timestamp:./timestamp:0/' "$dir/good.minisig" >"$so.minisig"
refused F1064
for lines in 1 2 3; do
  head -n "$lines" "$dir/good.minisig" >"$so.minisig"
  refused F1064 "$so.minisig"
done
: >"$so.minisig"
refused F1064
head -c 100000 /dev/zero >"$so.minisig"
refused F1064
cp "$dir/good.minisig" "$so.minisig"
expect 0 check "${plugins[@]}"

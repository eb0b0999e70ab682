# `verify` looks at the world: what is not as the run recorded it is named.
source "$(dirname "$0")/lib.sh"
write_config
old_files "$root/a" 3
echo keep >"$root/a/fresh"
expect 0 run --yes
expect 0 verify latest
says "$out" 'as recorded'
echo someone >"$root/a/1"
expect 0 verify latest --json
expect_json /complete true
lost=$(find "$root" -path '*.freshet*' -name 2 -type f)
[[ -n $lost ]] || fail "the quarantine cannot be looked into"
rm "$lost"
expect 1 verify latest
says "$out" 'not as recorded' "$root/a/2"

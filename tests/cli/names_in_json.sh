# Names that are not UTF-8 survive: `path_bytes` is the base64 of the raw bytes.
source "$(dirname "$0")/lib.sh"
write_config
name=$'\xff\xfe\\ and\nmore\x1b[2J'
echo x >"$root/$name" && old "$root/$name"
echo x >"$root/grün" && old "$root/grün"
expect 0 plan --json
json --all /path_bytes | base64 -d >"$dir/bytes"
printf '%s/%s' "$root" "$name" | cmp - "$dir/bytes" || fail "the bytes are not the name's"
json --all /path | grep -qx "$root/grün" || fail "UTF-8 is not plain"
expect 0 plan --full
says "$out" 'grün' '\xff\xfe\\ and\nmore\x1b[2J'
LC_ALL=C expect 0 plan --full
says "$out" 'gr\xc3\xbcn'
! LC_ALL=C grep -q $'[\x80-\xff\x1b]' "$out" || fail "bytes beyond ASCII for a terminal that has none"
expect 0 run --yes --json
expect_json /entries_removed 2

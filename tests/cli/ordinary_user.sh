# Without any right beyond his own, a user cleans his files and takes them back.
source "$(dirname "$0")/lib.sh"
((EUID != 0)) || share_freshet
old_files "$root/a" 5
mkdir "$root/readonly" && echo x >"$root/readonly/file" && old "$root/readonly/file" && chmod 0555 "$root/readonly"
echo fresh >"$root/a/fresh"
mkdir "$dir/home" "$state"
write_config
if ((EUID == 0)); then
  chown -R 65534:65534 "$root" "$dir/home" "$state"
  freshet() { HOME=$dir/home setpriv --reuid=65534 --regid=65534 --clear-groups "$FRESHET" --config "$config" --state-dir "$state" "$@"; }
fi
find "$root/a" -name '[0-9]' -exec touch -d '40 days ago' {} +
remember
if ! freshet doctor --json </dev/null | "$JSON_GET" /strict | grep -qx true; then
  sed -i '1i isolation = "best-effort"' "$config"
fi
expect 0 check
got=0
freshet run --yes --json >"$out" 2>"$err" </dev/null || got=$?
[[ $got == 0 || $got == 3 ]] || fail "run: exit $got"
(($(json /entries_removed) >= 5)) || fail "too little was removed"
[[ ! -e $root/a/1 && -e $root/a/fresh ]] || fail "the wrong entries went"
expect 0 verify latest
expect 0 rollback latest
unchanged
expect 0 history

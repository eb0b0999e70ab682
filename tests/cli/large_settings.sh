# Settings that no message to a plugin could carry are errors of the configuration; none is found out by the plugin.
source "$(dirname "$0")/lib.sh"
old_files "$root/a" 2
remember
# keep COUNT BYTES: so many patterns of that length
keep() {
  local n x
  x=$(head -c "$2" /dev/zero | tr '\0' x)
  printf 'settings.keep = [\n'
  for ((n = 0; n < $1; ++n)); do printf '"%s%d",\n' "$x" "$n"; done
  printf ']\n'
}
for size in '257 3' '2 5000' '256 300' '250 4000'; do
  # shellcheck disable=SC2086  # two words
  write_config 'settings.older-than = "30d"' 'settings.age-by = ["mtime"]' "$(keep $size)"
  for command in check plan 'run --yes'; do
    # shellcheck disable=SC2086
    expect 1 $command
    cat "$out" "$err" >"$dir/all"
    says "$dir/all" F2012
  done
  unchanged
done
write_config 'settings.older-than = "30d"' 'settings.age-by = ["mtime"]' "$(keep 256 100)"
expect 0 check
expect 0 run --yes
[[ ! -e $root/a/1 ]] || fail "nothing went"

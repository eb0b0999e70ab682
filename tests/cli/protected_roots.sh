# Places that are never or not lightly cleaned. Only `check` is run here, and it tries nothing where a boundary is broken.
source "$(dirname "$0")/lib.sh"
export HOME=$dir/home
mkdir -p "$HOME/.cache" "$state"
for place in / /proc /sys /dev /proc/self; do
  task old "$place" >"$config"
  expect 4 check
  says "$err" F1010
  sed -i "s|{ path = \"$place\"|& , i-know-what-this-is = true|" "$config"
  expect 4 check
  says "$err" F1010
done
for place in /home /etc /usr /boot "$HOME" "$dir"; do
  [[ -d $place ]] || continue
  task old "$place" >"$config"
  expect 4 check
  says "$err" F1011 "$place" i-know-what-this-is
  expect 4 plan
  expect 4 run --yes
done
task old "$state" >"$config"  # without its history nothing could be taken back: never
sed -i "s|{ path = \"$state\"|&, i-know-what-this-is = true|" "$config"
expect 4 check
says "$err" F1011 "$state"
task old "$HOME/.cache" >"$config"
expect 0 check
task old "$HOME" >"$config"
sed -i "s|{ path = \"$HOME\"|&, i-know-what-this-is = true|" "$config"
expect 0 check

# The same by another name: a bind mount is no way around. In a mount namespace of its own, so that no cleaning up after
# this test can ever meet it.
mkdir "$dir/alias"
apart=(unshare --mount)
back=()
if ((EUID != 0)); then
  apart=(unshare --map-root-user --mount)
  back=(unshare --user --map-user=$EUID --map-group="$(id -g)")
fi
alias_of() {  # PLACE CODE TEXT
  local got=0
  # shellcheck disable=SC2016  # expanded by the inner shell
  "${apart[@]}" sh -c 'mount --rbind "$1" "$2" && shift 2 && exec "$@"' sh "$1" "$dir/alias" \
    "${back[@]}" "$FRESHET" --config "$config" --state-dir "$dir/other-state" check >"$out" 2>"$err" </dev/null || got=$?
  [[ $got == 4 ]] || fail "an alias of $1: exit $got, expected 4"
  says "$err" "$2" "$3"
}
if "${apart[@]}" true 2>/dev/null; then
  task old "$dir/alias" >"$config"
  expect 0 check
  alias_of /etc F1011 'is `/etc` by another name'
  sed -i "s|{ path = \"$dir/alias\"|&, i-know-what-this-is = true|" "$config"
  alias_of / F1010 'is the whole system'
fi

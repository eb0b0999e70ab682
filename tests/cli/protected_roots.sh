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

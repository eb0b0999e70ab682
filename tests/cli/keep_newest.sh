# org.freshet.keep-newest by a real worker and broker: core dumps as the kernel names them, logs as logrotate leaves them.
source "$(dirname "$0")/lib.sh"
settings='settings = { patterns = ["core.(*).[0-9]*", "(*).log.[0-9]*"], keep = 2, min-age = "3d" }'
plugin() { sed 's/expired-files/keep-newest/' <(task newest "$root" "$@") >"$config"; }
plugin "$settings"

mkdir "$root/cores" "$root/logs"
for n in 1 2 3 4; do
  for program in nginx my.daemon; do
    echo "$program $n" >"$root/cores/core.$program.1000.$n"
    touch -d "$((n * 10)) days ago" "$root/cores/core.$program.1000.$n"
  done
  echo "line $n" >"$root/logs/access.log.$n" && touch -d "$n days ago" "$root/logs/access.log.$n"
done
echo now >"$root/logs/access.log"
# A rotation by the tool itself, where it is there: what it leaves is what the patterns are for.
if command -v logrotate >/dev/null; then
  mkdir "$root/rotated"
  printf '%s {\n rotate 9\n nocompress\n missingok\n su root root\n}\n' "$root/rotated/x.log" >"$dir/rotate"
  for n in 1 2 3 4; do
    echo "$n" >"$root/rotated/x.log"
    logrotate -f -s "$dir/rotate.state" "$dir/rotate" || fail "logrotate"
  done
  for n in 1 2 3 4; do touch -d "$((n + 10)) days ago" "$root/rotated/x.log.$n"; done
fi
remember

gone() { for path in "$@"; do [[ ! -e $root/$path ]] || fail "$path stays"; done; }
there() { for path in "$@"; do [[ -e $root/$path ]] || fail "$path went"; done; }

# What is open counts, and stays.
exec 7<"$root/cores/core.nginx.1000.4"
expect 0 plan --json
json --all /reason >"$dir/reasons"
says "$dir/reasons" 'no. 3 of 4 in the group my.daemon, 2 stay, mtime 30 d'
expect 0 run --yes
gone cores/core.nginx.1000.3 cores/core.my.daemon.1000.{3,4} logs/access.log.{3,4}
there cores/core.nginx.1000.{1,2,4} cores/core.my.daemon.1000.{1,2} logs/access.log{,.1,.2}
[[ ! -d $root/rotated ]] || { gone rotated/x.log.{3,4} && there rotated/x.log.{1,2}; }
exec 7<&-
expect 0 rollback latest
unchanged

# One setting that only the plugin can judge.
plugin 'settings = { patterns = ["(a)(b)"], keep = 2 }'
expect 1 run --yes
says "$out" F2012
says "$err" 'more than one part in parentheses'
unchanged

# Ctrl-C or SIGTERM in the middle: the entry in hand is finished, all is recorded, exit 130, and everything comes back.
source "$(dirname "$0")/lib.sh"
write_config
set -m  # background jobs of a script would ignore SIGINT
make_wide_tree
for signal in INT TERM; do
  stopped=0
  for _ in {1..8}; do
    got=0
    launch run --yes --json >"$out" 2>"$err" </dev/null &
    pid=$!
    until_it_acts "$pid"
    kill -"$signal" "$pid" 2>/dev/null || true
    wait "$pid" || got=$?
    [[ $got == 130 || $got == 0 ]] || fail "$signal: exit $got"
    if [[ $got == 130 ]]; then
      expect_json /status interrupted
      stopped=1
    fi
    expect 0 rollback latest
    wide_tree_is_whole
    ((!stopped)) || break
  done
  ((stopped)) || fail "$signal never came in the middle"
done

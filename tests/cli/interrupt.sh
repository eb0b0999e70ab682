# Ctrl-C or SIGTERM in the middle: the entry in hand is finished, all is recorded, exit 130, and everything comes back.
source "$(dirname "$0")/lib.sh"
write_config
set -m  # background jobs of a script would ignore SIGINT
wide_tree 1200 15
remember
for signal in INT TERM; do
  stopped=0
  for attempt in 1 2 3 4 5 6 7 8; do
    got=0
    start run --yes --json
    # The first effect is seen in the root; then it is in the middle.
    while kill -0 "$pid" 2>/dev/null && [[ -e $root/0/1 && -e $root/1199/1 && -e $root/600/1 ]]; do :; done
    kill -"$signal" "$pid" 2>/dev/null || true
    wait "$pid" || got=$?
    [[ $got == 130 || $got == 0 ]] || fail "$signal: exit $got"
    ((got != 130)) || { stopped=1; expect_json /status interrupted; }
    expect 0 rollback latest
    unchanged
    ((!stopped)) || break
  done
  ((stopped)) || fail "$signal never came in the middle"
done

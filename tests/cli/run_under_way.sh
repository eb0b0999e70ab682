# While a run is at work nobody runs, takes back, purges or verifies what it works on; each says which run that is.
source "$(dirname "$0")/lib.sh"
write_config
wide_tree 200 15
remember
old_files "$dir/elsewhere/a" 1

expect 0 plan --json
json --all /path >"$dir/order"
mapfile -t order <"$dir/order"
for ((attempt = 1; ; ++attempt)); do  # stopped in its middle
  start run --yes
  while [[ -e ${order[0]} ]] && kill -0 "$pid" 2>/dev/null; do :; done
  kill -STOP "$pid"
  [[ ! -e ${order[-1]} ]] || break
  kill -CONT "$pid"
  wait "$pid"
  ((attempt < 20)) || fail "the run was never met in its middle"
  expect 0 rollback latest
done
at_exit+=("kill -CONT $pid")

expect 0 status
says "$out" 'is executing now'
id=$(sed -n 's/^running *\([^ ]*\).*/\1/p' "$out")
for command in 'run --yes' "rollback $id" "purge $id" "verify $id"; do
  # shellcheck disable=SC2086
  expect 1 $command
  cat "$out" "$err" >"$dir/all"
  says "$dir/all" "$id"
done
expect 1 run --yes --json
expect_json /status failed
says "$out" "$id"
expect 0 purge --expired
task other "$dir/elsewhere" >"$dir/other.toml"
config=$dir/other.toml expect 0 run --yes
expect 0 rollback latest

# Ctrl-C ends the waiting.
first=$pid
start run --yes --wait --json
sleep 0.5
got=0
kill -TERM "$pid"
wait "$pid" || got=$?
[[ $got == 130 ]] || fail "a waiting run that was interrupted: exit $got"
expect_json /status interrupted

# What another run has taken meanwhile is no fault of the one that waited, and it leaves no folder behind.
start run --yes --wait --json
sleep 0.5
kill -CONT "$first"
wait "$first" || fail "the first run ended badly"
wait "$pid" || fail "the second run ended badly"
expect_json /entries_removed 0
(($(json /tasks/0/changed_by_others) > 0)) || fail "it was too late to be in the way"
[[ $(find "$root/.freshet" -name table | wc -l) == 1 ]] || fail "the run that moved nothing left a folder"
expect 0 verify "$id"
expect 0 rollback "$id"
unchanged

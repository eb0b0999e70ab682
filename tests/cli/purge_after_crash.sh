# What a run that was cut off had moved can be freed by `purge`, and a purge that was cut off goes on; neither is ever
# offered to the rollback again, nor forgotten.
source "$(dirname "$0")/lib.sh"
write_config
fill() {
  rm -rf "$root"/*
  wide_tree 300 15
}
# cut_off ARGUMENT..: kills it once one of $watched is gone; true when it was still there to be killed.
cut_off() {
  local file alive=0
  start "$@"
  while kill -0 "$pid" 2>/dev/null; do
    for file in "${watched[@]}"; do [[ -e $file ]] || break 2; done
  done
  kill -KILL "$pid" 2>/dev/null || true
  wait "$pid" 2>/dev/null || alive=$?
  [[ $alive == 137 ]]
}
files_left() { find "$root" -type f ! -name fresh ! -name table ! -name .freshet-area | wc -l; }

for ((attempt = 1; ; ++attempt)); do
  fill
  watched=("$root/0/1" "$root/299/1" "$root/150/1")
  cut_off run --yes && break
  ((attempt < 20)) || fail "the run was never met in its middle"
  expect 0 purge latest
done
expect 0 status
says "$out" unfinished 'Nothing else waits'
before=$(files_left)
expect 0 purge latest --json
freed=$((before - $(files_left)))
((freed > 0)) || fail "nothing was freed"
[[ ! -e $root/.freshet ]] || fail "something waits still"
expect 0 status
says "$out" 'none is unfinished'
expect 1 rollback latest

for ((attempt = 1; ; ++attempt)); do
  fill
  expect 0 run --yes --json
  id=$(json /run_id)
  mapfile -t watched < <(find "$root/.freshet" -type f -name 7)
  cut_off purge "$id" && break
  ((attempt < 20)) || fail "the purge was never met in its middle"
done
expect 0 status
says "$out" unfinished "freshet purge $id"
expect 1 rollback "$id"
expect 0 status
says "$out" unfinished
expect 0 purge "$id"
[[ ! -e $root/.freshet ]] || fail "the second purge left something"
expect 0 status
says "$out" 'none is unfinished'

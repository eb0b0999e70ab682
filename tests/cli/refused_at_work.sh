# What is wrong with a plugin only when it runs: each has its code, ends in its worker, and the other tasks go on.
source "$(dirname "$0")/lib.sh"
old_files "$root/a" 2
: >"$config"
declare -A code=([entry-fails]=F2010 [unannounced-kind]=F2011 [constructor-crash]=F2013 [constructor-hang]=F2013)
for name in "${!code[@]}"; do
  mkdir "$dir/$name"
  printf '[task.%s]\nplugin = "org.freshet.test.%s"\nroots = [{ path = "%s" }]\nlimits = { cpu = "1s" }\n' "$name" "$name" "$dir/$name" >>"$config"
done
task zz-good "$root" >>"$config"
expect 3 run --yes --json --plugin-dir "$TEST_PLUGINS/refused"
expect_json /entries_removed 3
for ((n = 0; n < 4; ++n)); do
  name=$(json "/tasks/$n/name")
  expect_json "/tasks/$n/status" failed
  [[ $(json "/tasks/$n/note") == "${code[$name]}: "* ]] || fail "$name: $(json "/tasks/$n/note")"
done
expect_json /tasks/4/status committed
says "$err" 'entry-fails does not want to'
for each in "${code[@]}"; do expect 0 explain "$each"; done

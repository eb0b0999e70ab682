# Nothing to do is no failure, and leaves no trace in the root.
source "$(dirname "$0")/lib.sh"
write_config
echo fresh >"$root/fresh"
touch -d '1 hour' "$root/future"
remember
expect 0 plan
expect 0 run --yes --json
expect_json /status done
expect_json /entries_removed 0
unchanged
expect 0 run --yes
expect 0 status
says "$out" 'Nothing waits in the quarantine'
: >"$config"
for command in check plan 'run --yes'; do
  # shellcheck disable=SC2086
  expect 0 $command
  says "$out" 'No task is enabled'
done

# Limits of memory and processes that the kernel holds, in a group that systemd delegates.
source "$SOURCE/tests/kernel/lib.sh"

tests unit_sandbox '*ControlGroup*'
tests unit_channel '*ControlGroup*'

# As `freshet doctor` advises it, and without.
row() { "$@" bin/freshet doctor --json | jq -r '.mechanisms[] | select(.mechanism | endswith("limit by control group")) | .available' | sort -u; }
[[ $(row systemd-run --quiet --scope -p Delegate=yes) == true ]] || fail "systemd-run --scope -p Delegate=yes does not help"
[[ $(row systemd-run --quiet --scope) == false ]] || fail "a group that nobody delegated was taken"

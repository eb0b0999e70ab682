# The program as its users run it, and what is written to break out of it, on a kernel with Landlock's second ABI and without
# PR_SET_MDWE.
source "$SOURCE/tests/kernel/lib.sh"

seen() { bin/freshet doctor --json | jq -r --arg name "$1" '.mechanisms[] | select(.mechanism == $name) | .seen'; }
[[ $(seen 'Landlock ABI 6') == 'ABI 2' ]] || fail "not Landlock's second ABI: $(seen 'Landlock ABI 6')"
[[ $(seen memory-deny-write-execute) == 'does not work' ]] || fail "PR_SET_MDWE works here"
bin/freshet doctor --json | jq -e .strict || fail "strict isolation does not hold"

cases 'cli\.(round_trip|isolation|read_permission|ipc_queues|effective_limits)$' 'channel\.IsolationProof'
hostile covert/
hostile code/

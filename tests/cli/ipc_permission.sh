# `ipc`: objects of granted owners and kinds go for good; nobody else's, none that is in use, and none without the word for it.
source "$(dirname "$0")/lib.sh"
command -v ipcmk >/dev/null && command -v ipcs >/dev/null || skip "no ipcmk(1) here"
command -v setpriv >/dev/null || skip "no setpriv(1) here"
plugins=(--plugin-dir "$TEST_PLUGINS/permissions")
# Of a user that has nothing else: all of that user's objects go.
owner=54321
as=(setpriv --reuid "$owner" --clear-groups)
((EUID == 0)) && "${as[@]}" true 2>/dev/null || skip "not root: no other user's objects can be made"
shm=$("${as[@]}" ipcmk -M 4096 | grep -oE '[0-9]+$')
sem=$("${as[@]}" ipcmk -S 2 | grep -oE '[0-9]+$')
msg=$("${as[@]}" ipcmk -Q | grep -oE '[0-9]+$')
used=$("${as[@]}" ipcmk -M 4096 | grep -oE '[0-9]+$')
foreign=$(ipcmk -M 4096 | grep -oE '[0-9]+$')
for id in $shm $used $foreign; do at_exit+=("ipcrm -m $id 2>/dev/null"); done
at_exit+=("ipcrm -s $sem 2>/dev/null" "ipcrm -q $msg 2>/dev/null" "rm -f /dev/shm/freshet-test-$$")
"${as[@]}" perl -e "syscall(30, $used, 0, 0) != -1 or die; open(G, '>', '/dev/null'); sleep 600" &
attached=$!
at_exit+=("kill $attached 2>/dev/null")
for _ in {1..100}; do [[ $(ipcs -m -i "$used" | grep -oE 'nattch=[0-9]+') == nattch=1 ]] && break; sleep 0.05; done
"${as[@]}" perl -e "open(F, '>', '/dev/shm/freshet-test-$$') or die; print F 'x' x 100"
is() { ipcs -"$1" | awk 'NR > 3 { print $2 }' | grep -qx "$2"; }

# by PLUGIN IPC [IRREVERSIBLE]
by() {
  printf '[channel.c]\n%s\nirreversible = "%s"\n' "$2" "${3-allowed}" >"$config"
  printf '[task.t]\nplugin = "org.freshet.test.%s"\nchannel = "c"\n' "$1" >>"$config"
}
all="ipc = [{ owner = \"$owner\" }]"

# Each word is needed: the permission, the owner's existence, and that it cannot be taken back.
by ipc-objects "$all" refused
expect 4 check "${plugins[@]}"
says "$err" F1006 'cannot be taken back'
by ipc-objects 'ipc = [{ owner = "nobody-has-this-name" }]'
expect 4 check "${plugins[@]}"
says "$err" F1007
by ipc-objects "roots = [{ path = \"$root\" }]"
expect 4 check "${plugins[@]}"
says "$err" F1001 ipc

# Granted kinds only.
by ipc-objects "ipc = [{ owner = \"$owner\", kinds = [\"sem\"] }]"
expect 0 plan "${plugins[@]}"
says "$out" "sem $sem" 'cannot be taken back'
silent "$out" "shm $shm"

# What is in use stays; what is another's is not even seen.
by ipc-objects "$all"
expect 2 plan "${plugins[@]}" --verbose --detailed-exitcode
says "$out" "shm $shm" "msg $msg" "posix-shm freshet-test-$$" 'IPC object in use'
silent "$out" "shm $foreign ("
is m "$shm" && is s "$sem" && is q "$msg" || fail "a plan removed something"
expect 0 run --yes --json "${plugins[@]}"
expect_json /tasks/0/status committed
says "$out" '"permission":"ipc"' 'this cannot be taken back'
! is m "$shm" && ! is s "$sem" && ! is q "$msg" && [[ ! -e /dev/shm/freshet-test-$$ ]] || fail "something stayed"
is m "$used" || fail "what is attached went"
is m "$foreign" || fail "another owner's went"
expect 0 history --json
says "$out" "shm $shm" 'this cannot be taken back'

# Used between plan and run: it stays.
shm=$("${as[@]}" ipcmk -M 4096 | grep -oE '[0-9]+$')
at_exit+=("ipcrm -m $shm 2>/dev/null")
expect 0 plan --out "$dir/plan" "${plugins[@]}"
perl -e "my \$x; shmread($shm, \$x, 0, 1) or die"
expect 0 run --plan "$dir/plan" --yes --json "${plugins[@]}"
says "$out" 'changed since it was planned'
is m "$shm" || fail "an object that was used since went"

# A grant that is gone since the plan was made.
expect 0 plan --out "$dir/plan2" "${plugins[@]}"
by ipc-objects "ipc = [{ owner = \"$owner\", kinds = [\"msg\"] }]"
expect 4 run --plan "$dir/plan2" --yes "${plugins[@]}"
says "$out" "the grant for the IPC objects of uid $owner is not what it was"
is m "$shm" || fail "it went without a grant"

# Granted, not asked for: nothing is shown, nothing goes.
by well-behaved "$all
roots = [{ path = \"$root\" }]"
expect 0 run --yes --json --plugin-dir "$TEST_PLUGINS/hostile"
is m "$shm" || fail "a plugin that does not ask got it"

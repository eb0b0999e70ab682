# org.freshet.orphaned-ipc on real shared memory: what nobody is left to use goes for good, and nothing else.
source "$(dirname "$0")/lib.sh"
command -v ipcmk >/dev/null && command -v ipcs >/dev/null || skip "no ipcmk(1) here"
command -v setpriv >/dev/null || skip "no setpriv(1) here"
owner=54322
as=(setpriv --reuid "$owner" --clear-groups)
((EUID == 0)) && "${as[@]}" true 2>/dev/null || skip "not root: no other user's objects can be made"
segment() { "${as[@]}" ipcmk -M 8192 | grep -oE '[0-9]+$'; }
is() { ipcs -m | awk 'NR > 3 { print $2 }' | grep -qx "$1"; }

orphan=$(segment) used=$(segment)
sem=$("${as[@]}" ipcmk -S 1 | grep -oE '[0-9]+$')
foreign=$(ipcmk -M 4096 | grep -oE '[0-9]+$')
shm=/dev/shm/freshet-orphan-$$
at_exit+=("ipcrm -m $orphan 2>/dev/null" "ipcrm -m $used 2>/dev/null" "ipcrm -s $sem 2>/dev/null" "ipcrm -m $foreign 2>/dev/null" "rm -f $shm")
"${as[@]}" perl -e "open(F, '>', '$shm') or die; print F 'x' x 100"
# One process is attached to a segment, and has made another that nobody is attached to.
"${as[@]}" perl -e "syscall(30, $used, 0, 0) != -1 or die; my \$made = shmget(0, 4096, 01600); open(G, '>', '/dev/null'); \$| = 1; print \"\$made\n\"; sleep 600" >"$dir/made" &
user=$!
at_exit+=("kill $user 2>/dev/null")
for _ in {1..100}; do [[ -s $dir/made ]] && break; sleep 0.05; done
made=$(<"$dir/made")
at_exit+=("ipcrm -m $made 2>/dev/null")
is "$made" || fail "there is no segment $made"

# by SETTINGS
by() {
  cat >"$config" <<END
[channel.c]
ipc = [{ owner = "$owner" }]
irreversible = "${2:-allowed}"
[task.shm]
plugin = "org.freshet.orphaned-ipc"
channel = "c"
settings = { $1 }
END
}
by 'min-age = "0s"' refused
expect 4 check
says "$err" F1006 'cannot be taken back'

# Somebody of its owner runs: all stay. So does what is young.
by 'min-age = "0s"'
expect 0 plan --verbose
silent "$out" "shm $orphan ("
by 'min-age = "1h", owner-gone = false'
expect 0 plan --verbose
silent "$out" "shm $orphan ("

# It is enough that the processes are gone: not for what is attached, nor for what was made by one that lives.
by 'min-age = "0s", owner-gone = false'
expect 0 plan --verbose
says "$out" "shm $orphan (" "posix-shm freshet-orphan-$$" 'for good' 'cannot be taken back'
for id in "$used" "$made" "$foreign"; do silent "$out" "shm $id ("; done
silent "$out" "sem $sem"
expect 0 run --yes --json
expect_json /tasks/0/status committed
! is "$orphan" && [[ ! -e $shm ]] || fail "an orphan stays"
is "$used" && is "$made" && is "$foreign" || fail "what is no orphan went"
ipcs -s | awk 'NR > 3 { print $2 }' | grep -qx "$sem" || fail "a semaphore went"
expect 0 history --json
says "$out" "shm $orphan" 'this cannot be taken back'

# When the last process of its owner has ended, all of it is nobody's.
kill "$user" && wait "$user" 2>/dev/null || true
by 'min-age = "0s"'
expect 0 plan --verbose
says "$out" 'owner and creator are gone'
expect 0 run --yes
! is "$used" && ! is "$made" || fail "what nobody is left to use stays"
is "$foreign" || fail "another owner's went"

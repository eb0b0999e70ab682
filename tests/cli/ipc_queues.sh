# `ipc`, kind posix-msg: POSIX message queues of granted owners go for good, and none that is in use, has changed or is another's.
source "$(dirname "$0")/lib.sh"
((EUID == 0)) || skip "not root: no other user's objects can be made"
# Queues belong to an IPC namespace: this test has one of its own, with none of the host's in it.
if [[ -z ${QUEUES_OF_THIS_TEST-} ]]; then
  unshare --ipc --mount true 2>/dev/null || skip "no IPC namespace can be made here"
  cleanup
  QUEUES_OF_THIS_TEST=1 exec unshare --ipc --mount bash "$0"
fi
command -v setpriv >/dev/null && command -v perl >/dev/null || skip "no setpriv(1) or perl(1) here"
mkdir "$dir/queues"
mount -t mqueue none "$dir/queues" 2>/dev/null || skip "this kernel has no message queues"
at_exit+=("umount $dir/queues")
plugins=(--plugin-dir "$TEST_PLUGINS/permissions")
owner=54323
as=(setpriv --reuid "$owner" --regid "$owner" --clear-groups)
is() { [[ -e $dir/queues/$1 ]]; }
# old NAME..: as if nobody had used it for an hour.  queue NAME [USER-COMMAND..]: a new one, an hour old.
old() { (cd "$dir/queues" && touch -d '1 hour ago' -- "$@"); }
queue() { "${@:2}" perl -e 'syscall(240, my $n = shift, 0302, 0600, 0) >= 0 or die "mq_open: $!"' "$1" && old "$1"; }
unlink_queue() { perl -e 'exit(syscall(241, my $n = shift) == 0 ? 0 : 1)' "$1"; }
message() { perl -e 'my $q = syscall(240, my $n = shift, 1, 0, 0); my $m = "m"; $q >= 0 && syscall(242, $q, $m, 1, 0, 0) == 0 or die $!' "$1"; }
# hold NAME: a process has it open, as $holder, until it is killed.
hold() {
  rm -f "$dir/held"
  perl -e 'syscall(240, my $n = shift, 0, 0, 0) >= 0 or die; open(F, ">", shift); sleep 600' "$1" "$dir/held" &
  holder=$!
  at_exit+=("kill $holder 2>/dev/null")
  for _ in {1..100}; do [[ -e $dir/held ]] && return; sleep 0.05; done
  fail "nobody holds $1"
}
release() { kill "$holder" && wait "$holder" 2>/dev/null || true; }

# by KINDS [PLUGIN]
by() {
  printf '[channel.c]\nipc = [{ owner = "%s", kinds = [%s] }]\nirreversible = "allowed"\n' "${user-$owner}" "$1" >"$config"
  printf '[task.t]\nplugin = "org.freshet.test.%s"\nchannel = "c"\n' "${2-ipc-objects}" >>"$config"
}

strange=$'freshet \n\xff*'
queue plain "${as[@]}"
queue "$strange" "${as[@]}"
queue full "${as[@]}"
message full
old full
queue held "${as[@]}"
queue foreign
hold held

# The kind has to be granted.
by '"shm", "sem", "msg", "posix-shm", "posix-sem"'
expect 0 plan --verbose "${plugins[@]}"
silent "$out" posix-msg
silent "$out" 'cannot be seen'

# What is open stays; what is another's is not even seen; a plan changes nothing, and leaves no trace at a queue.
by '"posix-msg"'
before=$(stat -c '%n %i %x %y %z' "$dir"/queues/*)
expect 2 plan --verbose --detailed-exitcode "${plugins[@]}"
says "$out" 'posix-msg plain (0' 'posix-msg freshet \n\xff* (0' 'posix-msg full (' 'cannot be taken back' '1 IPC object in use'
silent "$out" 'posix-msg held'
silent "$out" foreign
[[ $(stat -c '%n %i %x %y %z' "$dir"/queues/*) == "$before" ]] || fail "a plan left a trace"
expect 0 run --yes --json "${plugins[@]}"
expect_json /tasks/0/status committed
says "$out" '"permission":"ipc"' 'this cannot be taken back'
! is plain && ! is "$strange" && ! is full || fail "something stayed"
is held || fail "what a process has open went"
is foreign || fail "another owner's went"
expect 0 history --json
says "$out" 'posix-msg plain' 'this cannot be taken back'
release
unlink_queue held

# Between plan and run: a message comes, another takes its place with its name and time, somebody opens it, it goes.
for name in got-one replaced opened gone; do queue "$name" "${as[@]}"; done
expect 0 plan --out "$dir/plan" "${plugins[@]}"
message got-one
unlink_queue replaced
queue replaced "${as[@]}"
touch -r "$dir/queues/gone" "$dir/queues/replaced"
unlink_queue gone
hold opened
expect 0 run --plan "$dir/plan" --yes --json "${plugins[@]}"
expect_json /tasks/0/changed_by_others 4
says "$out" 'changed since it was planned' 'in use' 'already gone'
for name in got-one replaced opened; do is "$name" || fail "$name went"; done
release

# A queue's times have whole seconds: one that was used in this one counts as in use.
touch -d '1 hour' "$dir/queues/got-one"  # from now: however long the plan takes to come to it
expect 0 plan --verbose "${plugins[@]}"
says "$out" '1 IPC object in use' 'posix-msg replaced'
silent "$out" 'posix-msg got-one'
old got-one

# A plan of another IPC namespace names nothing here.
expect 0 plan --out "$dir/plan2" "${plugins[@]}"
unshare --ipc "$FRESHET" --config "$config" --state-dir "$state" run --plan "$dir/plan2" --yes --json "${plugins[@]}" >"$out" 2>"$err" || fail "no run"
says "$out" 'changed since it was planned'

# A grant that is gone since the plan was made.
expect 0 plan --out "$dir/plan3" "${plugins[@]}"
by '"posix-sem"'
expect 4 run --plan "$dir/plan3" --yes "${plugins[@]}"
is got-one && is replaced && is opened || fail "one went without a grant"

# org.freshet.orphaned-ipc takes those that are empty, unless it is told otherwise.
cat >"$config" <<END
[channel.c]
ipc = [{ owner = "$owner" }]
irreversible = "allowed"
[task.t]
plugin = "org.freshet.orphaned-ipc"
channel = "c"
settings = { min-age = "30m" }
END
expect 0 plan --verbose
says "$out" 'posix-msg replaced' 'posix-msg opened' 'owner and creator are gone'
silent "$out" got-one
sed -i 's/min-age = "30m"/min-age = "2h", unread-messages = true/' "$config"
expect 0 plan --verbose
silent "$out" 'posix-msg replaced'
sed -i 's/"2h"/"30m"/' "$config"
expect 0 run --yes --json
! is got-one && ! is replaced && ! is opened || fail "an orphan stays"
is foreign || fail "another owner's went"

# An ordinary user sees them where they are mounted, and is told where they are not.
share_freshet
mkdir "$dir/home" "$dir/dev"
chown "$owner:$owner" "$dir/home"
mount -t tmpfs none "$dir/dev"
at_exit+=("umount -l /dev" "umount -R $dir/dev")
for name in null zero random urandom full; do touch "$dir/dev/$name" && mount --bind "/dev/$name" "$dir/dev/$name"; done
mkdir "$dir/dev/shm" "$dir/dev/mqueue"
chmod 755 "$dir/dev"
mount -t tmpfs -o mode=1777 none "$dir/dev/shm"
mount --rbind "$dir/dev" /dev
state=$dir/home/state user=$owner
cp -r "$TEST_PLUGINS/permissions" "$dir/prefix/plugins"
# ordinary ARGUMENT..
ordinary() { "${as[@]}" "$FRESHET" --config "$config" --state-dir "$state" --plugin-dir "$dir/prefix/plugins" "$@" >"$out" 2>"$err" </dev/null; }
by '"posix-msg"'
sed -i '1s/^/isolation = "best-effort"\n/' "$config"
chmod 644 "$config"
queue own "${as[@]}"
queue shut "${as[@]}"
chmod 200 "$dir/queues/shut"
ordinary plan --verbose || fail "what cannot be seen is no error"
says "$out" 'POSIX message queues cannot be seen'
ordinary doctor && says "$out" 'POSIX message queues'
mount -t mqueue none /dev/mqueue
ordinary plan --verbose || fail "no plan"
says "$out" 'posix-msg own' '1 POSIX message queue that cannot be opened'
silent "$out" 'cannot be seen'
ordinary run --yes || fail "no run"
! is own || fail "an ordinary user's own queue stays"
is shut || fail "a queue went that could not be looked at"
# What is mounted there is another namespace's: its queues are not this one's.
queue own "${as[@]}"
umount /dev/mqueue
unshare --ipc bash -c 'mount -t mqueue none /dev/mqueue && "$@"' - "${as[@]}" perl -e 'syscall(240, my $n = "own", 0302, 0600, 0) >= 0 or die'
touch -d '1 hour ago' /dev/mqueue/own
ordinary plan --verbose || fail "no plan"
says "$out" '1 POSIX message queue that cannot be opened'
silent "$out" 'posix-msg own'
[[ -e /dev/mqueue/own ]] && is own || fail "a plan removed one"

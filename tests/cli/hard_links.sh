# A file with several names is counted once, and only when all of them go.
source "$(dirname "$0")/lib.sh"
write_config
mkdir "$root/a" "$dir/outside"
head -c 1048576 /dev/urandom >"$root/a/one"
ln "$root/a/one" "$root/a/two"
old "$root/a/one" "$root/a"
expect 0 plan --json
expect_json /entries 3
bytes=$(json /bytes)
((bytes >= 1048576 && bytes < 1200000)) || fail "counted $bytes bytes for 1 MiB with two names"
ln "$root/a/one" "$dir/outside/three"
old "$root/a"
expect 0 plan --json
(($(json /bytes) < 100000)) || fail "a file with a name elsewhere frees nothing"
expect 0 run --yes
expect 0 rollback latest
[[ $(stat -c %h "$dir/outside/three") == 3 ]] || fail "a name was lost"

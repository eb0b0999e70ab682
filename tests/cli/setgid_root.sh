# A quarantine below a setgid root is setgid itself: still ours, for the plan, the run, the next run and the rollback.
source "$(dirname "$0")/lib.sh"
write_config
((EUID != 0)) || chgrp 54321 "$root"
chmod 2770 "$root"
old_files "$root/a" 3
expect 0 run --yes
[[ $(stat -c %a "$root/.freshet") == 2700 ]] || skip "this file system does not hand the setgid bit on"

old_files "$root/b" 3
# But for what is in the area: the folders of the first run are not the tree's.
manifest() { bash "$SOURCE/packaging/tree_manifest.sh" "$1" | grep -v '^\./\.freshet'; }
remember
expect 0 plan
unchanged
expect 0 run --yes
areas=("$root"/.freshet*)
[[ ${#areas[@]} == 1 ]] || fail "the second run did not use the area of the first: ${areas[*]}"
expect 0 verify latest
expect 0 rollback latest
unchanged
expect 0 rollback latest
[[ ! -e $root/.freshet && -e $root/a/3 && -e $root/b/3 ]] || fail "something stayed in the quarantine"

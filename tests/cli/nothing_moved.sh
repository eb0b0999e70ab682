# A run that could move nothing leaves no quarantine behind, and the root its times.
source "$(dirname "$0")/lib.sh"
write_config
old_files "$root/a" 1
touch "$root/a/fresh"
((EUID == 0)) && chattr +i "$root/a/1" 2>/dev/null || skip "no file can be made immutable here"
at_exit+=("chattr -i '$root/a/1'")
remember
expect 3 run --yes
says "$out" 'Operation not permitted'
unchanged

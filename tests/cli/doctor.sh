# `doctor` tells what is there, and its JSON agrees with its text.
source "$(dirname "$0")/lib.sh"
write_config
expect 0 doctor
says "$out" MECHANISM seccomp Landlock
expect 0 doctor --json
strict=$(json /strict)
expect 0 doctor
if [[ $strict == true ]]; then says "$out" holds; else says "$out" 'refuses to run'; fi

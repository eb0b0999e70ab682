# The exit codes of the main help, where no other test has them.
source "$(dirname "$0")/lib.sh"
write_config
expect 0 plan --detailed-exitcode
old_files "$root/a" 2
expect 2 plan --detailed-exitcode
expect 0 plan
for words in '' 'pln' 'plan --ful' 'rollback' 'purge' 'plan no-such-task' 'explain F9999' 'plugins frobnicate'; do
  # shellcheck disable=SC2086  # words are words
  expect 64 $words
  says "$err" error:
done
expect 64 pln
says "$err" 'did you mean `plan`?'
expect 64 plan --ful
says "$err" 'did you mean `--full`?'
expect 1 rollback latest
expect 1 rollback 0123456789
expect 0 help
says "$out" 'Exit codes' '130'
expect 0 help rollback
says "$out" 'Examples:'
expect 0 explain F1011
expect 0 version

# An age of zero is taken only when it is spelled out.
source "$(dirname "$0")/lib.sh"
old_files "$root/a" 2
remember
for value in 0 '""' '"0"' '"30"' '"-1d"' '"soon"' true; do
  write_config "settings = { older-than = $value }"
  expect 1 check
  says "$err" older-than "$config:"
  expect 1 run --yes
done
write_config 'settings = {}'
expect 1 check
says "$err" older-than
unchanged
write_config 'settings = { older-than = "0s", age-by = ["mtime"] }'
expect 0 run --yes --json
expect_json /entries_removed 2

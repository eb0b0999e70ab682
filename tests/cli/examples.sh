# Every example configuration is sound. Their roots may be missing; their log files are not made.
source "$(dirname "$0")/lib.sh"
export HOME=$dir/home
mkdir "$HOME"
count=0
while IFS= read -r config; do
  expect 0 check --log-file "$dir/log"
  count=$((count + 1))
done < <(find "$SOURCE/config" -name '*.toml')
((count >= 6)) || fail "only $count files"

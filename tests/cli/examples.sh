# Every example configuration is sound. Their roots may be missing; their log files are not made.
source "$(dirname "$0")/lib.sh"
export HOME=$dir/home
mkdir "$HOME"
count=0
for config in "$SOURCE"/config/freshet.toml "$SOURCE"/config/examples/*.toml; do
  [[ -e $config ]] || continue
  expect 0 check --log-file "$dir/log"
  count=$((count + 1))
done
((count >= 2)) || fail "only $count example files"

# Errors in the configuration: all at once, each with its place and a caret; nothing happens.
source "$(dirname "$0")/lib.sh"
old_files "$root/a" 2
remember
cat >"$config" <<END
[channel.web]
roots = [{ path = "$root", acces = ["remove"] }]
[task.old]
plugin = "org.freshet.expired-files"
chanel = "web"
settings = { older-than = "30d" }
enabled = "yes"
END
for command in check plan 'run --yes'; do
  # shellcheck disable=SC2086
  expect 1 $command
  says "$err" "$config:2:" "$config:5:1" "$config:7:" 'chanel = "web"' '^' 'did you mean `channel`?' 'did you mean `access`?'
done
expect 1 check --json
(($(json /diagnostics | grep -o '"line"' | wc -l) >= 3)) || fail "not every error is in the JSON"

printf '[task.old\n' >"$config" && expect 1 check && says "$err" "$config:1:"
head -c 4096 /dev/urandom >"$config" && expect 1 check && says "$err" "$config"
head -c 40000 /dev/zero | tr '\0' '[' >"$config" && expect 1 check && says "$err" "$config"
rm "$config" && expect 1 check && says "$err" "$config"
mkdir "$config" && expect 1 check && says "$err" "$config"
unchanged

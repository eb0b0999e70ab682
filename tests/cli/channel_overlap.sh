# Two channels may not share a root unless the outer one leaves the inner root out.
source "$(dirname "$0")/lib.sh"
old_files "$root/inner" 2
channels() {
  cat <<END
[channel.outer]
roots = [{ path = "$root" $1 }]
[channel.inner]
roots = [{ path = "$root/inner" }]
[task.a]
plugin = "org.freshet.expired-files"
channel = "outer"
settings = { older-than = "30d", age-by = ["mtime"] }
[task.b]
plugin = "org.freshet.expired-files"
channel = "inner"
settings = { older-than = "30d", age-by = ["mtime"] }
END
}
remember
channels '' >"$config"
expect 4 check
says "$err" F1020 outer inner exclude
expect 4 run --yes
unchanged
channels ", exclude = [\"$root/inner\"]" >"$config"
expect 0 check
expect 0 run --yes --json
expect_json /tasks/0/entries_found 0
expect_json /tasks/1/entries_removed 2

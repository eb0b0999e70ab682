# Limits: of what the manifest asks for and the channel grants the smaller holds, in both directions, in the kernel.
# The plugin asks for 64 MiB, 3 threads and 40 descriptors. Address space is limited to the memory and some 16 MiB for the
# program itself.
source "$(dirname "$0")/lib.sh"
plugins=(--plugin-dir "$TEST_PLUGINS/permissions")
# measured LIMITS: what the plugin could have, as $fds $threads $memory
measured() {
  printf '[task.t]\nplugin = "org.freshet.test.limited"\nroots = [{ path = "%s" }]\nlimits = { %s }\n' "$root" "$1" >"$config"
  expect 0 plan "${plugins[@]}"
  local line
  line=$(grep -oE 'limits: [0-9]+ descriptors, [0-9]+ threads, [0-9]+ MiB' "$err") || fail "the plugin said nothing"
  read -r fds threads memory <<<"$(grep -oE '[0-9]+' <<<"$line" | tr '\n' ' ')"
}
within() { (($2 <= $1 && $1 <= $3)) || fail "$4: $1, expected $2 to $3"; }

measured ''
within "$fds" 30 40 descriptors
within "$threads" 3 3 threads
within "$memory" 48 80 MiB
measured 'memory = "1GiB", threads = 64, fds = 1000'
within "$fds" 30 40 'descriptors of a wider grant'
within "$threads" 3 3 'threads of a wider grant'
within "$memory" 48 80 'MiB of a wider grant'
measured 'memory = "32MiB", threads = 1, fds = 24'
within "$fds" 14 24 'descriptors of a narrower grant'
within "$threads" 1 1 'threads of a narrower grant'
within "$memory" 16 48 'MiB of a narrower grant'

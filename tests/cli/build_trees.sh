# org.freshet.build-trees on trees that the real tools made: build, age, look, clean, put back, clean again, build again.
source "$(dirname "$0")/lib.sh"
command -v cmake >/dev/null || skip "cmake is not installed"
settings='settings = { older-than = "30d", age-by = ["mtime"] }'
sed 's/expired-files/build-trees/' <(task builds "$root" "$settings") >"$config"
tools=()

build_cmake() { cmake -S "$root/cpp" -B "$root/cpp/out" >"$dir/log" 2>&1 && cmake --build "$root/cpp/out" >>"$dir/log" 2>&1; }
mkdir -p "$root/cpp"
printf 'cmake_minimum_required(VERSION 3.13)\nproject(small C)\nadd_executable(small small.c)\n' >"$root/cpp/CMakeLists.txt"
echo 'int main(void) { return 0; }' >"$root/cpp/small.c"
tools+=(cmake)

build_python() { python3 -m compileall -q "$root/py"; }
if command -v python3 >/dev/null; then
  mkdir "$root/py" && echo 'print(1)' >"$root/py/small.py"
  tools+=(python)
fi

build_cargo() { cargo build --offline --manifest-path "$root/rust/Cargo.toml" >"$dir/log" 2>&1; }
if command -v cargo >/dev/null && cargo --version >/dev/null 2>&1; then
  mkdir -p "$root/rust/src"
  printf '[package]\nname = "small"\nversion = "0.1.0"\nedition = "2021"\n' >"$root/rust/Cargo.toml"
  echo 'fn main() {}' >"$root/rust/src/main.rs"
  tools+=(cargo)
fi

npm() { command npm --cache "$dir/npm" --offline --no-audit --no-fund --no-update-notifier "$@"; }
build_npm() { (cd "$root/web" && { [[ -e package-lock.json ]] && npm ci || npm install; }) >"$dir/log" 2>&1; }
if command -v npm >/dev/null; then
  mkdir -p "$dir/left/lib" "$root/web"
  echo '{ "name": "left", "version": "1.0.0" }' >"$dir/left/package.json" && echo 'module.exports = 1' >"$dir/left/lib/index.js"
  (cd "$root/web" && npm pack "$dir/left") >"$dir/log" 2>&1 || fail "npm pack: $(cat "$dir/log")"
  echo '{ "name": "web", "version": "1.0.0", "dependencies": { "left": "file:left-1.0.0.tgz" } }' >"$root/web/package.json"
  tools+=(npm)
fi

for tool in "${tools[@]}"; do build_"$tool" || fail "$tool: $(tail -5 "$dir/log")"; done
declare -A made=([cmake]=cpp/out [python]=py/__pycache__ [cargo]=rust/target [npm]=web/node_modules)

# What was made just now stays, whatever its mtimes say, unless the operator leaves the birth times out.
age() { find "$root" -exec touch -h -d '40 days ago' {} +; }
age
sed -i 's/, age-by = \["mtime"\]//' "$config"
expect 0 plan --json
expect_json /entries 0
sed -i 's/older-than = "30d"/&, age-by = ["mtime"]/' "$config"

# A source tree with a build's name, and a build in its own sources, are nobody's to take.
mkdir -p "$root/mine/target" "$root/mine/build/classes" "$root/insource"
echo precious >"$root/mine/target/notes" && echo '{}' >"$root/mine/Cargo.toml"
cp "$root/cpp/CMakeLists.txt" "$root/cpp/small.c" "$root/insource/"
cmake -S "$root/insource" -B "$root/insource" >"$dir/log" 2>&1 || fail "cmake in its sources"
age
remember

# A build under way holds its lock: then no part of the tree goes.
if [[ -n ${made[cargo]:-} && -e $root/rust/target/debug/.cargo-lock ]]; then
  exec 7<"$root/rust/target/debug/.cargo-lock" && flock 7
  expect 0 plan --json
  json --all /path >"$dir/paths" || true
  ! grep -q "^$root/rust" "$dir/paths" || fail "a locked tree is in the plan: $(grep -m3 "^$root/rust" "$dir/paths")"
  grep -q "^$root/cpp/out$" "$dir/paths" || fail "the free one is not"
  exec 7<&-
fi
# A shell in it, likewise.
(cd "$root/cpp/out/CMakeFiles" && exec sleep 600) &
holder=$!
at_exit+=("kill $holder 2>/dev/null")
sleep 0.2
expect 0 run --yes
says "$out" 'belongs to a whole in which something stays'
for tool in "${tools[@]}"; do
  [[ $tool == cmake || ! -e $root/${made[$tool]} ]] || fail "${made[$tool]} stays"
done
[[ -x $root/cpp/out/small && -e $root/cpp/out/CMakeCache.txt ]] || fail "a part of a tree in use went"
kill "$holder" && wait "$holder" 2>/dev/null || true
expect 0 rollback latest
unchanged

expect 0 run --yes
for tool in "${tools[@]}"; do [[ ! -e $root/${made[$tool]} ]] || fail "${made[$tool]} stays"; done
[[ -e $root/mine/target/notes && -e $root/insource/CMakeCache.txt && -e $root/cpp/small.c ]] || fail "sources went"
expect 0 verify latest
for tool in "${tools[@]}"; do build_"$tool" || fail "$tool after the cleaning: $(tail -5 "$dir/log")"; done
"$root/cpp/out/small" || fail "what was built again does not run"

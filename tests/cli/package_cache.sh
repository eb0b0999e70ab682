# org.freshet.package-cache on archives that dpkg-deb built, with the status file of a dpkg that installed some of them.
source "$(dirname "$0")/lib.sh"
command -v dpkg-deb >/dev/null || skip "no dpkg-deb(1) here"
apt=$root/archives dpkg=$root/dpkg
mkdir -p "$apt/partial" "$dpkg/updates" "$dpkg/info" "$dir/system" "$root/lists"
: >"$apt/lock" && : >"$dpkg/status" && : >"$dpkg/available"
arch=$(dpkg --print-architecture)

# archive NAME VERSION: its path
archive() { echo "$apt/$1_${2//:/%3a}_$arch.deb"; }
build() {
  local at=$dir/package
  rm -rf "$at" && mkdir -p "$at/DEBIAN" "$at/usr/share/$1"
  echo "$2" >"$at/usr/share/$1/version"
  printf 'Package: %s\nVersion: %s\nArchitecture: %s\nMaintainer: A <a@example.org>\nDescription: test\n' "$1" "$2" "$arch" >"$at/DEBIAN/control"
  dpkg-deb --build --root-owner-group "$at" "$(archive "$1" "$2")" >/dev/null
}
dpkg_here() { PATH=$PATH:/usr/sbin:/sbin dpkg --admindir="$dpkg" --instdir="$dir/system" --force-not-root --force-bad-path --log=/dev/null "$@" >"$dir/log" 2>&1 || fail "dpkg $*: $(cat "$dir/log")"; }

for version in 1.0~rc1-1 1.0-1 1.2-1 1.10-1 1:0.9-1; do build hello "$version"; done
build other 3 && build gone 1 && build gone 2
for of in 'hello 1.10-1' 'other 3' 'gone 2'; do dpkg_here -i "$(archive $of)"; done
dpkg_here --remove gone
cp /etc/passwd "$root/lists/Packages" && cp /etc/passwd "$apt/keyring.gpg" && cp "$(archive other 3)" "$apt/partial/"

# by ACCESS [SETTINGS]
by() {
  cat >"$config" <<END
[task.packages]
plugin = "org.freshet.package-cache"
roots = [{ path = "$apt" }, { path = "$dpkg", access = [$1] }]
locks = [{ path = "$apt/lock", kind = "posix" }]
settings = { ${2:-min-age = \"0s\"} }
budget = { share = 1.0 }
END
}
left() { (cd "$apt" && ls *.deb | tr '\n' ' '); }

# Each permission is needed.
by '"list"'
expect 4 check
says "$err" F1001 read
by '"read"' && sed -i /locks/d "$config"
expect 4 check
says "$err" F1001 lock

by '"read"'
remember
expect 0 plan
says "$out" re-downloadable
expect 0 plan --json
says "$out" "hold the lock $apt/lock (posix)" "list and read contents below $dpkg"
json --all /path | grep -v '^$' | sort >"$dir/paths"
printf '%s\n' "$(archive gone 1)" "$(archive gone 2)" "$(archive hello '1.0~rc1-1')" "$(archive hello 1.0-1)" | sort | diff - "$dir/paths" ||
  fail "not these go"

# While apt works nothing goes, and the holder is named.
perl -e "use Fcntl; open(F, '+<', '$apt/lock') or die; my \$p = pack('s s x4 q q i', F_WRLCK, 0, 0, 0, 0); fcntl(F, F_SETLK, \$p) or die; open(G, '>', '$dir/held'); close(G); sleep 600" &
holder=$!
at_exit+=("kill $holder 2>/dev/null")
for _ in {1..200}; do [[ ! -e $dir/held ]] || break; sleep 0.05; done
expect 1 run --yes --json
expect_json /tasks/0/status skipped
says "$out" "held by perl (pid $holder)"
unchanged
kill "$holder" && wait "$holder" || true

expect 0 run --yes --json
expect_json /tasks/0/status committed
expect_json /tasks/0/extra/0/permission lock
[[ $(left) == "hello_1%3a0.9-1_$arch.deb hello_1.10-1_$arch.deb hello_1.2-1_$arch.deb other_3_$arch.deb " ]] || fail "left: $(left)"
[[ -e $apt/keyring.gpg && -e $root/lists/Packages && -e $apt/partial/other_3_$arch.deb && -e $dpkg/status && -e $apt/lock ]] ||
  fail "something else went"
expect 0 rollback latest
unchanged

# What was downloaded just now stays; so does all while dpkg's journal says that it was interrupted.
by '"read"' 'keep-versions = 1'
expect 0 plan --json
expect_json /entries 0
by '"read"'
: >"$dpkg/updates/0001"
expect 1 run --yes
says "$err" 'dpkg --configure -a'
rm "$dpkg/updates/0001"
head -c 100 "$dpkg/status" >"$dir/short" && cp "$dir/short" "$dpkg/status"
expect 1 run --yes
says "$err" 'not whole'

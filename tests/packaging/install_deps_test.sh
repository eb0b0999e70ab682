#!/bin/bash
# install-deps.sh beside stand-ins for dpkg-query, apt-get and sudo: what it asks for, and what it says when it cannot.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
die() { echo "$*"; cat "$scratch/out" 2>/dev/null; exit 1; }

mkdir "$scratch/bin"
for tool in bash env cat cut grep tr wc id; do ln -s "$(command -v "$tool")" "$scratch/bin/$tool"; done
# Everything is installed but what "absent" names; a removed package that left its configuration behind is not there.
cat >"$scratch/bin/dpkg-query" <<END
#!/bin/bash
package=\${*: -1}
if [[ \$package == ccache ]]; then echo config-files; exit 0; fi
grep -qx -- "\$package" "$scratch/absent" && exit 1
echo installed
END
cat >"$scratch/bin/apt-get" <<END
#!/bin/bash
printf '%s\n' "\$*" >>"$scratch/apt.log"
END
chmod +x "$scratch"/bin/{dpkg-query,apt-get}
printf 'cmake\nlibgtest-dev\n' >"$scratch/absent"

run() { PATH=$scratch/bin packaging/install-deps.sh "$@" </dev/null >"$scratch/out" 2>&1; }

run --list || die "--list failed"
grep -q 'libseccomp-dev .*system call' "$scratch/out" || die "--list does not say why"
[[ ! -e $scratch/apt.log ]] || die "--list called apt-get"

if ((EUID == 0)); then
  run --build || die "failed as root"
  grep -q '^  cmake .*describes the build' "$scratch/out" || die "does not say what is missing and why"
  grep -q 'install -y .* ccache cmake$\|install -y .* cmake ccache$' "$scratch/apt.log" || die "$(cat "$scratch/apt.log")"
  ! grep -q libgtest "$scratch/apt.log" || die "--build asked for a test package"
  rm "$scratch/apt.log"
  run --tests || die "failed as root"
  grep -q libgtest-dev "$scratch/apt.log" || die "--tests did not ask for libgtest-dev"
  lower=(setpriv --reuid=65534 --regid=65534 --clear-groups)
  chmod -R a+rX "$scratch"
else
  lower=()
fi

# An ordinary user without sudo gets the exact command, and nothing is tried.
rm -f "$scratch/apt.log"
script=$scratch/install-deps.sh
cp packaging/install-deps.sh "$script" && chmod a+rx "$script"
if "${lower[@]}" env PATH="$scratch/bin" bash "$script" --build </dev/null >"$scratch/out" 2>&1; then die "passed without rights"; fi
grep -q 'apt-get update && apt-get install -y .*cmake' "$scratch/out" || die "does not give the command to run as root"
[[ ! -e $scratch/apt.log ]] || die "called apt-get without rights"

# With everything there it is quiet and needs no rights.
: >"$scratch/absent"
sed -i '/ccache/d' "$scratch/bin/dpkg-query"
"${lower[@]}" env PATH="$scratch/bin" bash "$script" --tests </dev/null >"$scratch/out" 2>&1 || die "failed with nothing missing"
[[ $(wc -l <"$scratch/out") == 1 ]] || die "too many words about nothing"

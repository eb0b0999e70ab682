#!/bin/bash
# Installs the Debian 12 packages Freshet is built and tested with. This is the only place that names them.
set -euo pipefail

usage() {
  cat <<'END'
Usage: packaging/install-deps.sh [--build] [--tests] [--list]

  --build   what compiling and running Freshet needs (the default)
  --tests   that, and what tests/run.sh needs beside it
  --list    print the packages and why each is needed; install nothing

Only what is missing is installed, with apt-get: directly as root, through sudo otherwise.
END
}

# group | package | why
packages() {
  cat <<'END'
build|g++|compiles Freshet (C++23)
build|cmake|describes the build
build|ninja-build|runs the build
build|ccache|makes a second build fast
build|pkg-config|finds libraries for cmake
build|libboost-dev|Boost.DLL loads plugins in the worker
build|libboost-program-options-dev|parses the command line
build|libspdlog-dev|logging
build|libfmt-dev|text formatting
build|libtoml11-dev|reads freshet.toml and plugin manifests
build|libsqlite3-dev|history of runs
build|libseccomp-dev|system call filters
build|libelf-dev|reads plugin files without running them
build|zlib1g-dev|libelf links it
build|nlohmann-json3-dev|--json output
build|libsodium-dev|SHA-256, SipHash, signatures of plugins
build|libzstd-dev|compresses the plans that history keeps
tests|libgtest-dev|unit tests
tests|libbenchmark-dev|benchmarks
tests|clang-19|the second compiler, sanitizers and fuzzing
tests|libclang-rt-19-dev|runtime of clang's sanitizers
tests|jq|the shell tests read --json output
tests|sqlite3|the shell tests look into the history
tests|util-linux|flock, setpriv, mount and unshare in tests
tests|e2fsprogs|file systems of their own for tests
tests|bubblewrap|the peer that the start of a channel is measured against
tests|libcap2-bin|drops capabilities in tests
tests|abigail-tools|compares the plugin ABI with its kept description
tests|doxygen|makes the reference of the SDK
tests|minisign|signs plugins in tests
tests|rustc|builds the example in another language
tests|qemu-system-x86|emulates a machine with Debian's own kernel
tests|busybox-static|its first process
tests|cpio|packs what it starts with
tests|kmod|finds the modules it needs
tests|systemd|its service manager
END
}

group=build
list=0
while (($#)); do
  case $1 in
    --build) ;;
    --tests) group=tests ;;
    --list) list=1 ;;
    -h | --help) usage; exit 0 ;;
    *) echo "install-deps.sh: unknown option: $1" >&2; usage >&2; exit 64 ;;
  esac
  shift
done

say() { printf '%s\n' "$*"; }
die() { printf 'install-deps.sh: %s\n' "$*" >&2; exit 1; }

wanted() {
  if [[ $group == tests ]]; then packages; else packages | grep '^build|'; fi
}

if ((list)); then
  wanted | while IFS='|' read -r _ package why; do printf '  %-30s %s\n' "$package" "$why"; done
  exit 0
fi

if ! command -v dpkg-query >/dev/null || ! command -v apt-get >/dev/null; then
  die "this needs a Debian system (apt-get); elsewhere install the counterparts of: $(wanted | cut -d'|' -f2 | tr '\n' ' ')"
fi

if [[ -r /etc/os-release ]]; then
  # shellcheck source=/dev/null
  release=$(. /etc/os-release && printf '%s %s' "${ID:-unknown}" "${VERSION_ID:-}")
  [[ $release == "debian 12" ]] ||
    say "Note: Freshet is tested on Debian 12; this is '$release'. Going on with the same package names."
fi

missing=()
while IFS='|' read -r _ package why; do
  # shellcheck disable=SC2016  # the format is dpkg's, not the shell's
  if ! dpkg-query -W -f '${db:Status-Status}\n' "$package" 2>/dev/null | grep -qx installed; then
    ((${#missing[@]})) || say "Missing packages, and what each is for:"
    printf '  %-30s %s\n' "$package" "$why"
    missing+=("$package")
  fi
done < <(wanted)

if ((${#missing[@]} == 0)); then
  say "All $(wanted | wc -l) needed packages are installed."
  exit 0
fi

manual="apt-get update && apt-get install -y --no-install-recommends ${missing[*]}"
become=()
if ((EUID != 0)); then
  command -v sudo >/dev/null || die "${#missing[@]} packages are missing, this is not root and there is no sudo. As root, run:
  $manual"
  # Without a terminal nobody can type a password, and waiting for one would look like a hang.
  if ! sudo -n true 2>/dev/null && [[ ! -t 0 ]]; then
    die "${#missing[@]} packages are missing and sudo wants a password. As root, run:
  $manual"
  fi
  become=(sudo)
fi

say "Installing ${#missing[@]} packages .."
apt() {
  "${become[@]}" env DEBIAN_FRONTEND=noninteractive apt-get -o DPkg::Lock::Timeout=300 "$@"
}
apt update || say "apt-get update reported errors; trying with the lists that are there."
apt install -y --no-install-recommends "${missing[@]}" || die "apt-get failed (see above). By hand:
  $manual"

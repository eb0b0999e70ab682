#!/bin/bash
# Runs checks on Debian 12's own kernel: a whole machine with systemd, emulated, with the files of this one below it. What
# it writes is gone with it.
set -euo pipefail

usage() {
  cat <<'END'
Usage: tests/kernel/run.sh [--build DIR] [--limit SECONDS] [CHECK..]

  CHECK           a script, by its path (default: all of tests/kernel/checks; those of tests/kernel/long take longer)
  --build DIR     a build of Freshet with its tests (default: build/check/quick, else build)
  --limit SECONDS until the machine is switched off (default 1500)

Needs root, and what `packaging/install-deps.sh --tests` installs. The kernel is downloaded once, with apt-get, and is
not installed. A check has /tmp on ext4, is a service of its own to which systemd delegates a control group, and says by
its exit code how it ended.
END
}

die() { printf 'tests/kernel/run.sh: %s\n' "$*" >&2; exit 1; }

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
source "$here/../benchmark/lib.sh"
build='' limit=1500 checks=()
while (($#)); do
  case $1 in
    --build) build=${2:?} && shift ;;
    --limit) limit=${2:?} && shift ;;
    -h | --help) usage && exit 0 ;;
    -*) usage >&2 && exit 64 ;;
    *) checks+=("$(realpath "$1")") ;;
  esac
  shift
done
((${#checks[@]})) || checks=("$here"/checks/*.sh)
find_build freshet
((EUID == 0)) || die "only root can lend this machine's files to another"
for program in qemu-system-x86_64 busybox cpio depmod mke2fs /usr/lib/qemu/virtiofsd /lib/systemd/systemd; do
  command -v "$program" >/dev/null || die "no $program; packaging/install-deps.sh --tests installs it"
done

# The kernel, as Debian ships it.
store=$build/kernel
mkdir -p "$store"
if [[ ! -e $store/whole ]]; then
  fetch() {
    local package
    package=$(apt-cache depends linux-image-cloud-amd64 | sed -n 's/.*Depends: \(linux-image-[0-9].*\)/\1/p' | head -n 1)
    [[ -n $package ]] || return 1
    rm -rf "$store"/*
    (cd "$store" && apt-get -qq -o APT::Sandbox::User=root download "$package") && dpkg-deb -x "$store/$package"_*.deb "$store/image"
  }
  fetch || { apt-get -qq update && fetch; } || die "linux-image-cloud-amd64 cannot be downloaded"
  depmod -b "$store/image" "$(ls "$store/image/lib/modules")"
  touch "$store/whole"
fi
version=$(ls "$store/image/lib/modules")

work=$(mktemp -d "${TMPDIR:-/tmp}/freshet-kernel.XXXXXX")
server=
trap '[[ -z $server ]] || kill "$server" 2>/dev/null || true; rm -rf "$work"' EXIT

# What the kernel starts with: the modules that reach the files, in an order in which they load.
first=$work/first
mkdir -p "$first/checks"
cp "$(command -v busybox)" "$first/busybox"
cp "$here/init" "$here/guest.sh" "$first/"
cp "${checks[@]}" "$first/checks/"
printf 'build=%q\nsource=%q\nmodules=%q\n' "$build" "$source_dir" "$store/image/lib/modules/$version" >"$first/settings.sh"
count=100
for module in virtio_pci virtio_blk virtiofs overlay; do
  modprobe -d "$store/image" -S "$version" --show-depends "$module"
done | awk '$1 == "insmod" && !seen[$2]++ { print $2 }' | while IFS= read -r file; do
  cp "$file" "$first/$((count++)).ko"
done
(cd "$first" && find . | cpio --quiet -o -H newc) >"$work/first.cpio"
truncate -s 4G "$work/disk"
mke2fs -q -t ext4 -F "$work/disk"

/usr/lib/qemu/virtiofsd --socket-path="$work/files" -o source=/ -o sandbox=chroot -o cache=always -o no_flock >"$work/server.log" 2>&1 &
server=$!
for ((i = 0; i < 100; ++i)); do
  [[ -S $work/files ]] && break
  sleep 0.1
done
[[ -S $work/files ]] || { cat "$work/server.log" >&2; die "virtiofsd did not start"; }

timeout --foreground "$limit" qemu-system-x86_64 -accel tcg,thread=multi -cpu max -smp "$(nproc)" -m 3G -display none -nodefaults \
  -no-reboot -serial stdio -object memory-backend-memfd,id=memory,size=3G,share=on -numa node,memdev=memory \
  -chardev "socket,path=$work/files,id=files" -device vhost-user-fs-pci,chardev=files,tag=files \
  -drive "file=$work/disk,format=raw,if=virtio,cache=unsafe" -kernel "$store"/image/boot/vmlinuz-* -initrd "$work/first.cpio" \
  -append "console=ttyS0 quiet loglevel=1 panic=-1 mitigations=off" \
  </dev/null 2>&1 | sed -u 's/\r$//' | tee "$work/log" || true
grep -q '^kernel checks: all passed' "$work/log" || die "a check failed, or the machine did not come to its end within $limit s"

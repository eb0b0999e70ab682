#!/bin/bash
# Builds the demo tree of the quick start: demo_tree.sh DIR (must not exist yet).
#   DIR/cache/web   a web cache: most of it old, some fresh, locked and pinned files between
#   DIR/log         a log directory: rotated logs of many ages
#   DIR/uploads     what people leave behind: odd names, links, holes, modes, empty directories
# Contents are written by shell built-ins alone, so that a few thousand files take about two seconds.
set -euo pipefail
export LC_ALL=C  # names below are bytes

tree=${1:?usage: demo_tree.sh DIR}
umask 022
mkdir -p -- "$tree"
cd -- "$tree"

now=$(date +%s)
line='Nothing in here is worth keeping, which is the point of it.  0123456789 abcdefghijklmnopqrstuvwxyz '
printf -v blob '%s' "$line$line$line$line$line$line$line$line"
blob=$blob$blob$blob$blob$blob$blob$blob$blob
blob=$blob$blob$blob$blob$blob$blob  # about 38 KB

made=0
# write NAME BYTES: a file with contents of its own
write() {
  ((++made))
  printf '%s #%d\n%s' "$1" "$made" "${blob:0:$2}" >"./$1"
}

# age DAYS PATH..: sets the times of everything below, to the nanosecond
age() {
  local days=$1
  shift
  find "$@" -exec touch -h -d "@$((now - days * 86400 - made)).$((100000000 + made * 7919))" {} +
}

# ---- a web cache ----
mkdir -p cache/web/pinned
for bucket in {00..31}; do
  dir=cache/web/$bucket
  mkdir -p "$dir/body" "$dir/meta"
  for n in {1..48}; do
    write "$dir/body/$n.bin" $((2000 + (made * 7717) % 36000))
    write "$dir/meta/$n.json" $((200 + (made * 331) % 900))
  done
  if ((10#$bucket < 24)); then
    age $((32 + 10#$bucket * 5)) "$dir"
  else
    # A bucket that is still in use: only some of its files are old.
    age $((10#$bucket - 22)) "$dir"
    age 40 "$dir"/body/1?.bin
  fi
done
write cache/web/pinned/logo.svg 9000
write cache/web/pinned/fonts.woff 30000
write cache/web/00/index.lock 10
write cache/web/01/body/being-written.bin 20000
write cache/web/02/body/being-read.bin 20000
age 400 cache/web/pinned cache/web/00/index.lock cache/web/01/body/being-written.bin cache/web/02/body/being-read.bin
touch -d "@$((now + 86400 * 365))" cache/web/03/meta/1.json  # a clock that was wrong: never old

# ---- logs ----
mkdir -p log/app log/audit
for service in api worker mailer search; do
  write "log/app/$service.log" 20000
  for n in {1..60}; do
    write "log/app/$service.log.$n.gz" $((4000 + (made * 557) % 20000))
    age $((n * 3)) "log/app/$service.log.$n.gz"
  done
done
for n in {1..30}; do
  write "log/audit/audit.$n" 6000
  age $((n * 30)) "log/audit/audit.$n"
done

# ---- what people leave behind ----
mkdir -p uploads/'two words' uploads/links uploads/special uploads/empty/{a,b/c/d} uploads/recent
# shellcheck disable=SC2016  # a name, not a command
for name in 'with space' ' leading and trailing ' -rf '--help' '$(reboot)' '*' "it's" 'a"b' 'back\slash' \
  $'new\nline' $'tab\there' $'escape\033[31mred' $'not utf-8 \377\376' $'\303\234ml\303\244ut \360\237\247\271' .hidden; do
  write "uploads/two words/$name" $((300 + made % 4000))
done
printf -v longest '%0255d' 7
write "uploads/$longest" 100

for n in {1..20}; do
  write "uploads/links/once.$n" 15000
  ln "uploads/links/once.$n" "uploads/links/twice.$n"
done
write uploads/recent/shared 50000
ln uploads/recent/shared uploads/links/shared-with-recent
ln -s ../recent uploads/links/to-a-directory
ln -s /etc uploads/links/to-the-outside
ln -s nowhere uploads/links/dangling

mkfifo uploads/special/pipe
truncate -s 8M uploads/special/hole
printf 'end' >>uploads/special/hole
write uploads/special/nobody-may 700
chmod 0000 uploads/special/nobody-may
write uploads/special/run-me 700
chmod 0750 uploads/special/run-me
mkdir -m 1777 uploads/special/sticky
write uploads/special/sticky/note 50

deep=uploads/deep
for n in {1..40}; do deep=$deep/$n; done
mkdir -p "$deep"
write "$deep/bottom" 500

for n in {1..60}; do write "uploads/recent/report-$n.pdf" 12000; done

if ((EUID == 0)); then
  chown -h 33:33 uploads/links/once.1 uploads/links/dangling
  chown -R 65534:65534 cache/web/05
  chown 1:1 uploads/special/sticky
fi
find uploads -mindepth 1 -maxdepth 1 ! -name recent -print0 | while IFS= read -r -d '' path; do age 60 "$path"; done
age 2 uploads/recent
age 1 log/app/*.log
touch -d "@$((now - 86400)).5" cache cache/web log log/app log/audit uploads .

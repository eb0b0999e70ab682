#!/bin/bash
# Writes the seeds of the targets whose inputs nobody has at hand, intake and broker: make_seeds.sh [FOLDER]
# (default: seeds/ beside this script). The others' seeds are files as people write them.
set -euo pipefail
folder=${1:-$(dirname "${BASH_SOURCE[0]}")/seeds}
mkdir -p "$folder/intake" "$folder/broker"

number() { local i v=$2; for ((i = 0; i < $1; ++i)); do printf "\\x$(printf %02x $((v & 255)))"; v=$((v >> 8)); done; }
text() { number 4 "${#1}"; printf %s "$1"; }
none=4294967295
directory() { number 1 0; number 4 "$1"; number 4 "$2"; number 4 "$3"; text "$4"; number 8 "$5"; number 8 0; number 8 0; }  # id parent root name inode
finding() {  # directory name type
  number 1 1; number 4 "$1"; text "$2"; number 8 500; number 8 0; number 1 "$3"; number 8 5; number 8 1; number 8 5; number 8 5
  number 8 4096; number 4 1; number 4 0; number 1 1; number 1 0; number 8 0; text old
}
end() { number 1 2; number 4 "$1"; number 8 4; number 1 1; }
unread() { number 1 3; number 4 "$1"; number 4 0; text "$2"; number 4 13; }
object() { number 1 6; number 8 "$1"; number 1 4; text gone; }  # index
together() { number 1 7; number 1 "$1"; }  # step
needed() { number 1 8; number 4 "$1"; text "$2"; number 8 9; }
line() { number 1 5; number 1 3; text "$1"; }
# packet NAME COMMAND..: appends what the commands print to the input NAME, as one packet.
packet() {
  local name=$1 part
  shift
  part=$(mktemp)
  eval "$*" >"$part"
  { number 2 "$(stat -c %s "$part")"; cat "$part"; } >>"$folder/intake/$name"
  rm "$part"
}
rm -f "$folder"/intake/* "$folder"/broker/*
packet honest "directory 0 $none 0 '' 100; finding 0 a 1; end 0"
packet two_packets "directory 0 $none 0 '' 100; directory 1 0 0 sub 101; finding 1 x 1"
packet two_packets "finding 0 sub 2; end 1; end 0; line hello"
packet two_roots "directory 0 $none 0 '' 100; directory 1 $none 1 '' 101; unread 1 shut; finding 0 a 1"
packet closed_off "directory 0 $none 0 '' 100; directory 1 0 0 live 9"
packet area "directory 0 $none 0 '' 100; directory 1 0 0 .freshet 9"
packet dotdot "directory 0 $none 0 '' 100; finding 0 .. 1"
packet repeated "directory 0 $none 0 '' 100; finding 0 a 1; finding 0 a 1"
packet objects "object 1; object 0; object 1"
packet foreign_object "object 2"
packet reopened "directory 0 $none 0 '' 100; directory 1 0 0 d 7; directory 2 0 0 d 8; finding 2 x 1; end 2"

packet whole "directory 0 $none 0 '' 100; together 0; finding 0 a 1; needed 0 b; together 1; end 0"
packet withdrawn "directory 0 $none 0 '' 100; together 0; finding 0 a 1; together 2; finding 0 a 1; end 0"
packet whole_left_open "directory 0 $none 0 '' 100; together 0; finding 0 a 1; end 0"
packet whole_in_whole "together 0; together 0"

# Steps as broker_fuzz.cc has them.
printf '\0\0\0\1\0\0\2\0\1\0\3' >"$folder/broker/remove_one"
printf '\0\0\0\1\1\0\1\2\1\1\0\2\1\3' >"$folder/broker/remove_two_parents"
printf '\0\0\4\1\0\0\2\0\1\0\3' >"$folder/broker/unlink_one"
printf '\0\0\0\1\0\0\2\20\1\3\3' >"$folder/broker/whole_directory"
printf '\0\1\0\4' >"$folder/broker/restore"
printf '\0\2\0\5\0' >"$folder/broker/purge"
printf '\0\3\0\6' >"$folder/broker/trial"
printf '\0\0\0\7\0\1\0\1\2\0\1\1\3' >"$folder/broker/in_use"
printf '\0\0\0\1\0\3\2\0\1\11\3' >"$folder/broker/by_a_link"
printf '\0\0\0\1\0\6\2\0\1\11\3' >"$folder/broker/by_dotdot"
printf '\11\7\40abcdef' >"$folder/broker/raw"
printf '\0\4\0\10\3\0\0\1\0\2\0\3\0\10\2\4\0\5\0\6\0\3' >"$folder/broker/ipc_all"
printf '\0\4\0\10\0\2\0\10\0\2\0\3' >"$folder/broker/ipc_twice"
printf '\0\4\0\10\3\2\7\1\2\11\1\3\4\1\2\1\10\1\3\3\1\6\14\1\3' >"$folder/broker/ipc_bent"
printf '\0\4\0\10\0\0\2\13../shm/mine\3' >"$folder/broker/ipc_climbing_name"
printf '\0\4\0\10\0\3\5\1\3' >"$folder/broker/ipc_another_owner"
printf '\0\4\20\10\0\2\0\3' >"$folder/broker/ipc_of_another_broker"
printf '\0\0\0\10\0\2\0\3' >"$folder/broker/ipc_out_of_phase"

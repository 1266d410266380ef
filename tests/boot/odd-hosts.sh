#!/bin/bash
# Hosts that are not as one would like them, and deaths: it works, or says in one line why not and exits with 125; and
# nothing is left. Usage: odd-hosts.sh LODGE IMAGE.
set -u
lodge=$1 image=$2
source "$(dirname "$0")/harness.sh"

# odd NAME SHELL-COMMANDS: prepares with the commands, which end with "$@" where lodge is to be run.
odd() {
  local name=$1 script=$2 out rc ok=no
  out=$(timeout 60 "${as_user[@]}" bash -c "$script" bash "$lodge" run --quiet --cpus 2 --image "$image" -- \
    /bin/sh -c 'echo $((6*7))' 2> >(cat > "$scratch/err"))
  rc=$?
  sleep 0.1  # for cat: a limit on files is not to hold up what lodge says
  [ $rc = 0 ] && [ "$out" = "${3-42}" ] && ok=yes
  [ $rc = 125 ] && [ -z "$out" ] && [ "$(wc -l < "$scratch/err")" = 1 ] && grep -q '^lodge: ' "$scratch/err" && ok=yes
  verdict "$name" $ok "status $rc, output \"$out\", errors \"$(head -c 300 "$scratch/err")\""
}

odd "unlimited stack" 'ulimit -s unlimited; "$@"'
odd "small stack" 'ulimit -s 256; "$@"'
odd "8 GiB of addresses" 'ulimit -v 8388608; "$@"'
odd "1 GiB of addresses" 'ulimit -v 1048576; "$@"'
odd "64 descriptors" 'ulimit -n 64; "$@"'
odd "12 descriptors" 'ulimit -n 12; "$@"'
odd "one process" 'ulimit -u 1; exec "$@"'
odd "files of no size" 'ulimit -f 0; "$@"'
odd "small files" 'ulimit -f 1000; "$@"'
odd "unlimited cores" 'ulimit -c unlimited; "$@"'
odd "16 MiB of data" 'ulimit -d 16384; "$@"'
odd "no stdin" '"$@" <&-'
odd "no stdout" '"$@" >&-' ""
odd "no stderr" '"$@" 2>&-'
odd "no descriptors at all" '"$@" <&- >&- 2>&-' ""
odd "no TMPDIR" 'TMPDIR=/nonexistent "$@"'
odd "unwritable TMPDIR" 'TMPDIR=/proc "$@"'
odd "no HOME" 'unset HOME; "$@"'
odd "no environment" 'exec env -i "$@"'
odd "deleted working directory" 'd=$(mktemp -d); cd "$d"; rmdir "$d"; "$@"'
odd "ignored signals" 'trap "" CHLD PIPE TERM HUP INT URG SEGV; "$@"'
odd "nice" 'nice -n 19 "$@"'
odd "one processor" 'taskset -c 0 "$@"'
odd "no io_uring" 'exec python3 -c "
import ctypes, os, struct, sys
libc = ctypes.CDLL(None, use_errno=True)
program = b\"\".join(struct.pack(\"HBBI\", *i) for i in ((0x20, 0, 0, 0), (0x15, 0, 1, 425), (6, 0, 0, 0x50001), (6, 0, 0, 0x7fff0000)))
data = ctypes.create_string_buffer(program)
prog = ctypes.create_string_buffer(struct.pack(\"HxxxxxxQ\", 4, ctypes.addressof(data)))
assert libc.prctl(38, 1, 0, 0, 0) == 0 and libc.prctl(22, 2, prog, 0, 0) == 0
os.execv(sys.argv[1], sys.argv[1:])
" "$@"'

# Images that may only be read, or lie where nothing may be executed.
cp "$image" "$scratch/read-only.img"
chmod 444 "$scratch/read-only.img"
run() { timeout 60 "${as_user[@]}" "$lodge" run --quiet "$@"; }
check "read-only image" 0 42 run --image "$scratch/read-only.img" -- /bin/sh -c 'echo $((6*7))'
noexec=$(awk '$2 ~ /^\/(dev\/shm|run|tmp|mnt)/ && $4 ~ /noexec/ { print $2; exit }' /proc/mounts)
if [ -n "$noexec" ] && [ -w "$noexec" ]; then
  copy=$(mktemp "$noexec/lodge-XXXXXX")
  cp "$image" "$copy"
  chmod 644 "$copy"
  check "image on a noexec mount" 0 42 run --image "$copy" -- /bin/sh -c 'echo $((6*7))'
  rm -f "$copy"
fi

# Deaths. The VPS's processes are lodge's children, in the order they were made: the zygote, the kernel's threads, init, the
# command.
start() {
  : > "$scratch/out"
  "${as_user[@]}" "$lodge" run --quiet --image "$image" -- "$@" > "$scratch/out" 2> "$scratch/err" < /dev/null &
  pid=$!
  for _ in $(seq 200); do
    [ -s "$scratch/out" ] && break
    sleep 0.05
  done
  sleep 0.2
  read -r -a children < "/proc/$pid/task/$pid/children"
}
# gone NAME: within a second none of the VPS's processes is left.
gone() {
  local ok=no
  for _ in $(seq 20); do
    # A zombie is gone: its new parent has not looked yet.
    [ -z "$(ps -o stat= -p "$(IFS=,; echo "${children[*]}")" | grep -v Z)" ] && { ok=yes; break; }
    sleep 0.05
  done
  verdict "$1" $ok "still there: $(ps -o pid=,stat= -p "$(IFS=,; echo "${children[*]}")" | tr '\n' ' ')"
}
start /bin/sh -c 'echo ready; sleep 1000'
kill -9 $pid
wait $pid 2> /dev/null
gone "kill -9 of lodge"

start /bin/sh -c 'echo ready; sleep 1000'
kill -9 "${children[0]}"
wait $pid
rc=$?
verdict "kill -9 of the zygote" "$([ $rc = 125 ] && [ "$(wc -l < "$scratch/err")" = 1 ] && echo yes)" "status $rc, $(cat "$scratch/err")"
gone "kill -9 of the zygote leaves nothing"

start /bin/sh -c 'echo ready; exec sleep 1000'
kill -9 "${children[3]}"
wait $pid
rc=$?
verdict "kill -9 in kernel code is a panic" "$([ $rc = 125 ] && grep -q 'kernel panic' "$scratch/err" && echo yes)" "status $rc, $(cat "$scratch/err")"
gone "a panic leaves nothing"

start /bin/sh -c '(while :; do :; done) & echo ready; wait $!; echo $?; echo alive'
busiest=$(ps -o pid= --sort=-time -p "$(IFS=,; echo "${children[*]}")" | head -1)
kill -9 $busiest
wait $pid
rc=$?
verdict "kill -9 in user code is that task's" "$([ $rc = 0 ] && [ "$(cat "$scratch/out")" = $'ready\n137\nalive' ] && echo yes)" "status $rc, $(cat "$scratch/out" "$scratch/err")"

# 20 at once.
for i in $(seq 20); do
  (
    out=$(run --image "$image" -- /bin/sh -c "i=0; while [ \$i -lt 20 ]; do /bin/true; i=\$((i+1)); done; echo $i")
    echo "$? $out" > "$scratch/many.$i"
  ) < /dev/null &
done
wait
good=0
for i in $(seq 20); do [ "$(cat "$scratch/many.$i")" = "0 $i" ] && good=$((good + 1)); done
verdict "20 VPSs at once" "$([ $good = 20 ] && echo yes)" "$good were right"
finish

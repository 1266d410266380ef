#!/bin/bash
# What a user of `lodge run` relies on, from outside: output, exit codes, streams, bad input, and that nothing is left.
# Usage: boot.sh LODGE IMAGE. Run by root it drops to an unprivileged user, as Lodge is always tested.
set -u
lodge=$1 image=$2
source "$(dirname "$0")/harness.sh"

run() { timeout 60 "${as_user[@]}" "$lodge" run --quiet --image "$image" "$@"; }

# A fraction of a CPU: half a second of work takes a whole one.
limited() {
  local before after
  before=$(date +%s%N)
  run --cpus 0.5 -- /bin/sh -c 'until [ "$(cut -d" " -f14 /proc/$$/stat)" -ge 50 ]; do :; done'
  after=$(date +%s%N)
  [ $((after - before)) -ge 800000000 ] && echo slow
}
check "half a CPU" 0 slow limited
check "CPUs that are no number" 125 "" run --cpus nan -- /bin/true

for mode in "" --trap-only; do
  for cpus in 1 2; do
    o=(${mode:+$mode} --cpus $cpus)
    check "echo $mode $cpus" 0 42 run "${o[@]}" -- /bin/sh -c 'echo $((6*7))'
    check "exit $mode $cpus" 7 "" run "${o[@]}" -- /bin/sh -c 'exit 7'
    check "signal $mode $cpus" 143 "" run "${o[@]}" -- /bin/sh -c 'kill -TERM $$'
    check "pipeline $mode $cpus" 0 3 run "${o[@]}" -- /bin/sh -c 'printf "a\nb\nc\n" | cat | wc -l'
    check "children $mode $cpus" 0 "x50" run "${o[@]}" -- \
      /bin/sh -c 'i=0; while [ $i -lt 50 ]; do /bin/true || exit 1; i=$((i+1)); done; echo x$i'
  done
done
check "no such command" 127 "" run -- /no/such/command
check "not executable" 126 "" run -- /etc/passwd
check "no such image" 125 "" "${as_user[@]}" "$lodge" run --image "$scratch/none" -- true
head -c 100000 /dev/zero > "$scratch/zeros"
chmod 644 "$scratch/zeros"
check "no file system" 125 "" "${as_user[@]}" "$lodge" run --image "$scratch/zeros" -- true
# What lodge and the kernel agreed on has changed: another number behind the name of the kernel's note.
python3 - "$(dirname "$lodge")/lodge-kernel" "$scratch/other-kernel" << 'EOF'
import sys
kernel = bytearray(open(sys.argv[1], "rb").read())
at = kernel.index(b"Lodge\0\0\0") + 8
kernel[at] ^= 1
open(sys.argv[2], "wb").write(kernel)
EOF
chmod 644 "$scratch/other-kernel"
check "a kernel of another build" 125 "" run --kernel "$scratch/other-kernel" -- true
check "working directory" 0 /etc run -w /etc -- pwd
check "environment" 0 b run -e A=b -- /bin/sh -c 'echo $A'

# Streams: bytes in and out as they are, the end of file, a reader that goes.
head -c 20000000 /dev/urandom > "$scratch/bytes"
sum_in=$(sha256sum < "$scratch/bytes")
sum_out=$(run -- cat < "$scratch/bytes" | sha256sum)
verdict stream "$([ "$sum_in" = "$sum_out" ] && echo yes)" "$sum_out"
first=$(run -- /bin/sh -c 'yes' 2> /dev/null | head -n 1)
verdict "closed reader" "$([ "$first" = y ] && echo yes)" "$first"

# Process 1: who it is, whom it reaps, what passes it by, and how it ends the VPS when lodge is told to end.
check "init" 0 init run -- cat /proc/1/comm
check "command is a child of init" 0 "2 1" run -- /bin/sh -c 'echo $$ $PPID'
check "orphans are reaped" 0 "0" run -- \
  /bin/sh -c '(sleep 0.1 &) ; sleep 0.4; grep -l "^State:.Z" /proc/[0-9]*/status | wc -l'
check "init cannot be killed" 0 alive run -- /bin/sh -c 'kill -KILL 1; kill -STOP 1; kill -SEGV 1; sleep 0.1; echo alive'
mkdir -p "$scratch/tree/bin"
cp /bin/busybox "$scratch/tree/bin/sh"
printf '#!/bin/sh\nkill -TERM $$\nkill -KILL $$\necho $$ alive\nexit 4\n' > "$scratch/tree/init"
chmod 755 "$scratch/tree/init"
"$lodge" image create "$scratch/init.img" --size 16M --from-dir "$scratch/tree"
check "the image's init is process 1 and spared" 4 $'1 alive\r' \
  timeout 60 "${as_user[@]}" "$lodge" run --quiet --image "$scratch/init.img" --init /init
check "SIGTERM to init ends the VPS" 143 "" run -- /bin/sh -c 'kill -TERM 1; sleep 100'
check "power off" 0 "" run -- /bin/sh -c 'poweroff -f; sleep 100'

# check_signal NAME SIGNAL EXPECTED-STATUS EXPECTED-STDOUT COMMAND…: as check, but lodge gets the signal once the command
# has written its first line.
check_signal() {
  local name=$1 signal=$2
  shift 2
  check "$name" "$1" "$2" signal_lodge "$signal" "${@:3}"
}
signal_lodge() {
  local signal=$1 rc
  shift
  : > "$scratch/out"
  "${as_user[@]}" "$lodge" run --quiet --image "$image" -- "$@" > "$scratch/out" &
  local pid=$!
  for _ in $(seq 100); do
    [ -s "$scratch/out" ] && break
    sleep 0.05
  done
  kill -"$signal" $pid
  wait $pid
  rc=$?
  cat "$scratch/out"
  return $rc
}
for signal in TERM HUP; do
  check_signal "SIG$signal to lodge" $signal 143 ready /bin/sh -c 'echo ready; exec sleep 100'
  check_signal "SIG$signal to lodge, in order" $signal 3 $'ready\nbye' \
    /bin/sh -c 'trap "echo bye; exit 3" TERM; echo ready; sleep 100 & wait'
done
check_signal "SIGTERM to lodge, deaf command" TERM 137 ready \
  /bin/sh -c 'trap "" TERM HUP; echo ready; while :; do sleep 1; done'
check_signal "SIGINT to lodge" INT 130 ready /bin/sh -c 'echo ready; exec sleep 100'

finish

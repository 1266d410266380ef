#!/bin/bash
# `lodge debug` on running VPSs, and what a kernel panic prints.
# Usage: debug.sh LODGE IMAGE. Run by root it drops to an unprivileged user, as Lodge is always tested.
set -u
lodge=$1 image=$2
as_user=()
[ "$(id -u)" = 0 ] && as_user=(setpriv --reuid=65534 --regid=65534 --clear-groups)
scratch=$(mktemp -d)
chmod 755 "$scratch"
mkdir -p "$scratch/run/lodge" # where it is missing another place is looked at
chmod 700 "$scratch/run" "$scratch/run/lodge"
[ "$(id -u)" = 0 ] && chown -R 65534:65534 "$scratch/run"
export XDG_RUNTIME_DIR=$scratch/run # VPSs of others are not ours to see
vps=
trap '[ -n "$vps" ] && kill -9 $vps 2> /dev/null; rm -rf "$scratch"' EXIT
passed=0 failed=0

pass_if() { # NAME STATUS-OF-A-TEST TEXT-TO-SHOW
  if [ "$2" = 0 ]; then
    passed=$((passed + 1))
  else
    failed=$((failed + 1))
    printf 'FAILED %s; it was:\n%s\n' "$1" "$3"
  fi
}
holds() { # NAME TEXT PATTERN…: each pattern is somewhere in the text
  local name=$1 text=$2 pattern
  shift 2
  for pattern in "$@"; do
    grep -Eq -- "$pattern" <<< "$text"
    pass_if "$name: $pattern" $? "$text"
  done
}
run() { timeout 60 "${as_user[@]}" "$lodge" run --quiet --image "$image" "$@"; }
debug() { timeout 60 "${as_user[@]}" "$lodge" debug "$@" 2>&1; }
start() { # COMMAND…: a VPS in the background, up when its command has written a line
  : > "$scratch/out"
  "${as_user[@]}" "$lodge" run --quiet --image "$image" --cpus 2 -- "$@" > "$scratch/out" &
  vps=$!
  for _ in $(seq 100); do
    [ -s "$scratch/out" ] && return
    sleep 0.05
  done
}

text=$(debug ps)
pass_if "no VPS: exit code" "$([ $? = 125 ]; echo $?)" "$text"
holds "no VPS" "$text" 'no VPS of yours is running'

start /bin/sh -c 'while :; do :; done & echo up; exec sleep 1000'
sleep 0.3
text=$(debug ps)
holds "ps" "$text" '^ +PID +TID S CPU' '^ +1 +1 [SD] ' '^ +2 +2 S +[01] .*sleep.* sleep$' '^ +3 +3 R +[01] .* sh$' \
  '^ +- +- S .*\[clock_main\]$' '\[kernel_threads_main\]$' '\[zygote\]$'
text=$(debug stacks $vps)
holds "stacks" "$text" '^pid 2, tid 2, sleep, S:$' '^ +78[0-9a-f]+ .*sys_(clock_)?nanosleep' \
  '^ +78[0-9a-f]+ lodge::dispatch_syscall.*\+0x' '(fast_gate|host_signal_entry)\+0x' '^\[zygote\]'
text=$(debug ps 1)
holds "another process" "$text" '^lodge: process 1 is no'
first=$vps
start /bin/sh -c 'echo up; exec sleep 1000'
text=$(debug ps)
holds "two VPSs" "$text" "which\?.* $first\b" "which\?.* $vps\b"
kill -9 $first $vps
wait 2> /dev/null
vps=
holds "killed VPSs are gone" "$(debug ps)" 'no VPS of yours is running'
left=$(find "$scratch/run" -type s)
pass_if "their sockets too" "$([ -z "$left" ]; echo $?)" "$left"

text=$(run -- true && find "$scratch/run" -type s)
pass_if "a VPS that ends leaves no socket" "$([ -z "$text" ]; echo $?)" "$text"
chmod 500 "$scratch/run"
text=$(run -- /bin/echo boots)
chmod 700 "$scratch/run"
pass_if "no place for a socket" "$([ "$text" = boots ]; echo $?)" "$text"

# A panic. The other task waits in the kernel; a third runs in the guest.
text=$(run --cpus 2 -- /bin/sh -c 'sleep 1000 & while :; do :; done & sleep 0.2; echo c > /proc/sysrq-trigger' 2>&1)
pass_if "panic: exit code" "$([ $? = 125 ]; echo $?)" "$text"
holds "panic" "$text" '^lodge: kernel panic: sysrq: .*root\.cc:[0-9]+' 'store_sysrq' 'sys_write' \
  '^pid [0-9]+, tid [0-9]+, sleep, S:$' 'sys_(clock_)?nanosleep' 'in the guest'
text=$(run -u 1000 -- /bin/sh -c 'echo c > /proc/sysrq-trigger; echo fine' 2> /dev/null)
pass_if "panic is root's to ask for" "$([ "$text" = fine ]; echo $?)" "$text"

echo "$passed passed, $failed failed"
[ $failed = 0 ]

#!/bin/bash
# `--memory` from outside: who goes beyond it dies, by SIGKILL and with a line in the log; who does not, stays.
# Usage: memory.sh LODGE IMAGE.
set -u
lodge=$1 image=$2
source "$(dirname "$0")/harness.sh"
run() { timeout 100 "${as_user[@]}" "$lodge" run --quiet --image "$image" --memory 128M "$@"; }
# hog N: an awk program that fills about N MiB and goes on without a call or an allocation of note.
hog() { echo "BEGIN { for (i = 0; i < $1 * 880; i++) a[i] = sprintf(\"%01000d\", i); print \"full\"; system(\"sleep 2\") }"; }

check "meminfo tells the size" 0 131072 run -- awk '/^MemTotal/ { print $2 }' /proc/meminfo
check "a hog is killed, the rest goes on" 0 $'137\nalive' run -- /bin/sh -c "awk '$(hog 100000)'; echo \$?; echo alive"
verdict "the console says it" "$(grep -q '^Out of memory: Killed process [0-9]* (awk) total-vm:' "$scratch/err" && echo yes)" "$(cat "$scratch/err")"
check "the log says it" 0 1 run -- \
  /bin/sh -c "awk '$(hog 100000)'; timeout 1 cat /dev/kmsg | grep -c 'Out of memory: Killed process'"
check "below the limit nobody dies" 0 $'full\n0' run -- /bin/sh -c "awk '$(hog 90)'; echo \$?"
check "many small hogs" 0 alive run -- /bin/sh -c \
  "for i in \$(seq 40); do awk '$(hog 8)' > /dev/null 2>&1 & done; wait; echo alive"
check "forked copies that nobody writes do not count" 0 $'full\n0' run -- \
  /bin/sh -c "awk '$(hog 60 | sed 's/sleep 2/sleep 1 \& sleep 1 \& sleep 1 \& sleep 2/')'; echo \$?"
# The one of 50 MiB has been named as the first to go, so the one of 95 MiB stays.
check "oom_score_adj chooses" 0 $'full\n0' run -- /bin/sh -c \
  "(echo 1000 > /proc/self/oom_score_adj; exec awk '$(hog 50 | sed 's/sleep 2/sleep 20/')' > /dev/null) & sleep 1; awk '$(hog 95)'; echo \$?"
verdict "and it was named" "$(grep -q 'oom_score_adj:1000' "$scratch/err" && echo yes)" "$(cat "$scratch/err")"
check "oom_score" 0 $'0\n-17\n1' run -- /bin/sh -c \
  'cat /proc/1/oom_score; echo -1000 > /proc/self/oom_score_adj; sh -c "cat /proc/self/oom_adj"; echo 500 > /proc/self/oom_score_adj; [ $(cat /proc/self/oom_score) -ge 500 ] && echo 1'
for at in /dev/shm /tmp; do
  check "filling $at is ENOSPC" 0 $'1\nalive' run -- \
    /bin/sh -c "dd if=/dev/zero of=$at/file bs=1M count=400 2>&1 | grep -c 'No space left'; echo alive"
done
check "more than all memory at once is ENOMEM" 0 "1" run -- /bin/sh -c 'dd if=/dev/zero of=/dev/null bs=400M count=1 2> /dev/null; echo $?'
finish

#!/bin/bash
# What a user of `lodge run` relies on, from outside: output, exit codes, streams, bad input, and that nothing is left.
# Usage: boot.sh LODGE IMAGE. Run by root it drops to an unprivileged user, as Lodge is always tested.
set -u
lodge=$1 image=$2
as_user=()
[ "$(id -u)" = 0 ] && as_user=(setpriv --reuid=65534 --regid=65534 --clear-groups)
scratch=$(mktemp -d)
chmod 755 "$scratch"
trap 'rm -rf "$scratch"' EXIT
passed=0 failed=0

run() { timeout 60 "${as_user[@]}" "$lodge" run --quiet --image "$image" "$@"; }

# check NAME EXPECTED-STATUS EXPECTED-STDOUT COMMAND…: runs it with stdin empty.
check() {
  local name=$1 status=$2 expected=$3 got rc
  shift 3
  got=$("$@" < /dev/null 2> "$scratch/err")
  rc=$?
  if [ $rc = "$status" ] && [ "$got" = "$expected" ]; then
    passed=$((passed + 1))
  else
    failed=$((failed + 1))
    printf 'FAILED %s: status %s (expected %s), output "%s" (expected "%s"), errors "%s"\n' \
      "$name" $rc "$status" "$got" "$expected" "$(head -c 300 "$scratch/err")"
  fi
}

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
check "working directory" 0 /etc run -w /etc -- pwd
check "environment" 0 b run -e A=b -- /bin/sh -c 'echo $A'

# Streams: bytes in and out as they are, the end of file, a reader that goes.
head -c 20000000 /dev/urandom > "$scratch/bytes"
sum_in=$(sha256sum < "$scratch/bytes")
sum_out=$(run -- cat < "$scratch/bytes" | sha256sum)
if [ "$sum_in" = "$sum_out" ]; then passed=$((passed + 1)); else failed=$((failed + 1)); echo "FAILED stream"; fi
first=$(run -- /bin/sh -c 'yes' 2> /dev/null | head -n 1)
if [ "$first" = y ]; then passed=$((passed + 1)); else failed=$((failed + 1)); echo "FAILED closed reader"; fi

# kill -9 of lodge leaves nothing behind.
"${as_user[@]}" "$lodge" run --quiet --image "$image" -- sleep 1000 &
pid=$!
sleep 1
kill -9 $pid
wait $pid 2> /dev/null
gone=no
for _ in $(seq 20); do
  pgrep -f "run --quiet --image $image -- sleep 1000" > /dev/null || { gone=yes; break; }
  sleep 0.1
done
if [ $gone = yes ]; then passed=$((passed + 1)); else failed=$((failed + 1)); echo "FAILED kill -9 leaves processes"; fi

echo "$passed passed, $failed failed"
[ $failed = 0 ]

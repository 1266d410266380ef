# For the scripts beside it: `source harness.sh`, after `lodge` and `image` are set. Run by root they drop to an unprivileged
# user, as Lodge is always tested.
lodge=$(realpath "$lodge") image=$(realpath "$image")
as_user=()
[ "$(id -u)" = 0 ] && as_user=(setpriv --reuid=65534 --regid=65534 --clear-groups)
scratch=$(mktemp -d)
chmod 755 "$scratch"
trap 'rm -rf "$scratch"' EXIT
passed=0 failed=0

# verdict NAME TRUTH DETAIL: counts; TRUTH is "yes" or anything else.
verdict() {
  if [ "$2" = yes ]; then
    passed=$((passed + 1))
  else
    failed=$((failed + 1))
    echo "FAILED $1: $3"
  fi
}

# check NAME EXPECTED-STATUS EXPECTED-STDOUT COMMAND…: runs it with stdin empty; stderr stays in $scratch/err.
check() {
  local name=$1 status=$2 expected=$3 got rc ok=no
  shift 3
  got=$("$@" < /dev/null 2> "$scratch/err")
  rc=$?
  [ $rc = "$status" ] && [ "$got" = "$expected" ] && ok=yes
  verdict "$name" $ok "status $rc (expected $status), output \"$got\" (expected \"$expected\"), errors \"$(head -c 300 "$scratch/err")\""
}

finish() {
  echo "$passed passed, $failed failed"
  [ $failed = 0 ]
}

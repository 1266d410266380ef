#!/usr/bin/env python3
"""Compares what `lodge run --strace` prints of a program with what strace(1) is known to print of it.

Usage: compare.py LODGE IMAGE PROGRAM EXPECTED. Where the host has strace and lets it trace, its output is held against
the same expectations, so that they cannot drift from the real thing. What differs from run to run (process ids,
addresses, users) is replaced by names; lines of a call that another task interrupted are joined again, and each task
is compared by itself. Run by root it drops to an unprivileged user, as Lodge is always tested.
"""
import difflib
import os
import re
import shutil
import subprocess
import sys
import tempfile

UNPRIVILEGED = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"] if os.geteuid() == 0 else []
UNFINISHED = " <unfinished ...>"


def per_task(trace):
    """The lines of each task, calls joined; the first task, which tells its id, comes first."""
    trace = re.sub(r"strace: Process \d+ attached\n", "", trace)
    first = re.search(r"^getpid\(\) += (\d+)$", trace, re.M)
    first = first.group(1) if first else ""
    tasks, open_calls = {first: []}, {}
    for line in trace.splitlines():
        prefixed = re.match(r"\[pid +(\d+)\] (.*)", line)
        pid, text = prefixed.groups() if prefixed else (first, line)
        if text == UNFINISHED:  # of a line that the notice of a new task ended
            continue
        resumed = re.match(r"<\.\.\. \w+ resumed>(.*)", text)
        if resumed:
            text = open_calls.pop(pid, "") + resumed.group(1)
        if text.endswith(UNFINISHED):
            open_calls[pid] = text[: -len(UNFINISHED)]
        else:
            tasks.setdefault(pid, []).append(text)
    return list(tasks.values())


def normal(lines):
    text = "\n".join(lines)
    text = re.sub(r"^(getpid\(\) += )\d+", r"\1PID", text, flags=re.M)
    text = re.sub(r"^kill\(\d+", "kill(PID", text, flags=re.M)
    text = re.sub(r"\bsi_pid=\d+", "si_pid=PID", text)
    text = re.sub(r"^((?:clone|wait4)\(.*\) += )[1-9]\d*$", r"\1PID", text, flags=re.M)
    text = re.sub(r"\bsi_uid=\d+", "si_uid=UID", text)
    text = re.sub(r"\bsi_[us]time=\d+", lambda m: m.group(0).split("=")[0] + "=N", text)
    text = re.sub(r"\b0x(?!10000000\b)[0-9a-f]{6,}", "ADDRESS", text)
    return re.sub(r" += ", " = ", text)


def report(trace):
    """What is compared: from the program's own start on."""
    start = trace.find('access("/begin"')
    trace = trace[start:] if start >= 0 else trace
    return "\n\n".join(normal(t) for t in per_task(trace)) + "\n"


def run(command, **keywords):
    return subprocess.run(UNPRIVILEGED + command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=120, **keywords)


def differs(name, got, expected):
    if got == expected:
        return False
    print(f"FAILED {name}:")
    print("\n".join(difflib.unified_diff(expected.splitlines(), got.splitlines(), "expected", name, lineterm="")))
    return True


def main():
    lodge, image, program, expected_file = sys.argv[1:]
    with open(expected_file, encoding="utf-8") as f:
        expected = f.read()
    failed = False
    enter = "cat > /tmp/program; chmod 755 /tmp/program; exec /tmp/program"
    for options in (["--cpus", "1"], ["--cpus", "2"], ["--cpus", "2", "--trap-only"]):
        with open(program, "rb") as stdin:
            done = run([lodge, "run", "--quiet", "--strace", "--image", image, *options, "--", "/bin/sh", "-c", enter],
                       stdin=stdin)
        trace = done.stderr.decode("latin-1")
        failed |= differs("lodge run " + " ".join(options), report(trace), expected)
        if done.returncode != 5:
            print(f"FAILED: exit code {done.returncode}, not the program's 5")
            failed = True
        # Where results stand, which the comparison leaves out.
        if "\numask(077)                              = 022\n" not in trace:
            print("FAILED: results do not stand in strace's column")
            failed = True
    # Nothing is lost when the reader is slow: as many lines as there are calls.
    count = 20000
    loop = f"i=0; while [ $i -lt {count} ]; do umask 022; i=$((i+1)); done"
    with tempfile.TemporaryFile() as out:
        done = subprocess.run(
            UNPRIVILEGED + ["sh", "-c", '"$@" 2>&1 >/dev/null | (sleep 2; cat)', "sh", lodge, "run", "--quiet",
                            "--strace", "--image", image, "--", "/bin/sh", "-c", loop],
            stdin=subprocess.DEVNULL, stdout=out, timeout=300)
        out.seek(0)
        lines = out.read().decode("latin-1").splitlines()
    seen = sum(line.startswith("umask(022)") and line.endswith("= 022") for line in lines)
    if seen < count or lines[-1] != "+++ exited with 0 +++":
        print(f"FAILED: {seen} lines of at least {count} calls, the last: {lines[-1:]}")
        failed = True

    if not shutil.which("strace"):
        print("strace is not installed: not compared with it")
    elif run(["strace", "true"]).returncode != 0:
        print("strace cannot trace here: not compared with it")
    else:
        with tempfile.TemporaryDirectory() as scratch:
            os.chmod(scratch, 0o755)
            copy = shutil.copy(program, scratch)
            os.chmod(copy, 0o755)
            failed |= differs("strace", report(run(["strace", "-f", copy]).stderr.decode("latin-1")), expected)
    print("failed" if failed else "passed")
    return failed


if __name__ == "__main__":
    sys.exit(main())

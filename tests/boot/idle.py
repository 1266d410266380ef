#!/usr/bin/env python3
"""An idle VPS does nothing: no context switch of any of its threads, lodge's included, in ten seconds at its shell.
Usage: idle.py LODGE IMAGE. Run by root it drops to an unprivileged user, as Lodge is always tested."""
import os
import pathlib
import pty
import signal
import subprocess
import sys
import time

SETTLE_SECONDS = 60  # for the shell to come up on a busy host
WATCH_SECONDS = 10


def threads_of(lodge):
    """(pid, tid) of lodge's threads and of those of its children, which all processes of the VPS are."""
    found = set()
    for process in pathlib.Path("/proc").iterdir():
        if not process.name.isdigit():
            continue
        try:
            parent = int((process / "stat").read_text().rpartition(")")[2].split()[1])
            if int(process.name) == lodge or parent == lodge:
                found |= {(process.name, task.name) for task in (process / "task").iterdir()}
        except (FileNotFoundError, ProcessLookupError):
            continue
    return found


def switches(threads):
    counts = {}
    for pid, tid in threads:
        lines = pathlib.Path(f"/proc/{pid}/task/{tid}/status").read_text().splitlines()
        counts[pid, tid] = sum(int(line.split()[1]) for line in lines if "ctxt_switches" in line)
    return counts


def read_until(terminal, text):
    seen = b""
    end = time.monotonic() + SETTLE_SECONDS
    while text not in seen and time.monotonic() < end:
        seen += os.read(terminal, 4096)
    if text not in seen:
        sys.exit(f"the shell said only {seen!r}")


def main():
    lodge, image = sys.argv[1:]
    command = [lodge, "run", "--quiet", "--image", image, "-t", "--", "/bin/sh"]
    if os.geteuid() == 0:
        command = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "--"] + command
    terminal, slave = pty.openpty()
    vps = subprocess.Popen(command, stdin=slave, stdout=slave, stderr=slave, start_new_session=True)
    os.close(slave)
    try:
        os.write(terminal, b"echo up-$((6*7))\n")
        read_until(terminal, b"up-42")
        # What the command set off (the last ticks, a child to reap) comes to its end.
        time.sleep(2)
        threads = threads_of(vps.pid)
        before = switches(threads)
        time.sleep(WATCH_SECONDS)
        after = switches(threads)
        problems = [f"thread {tid} of process {pid}: {after[pid, tid] - before[pid, tid]} switches"
                    for pid, tid in threads if after[pid, tid] != before[pid, tid]]
        if threads_of(vps.pid) != threads:
            problems.append("threads have come or gone")
        if len({pid for pid, _ in threads}) < 4:
            problems.append(f"only {len(threads)} threads seen: not all of lodge, zygote, kernel threads and shell")
        # It was asleep, not dead.
        os.write(terminal, b"echo still-$((6*7))\n")
        read_until(terminal, b"still-42")
        os.write(terminal, b"exit\n")
        vps.wait(timeout=30)
    finally:
        if vps.poll() is None:
            os.killpg(vps.pid, signal.SIGKILL)
            vps.wait()
    for problem in problems:
        print(problem)
    print(f"{len(threads)} threads, {len(problems)} problems")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())

#!/usr/bin/env python3
"""A virtual CPU whose host CPU others use becomes another host CPU, if one idles. Usage: host-cpus.py LODGE IMAGE.
Wants a host with two idle CPUs. Run by root it drops to an unprivileged user, as Lodge is always tested."""
import os
import pathlib
import signal
import subprocess
import sys
import time

SKIPPED = 77
PATIENCE_SECONDS = 10
OTHERS = 2  # programs that use the host CPU, too


def busy_thread(lodge):
    """Path and host CPU of the thread of the VPS that has used most CPU time."""
    best, most = None, -1
    for process in pathlib.Path("/proc").iterdir():
        if not process.name.isdigit():
            continue
        try:
            if int((process / "stat").read_text().rpartition(")")[2].split()[1]) != lodge:
                continue
            for task in (process / "task").iterdir():
                fields = (task / "stat").read_text().rpartition(")")[2].split()
                if int(fields[11]) > most:
                    best, most, cpu = task, int(fields[11]), int(fields[36])
        except (FileNotFoundError, ProcessLookupError):
            continue
    if best is None or most < 10:
        return None, None
    return best, cpu


def wait_for(condition):
    end = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < end:
        if value := condition():
            return value
        time.sleep(0.1)
    return None


def main():
    lodge, image = sys.argv[1:]
    if len(os.sched_getaffinity(0)) < 2:
        print("one CPU alone")
        return SKIPPED
    as_user = []
    if os.geteuid() == 0:
        as_user = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "--"]
    command = as_user + [lodge, "run", "--quiet", "--image", image, "--cpus", "1", "--", "/bin/sh", "-c",
                         "while :; do :; done"]
    vps = subprocess.Popen(command, stdin=subprocess.DEVNULL, start_new_session=True)
    others = []
    try:
        thread, first = wait_for(lambda: busy_thread(vps.pid)[0] and busy_thread(vps.pid)) or (None, None)
        if thread is None:
            print("the VPS does not run")
            return 1
        for _ in range(OTHERS):
            others.append(subprocess.Popen(["taskset", "-c", str(first), "sh", "-c", "while :; do :; done"]))
        moved = wait_for(lambda: busy_thread(vps.pid)[1] not in (None, first))
        print(f"from CPU {first} to {busy_thread(vps.pid)[1]}")
        if not moved:
            print(f"the VPS stays on CPU {first} beside {OTHERS} others")
        return 0 if moved else 1
    finally:
        for other in others:
            other.kill()
            other.wait()
        os.killpg(vps.pid, signal.SIGKILL)
        vps.wait()


if __name__ == "__main__":
    sys.exit(main())

#!/usr/bin/env python3
"""Real programs on a Debian image, as an ordinary user.

Usage: programs.py BUILD_DIR [--image FILE] [CHECK]...

Without --image the recipe images/debian/build makes one, kept as BUILD_DIR/debian.img. Each check is a function
`check_*` below; it fails by an assertion. A line that names missing system calls fails any of them.
"""
import argparse
import contextlib
import hashlib
import os
import pathlib
import re
import shlex
import subprocess
import sys
import tarfile
import tempfile
import time

HERE = pathlib.Path(__file__).resolve().parent
UNPRIVILEGED = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "--"] if os.getuid() == 0 else []


class Lodge:
    def __init__(self, build, image):
        self.base = [*UNPRIVILEGED, str(build / "bin/lodge"), "run", "--image", str(image)]

    def command(self, *options, cmd=()):
        return [*self.base, *options, "--", *cmd]

    def run(self, script, *options, stdin=b"", timeout=600):
        """The standard output of a shell script that has to succeed without a word of Lodge's own."""
        done = subprocess.run(self.command(*options, cmd=["/bin/sh", "-ec", script]), input=stdin,
                              capture_output=True, timeout=timeout, cwd="/")
        said = [line for line in done.stderr.decode(errors="replace").splitlines() if line.startswith("lodge:")]
        assert done.returncode == 0 and not said, f"status {done.returncode}: {done.stderr.decode()[-2000:]}"
        return done.stdout


class Terminal:
    """A program on a terminal of its own (a tmux server), looked at as a person would."""

    def __init__(self, command, columns=80, lines=24):
        self.directory = tempfile.TemporaryDirectory()
        self.tmux = ["tmux", "-S", f"{self.directory.name}/socket", "-f", "/dev/null"]
        os.chmod(self.directory.name, 0o755)
        subprocess.run([*self.tmux, "new-session", "-d", "-x", str(columns), "-y", str(lines),
                        shlex.join(map(str, command)) + "; echo ended with $?; sleep 1000"], check=True)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        subprocess.run([*self.tmux, "kill-server"], check=False)
        self.directory.cleanup()

    def type(self, *keys):
        subprocess.run([*self.tmux, "send-keys", *keys], check=True)

    def line(self, text):
        subprocess.run([*self.tmux, "send-keys", "-l", text], check=True)
        self.type("Enter")

    def resize(self, columns, lines):
        subprocess.run([*self.tmux, "resize-window", "-x", str(columns), "-y", str(lines)], check=True)

    def screen(self):
        return subprocess.run([*self.tmux, "capture-pane", "-p"], check=True, capture_output=True, text=True).stdout

    def wait_for(self, pattern, seconds=30):
        end = time.monotonic() + seconds
        while not re.search(pattern, self.screen(), re.M):
            assert time.monotonic() < end, f"no {pattern!r} on the screen:\n{self.screen()}"
            time.sleep(0.05)


PROMPT = r"^bash-.*[$#]$"


@contextlib.contextmanager
def bash_on_a_terminal(lodge):
    with Terminal(lodge.command("-t", cmd=["/bin/bash", "--norc"])) as t:
        t.wait_for(PROMPT)
        yield t


def check_interactive_shell(lodge, _):
    with bash_on_a_terminal(lodge) as t:
        t.line("sleep 1000")
        time.sleep(0.5)
        t.type("C-c")
        t.line("echo status $?")
        t.wait_for("^status 130")
        t.line("sleep 1000")
        time.sleep(0.5)
        t.type("C-z")
        t.wait_for(r"^\[1\]\+  Stopped +sleep 1000")
        t.line("bg; jobs")
        t.wait_for(r"^\[1\]\+  Running +sleep 1000 &")
        t.line("fg")
        time.sleep(0.5)
        t.type("C-c")
        t.line("stty size; echo done-$((1+1))")
        t.wait_for("^done-2")
        t.wait_for("^24 80")
        t.resize(100, 30)
        t.line("clear; stty size")
        t.wait_for("^30 100")
        t.line("exit 7")
        t.wait_for("^ended with 7")


def check_vi(lodge, _):
    with bash_on_a_terminal(lodge) as t:
        t.line("vi /root/note")
        t.wait_for("^~")
        t.type("i")
        t.line("first line")
        t.line("second line")
        t.type("Escape")
        t.wait_for("^second line")
        t.resize(60, 15)
        t.wait_for("^second line")
        t.line(":wq")
        t.wait_for(PROMPT)
        t.line("clear; md5sum /root/note")
        t.wait_for("^" + hashlib.md5(b"first line\nsecond line\n\n").hexdigest())


def check_less(lodge, _):
    with bash_on_a_terminal(lodge) as t:
        t.line("seq 1 1000 | less")
        t.wait_for("^23$")
        t.type("Space")
        t.wait_for("^46$")
        t.type("G")
        t.wait_for("^1000$")
        t.type("g")
        t.wait_for("^1$")
        t.line("/777")
        t.wait_for("^777$")
        t.type("q")
        t.line("clear; echo over-$((1+1))")
        t.wait_for("^over-2")


def check_compiler(lodge, _):
    out = lodge.run(r"""
cd /tmp
cat > a.c <<'EOF'
#include <stdio.h>
#include <math.h>
int main(void) { double s = 0; for (int i = 1; i < 1000000; i++) s += 1.0 / i; printf("%.6f %.3f\n", s, sqrt(2)); }
EOF
gcc -O2 -Wall -o a a.c -lm
./a
""")
    assert out == b"14.392726 1.414\n", out


def source_of(package, directory):
    """The upstream tarball of a Debian source package, from where this host's apt takes its packages."""
    targets = subprocess.run(["apt-get", "indextargets", "--format", "$(RELEASE) $(COMPONENT) $(REPO_URI)",
                              "Identifier: Packages"], capture_output=True, text=True, check=True).stdout
    lines = {f"deb-src {uri} {release} {component}" for release, component, uri in map(str.split, targets.splitlines())
             if component == "main"}
    (directory / "sources.list").write_text("\n".join(sorted(lines)) + "\n")
    for name in ("lists/partial", "cache/archives/partial"):
        (directory / name).mkdir(parents=True)
    options = ["-o", f"Dir::Etc::SourceList={directory}/sources.list", "-o", "Dir::Etc::SourceParts=/dev/null", "-o",
               f"Dir::State::Lists={directory}/lists", "-o", f"Dir::Cache={directory}/cache", "-o",
               "APT::Sandbox::User=root"]
    subprocess.run(["apt-get", "-q", *options, "update"], check=True, stdout=subprocess.DEVNULL)
    subprocess.run(["apt-get", "-q", *options, "source", "--download-only", package], check=True, cwd=directory,
                   stdout=subprocess.DEVNULL)
    found = list(directory.glob("*.orig.tar.*z"))
    assert len(found) == 1, found
    return found[0]


def check_make_of_a_project(lodge, _):
    with tempfile.TemporaryDirectory() as directory:
        source = source_of("lua5.4", pathlib.Path(directory)).read_bytes()
    out = lodge.run(r"""
mkdir /root/lua; cd /root/lua
tar -xz --strip-components=1
make -j4 linux > log 2>&1 || { tail log; exit 1; }
src/lua -e 'local t = {} for i = 1, 1000 do t[i] = (i * 7919) % 1000 end table.sort(t)
            print(_VERSION, t[1], t[1000], string.format("%5.2f", math.pi))'
""", stdin=source)
    assert out == b"Lua 5.4\t0\t999\t 3.14\n", out


PYTHON = r"""
import mmap, os, select, signal, subprocess, threading, queue, tempfile, time
q = queue.Queue()
def work(n):
    q.put(sum(range(n)))
threads = [threading.Thread(target=work, args=(i * 1000,)) for i in range(20)]
for t in threads: t.start()
for t in threads: t.join()
assert sorted(q.get() for _ in threads) == sorted(sum(range(i * 1000)) for i in range(20))
assert subprocess.check_output(['sh', '-c', 'echo $((6*7))']) == b'42\n'
p = subprocess.Popen(['cat'], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
assert p.communicate(b'x' * 300000)[0] == b'x' * 300000
r, w = os.pipe()
assert select.select([r], [], [], 0.01)[0] == []
threading.Timer(0.05, os.write, (w, b'!')).start()
assert select.select([r], [], [], 10)[0] == [r]
poller = select.epoll()
poller.register(r, select.EPOLLIN)
assert poller.poll(1) == [(r, select.EPOLLIN)]
with tempfile.TemporaryFile() as f:
    f.truncate(1 << 20)
    with mmap.mmap(f.fileno(), 0) as m:
        m[12345:12350] = b'hello'
        m.flush()
    f.seek(12345)
    assert f.read(5) == b'hello'
shared = mmap.mmap(-1, 4096)
if os.fork() == 0:
    shared[:2] = b'ok'
    os._exit(3)
assert os.waitstatus_to_exitcode(os.wait()[1]) == 3 and shared[:2] == b'ok'
got = []
signal.signal(signal.SIGALRM, lambda *_: got.append(1))
signal.setitimer(signal.ITIMER_REAL, 0.02)
time.sleep(0.2)
assert got == [1]
from concurrent.futures import ProcessPoolExecutor
print('fine')
"""


def check_python(lodge, _):
    out = lodge.run("python3 -c " + shlex.quote(PYTHON) + " && python3 -c 'import json,ssl;print(json.dumps([1,2]))'")
    assert out == b"fine\n[1, 2]\n", out


def check_perl(lodge, _):
    out = lodge.run(r"""perl -MPOSIX -MTime::HiRes=usleep -e '
        my %c; $c{$_ % 7}++ for 1..100000; print join(",", map { "$_=$c{$_}" } sort keys %c), "\n";
        open(my $p, "-|", "seq", 1, 5) or die; print scalar(my @l = <$p>), "\n"; close $p;
        my $pid = fork; exit 9 unless $pid; waitpid $pid, 0; print $? >> 8, "\n"; usleep 1000; print strftime("%Y", gmtime 0), "\n"'""")
    assert out == b"0=14285,1=14286,2=14286,3=14286,4=14286,5=14286,6=14285\n5\n9\n1970\n", out


def check_procps(lodge, _):
    out = lodge.run("ps -eo pid,comm; free -m; uptime; top -bn1 | head -5; vmstat 1 2; mount | head -3; df /; id; w")
    assert b"Mem:" in out and b"load average" in out and b"overlay" in out, out


def digest(file):
    h = hashlib.sha256()
    while block := file.read(1 << 20):
        h.update(block)
    return h.hexdigest()


def check_tar_is_the_image(lodge, image):
    """What tar reads of /usr inside is what e2fsprogs reads of the image outside: every byte, mode, owner and time."""
    inside = {}
    links = {}
    with subprocess.Popen(lodge.command(cmd=["tar", "-C", "/", "--numeric-owner", "--format=pax", "-cf", "-", "usr"]),
                          stdout=subprocess.PIPE, cwd="/") as p:
        with tarfile.open(fileobj=p.stdout, mode="r|") as tar:
            for m in tar:
                if m.islnk():
                    links[m.name] = m.linkname
                    continue
                kind = "f" if m.isreg() else "d" if m.isdir() else "l" if m.issym() else "?"
                content = digest(tar.extractfile(m)) if m.isreg() else m.linkname
                inside[m.name] = (kind, m.mode & 0o7777, m.uid, m.gid, int(m.mtime), content)
        assert p.wait() == 0
    for name, target in links.items():
        inside[name] = inside[target]

    outside = {}
    with tempfile.TemporaryDirectory() as directory:
        subprocess.run(["debugfs", "-R", f"rdump /usr {directory}", str(image)], check=True, capture_output=True)
        as_root = os.getuid() == 0
        for root, dirs, files in os.walk(f"{directory}/usr"):
            for name in [root, *(f"{root}/{n}" for n in files), *(f"{root}/{n}" for n in dirs if os.path.islink(f"{root}/{n}"))]:
                st = os.lstat(name)
                key = os.path.relpath(name, directory)
                if os.path.islink(name):
                    outside[key] = ("l", 0o777, st.st_uid, st.st_gid, None, os.readlink(name))
                elif os.path.isdir(name):
                    outside[key] = ("d", st.st_mode & 0o7777, st.st_uid, st.st_gid, None, "")
                else:
                    with open(name, "rb") as f:
                        outside[key] = ("f", st.st_mode & 0o7777, st.st_uid, st.st_gid, int(st.st_mtime), digest(f))
    assert len(outside) > 1000 and inside.keys() == outside.keys(), inside.keys() ^ outside.keys()
    for name, want in outside.items():
        got = inside[name]
        # debugfs changes the owner last, which takes the set-id bits off.
        if want[1] & 0o6000 != got[1] & 0o6000:
            got = (got[0], got[1] & 0o1777, *got[2:])
        for i in (0, 1, 5) if not as_root else (0, 1, 2, 3, 5):
            assert got[i] == want[i], (name, got, want)
        assert want[4] is None or got[4] == want[4], (name, got, want)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("build", type=pathlib.Path)
    parser.add_argument("--image", type=pathlib.Path)
    parser.add_argument("checks", nargs="*")
    options = parser.parse_intermixed_args()
    image = options.image or options.build / "debian.img"
    if not image.exists():
        subprocess.run([HERE.parent.parent / "images/debian/build", image],
                       env=os.environ | {"LODGE": str(options.build / "bin/lodge")}, check=True)
    lodge = Lodge(options.build.resolve(), image.resolve())
    failed = 0
    for name, check in list(globals().items()):
        if not name.startswith("check_") or (options.checks and name[6:] not in options.checks):
            continue
        start = time.monotonic()
        try:
            check(lodge, image)
            print(f"ok {name[6:]} {time.monotonic() - start:.1f} s", flush=True)
        except Exception as e:  # whatever went wrong, the others are of interest too
            failed += 1
            print(f"FAILED {name[6:]}: {type(e).__name__}: {e}", flush=True)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())

#!/usr/bin/env python3
"""lodge image create: from a directory, from tars, and what it refuses. Usage: create_test.py LODGE [unittest args]

Every image has to be clean to `e2fsck -fn`; its content is read back with debugfs, not with code of ours. Runs
without root: what only root could make on the host (owners, devices, capabilities) comes out of tars made here.
"""
import io
import os
import re
import shutil
import signal
import stat
import struct
import subprocess
import sys
import tarfile
import tempfile
import time
import unittest

LODGE = sys.argv.pop(1)
MTIME_NS = 1_000_000_000_123_456_789


def run(*args, **kwargs):
    return subprocess.run(args, stdin=subprocess.DEVNULL, capture_output=True, text=True, **kwargs)


class ImageCase(unittest.TestCase):
    def setUp(self):
        self.dir = tempfile.mkdtemp(prefix="image-test-")
        self.addCleanup(shutil.rmtree, self.dir)
        self.image = os.path.join(self.dir, "disk.img")

    def create(self, *args, size="64M"):
        made = run(LODGE, "image", "create", self.image, "--size", size, *args)
        self.assertEqual((made.returncode, made.stderr), (0, ""))
        checked = run("e2fsck", "-fn", self.image)
        self.assertEqual(checked.returncode, 0, checked.stdout + checked.stderr)
        self.assertNotIn("WARNING", checked.stdout + checked.stderr)

    def refuse(self, *args, size="64M", because):
        refused = run(LODGE, "image", "create", self.image, "--size", size, *args)
        self.assertEqual(refused.returncode, 125, refused.stderr)
        self.assertRegex(refused.stderr, rf"\Alodge: [^\n]*{because}[^\n]*\n\Z")
        self.assertEqual([name for name in os.listdir(self.dir) if "disk.img" in name], [])

    def debugfs(self, request):
        # "-" would be a request of its own; names of ours need no quoting
        return run("debugfs", "-R", request, self.image).stdout

    def stat(self, path):
        """Mode, owners, links, size and more of debugfs's `stat`."""
        text = self.debugfs(f"stat {path}")
        number = lambda pattern: int(re.search(pattern, text).group(1))
        times = {name: (int(low, 16), int(extra, 16)) for name, low, extra in
                 re.findall(r"(\w+): 0x([0-9a-f]+):([0-9a-f]+) --", text)}
        return {"text": text, "mode": int(re.search(r"Mode:\s+(\d+)", text).group(1), 8),
                "ino": number(r"Inode: (\d+)"), "uid": number(r"User:\s+(\d+)"), "gid": number(r"Group:\s+(\d+)"),
                "links": number(r"Links: (\d+)"), "blocks": number(r"Blockcount: (\d+)"),
                "size": (re.search(r"Size: (\d+)", text) or [0, "0"])[1], "times": times,
                "flags": int(re.search(r"Flags: (0x[0-9a-f]+)", text).group(1), 16)}

    def names(self, path):
        entries = [line.split("/") for line in self.debugfs(f"ls -p {path}").splitlines() if line.startswith("/")]
        return sorted(entry[5] for entry in entries if entry[5] not in ("", ".", ".."))

    def content(self, path):
        out = os.path.join(self.dir, "content")
        self.debugfs(f"dump {path} {out}")
        with open(out, "rb") as file:
            return file.read()

    def xattr(self, path, name):
        out = os.path.join(self.dir, "xattr")
        self.debugfs(f"ea_get -V -f {out} {path} {name}")
        if not os.path.exists(out):
            return None
        with open(out, "rb") as file:
            value = file.read()
        os.unlink(out)
        return value


class FromDirectory(ImageCase):
    def setUp(self):
        super().setUp()
        self.tree = os.path.join(self.dir, "tree")
        os.mkdir(self.tree)

    def path(self, name):
        return os.path.join(self.tree, name)

    def write(self, name, content):
        with open(self.path(name), "wb") as file:
            file.write(content)

    def test_empty(self):
        self.create()
        self.assertEqual(self.names("/"), ["lost+found"])
        features = re.search(r"Filesystem features:\s+(.*)", run("dumpe2fs", "-h", self.image).stdout)[1].split()
        self.assertEqual(set(features), set("has_journal ext_attr resize_inode dir_index filetype extent 64bit flex_bg "
                                            "sparse_super large_file huge_file dir_nlink extra_isize metadata_csum"
                                            .split()))

    def test_sizes(self):
        for size in ("8M", "130M", "3G", "40G"):
            self.create(size=size)
            text = run("dumpe2fs", "-h", self.image).stdout
            self.assertRegex(text, r"Block size:\s+4096\n")
            self.assertRegex(text, r"Inode size:\s+256\n")
            self.assertLess(os.stat(self.image).st_blocks * 512, 8 << 20)

    def test_tree(self):
        self.write("empty", b"")
        self.write("one", b"1")
        self.write("block", os.urandom(4096))
        self.write("odd", os.urandom(3 * 4096 + 17))
        self.write("large", os.urandom((5 << 20) + 1))
        os.makedirs(self.path("a/b/c"))
        self.write("a/b/c/deep", b"deep")
        os.chmod(self.path("a/b"), 0o2751)
        os.chmod(self.path("one"), 0o4711)
        os.mkfifo(self.path("fifo"))
        os.symlink("x" * 59, self.path("fast"))
        os.symlink("y" * 60, self.path("slow"))
        os.symlink("z" * 4000, self.path("long"))
        self.create("--from-dir", self.tree)
        out = os.path.join(self.dir, "out")
        os.mkdir(out)
        self.debugfs(f"rdump / {out}")
        os.rmdir(os.path.join(out, "lost+found"))
        compared = run("diff", "-r", "--no-dereference", "--exclude=fifo", self.tree, out)
        self.assertEqual(compared.stdout + compared.stderr, "")
        self.assertEqual(self.stat("/a/b")["mode"], 0o2751)
        self.assertEqual(self.stat("/a/b")["links"], 3)
        self.assertEqual(self.stat("/one")["mode"], 0o4711)
        self.assertIn("Type: FIFO", self.stat("/fifo")["text"])
        self.assertIn("Fast link dest", self.stat("/fast")["text"])
        self.assertNotIn("Fast link dest", self.stat("/slow")["text"])
        mine = os.stat(self.tree)
        self.assertEqual((self.stat("/one")["uid"], self.stat("/")["gid"]), (mine.st_uid, mine.st_gid))

    def test_times(self):
        for name, nanoseconds in (("now", MTIME_NS), ("early", -5_000_000_001), ("late", (1 << 33) * 10**9 + 7)):
            self.write(name, b"x")
            os.utime(self.path(name), ns=(nanoseconds, nanoseconds))
            if os.stat(self.path(name)).st_mtime_ns != nanoseconds:
                continue  # the host's filesystem cannot hold it
            self.create("--from-dir", self.tree)
            seconds, fraction = divmod(nanoseconds, 10**9)
            low, extra = self.stat(f"/{name}")["times"]["mtime"]
            signed = struct.unpack("<i", struct.pack("<I", low))[0]
            self.assertEqual((signed + ((extra & 3) << 32), extra >> 2), (seconds, fraction), name)

    def test_hard_links(self):
        self.write("first", b"shared")
        os.mkdir(self.path("sub"))
        os.link(self.path("first"), self.path("sub/second"))
        os.link(self.path("first"), self.path("third"))
        self.create("--from-dir", self.tree)
        stats = [self.stat(path) for path in ("/first", "/sub/second", "/third")]
        self.assertEqual(len({one["ino"] for one in stats}), 1)
        self.assertEqual(stats[0]["links"], 3)
        self.assertEqual(self.content("/sub/second"), b"shared")

    def test_sparse(self):
        with open(self.path("sparse"), "wb") as file:
            for megabyte in (1, 7, 30):
                file.seek(megabyte << 20)
                file.write(b"data%d" % megabyte)
            file.truncate(50 << 20)
        with open(self.path("hole"), "wb") as file:
            file.truncate((1 << 32) + 5)
        self.create("--from-dir", self.tree)
        self.assertEqual(int(self.stat("/hole")["size"]), (1 << 32) + 5)
        self.assertEqual(self.stat("/hole")["blocks"], 0)
        with open(self.path("sparse"), "rb") as file:
            self.assertTrue(file.read() == self.content("/sparse"))
        on_host = os.stat(self.path("sparse")).st_blocks
        self.assertLessEqual(self.stat("/sparse")["blocks"], max(on_host, 24))

    def test_many_extents(self):
        """More than fit into the inode and into one block of the extent tree."""
        with open(self.path("comb"), "wb") as file:
            for i in range(900):
                file.seek(i * 8192)
                file.write(b"tooth %d" % i)
        self.create("--from-dir", self.tree)
        with open(self.path("comb"), "rb") as file:
            self.assertTrue(file.read() == self.content("/comb"))
        if os.stat(self.path("comb")).st_blocks < 901 * 16:  # the host kept the holes
            self.assertGreaterEqual(self.debugfs("ex /comb").count("\n"), 900)

    def test_large_directories(self):
        """Linear, one level of index, two levels; deletion would leave nothing for a wrong hash to hide behind."""
        for name, count, length in (("linear", 100, 20), ("indexed", 3000, 20), ("two-levels", 9000, 240)):
            os.mkdir(self.path(name))
            for i in range(count):
                self.write(f"{name}/{i:0{length}}", b"")
        self.create("--from-dir", self.tree)
        for name, levels in (("linear", None), ("indexed", 0), ("two-levels", 1)):
            self.assertEqual(self.names(f"/{name}"), sorted(os.listdir(self.path(name))))
            self.assertEqual(bool(self.stat(f"/{name}")["flags"] & 0x1000), levels is not None, name)
            if levels is not None:
                self.assertIn(f"Indirect levels: {levels}", self.debugfs(f"htree /{name}"))

    def test_xattrs(self):
        self.write("file", b"x")
        try:
            os.setxattr(self.path("file"), "user.small", b"value")
            os.setxattr(self.path("file"), "user.large", b"v" * 3000)
        except OSError as error:
            self.skipTest(f"no user xattrs here: {error}")
        self.create("--from-dir", self.tree)
        self.assertEqual(self.xattr("/file", "user.small"), b"value")
        self.assertEqual(self.xattr("/file", "user.large"), b"v" * 3000)

    def test_image_inside_its_own_tree(self):
        self.image = self.path("disk.img")
        self.write("file", b"x")
        self.create("--from-dir", self.tree)
        self.assertEqual(self.names("/"), ["file", "lost+found"])


class FromTar(ImageCase):
    def tar(self, members, name="tree.tar", mode="w", **kwargs):
        path = os.path.join(self.dir, name)
        with tarfile.open(path, mode, format=tarfile.PAX_FORMAT, **kwargs) as tar:
            for member in members:
                content = member.pop("content", None)
                info = tarfile.TarInfo(member.pop("name"))
                for key, value in member.items():
                    setattr(info, key, value)
                if content is not None:
                    info.size = len(content)
                tar.addfile(info, io.BytesIO(content) if content is not None else None)
        return path

    def test_owners_and_special_files(self):
        self.create("--from-tar", self.tar([
            {"name": "./", "type": tarfile.DIRTYPE, "mode": 0o711, "uid": 3},
            {"name": "./dev/", "type": tarfile.DIRTYPE, "mode": 0o755},
            {"name": "./dev/null", "type": tarfile.CHRTYPE, "mode": 0o666, "devmajor": 1, "devminor": 3},
            {"name": "./dev/big", "type": tarfile.BLKTYPE, "mode": 0o660, "devmajor": 259, "devminor": 70000},
            {"name": "./dev/fifo", "type": tarfile.FIFOTYPE, "mode": 0o600},
            {"name": "./file", "mode": 0o640, "uid": 1000, "gid": 70001, "content": b"hello",
             "pax_headers": {"mtime": "1000000000.123456789"}},
            {"name": "implied/parent/file", "content": b"x"},
            {"name": "link", "type": tarfile.LNKTYPE, "linkname": "./file"},
        ]))
        self.assertEqual((self.stat("/")["mode"], self.stat("/")["uid"]), (0o711, 3))
        self.assertRegex(self.stat("/dev/null")["text"], r"major/minor number: 0*1:0*3 ")
        self.assertRegex(self.stat("/dev/big")["text"], r"major/minor number: 0*259:0*70000 ")
        self.assertIn("Type: FIFO", self.stat("/dev/fifo")["text"])
        file = self.stat("/file")
        self.assertEqual((file["mode"], file["uid"], file["gid"], file["links"]), (0o640, 1000, 70001, 2))
        self.assertEqual(file["times"]["mtime"], (1000000000, 123456789 << 2))
        self.assertEqual(self.stat("/link")["ino"], file["ino"])
        self.assertEqual(self.content("/implied/parent/file"), b"x")
        self.assertEqual(self.stat("/implied")["mode"], 0o755)

    def test_later_entries_replace_earlier_ones(self):
        self.create("--from-tar", self.tar([
            {"name": "file", "content": b"old" * 5000, "pax_headers": {"SCHILY.xattr.user.x": "v" * 500}},
            {"name": "other", "type": tarfile.LNKTYPE, "linkname": "file"},
            {"name": "file", "content": b"new"},
            {"name": "other", "type": tarfile.SYMTYPE, "linkname": "file"},
            {"name": "same", "content": b"same"},
            {"name": "same", "type": tarfile.LNKTYPE, "linkname": "same"},
            {"name": "dir", "type": tarfile.DIRTYPE, "mode": 0o700},
            {"name": "dir/in", "content": b"in"},
            {"name": "dir", "type": tarfile.DIRTYPE, "mode": 0o755},
        ]))
        self.assertEqual(self.content("/file"), b"new")
        self.assertEqual(self.content("/same"), b"same")
        self.assertEqual(self.stat("/same")["links"], 1)
        self.assertEqual(self.names("/dir"), ["in"])
        self.assertEqual(self.stat("/dir")["mode"], 0o755)

    def test_xattrs_and_acls(self):
        # The value is raw bytes in a pax record; python writes it as UTF-8, so it has to be ASCII.
        capability = "\x01\x00\x00\x02" + "\x00" * 16
        self.create("--from-tar", self.tar([
            {"name": "ping", "mode": 0o755, "content": b"elf", "pax_headers": {
                "SCHILY.xattr.security.capability": capability, "SCHILY.xattr.user.note": "n"}},
            {"name": "acl", "mode": 0o640, "content": b"", "pax_headers": {
                "SCHILY.acl.access": "user::rw-,user:1000:r--:1000,group::r--,mask::r--,other::---"}},
        ]))
        self.assertEqual(self.xattr("/ping", "security.capability"), capability.encode())
        self.assertEqual(self.xattr("/ping", "user.note"), b"n")
        # debugfs turns the ACL back into Linux's form: version 2, then tag, permissions and id of each entry (where
        # there is no id Linux says -1, debugfs 0)
        nobody = 0
        acl = struct.pack("<I", 2) + b"".join(struct.pack("<HHI", *entry) for entry in (
            (1, 6, nobody), (2, 4, 1000), (4, 4, nobody), (16, 4, nobody), (32, 0, nobody)))
        self.assertEqual(self.xattr("/acl", "system.posix_acl_access"), acl)

    def test_compressed(self):
        members = lambda: [{"name": "file", "content": b"packed" * 10000}]
        paths = [self.tar(members(), f"tree.tar.{kind}", f"w:{kind}") for kind in ("gz", "xz", "bz2")]
        if shutil.which("zstd"):
            run("zstd", "-q", self.tar(members()), check=True)
            paths.append(os.path.join(self.dir, "tree.tar.zst"))
        for path in paths:
            self.create("--from-tar", path)
            self.assertEqual(self.content("/file"), b"packed" * 10000, path)

    def test_sparse(self):
        tree = os.path.join(self.dir, "tree")
        os.mkdir(tree)
        with open(os.path.join(tree, "sparse"), "wb") as file:
            file.seek(20 << 20)
            file.write(b"end")
            file.truncate(30 << 20)
        tar = os.path.join(self.dir, "sparse.tar")
        run("tar", "--sparse", "--format=pax", "-C", tree, "-cf", tar, ".", check=True)
        self.create("--from-tar", tar)
        self.assertEqual(int(self.stat("/sparse")["size"]), 30 << 20)
        self.assertLessEqual(self.stat("/sparse")["blocks"], 64)
        self.assertTrue(self.content("/sparse") == bytes(20 << 20) + b"end" + bytes((10 << 20) - 3))

    def test_refusals(self):
        self.refuse("--from-tar", self.tar([{"name": "a/../../b", "content": b""}]), because="leaves the tree")
        self.refuse("--from-tar", self.tar([{"name": "n" * 256, "content": b""}]), because="255 bytes")
        self.refuse("--from-tar", self.tar([
            {"name": "f", "content": b""}, {"name": "f/g", "content": b""}]), because="not a directory")
        self.refuse("--from-tar", self.tar([
            {"name": "l", "type": tarfile.LNKTYPE, "linkname": "gone"}]), because="no file of the tree")
        whole = self.tar([{"name": "f", "content": os.urandom(1 << 20)}], "whole.tar")
        with open(whole, "rb") as file, open(os.path.join(self.dir, "cut.tar"), "wb") as cut:
            cut.write(file.read(500_000))
        self.refuse("--from-tar", os.path.join(self.dir, "cut.tar"), because="[Tt]runcated")
        with open(os.path.join(self.dir, "noise"), "wb") as noise:
            noise.write(b"no tar" * 1000)
        self.refuse("--from-tar", os.path.join(self.dir, "noise"), because="noise")
        self.refuse("--from-tar", os.path.join(self.dir, "none"), because="No such file")
        self.refuse("--from-dir", os.path.join(self.dir, "none"), because="No such file")


class Refusals(ImageCase):
    def test_sizes(self):
        for size in ("0", "7M", "17T", "1.5G", "", "-1"):
            self.refuse(size=size, because="size")

    def test_full_image_leaves_nothing(self):
        tree = os.path.join(self.dir, "tree")
        os.mkdir(tree)
        with open(os.path.join(tree, "large"), "wb") as file:
            file.write(os.urandom(20 << 20))
        self.refuse("--from-dir", tree, size="16M", because="no blocks left")

    def test_file_size_limit(self):
        refused = run("bash", "-c", f"ulimit -f 1000; exec {LODGE} image create {self.image} --size 64M")
        self.assertEqual((refused.returncode, os.listdir(self.dir)), (125, []))
        self.assertIn("File too large", refused.stderr)

    def test_two_sources(self):
        self.refuse("--from-dir", self.dir, "--from-tar", "x", because="exclude")

    def test_target_is_no_file(self):
        refused = run(LODGE, "image", "create", self.dir, "--size", "64M")
        self.assertEqual(refused.returncode, 125)
        self.assertIn("not a regular file", refused.stderr)

    def test_failure_keeps_the_old_image(self):
        with open(self.image, "wb") as file:
            file.write(b"precious")
        self.assertEqual(run(LODGE, "image", "create", self.image, "--size", "64M", "--from-tar", "/").returncode, 125)
        with open(self.image, "rb") as file:
            self.assertEqual(file.read(), b"precious")
        self.assertEqual(os.listdir(self.dir), ["disk.img"])

    def test_interrupt_leaves_nothing(self):
        """The source is a fifo that never ends, so the signal always comes in the middle."""
        fifo = os.path.join(self.dir, "fifo")
        os.mkfifo(fifo)
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            # the Makefile or shell above may have made SIGINT ignored for us
            process = subprocess.Popen([LODGE, "image", "create", self.image, "--size", "64M", "--from-tar", fifo],
                                       preexec_fn=lambda: signal.signal(number, signal.SIG_DFL))
            deadline = time.monotonic() + 20
            while len(os.listdir(self.dir)) < 2 and time.monotonic() < deadline:
                time.sleep(0.01)
            self.assertEqual(len(os.listdir(self.dir)), 2)
            process.send_signal(number)
            self.assertEqual(process.wait(20), -number)
            self.assertEqual(os.listdir(self.dir), ["fifo"])


if __name__ == "__main__":
    unittest.main()

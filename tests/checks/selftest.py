#!/usr/bin/env python3
"""Tests of tools/checks: what they are there to find, they find. Usage: selftest.py CHECKS_FOLDER"""
import importlib.machinery
import importlib.util
import os
import subprocess
import sys
import tempfile
import unittest

CHECKS = sys.argv.pop(1)
sys.path.insert(0, CHECKS)


def load(name):
    loader = importlib.machinery.SourceFileLoader(name, os.path.join(CHECKS, name))
    module = importlib.util.module_from_spec(importlib.util.spec_from_loader(name, loader))
    loader.exec_module(module)
    return module


sources = load("sources.py")


class Sources(unittest.TestCase):
    def test_comments_go_and_strings_stay(self):
        text = 'a // asm\n"// no comment" /* asm\n */ b \'"\' "x"'
        self.assertEqual(sources.strip_comments(text), 'a       \n"// no comment"       \n    b \'"\' "x"')
        self.assertEqual(sources.strip_comments('f("asm \\" //")', keep_strings=False), 'f("")')


class Layers(unittest.TestCase):
    def setUp(self):
        self.layers = load("layers")
        self.layers.os.path.exists = lambda path: True
        self.addCleanup(setattr, self.layers.os.path, "exists", os.path.exists)

    def test_allowed(self):
        for path, included in (
                ("kernel/base/a.h", "kernel/host/b.h"), ("kernel/file/a.cc", "kernel/sched/b.h"),
                ("vfs/ext4/a.cc", "vfs/b.h"), ("net/a.cc", "kernel/mm/b.h"), ("kernel/ipc/a.cc", "kernel/mm/b.h"),
                ("syscalls/a.cc", "net/b.h"), ("kernel/task/a.h", "vfs/b.h"),
                ("userland/lodge/a.cc", "kernel/mailbox/b.h"), ("userland/lodge/a.cc", "userland/lodge/b.h")):
            self.assertIsNone(self.layers.judge(path, included), f"{path} {included}")

    def test_refused(self):
        for path, included in (
                ("kernel/base/a.h", "kernel/sched/b.h"), ("kernel/file/a.h", "vfs/b.h"), ("vfs/a.cc", "net/b.h"),
                ("net/a.cc", "vfs/b.h"), ("kernel/mm/a.cc", "vfs/b.h"), ("kernel/mm/a.cc", "kernel/ipc/b.h"),
                ("vfs/a.cc", "kernel/ipc/b.h"), ("vfs/a.cc", "kernel/task/b.h"), ("kernel/task/a.cc", "syscalls/b.h"),
                ("userland/lodge/a.cc", "kernel/base/b.h"), ("userland/lodge/a.cc", "vfs/b.h"),
                ("kernel/base/a.h", "kernel/new/b.h"), ("kernel/base/a.h", "userland/lodge/b.h")):
            self.assertIsNotNone(self.layers.judge(path, included), f"{path} {included}")


class Quarantine(unittest.TestCase):
    def finds(self, code, patterns):
        text = sources.strip_comments(code, keep_strings=False)
        return any(pattern.search(text) for pattern, _ in patterns)

    def test_breaches(self):
        quarantine = load("quarantine")
        for code in ('asm volatile("nop");', "__asm__(\"\");", "__builtin_ia32_rdtsc();", "syscall(1);",
                     "#include <x86intrin.h>", "#include <asm/unistd.h>", "#include <sys/syscall.h>"):
            self.assertTrue(self.finds(code, quarantine.ONLY_IN_HOST), code)
        for code in ("#include <string.h>", "#include <sys/mman.h>", "#include <vector>", "thread_local int x;",
                     "throw 1;", "try { }", "dynamic_cast<A*>(b)"):
            self.assertTrue(self.finds(code, quarantine.NOWHERE), code)

    def test_harmless(self):
        quarantine = load("quarantine")
        for code in ("// asm", '"asm"', "int asmx;", "sys_syscall(1);", "#include <string_view>", "#include <span>",
                     "TRY(x);", "try_lock();", "#include <atomic>", "on_syscall (x);",
                     "dynamic_cast<void*>(b)", "dynamic_cast<const void*>(b)"):
            self.assertFalse(self.finds(code, quarantine.ONLY_IN_HOST + quarantine.NOWHERE), code)


class KernelBinary(unittest.TestCase):
    GOOD = """
        .text
        .globl start
        start: syscall
        xsave64 (%rdi)
        xrstor64 (%rdi)
        wrfsbase %rax
        rdgsbase %rax
        mov %gs:8, %rax
        ret
        .section .rodata
        .quad 1
        .section .data.rel.ro, "aw"
        .quad start
    """

    def problems(self, text):
        with tempfile.TemporaryDirectory() as folder:
            source, binary = os.path.join(folder, "kernel.S"), os.path.join(folder, "kernel")
            with open(source, "w", encoding="utf-8") as file:
                file.write(text)
            subprocess.run(["gcc", "-nostdlib", "-static", "-no-pie", "-Wl,-e,start", "-Wl,-z,noexecstack",
 source, "-o", binary], check=True)
            check = load("kernel_binary")
            return check.check_sections(binary) + check.check_code(binary)

    def test_good(self):
        self.assertEqual(self.problems(self.GOOD), [])

    def test_bad(self):
        for line, word in (
                ("movaps %xmm0, %xmm1", "register of the guest"), ("vpxor %ymm9, %ymm9, %ymm9", "register of the guest"),
                ("movq %mm0, %rax", "register of the guest"), ("kmovq %k1, %rax", "register of the guest"),
                ("fld1", "x87"), ("fldl (%rax)", "x87"), ("mov %fs:0, %rax", "fs is"), ("syscall", "not exactly one"),
                ("int $0x80", "not exactly one"), (".data\n.quad 5", "writable data"), (".bss\n.quad 0", "writable data"),
                ('.section .init_array,"aw"\n.quad start', "static constructors"),
                ('.section .tdata,"awT"\n.quad 1', "thread-local")):
            found = self.problems(self.GOOD.replace("ret", line + "\n.text\nret", 1))
            self.assertTrue(any(word in problem for problem in found), f"{line}: {found}")

    def test_no_syscall(self):
        self.assertIn("none", self.problems(self.GOOD.replace("syscall", "nop"))[0])


if __name__ == "__main__":
    unittest.main()

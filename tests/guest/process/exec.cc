// execve, execveat: programs, scripts, what survives, and errnos.
#include <fcntl.h>
#include <linux/capability.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/auxv.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/xattr.h>

#include <vector>

#include "harness/util.h"

using namespace guest;

namespace {

// Runs argv with this environment and returns what it wrote and how it ended.
struct Output {
  std::string text;
  int status;
};

template <typename Exec>
Output capture(Exec exec) {
  int pipes[2];
  REQUIRE(pipe2(pipes, O_CLOEXEC) == 0);
  pid_t child = start_child([&] {
    dup2(pipes[1], 1);
    exec();
    _exit(100 + errno);
  });
  close(pipes[1]);
  Output output;
  char part[4096];
  for (ssize_t n; (n = read(pipes[0], part, sizeof part)) > 0;) output.text.append(part, n);
  close(pipes[0]);
  output.status = wait_child(child);
  return output;
}

Output run(const char* path, std::initializer_list<const char*> args,
           std::initializer_list<const char*> env = {}) {
  return capture([&] {
    std::vector<char*> argv, envp;
    for (const char* arg : args) argv.push_back(const_cast<char*>(arg));
    for (const char* one : env) envp.push_back(const_cast<char*>(one));
    argv.push_back(nullptr);
    envp.push_back(nullptr);
    SYS(execve, path, argv.data(), envp.data());
  });
}

// With this in its environment the program prints its ids and ends, before any harness.
constexpr char kPrintIds[] = "GUEST_PRINT_IDS=1";

[[gnu::constructor]] void print_ids_if_asked() {
  if (getenv("GUEST_PRINT_IDS") == nullptr) return;
  uid_t ruid, euid, suid;
  gid_t rgid, egid, sgid;
  if (getresuid(&ruid, &euid, &suid) != 0 || getresgid(&rgid, &egid, &sgid) != 0) _exit(1);
  printf("%u %u %u %u %u %u %lu\n", ruid, euid, suid, rgid, egid, sgid, getauxval(AT_SECURE));
  fflush(stdout);
  _exit(0);
}

// The same for its capabilities: permitted, effective, AT_SECURE.
constexpr char kPrintCaps[] = "GUEST_PRINT_CAPS=1";

[[gnu::constructor]] void print_caps_if_asked() {
  if (getenv("GUEST_PRINT_CAPS") == nullptr) return;
  __user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, 0};
  __user_cap_data_struct data[2] = {};
  if (syscall(SYS_capget, &header, data) != 0) _exit(1);
  printf("%x %x %lu\n", data[0].permitted, data[0].effective, getauxval(AT_SECURE));
  fflush(stdout);
  _exit(0);
}

char* kArgv[] = {const_cast<char*>("x"), nullptr};
char* kEnv[] = {nullptr};

}  // namespace

TEST(exec_passes_arguments_and_environment) {
  Output out = run("/bin/sh", {"sh", "-c", "echo \"$0|$1|$A|$B\"; exit 7", "zero", "one two"}, {"A=a", "B="});
  CHECK_EQ(out.text, std::string("zero|one two|a|\n"));
  CHECK_EQ(out.status, exited(7));
  cover("execve", 0);
}

TEST(exec_keeps_and_resets) {
  // /proc shows what a fresh program got: ignored stays ignored, caught becomes default, the mask stays.
  signal(SIGUSR1, SIG_IGN);
  signal(SIGUSR2, [](int) {});
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGTERM);
  sigprocmask(SIG_BLOCK, &set, nullptr);
  prctl(PR_SET_NAME, "before");
  Output out = run("/bin/cat", {"cat", "/proc/self/status"});
  CHECK(out.text.find("Name:\tcat\n") == 0);
  CHECK(out.text.find("SigBlk:\t0000000000004000") != std::string::npos);
  CHECK(out.text.find("SigIgn:\t0000000000000200") != std::string::npos);
  CHECK(out.text.find("SigCgt:\t0000000000000000") != std::string::npos);
}

TEST(exec_keeps_pid_and_cwd) {
  OK(mkdir, "d", 0755);
  pid_t child = 0;
  int pipes[2];
  REQUIRE(pipe(pipes) == 0);
  child = start_child([&] {
    dup2(pipes[1], 1);
    REQUIRE(chdir("d") == 0);
    execl("/bin/sh", "sh", "-c", "echo $$ $PPID; pwd", nullptr);
  });
  close(pipes[1]);
  char text[4096] = {};
  size_t used = 0;
  for (ssize_t n; (n = read(pipes[0], text + used, sizeof text - 1 - used)) > 0;) used += n;
  wait_child(child);
  std::string first = std::to_string(child) + " " + std::to_string(getpid()) + "\n";
  CHECK(std::string(text).starts_with(first));
  CHECK(std::string(text).ends_with("/d\n"));
}

TEST(exec_closes_cloexec) {
  int keep = dup2(OK(open, "/dev/null", O_RDONLY), 40);
  int shut = dup3(keep, 41, O_CLOEXEC);
  REQUIRE(shut == 41);
  Output out =
      run("/bin/sh", {"sh", "-c", "for i in 40 41; do [ -e /proc/$$/fd/$i ] && echo $i; done; exit 0"});
  CHECK_EQ(out.text, std::string("40\n"));
}

TEST(exec_script) {
  put_file("s", "#!/bin/sh\necho \"$0 $1 $#\"\n", 0755);
  CHECK_EQ(run("s", {"ignored", "a", "b"}).text, std::string("s a 2\n"));
  put_file("opt", "#!/bin/sh   -e  \nfalse\necho no\n", 0755);
  CHECK_EQ(run("./opt", {"opt"}).status, exited(1));
  // One argument only, with inner spaces kept: sh takes "-c echo" as options and refuses the space.
  put_file("env", "#! /bin/echo one two  three\n", 0755);
  CHECK_EQ(run("./env", {"env", "x"}).text, std::string("one two  three ./env x\n"));
}

TEST(exec_script_of_script) {
  char path[4096];
  REQUIRE(getcwd(path, sizeof path) != nullptr);
  std::string base = path;
  put_file("s0", "#!/bin/echo deep\n", 0755);
  for (int i = 1; i <= 6; i++) {
    std::string text = "#!" + base + "/s" + std::to_string(i - 1) + "\n";
    put_file(("s" + std::to_string(i)).c_str(), text, 0755);
  }
  CHECK(run("s4", {"s4"}).text.starts_with("deep " + base + "/s0 "));
  in_child([] { FAILS(ELOOP, execve, "s5", kArgv, kEnv); });
}

TEST(exec_errnos) {
  put_file("empty", "", 0755);
  put_file("text", "just text\n", 0755);
  put_file("noexec", "#!/bin/sh\n", 0644);
  put_file("badinterp", "#!/none/such\n", 0755);
  put_file("nointerp", "#!\n", 0755);
  put_file("dirinterp", "#!/\n", 0755);
  put_file("short_elf", "\177ELF", 0755);
  OK(mkdir, "d", 0755);
  OK(symlink, "loop", "loop");
  FAILS(ENOENT, execve, "none", kArgv, kEnv);
  FAILS(ENOENT, execve, "", kArgv, kEnv);
  FAILS(EACCES, execve, "noexec", kArgv, kEnv);
  FAILS(EACCES, execve, "d", kArgv, kEnv);
  FAILS(EACCES, execve, "/dev/null", kArgv, kEnv);
  FAILS(ENOEXEC, execve, "empty", kArgv, kEnv);
  FAILS(ENOEXEC, execve, "text", kArgv, kEnv);
  FAILS(ENOEXEC, execve, "short_elf", kArgv, kEnv);
  FAILS(ENOEXEC, execve, "nointerp", kArgv, kEnv);
  FAILS(ENOENT, execve, "badinterp", kArgv, kEnv);
  FAILS(EACCES, execve, "dirinterp", kArgv, kEnv);
  FAILS(ENOTDIR, execve, "text/x", kArgv, kEnv);
  FAILS(ELOOP, execve, "loop", kArgv, kEnv);
  FAILS(EFAULT, execve, kBadPointer, kArgv, kEnv);
  FAILS(EFAULT, execve, "/bin/sh", kBadPointer, kEnv);
  FAILS(EFAULT, execve, "/bin/sh", kArgv, kBadPointer);
  char* bad_arg[] = {static_cast<char*>(kBadPointer), nullptr};
  FAILS(EFAULT, execve, "/bin/sh", bad_arg, kEnv);
  FAILS(ENAMETOOLONG, execve, long_name(256).c_str(), kArgv, kEnv);
  OK(mkdir, "closed", 0);
  as_nobody([] { FAILS(EACCES, execve, "closed/x", kArgv, kEnv); });
}

TEST(exec_bad_elf) {
  std::string elf = read_file("/proc/self/exe").substr(0, 8192);
  auto with = [&](size_t at, std::string_view bytes) {
    std::string changed = elf;
    changed.replace(at, bytes.size(), bytes);
    return changed;
  };
  put_file("wrong_class", with(4, "\x07"), 0755);
  put_file("wrong_machine", with(18, "\x28"), 0755);
  put_file("wrong_type", with(16, "\x01"), 0755);
  put_file("wrong_phentsize", with(54, "\x20"), 0755);
  put_file("no_headers", with(56, std::string_view("\0\0", 2)), 0755);
  FAILS(ENOEXEC, execve, "wrong_machine", kArgv, kEnv);
  FAILS(ENOEXEC, execve, "wrong_type", kArgv, kEnv);
  FAILS(ENOEXEC, execve, "wrong_phentsize", kArgv, kEnv);
  FAILS(ENOEXEC, execve, "no_headers", kArgv, kEnv);
}

TEST(exec_written_file_is_busy) {
  put_file("s", "#!/bin/sh\n", 0755);
  int fd = OK(open, "s", O_RDWR);
  FAILS(ETXTBSY, execve, "s", kArgv, kEnv);
  OK(close, fd);
  CHECK_EQ(run("s", {"s"}).status, 0);
}

TEST(exec_too_big) {
  std::string huge(131072, 'x');
  char* too_long[] = {const_cast<char*>("x"), huge.data(), nullptr};
  FAILS(E2BIG, execve, "/bin/sh", too_long, kEnv);
  huge.pop_back();
  CHECK_EQ(run("/bin/sh", {"sh", "-c", "exit ${#1}", huge.c_str(), "1234567"}).status, exited(7));
  // All together: a quarter of the stack limit.
  std::vector<char*> many(60, huge.data());
  many.push_back(nullptr);
  FAILS(E2BIG, execve, "/bin/sh", many.data(), kEnv);
  FAILS(E2BIG, execve, "/bin/sh", kArgv, many.data());
  // A few long ones, and very many pointers to nothing.
  std::string longish(100'000, 'x');
  std::vector<const char*> few(21, longish.c_str());
  few.push_back(nullptr);
  FAILS(E2BIG, execve, "/bin/sh", few.data(), kEnv);
  std::vector<const char*> empty(250'000, "");
  empty.push_back(nullptr);
  FAILS(E2BIG, execve, "/bin/sh", empty.data(), kEnv);
  // A quarter of the stack's limit.
  rlimit stack = {256 << 10, 256 << 10};
  REQUIRE(setrlimit(RLIMIT_STACK, &stack) == 0);
  const char* two[] = {longish.c_str(), longish.c_str(), nullptr};
  FAILS(E2BIG, execve, "/bin/sh", two, kEnv);
}

TEST(exec_big_arguments_arrive) {
  std::string big(100000, 'y');
  Output out = run("/bin/sh", {"sh", "-c", "echo ${#1} ${#2} ${#3}", "x", big.c_str(), "b", big.c_str()});
  CHECK_EQ(out.text, std::string("100000 1 100000\n"));
}

TEST(exec_empty_argv) {
  // Since 5.18 an empty argv becomes one empty argument.
  char* none[] = {nullptr};
  Output out = capture([&] { SYS(execve, "/bin/echo", none, kEnv); });
  CHECK(WIFEXITED(out.status));
}

TEST(execveat_forms) {
  OK(mkdir, "d", 0755);
  put_file("d/s", "#!/bin/sh\necho $0\n", 0755);
  OK(symlink, "s", "d/l");
  int dir = OK(open, "d", O_RDONLY);
  int text = dup2(OK(open, "d/s", O_RDONLY), 50);
  Output out = capture([&] { SYS(execveat, dir, "s", kArgv, kEnv, 0); });
  CHECK_EQ(out.text, "/dev/fd/" + std::to_string(dir) + "/s\n");
  out = capture([&] { SYS(execveat, text, "", kArgv, kEnv, AT_EMPTY_PATH); });
  CHECK_EQ(out.text, std::string("/dev/fd/50\n"));
  cover("execveat", 0);
  FAILS(ELOOP, execveat, dir, "l", kArgv, kEnv, AT_SYMLINK_NOFOLLOW);
  FAILS(EINVAL, execveat, dir, "s", kArgv, kEnv, AT_REMOVEDIR);
  FAILS(EBADF, execveat, kNoFd, "s", kArgv, kEnv, 0);
  FAILS(ENOTDIR, execveat, text, "s", kArgv, kEnv, 0);
  FAILS(ENOENT, execveat, text, "", kArgv, kEnv, 0);
  // The script would be gone by the time that its interpreter opens it.
  OK(fcntl, text, F_SETFD, FD_CLOEXEC);
  FAILS(ENOENT, execveat, text, "", kArgv, kEnv, AT_EMPTY_PATH);
}

TEST(exec_keeps_memory_files) {
  int fd = OK(memfd_create, "m", 0);
  REQUIRE(dup2(fd, 60) == 60);
  OK(write, fd, "kept", 4);
  Output out = run("/bin/sh", {"sh", "-c", "cat /proc/self/fd/60"});
  CHECK_EQ(out.text, std::string("kept"));
}

TEST(exec_set_user_id) {
  need_root();
  put_file("probe", read_file("/proc/self/exe"), 0755);
  OK(chown, "probe", 1234, 2345);
  OK(chmod, "probe", 06755);
  char* env[] = {const_cast<char*>(kPrintIds), nullptr};
  auto as_other = [&](bool no_new_privs) {
    return capture([&] {
      become_nobody();
      if (no_new_privs) REQUIRE(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0);
      SYS(execve, "./probe", kArgv, env);
    });
  };
  CHECK_EQ(as_other(false).text, std::string("65534 1234 1234 65534 2345 2345 1\n"));
  CHECK_EQ(as_other(true).text, std::string("65534 65534 65534 65534 65534 65534 0\n"));
  // Setgid without group execute is no setgid.
  OK(chmod, "probe", 06745);
  CHECK_EQ(as_other(false).text, std::string("65534 1234 1234 65534 65534 65534 1\n"));
}

TEST(exec_set_user_id_script_does_not) {
  need_root();
  put_file("probe", read_file("/proc/self/exe"), 0755);
  char path[4096];
  REQUIRE(getcwd(path, sizeof path) != nullptr);
  put_file("script", "#!" + std::string(path) + "/probe\n", 0755);
  OK(chown, "script", 1234, 2345);
  OK(chmod, "script", 06755);
  char* env[] = {const_cast<char*>(kPrintIds), nullptr};
  Output out = capture([&] {
    become_nobody();
    SYS(execve, "./script", kArgv, env);
  });
  CHECK_EQ(out.text, std::string("65534 65534 65534 65534 65534 65534 0\n"));
}

TEST(exec_of_unreadable_program) {
  need_root();
  put_file("probe", read_file("/proc/self/exe"), 0711);
  char* env[] = {const_cast<char*>(kPrintIds), nullptr};
  as_nobody([] { FAILS(EACCES, open, "probe", O_RDONLY); });
  Output out = capture([&] {
    become_nobody();
    SYS(execve, "./probe", kArgv, env);
  });
  CHECK_EQ(out.text, std::string("65534 65534 65534 65534 65534 65534 0\n"));
}

TEST(exec_file_capabilities) {
  need_root();
  put_file("probe", read_file("/proc/self/exe"), 0755);
  constexpr uint32_t kBoth = 1u << CAP_CHOWN | 1u << CAP_SETUID;
  auto give = [](uint32_t flags) {
    vfs_cap_data caps = {};
    caps.magic_etc = VFS_CAP_REVISION_2 | flags;
    caps.data[0].permitted = kBoth;
    return setxattr("probe", "security.capability", &caps, XATTR_CAPS_SZ_2, 0);
  };
  if (give(VFS_CAP_FLAGS_EFFECTIVE) != 0) skip("file capabilities are not ours to give here");
  char* env[] = {const_cast<char*>(kPrintCaps), nullptr};
  auto as_other = [&](bool no_new_privs) {
    return capture([&] {
             become_nobody();
             if (no_new_privs) REQUIRE(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0);
             SYS(execve, "./probe", kArgv, env);
           })
        .text;
  };
  CHECK_EQ(as_other(false), std::string("81 81 1\n"));
  CHECK_EQ(as_other(true), std::string("0 0 1\n"));
  // A program that counts on them is not run without.
  Output out = capture([&] {
    REQUIRE(prctl(PR_CAPBSET_DROP, CAP_CHOWN, 0, 0, 0) == 0);
    become_nobody();
    FAILS(EPERM, execve, "./probe", kArgv, env);
    _exit(0);
  });
  CHECK_EQ(out.status, exited(0));
  // One that asks for them itself starts with what there is.
  REQUIRE(give(0) == 0);
  CHECK_EQ(as_other(false), std::string("81 0 1\n"));
  // Whoever writes to the file takes them away.
  int fd = OK(open, "probe", O_WRONLY | O_APPEND);
  OK(write, fd, "", 1);
  OK(close, fd);
  CHECK_EQ(as_other(false), std::string("0 0 0\n"));
  REQUIRE(give(0) == 0);
  OK(chown, "probe", 0, 0);
  CHECK_EQ(as_other(false), std::string("0 0 0\n"));
}

TEST(exec_of_file_open_for_writing) {
  put_file("prog", read_file("/proc/self/exe"), 0755);
  int fd = OK(open, "prog", O_WRONLY | O_CLOEXEC);
  FAILS(ETXTBSY, execve, "./prog", kArgv, kEnv);
  OK(close, fd);
  char* env[] = {const_cast<char*>(kPrintIds), nullptr};
  Output out = capture([&] { SYS(execve, "./prog", kArgv, env); });
  CHECK_EQ(out.status, exited(0));
}

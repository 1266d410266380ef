// `lodge run`: see run.h.
#include "userland/lodge/run.h"

#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <memory>
#include <string>

#include "userland/lodge/failure.h"
#include "userland/lodge/run/boot_loader.h"
#include "userland/lodge/run/monitor.h"
#include "userland/lodge/run/terminal.h"

namespace lodge {
namespace {

// A closed standard descriptor would be taken by the first file that we open.
void fill_standard_descriptors() {
  for (int fd = 0; fd < 3; fd++)
    if (fcntl(fd, F_GETFD) < 0) (void)!open("/dev/null", fd == 0 ? O_RDONLY : O_WRONLY);
}

void block_signals() {
  sigset_t set;
  sigemptyset(&set);
  for (int s : {SIGTERM, SIGHUP, SIGINT, SIGQUIT, SIGWINCH, SIGUSR1, SIGUSR2}) sigaddset(&set, s);
  sigprocmask(SIG_BLOCK, &set, nullptr);
  signal(SIGPIPE, SIG_IGN);
  signal(SIGXFSZ, SIG_IGN);  // then it is an error that can be told
}

// The default is RLIMIT_STACK, which may be anything.
void use_small_thread_stacks() {
  constexpr size_t kEnough = 256 << 10;
  pthread_attr_t attributes;
  pthread_attr_init(&attributes);
  pthread_attr_setstacksize(&attributes, kEnough);
  pthread_setattr_default_np(&attributes);
  pthread_attr_destroy(&attributes);
}

}  // namespace

int cmd_run(const RunOptions& options) {
  fill_standard_descriptors();
  bool terminal = options.terminal || options.command.empty();
  bool have_terminal = terminal && isatty(STDIN_FILENO);
  block_signals();
  use_small_thread_stacks();
  MappedMailbox* mapped = nullptr;
  Vps vps = prepare_vps(options, terminal, mapped);
  std::unique_ptr<MappedMailbox> mailbox(mapped);
  (*mailbox)->winsize.store(terminal ? window_size(STDIN_FILENO) : 0);

  RawTerminal raw(have_terminal ? STDIN_FILENO : -1);
  Monitor monitor(*mailbox, vps, terminal);
  monitor.hold_alive_word();
  pid_t zygote = start_zygote(vps, *mailbox);
  if (have_terminal) raw.enter();
  int code = monitor.run(zygote, raw);

  uint32_t missing = (*mailbox)->missing_length.load();
  if (missing > 0 && missing <= sizeof(*mailbox)->missing && !options.quiet)
    std::fprintf(stderr, "lodge: system calls that are missing: %.*s\n", static_cast<int>(missing),
                 (*mailbox)->missing);
  return code;
}

}  // namespace lodge

// `lodge debug`: see debug.h.
#include "userland/lodge/debug/debug.h"

#include <sys/socket.h>
#include <sys/un.h>

#include <cerrno>
#include <cstdio>
#include <cstring>

#include "userland/lodge/control_directory.h"
#include "userland/lodge/debug/tasks.h"
#include "userland/lodge/failure.h"
#include "userland/lodge/file_descriptor.h"
#include "userland/lodge/run/control.h"

namespace lodge {
namespace {

pid_t choose(const std::string& directory, int wanted) {
  std::vector<pid_t> running = directory.empty() ? std::vector<pid_t>() : running_vpses(directory);
  if (wanted) {
    for (pid_t pid : running)
      if (pid == wanted) return pid;
    throw Failure("process " + std::to_string(wanted) + " is no `lodge run` of yours");
  }
  if (running.empty()) throw Failure("no VPS of yours is running");
  if (running.size() == 1) return running.front();
  std::string all;
  for (pid_t pid : running) all.append(" ").append(std::to_string(pid));
  throw Failure("several VPSs are running; which? lodge has the PIDs" + all);
}

struct VpsFiles {
  FileDescriptor arena, kernel;
};

VpsFiles ask(const std::string& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.size() >= sizeof address.sun_path) throw Failure("the path of the control socket is too long");
  std::memcpy(address.sun_path, path.c_str(), path.size() + 1);
  FileDescriptor fd(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (!fd || connect(fd.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) != 0)
    throw host_failure("cannot reach the VPS at " + path, errno);
  timeval patience{5, 0};
  setsockopt(fd.get(), SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);

  ControlGreeting greeting{};
  iovec text{&greeting, sizeof greeting};
  int files[2];
  alignas(cmsghdr) char control[CMSG_SPACE(sizeof files)];
  msghdr message{};
  message.msg_iov = &text;
  message.msg_iovlen = 1;
  message.msg_control = control;
  message.msg_controllen = sizeof control;
  ssize_t n = recvmsg(fd.get(), &message, MSG_CMSG_CLOEXEC);
  if (n < 0) throw host_failure("the VPS does not answer", errno);
  const cmsghdr* rights = CMSG_FIRSTHDR(&message);
  if (n != sizeof greeting || greeting.magic != ControlGreeting::kMagic || !rights ||
      rights->cmsg_type != SCM_RIGHTS || rights->cmsg_len != CMSG_LEN(sizeof files))
    throw Failure("the VPS is of another build of lodge");
  std::memcpy(files, CMSG_DATA(rights), sizeof files);
  return {FileDescriptor(files[0]), FileDescriptor(files[1])};
}

}  // namespace

int cmd_debug(const DebugOptions& options) {
  std::string directory = control_directory(MakeDirectory::kNo);
  VpsFiles vps = ask(control_path(directory, choose(directory, options.pid)));
  ArenaReader arena(vps.arena.get());
  KernelImage kernel(vps.kernel.get());
  std::vector<TaskView> tasks = read_tasks(arena, kernel);
  std::string text =
      options.view == DebugView::kTasks ? format_task_list(tasks) : format_stacks(tasks, kernel);
  if (std::fwrite(text.data(), 1, text.size(), stdout) != text.size() || std::fflush(stdout) != 0)
    throw host_failure("cannot write", errno);
  return 0;
}

}  // namespace lodge

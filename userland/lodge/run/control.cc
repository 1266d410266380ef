#include "userland/lodge/run/control.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <system_error>

#include "userland/lodge/control_directory.h"

namespace lodge {
namespace {

bool is_same_user(int peer) {
  ucred who;
  socklen_t size = sizeof who;
  return getsockopt(peer, SOL_SOCKET, SO_PEERCRED, &who, &size) == 0 &&
         (who.uid == geteuid() || who.uid == 0);
}

void greet(int peer, int arena, int kernel) {
  ControlGreeting greeting{ControlGreeting::kMagic};
  iovec text{&greeting, sizeof greeting};
  int files[2] = {arena, kernel};
  alignas(cmsghdr) char control[CMSG_SPACE(sizeof files)] = {};
  msghdr message{};
  message.msg_iov = &text;
  message.msg_iovlen = 1;
  message.msg_control = control;
  message.msg_controllen = sizeof control;
  cmsghdr* rights = CMSG_FIRSTHDR(&message);
  rights->cmsg_level = SOL_SOCKET;
  rights->cmsg_type = SCM_RIGHTS;
  rights->cmsg_len = CMSG_LEN(sizeof files);
  std::memcpy(CMSG_DATA(rights), files, sizeof files);
  // A peer that has gone is its own affair; one message of this size never blocks.
  (void)sendmsg(peer, &message, MSG_NOSIGNAL | MSG_DONTWAIT);
}

}  // namespace

ControlSocket::ControlSocket(const Vps& vps) : vps_(vps) {
  std::string directory = control_directory(MakeDirectory::kYes);
  if (directory.empty() || !vps.kernel) return;
  std::string path = control_path(directory, getpid());
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.size() >= sizeof address.sun_path) return;
  std::memcpy(address.sun_path, path.c_str(), path.size() + 1);
  // The peer shall not be able to write: its descriptor is opened anew.
  arena_ = FileDescriptor(
      open(("/proc/self/fd/" + std::to_string(vps.arena.get())).c_str(), O_RDONLY | O_CLOEXEC));
  FileDescriptor listener(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (!arena_ || !listener) return;
  unlink(path.c_str());  // of a lodge that had our pid, and was killed
  if (bind(listener.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) != 0) return;
  path_ = path;
  if (listen(listener.get(), 8) != 0) return;
  listener_ = std::move(listener);
  try {
    thread_ = std::thread([this] { serve(); });
  } catch (const std::system_error&) {  // as many threads as the user may have
    listener_.reset();
  }
}

ControlSocket::~ControlSocket() {
  if (!path_.empty()) unlink(path_.c_str());
  if (listener_) shutdown(listener_.get(), SHUT_RDWR);
  if (thread_.joinable()) thread_.join();
}

void ControlSocket::serve() {
  for (;;) {
    FileDescriptor peer(accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC));
    if (!peer && (errno == EINTR || errno == ECONNABORTED)) continue;
    if (!peer && (errno == EMFILE || errno == ENFILE || errno == ENOMEM || errno == ENOBUFS)) {
      usleep(100'000);
      continue;
    }
    if (!peer) return;  // shut down
    if (is_same_user(peer.get())) greet(peer.get(), arena_.get(), vps_.kernel.get());
  }
}

}  // namespace lodge

// The control socket of a running VPS: gives whoever of the same user asks what it takes to look into the
// VPS, its arena (read-only) and its kernel's file. Nothing of the VPS is read here, and nothing is taken
// from the peer. Without a place for the socket there is none, and the VPS runs all the same.
#pragma once
#include <string>
#include <thread>

#include "userland/lodge/file_descriptor.h"
#include "userland/lodge/run/boot_loader.h"

namespace lodge {

// What a peer gets, in one message with two descriptors: arena, lodge-kernel.
struct ControlGreeting {
  static constexpr uint64_t kMagic = 0x316c72744364674c;  // "LgdCtrl1"
  uint64_t magic;
};

class ControlSocket {
 public:
  // After the zygote was forked; `vps` outlives this.
  explicit ControlSocket(const Vps& vps);
  ~ControlSocket();
  ControlSocket(const ControlSocket&) = delete;

 private:
  void serve();
  const Vps& vps_;
  FileDescriptor listener_, arena_;
  std::string path_;
  std::thread thread_;
};

}  // namespace lodge

// struct pollfd (poll(2)), struct epoll_event (epoll_ctl(2)) and the layout of fd_set (select(2)) of Linux on
// x86-64.
#pragma once
#include <cstdint>

namespace lodge::abi {

struct PollFd {
  int32_t fd;
  uint16_t events;
  uint16_t revents;
};
static_assert(sizeof(PollFd) == 8);

struct [[gnu::packed]] EpollEvent {
  uint32_t events;
  uint64_t data;
};
static_assert(sizeof(EpollEvent) == 12);

constexpr uint32_t kEpollExclusive = 1u << 28, kEpollWakeup = 1u << 29, kEpollOneshot = 1u << 30,
                   kEpollEt = 1u << 31;
constexpr int kEpollCtlAdd = 1, kEpollCtlDel = 2, kEpollCtlMod = 3;
constexpr uint32_t kEpollCloexec = 02000000;

// A bit per descriptor, in words of 64.
constexpr int kFdSetSize = 1024;

}  // namespace lodge::abi

#include "kernel/ipc/signal_fd.h"

#include <algorithm>

#include "kernel/base/format.h"
#include "kernel/file/anon_inode.h"
#include "kernel/file/io_cursor.h"

namespace lodge {
namespace {

struct SignalfdSiginfo {  // signalfd(2)
  uint32_t signo;
  int32_t error, code;
  uint32_t pid, uid;
  int32_t fd;
  uint32_t timer_id, band, overrun, trap_number;
  int32_t status, integer;
  uint64_t pointer, user_time, system_time, address;
  uint16_t address_lsb, pad;
  int32_t syscall;
  uint64_t call_address;
  uint32_t arch;
  uint8_t reserved[28];
};
static_assert(sizeof(SignalfdSiginfo) == 128);

bool is_fault(int signo) {
  return signo == abi::kSigSegv || signo == abi::kSigBus || signo == abi::kSigIll || signo == abi::kSigFpe ||
         signo == abi::kSigTrap;
}

// Which fields count depends on the signal and where it comes from, as in siginfo_t (sigaction(2)).
SignalfdSiginfo convert(const abi::SigInfo& i) {
  SignalfdSiginfo s{};
  s.signo = static_cast<uint32_t>(i.signo);
  s.error = i.error;
  s.code = i.code;
  if (i.code == abi::kSiTimer) {
    s.timer_id = static_cast<uint32_t>(i.timer.id);
    s.overrun = static_cast<uint32_t>(i.timer.overrun);
    s.pointer = i.timer.value.pointer;
    s.integer = i.timer.value.integer;
  } else if (i.signo == abi::kSigChld && i.code > 0) {
    s.pid = static_cast<uint32_t>(i.child.pid);
    s.uid = i.child.uid;
    s.status = i.child.status;
    s.user_time = static_cast<uint64_t>(i.child.utime);
    s.system_time = static_cast<uint64_t>(i.child.stime);
  } else if (is_fault(i.signo) && i.code > 0 && i.code != abi::kSiKernel) {
    s.address = i.fault.address;
    s.address_lsb = static_cast<uint16_t>(i.fault.address_lsb);
  } else if (i.code != abi::kSiKernel) {
    s.pid = static_cast<uint32_t>(i.rt.pid);
    s.uid = i.rt.uid;
    s.pointer = i.rt.value.pointer;
    s.integer = i.rt.value.integer;
  }
  return s;
}

}  // namespace

Result<Ref<File>> SignalFd::create(abi::SigSet mask, uint32_t flags) {
  return Ref<File>(TRY(make<SignalFd>(anon_inode(), mask, abi::kORdwr | flags)));
}

SignalFd::~SignalFd() {
  for (const SignalArrivals& a : watched_) drop_signal_arrivals(a);
}

void SignalFd::describe(Formatter& out) const {
  out.put("anon_inode:[signalfd]");
}

void SignalFd::show_info(Formatter& out) {
  format(out, "sigmask:\t{:016x}\n", mask_.load());
}

Result<WaitQueue*> SignalFd::arrivals() {
  SignalArrivals own = hold_signal_arrivals(current());
  bool known;
  {
    MutexLock guard(lock_);
    known = std::any_of(watched_.begin(), watched_.end(),
                        [&](const SignalArrivals& a) { return a.owner == own.owner; });
    if (!known && watched_.push_back(own).ok()) return own.queue;
  }
  drop_signal_arrivals(own);
  if (!known) return Errno::ENOMEM;
  return own.queue;
}

Result<size_t> SignalFd::read(IoCursor& to, uint64_t) {
  if (to.remaining() < sizeof(SignalfdSiginfo)) return Errno::EINVAL;
  Thread& self = current();
  size_t done = 0;
  while (to.remaining() >= sizeof(SignalfdSiginfo)) {
    abi::SigInfo info;
    if (!take_pending_signal(self, mask(), info)) {
      if (done != 0) break;
      if (nonblocking()) return Errno::EAGAIN;
      WaitQueue* queue = TRY(arrivals());
      if (wait_event(*queue, [&] { return signal_is_pending(self, mask()); }) == WaitOutcome::kInterrupted)
        return self.interrupted(Restart::kSys);
      continue;
    }
    SignalfdSiginfo s = convert(info);
    Result<size_t> copied = to.copy_out(&s, sizeof s);
    if (!copied.ok()) return done != 0 ? Result<size_t>(done) : copied;
    done += *copied;
  }
  return done;
}

PollEvents SignalFd::poll(PollTable* table) {
  if (table) {
    auto queue = arrivals();
    if (!queue.ok()) return kPollErr;  // without memory to wait with
    table->add(**queue);
  }
  return signal_is_pending(current(), mask()) ? kPollIn | kPollRdNorm : 0;
}

}  // namespace lodge

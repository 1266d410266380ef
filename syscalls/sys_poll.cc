#include "syscalls/sys_poll.h"

#include <algorithm>
#include <bit>
#include <cstring>

#include "kernel/base/arena.h"
#include "kernel/file/fd_table.h"
#include "kernel/file/poll_wait.h"
#include "kernel/task/limits_hook.h"
#include "kernel/task/restart_block.h"
#include "kernel/task/task.h"
#include "syscalls/wait_args.h"

namespace lodge {
namespace {

// An array that is on the stack while it is small.
template <typename T, size_t kInline>
class ScratchArray {
 public:
  Result<std::span<T>> resize(size_t n) {
    if (n <= kInline) return std::span<T>(inline_, n);
    heap_ = static_cast<T*>(arena_alloc(n * sizeof(T)));
    if (!heap_) return Errno::ENOMEM;
    return std::span<T>(heap_, n);
  }
  ScratchArray() = default;
  ScratchArray(const ScratchArray&) = delete;
  ~ScratchArray() { arena_free(heap_); }

 private:
  T* heap_ = nullptr;
  T inline_[kInline];
};

Result<int> do_poll(Task& task, UserAddr fds, uint32_t count, uint64_t deadline_ns) {
  if (count > nofile_limit(task)) return Errno::EINVAL;
  ScratchArray<abi::PollFd, 16> wanted_store;
  ScratchArray<PollItem, 16> item_store;
  std::span<abi::PollFd> wanted = TRY(wanted_store.resize(count));
  std::span<PollItem> items = TRY(item_store.resize(count));
  TRY(copy_from_user(wanted.data(), fds, wanted.size_bytes()));
  for (size_t i = 0; i < count; i++)
    items[i] = {wanted[i].fd, wanted[i].events | kPollErr | kPollHup | kPollNval, 0};
  Result<int> ready = poll_files(task.fds(), items, deadline_ns);
  if (!ready.ok() && ready.error() != Errno::EINTR) return ready;
  for (size_t i = 0; i < count; i++)
    TRY(put_user(fds + i * sizeof(abi::PollFd) + offsetof(abi::PollFd, revents),
                 static_cast<uint16_t>(items[i].got)));
  return ready;
}

// What a select(2) set asks for, and what makes a descriptor ready in it.
constexpr PollEvents kInEvents = kPollRdNorm | kPollRdBand | kPollIn | kPollHup | kPollErr | kPollNval;
constexpr PollEvents kOutEvents = kPollWrBand | kPollWrNorm | kPollOut | kPollErr | kPollNval;
constexpr PollEvents kExceptEvents = kPollPri | kPollNval;
constexpr PollEvents kSetEvents[3] = {kInEvents, kOutEvents, kExceptEvents};

class SelectSets {
 public:
  Result<void> load(const UserAddr (&sets)[3], size_t bits) {
    words_ = (bits + 63) / 64;
    bits_ = TRY(store_.resize(3 * words_));
    for (int s = 0; s < 3; s++) {
      std::span<uint64_t> set = words_of(s);
      if (sets[s] == 0)
        std::fill(set.begin(), set.end(), 0);
      else
        TRY(copy_from_user(set.data(), sets[s], set.size_bytes()));
      if (bits % 64 != 0) set.back() &= (uint64_t{1} << (bits % 64)) - 1;
    }
    return {};
  }
  Result<std::span<PollItem>> items() {
    size_t count = 0, next = 0;
    for (size_t w = 0; w < words_; w++) count += static_cast<size_t>(std::popcount(any(w)));
    std::span<PollItem> list = TRY(items_.resize(count));
    for (size_t w = 0; w < words_; w++)
      for (uint64_t left = any(w); left != 0; left &= left - 1) {
        int bit = std::countr_zero(left);
        PollItem item{static_cast<int32_t>(w * 64 + bit), 0, 0};
        for (int s = 0; s < 3; s++)
          if (words_of(s)[w] >> bit & 1) item.wanted |= kSetEvents[s];
        list[next++] = item;
      }
    return list;
  }
  // Keeps the bits of what is ready; returns how many there are.
  int keep_ready(std::span<const PollItem> list) {
    int ready = 0;
    for (const PollItem& item : list)
      for (int s = 0; s < 3; s++) {
        uint64_t& word = words_of(s)[static_cast<size_t>(item.fd) / 64];
        uint64_t mask = uint64_t{1} << (item.fd % 64);
        if ((word & mask) == 0) continue;
        if (item.got & kSetEvents[s])
          ready++;
        else
          word &= ~mask;
      }
    return ready;
  }
  Result<void> store(const UserAddr (&sets)[3]) {
    for (int s = 0; s < 3; s++)
      if (sets[s] != 0) TRY(copy_to_user(sets[s], words_of(s).data(), words_of(s).size_bytes()));
    return {};
  }

 private:
  std::span<uint64_t> words_of(int set) { return bits_.subspan(static_cast<size_t>(set) * words_, words_); }
  uint64_t any(size_t w) { return words_of(0)[w] | words_of(1)[w] | words_of(2)[w]; }

  size_t words_ = 0;
  std::span<uint64_t> bits_;
  ScratchArray<uint64_t, 3 * abi::kFdSetSize / 64> store_;
  ScratchArray<PollItem, 32> items_;
};

Result<int> do_select(Task& task, int32_t count, const UserAddr (&sets)[3], uint64_t deadline_ns) {
  if (count < 0) return Errno::EINVAL;
  SelectSets bits;
  TRY(bits.load(sets, std::min<uint32_t>(static_cast<uint32_t>(count), FdTable::kMaxFds)));
  std::span<PollItem> items = TRY(bits.items());
  for (const PollItem& item : items) TRY(task.fds().get(item.fd));
  TRY(poll_files(task.fds(), items, deadline_ns));
  int ready = bits.keep_ready(items);
  TRY(bits.store(sets));
  return ready;
}

Result<long> resume_poll(Task& task, const RestartBlock& block);

Result<long> poll_until(Task& task, UserAddr fds, uint32_t count, uint64_t deadline_ns) {
  Result<int> ready = do_poll(task, fds, count, deadline_ns);
  if (ready.ok()) return *ready;
  if (ready.error() != Errno::EINTR) return ready.error();
  restart_block(task) = {.resume = &resume_poll, .args = {fds, count, deadline_ns}};
  return task.interrupted(Restart::kBlock);
}

Result<long> resume_poll(Task& task, const RestartBlock& block) {
  return poll_until(task, block.args[0], static_cast<uint32_t>(block.args[1]), block.args[2]);
}

// What the calls with a timeout in memory do at the end: how much of it is left goes back to the guest, also
// before a restart, which goes on from there. One that cannot be written back is not restarted.
template <typename T>
Result<SyscallReturn> finish_timed(Task& task, const Result<int>& ready, UserInOut<T> timeout,
                                   uint64_t asked_ns, uint64_t deadline_ns, T (*convert)(uint64_t)) {
  bool stored = true;
  if (!timeout.null() && asked_ns != 0) stored = timeout.put(convert(time_left(deadline_ns))).ok();
  if (ready.ok()) return *ready;
  if (ready.error() != Errno::EINTR) return ready.error();
  return task.interrupted(stored ? Restart::kNoHandler : Restart::kNone);
}

}  // namespace

Result<SyscallReturn> sys_poll(Task& task, PollFds fds, uint32_t count, int32_t timeout_ms) {
  uint64_t ns = timeout_ms < 0 ? host::kNever : static_cast<uint64_t>(timeout_ms) * 1'000'000;
  return SyscallReturn(TRY(poll_until(task, fds.addr, count, deadline_after(ns))));
}

Result<SyscallReturn> sys_ppoll(Task& task, PollFds fds, uint32_t count, UserInOut<abi::Timespec> timeout,
                                UserIn<abi::SigSet> sigmask, uint64_t sigmask_size) {
  uint64_t ns = timeout.null() ? host::kNever : TRY(timespec_to_ns(TRY(timeout.get())));
  uint64_t deadline = deadline_after(ns);
  TemporarySigmask mask = TRY(TemporarySigmask::enter(task, sigmask.addr, sigmask_size));
  Result<int> ready = do_poll(task, fds.addr, count, deadline);
  mask.finish(ready);
  return finish_timed(task, ready, timeout, ns, deadline, ns_to_timespec);
}

Result<SyscallReturn> sys_select(Task& task, int32_t count, UserInOut<FdSet> in, UserInOut<FdSet> out,
                                 UserInOut<FdSet> except, UserInOut<abi::Timeval> timeout) {
  uint64_t ns = timeout.null() ? host::kNever : TRY(timeval_to_ns(TRY(timeout.get())));
  uint64_t deadline = deadline_after(ns);
  Result<int> ready = do_select(task, count, {in.addr, out.addr, except.addr}, deadline);
  return finish_timed(task, ready, timeout, ns, deadline, ns_to_timeval);
}

Result<SyscallReturn> sys_pselect6(Task& task, int32_t count, UserInOut<FdSet> in, UserInOut<FdSet> out,
                                   UserInOut<FdSet> except, UserInOut<abi::Timespec> timeout,
                                   UserIn<SigmaskArg> sigmask) {
  uint64_t ns = timeout.null() ? host::kNever : TRY(timespec_to_ns(TRY(timeout.get())));
  uint64_t deadline = deadline_after(ns);
  uint64_t mask_address = 0, mask_size = 0;
  if (!sigmask.null()) {
    mask_address = TRY(get_user<uint64_t>(sigmask.addr));
    mask_size = TRY(get_user<uint64_t>(sigmask.addr + 8));
  }
  TemporarySigmask mask = TRY(TemporarySigmask::enter(task, mask_address, mask_size));
  Result<int> ready = do_select(task, count, {in.addr, out.addr, except.addr}, deadline);
  mask.finish(ready);
  return finish_timed(task, ready, timeout, ns, deadline, ns_to_timespec);
}

}  // namespace lodge

#include "kernel/loader/new_stack.h"

#include "kernel/base/layout.h"
#include "kernel/host/guest_vdso.h"
#include "kernel/host/host_state.h"
#include "kernel/task/task_random.h"

namespace lodge {

namespace {

// Words are gathered here and copied in one go.
class WordWriter {
 public:
  explicit WordWriter(uint64_t* to) : to_(to) {}
  void put(uint64_t w) { to_[n_++] = w; }
  size_t count() const { return n_; }

 private:
  uint64_t* to_;
  size_t n_ = 0;
};

constexpr int kAuxPairs = 22;

}  // namespace

Result<uint64_t> build_stack(Task& task, const NewStack& s, uint32_t prot) {
  const ExecRequest& r = s.request;
  Mm& mm = task.mm();
  const HostState& host = host_state();
  size_t strings = r.argv.size() + r.envp.size() + r.path.size() + 1;
  size_t words = 1 + r.argv.count + 1 + r.envp.count + 1 + 2 * kAuxPairs;
  size_t initial = strings + words * 8 + 4096 + (128 << 10);
  initial = (initial + kPageSize - 1) & ~(kPageSize - 1);
  TRY(mm.map_stack(initial, prot));

  uint64_t sp = mm.stack_top() - 8;  // a null word ends the stack
  auto push = [&](const void* data, size_t n) -> Result<uint64_t> {
    sp -= n;
    TRY(copy_to_user(sp, data, n));
    return sp;
  };
  uint64_t execfn = TRY(push(r.path.c_str(), r.path.size() + 1));
  uint64_t env = TRY(push(r.envp.data(), r.envp.size()));
  uint64_t arg = TRY(push(r.argv.data(), r.argv.size()));
  mm.arg_start = arg;
  mm.arg_end = arg + r.argv.size();
  mm.env_start = env;
  mm.env_end = env + r.envp.size();
  char platform[] = "x86_64";
  uint64_t platform_at = TRY(push(platform, sizeof platform));
  uint64_t random[2] = {random_u64(), random_u64()};
  sp &= ~uint64_t{15};
  uint64_t random_at = TRY(push(random, sizeof random));

  sp -= words * 8;
  sp &= ~uint64_t{15};
  uint64_t* buffer = static_cast<uint64_t*>(arena_alloc(words * 8, Heat::kHot));
  if (!buffer) return Errno::ENOMEM;
  WordWriter w(buffer);
  w.put(r.argv.count);
  const char* text = r.argv.data();
  for (uint32_t i = 0; i < r.argv.count; i++) {
    w.put(arg + static_cast<uint64_t>(text - r.argv.data()));
    text += __builtin_strlen(text) + 1;
  }
  w.put(0);
  text = r.envp.data();
  for (uint32_t i = 0; i < r.envp.count; i++) {
    w.put(env + static_cast<uint64_t>(text - r.envp.data()));
    text += __builtin_strlen(text) + 1;
  }
  w.put(0);
  const Cred& c = task.cred();
  constexpr uint64_t kHwcap2FsGsBase = 2;
  constexpr uint64_t kAtHwcap2 = 26, kAtExecfn = 31, kAtSysinfoEhdr = 33, kAtMinsigstksz = 51;
  const uint64_t aux[kAuxPairs][2] = {{kAtSysinfoEhdr, host::kGuestVdsoElf},
                                      {AT_HWCAP, host.hwcap},
                                      {AT_PAGESZ, kPageSize},
                                      {AT_CLKTCK, 100},
                                      {AT_PHDR, s.program.headers},
                                      {AT_PHENT, sizeof(Elf64_Phdr)},
                                      {AT_PHNUM, static_cast<uint64_t>(r.program.segment_count)},
                                      {AT_BASE, s.interpreter.bias},
                                      {AT_FLAGS, 0},
                                      {AT_ENTRY, s.program.entry},
                                      {AT_UID, c.uid},
                                      {AT_EUID, c.euid},
                                      {AT_GID, c.gid},
                                      {AT_EGID, c.egid},
                                      {AT_SECURE, s.secure},
                                      {AT_RANDOM, random_at},
                                      // The gate finds its task by gs: guests are not invited to write it.
                                      {kAtHwcap2, host.hwcap2 & ~kHwcap2FsGsBase},
                                      {kAtExecfn, execfn},
                                      {AT_PLATFORM, platform_at},
                                      {kAtMinsigstksz, host.xsave_size + 1024},
                                      {AT_NULL, 0},
                                      {AT_NULL, 0}};
  mm.auxv_start = sp + w.count() * 8;
  mm.auxv_end = mm.auxv_start + sizeof aux;
  for (auto& pair : aux) {
    w.put(pair[0]);
    w.put(pair[1]);
  }
  auto copied = copy_to_user(sp, buffer, w.count() * 8);
  arena_free(buffer);
  if (!copied.ok()) return copied.error();
  return sp;
}

}  // namespace lodge

// The outer wall's filter against its specification, on calls built from boundary values; the property that
// no mm call reaches the arena; and the proof that these inputs would notice a wrong instruction.
//
// LODGE_SEED=N replays a run; a failure prints the call, which is all that is needed to repeat it.
#include <gtest/gtest.h>

#include <array>
#include <cstdlib>
#include <vector>

#include "tests/unit/wall_program.h"

namespace lodge::test {
namespace {

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr int kCalls = 2'000'000;
#else
constexpr int kCalls = 16'000'000;
#endif

// splitmix64
class Random {
 public:
  explicit Random(uint64_t seed) : state_(seed) {}
  uint64_t next() {
    uint64_t z = state_ += 0x9e3779b97f4a7c15;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
    z = (z ^ z >> 27) * 0x94d049bb133111eb;
    return z ^ z >> 31;
  }
  uint32_t below(uint32_t n) { return static_cast<uint32_t>((next() >> 32) * n >> 32); }
  template <class C>
  auto pick(const C& c) {
    return c[below(static_cast<uint32_t>(std::size(c)))];
  }

 private:
  uint64_t state_;
};

uint64_t seed() {
  const char* text = getenv("LODGE_SEED");
  return text ? strtoull(text, nullptr, 0) : 20261120;
}

// Makes calls that are right, or nearly: of a listed number, with arguments that its rule likes, of which a
// few are then replaced by, or moved a little from, a value at some boundary.
class Calls {
 public:
  Calls(const WallConfig& c, uint64_t seed) : c_(c), random_(seed) {
    for (uint64_t v = 0; v < 40; v++) values_.push_back(v);
    for (int bit = 5; bit < 64; bit++) values_.push_back(uint64_t{1} << bit);
    for (uint64_t v : {c.guest_begin, c.guest_end, c.max_len, c.arena_begin, c.kernel_begin, c.kernel_end,
                       c.guest_end - 0x1000, c.guest_begin - 0x1000, ~uint64_t{0}, uint64_t{0xffffffff}}) {
      values_.push_back(v);
    }
    for (uint32_t i = 0; i < c.file_count; i++) {
      values_.push_back(c.files[i].end);
      fds_.push_back(static_cast<uint64_t>(c.files[i].fd));
    }
    for (uint64_t flags : kCloneFlags) values_.push_back(flags);
    for (uint64_t flags : kMmapFlags) values_.push_back(flags);
    for (uint64_t op : kFutexOps) values_.push_back(op);
  }

  seccomp_data next() {
    seccomp_data d = right();
    if (random_.below(4) == 0) go_to_the_edge(d);
    for (uint32_t n = random_.below(3); n > 0; n--) d.args[random_.below(6)] = value();
    if (random_.below(3) == 0) nudge(d.args[random_.below(6)]);
    if (random_.below(32) == 0) spoil_origin(d);
    return d;
  }

 private:
  static constexpr int kNumbers[] = {9,  10,  11,  17,  18,  24,  25,  26,  27,  28,  56,  60,
                                     75, 131, 157, 158, 202, 219, 228, 231, 285, 324, 327, 328};
  static constexpr uint64_t kMmapFlags[] = {0x32, 0x4032, 0x12, 0x11};
  static constexpr uint64_t kCloneFlags[] = {0x8011, 0x208011, 0x1008011, 0x1208011, 0x250f00, 0x350f00};
  static constexpr uint64_t kFutexOps[] = {0, 1, 9, 10, 128, 129, 137, 138, 265, 393};
  static constexpr uint64_t kFallocateModes[] = {0, 3, 0x10, 0x11};
  static constexpr uint64_t kMembarriers[] = {8, 16, 32, 64};

  seccomp_data right() {
    seccomp_data d = wall_call(random_.pick(kNumbers), {}, c_.syscall_ip);
    auto& a = d.args;
    a[0] = c_.guest_begin + random_.next() % (c_.guest_end - c_.guest_begin);
    a[1] = random_.next() % (c_.max_len + 1);
    const uint32_t file = random_.below(c_.file_count);
    switch (d.nr) {
      case 9:
        a[2] = random_.below(8), a[3] = random_.pick(kMmapFlags), a[4] = fds_[file];
        break;
      case 10:
        a[2] = random_.below(8);
        break;
      case 25:
        a[2] = random_.next() % (c_.max_len + 1), a[3] = random_.below(2) * 3;
        a[4] = c_.guest_begin + random_.next() % (c_.guest_end - c_.guest_begin);
        break;
      case 26:
        a[2] = 1 + 3 * random_.below(2);
        break;
      case 28:
        a[2] = random_.below(33);
        if (random_.below(4) == 0) a[0] = c_.arena_begin + random_.below(1 << 30), a[1] = 0x200000, a[2] = 25;
        break;
      case 56:
        a[0] = random_.pick(kCloneFlags);
        break;
      case 158:
        a[0] = 0x1001 + random_.below(2);
        break;
      case 157:
        a[0] = 1, a[1] = 9;
        break;
      case 202:
        a[1] = random_.pick(kFutexOps);
        break;
      case 285:
        a[0] = fds_[file], a[1] = random_.pick(kFallocateModes), a[2] = random_.next() % c_.files[file].end;
        a[3] = random_.next() % (c_.files[file].end + 1);
        break;
      case 324:
        a[0] = random_.pick(kMembarriers), a[1] = 0;
        break;
      case 17:
      case 18:
      case 75:
      case 327:
      case 328:
        a[0] = fds_[file], a[3] = random_.next() % c_.files[file].end, a[5] = 8 * random_.below(2);
        break;
    }
    return d;
  }

  // Puts what the rule bounds next to its bound.
  void go_to_the_edge(seccomp_data& d) {
    const auto near = [&](uint64_t v) { return v + random_.below(3) - 1; };
    uint64_t end = 0;
    for (uint32_t i = 0; i < c_.file_count; i++) {
      if (d.args[0] == static_cast<uint64_t>(c_.files[i].fd)) end = c_.files[i].end;
    }
    switch (d.nr) {
      case 17:
      case 18:
      case 327:
      case 328:
        d.args[3] = near(end);
        break;
      case 285:
        d.args[2 + random_.below(2)] = near(end);
        break;
      case 25:
        d.args[2] = near(c_.max_len);
        [[fallthrough]];
      case 9:
      case 10:
      case 11:
      case 26:
      case 27:
      case 28:
        d.args[random_.below(2) * 4] = near(random_.below(2) ? c_.guest_begin : c_.guest_end);
        if (random_.below(2)) d.args[1] = near(c_.max_len);
        break;
      default:
        d.args[random_.below(2)] ^= uint64_t{1} << random_.below(32);
    }
  }

  uint64_t value() {
    const uint64_t v = random_.pick(values_);
    switch (random_.below(8)) {
      case 0:
        return random_.next();
      case 1:
        return random_.next() >> random_.below(64);
      case 2:
        return v | uint64_t{1} << 32;
      case 3:
        return v | random_.pick(values_);
      default:
        return v + random_.below(3) - 1;
    }
  }

  void nudge(__u64& a) {
    switch (random_.below(5)) {
      case 0:
        a ^= uint64_t{1} << random_.below(64);
        break;
      case 1:
        a += uint64_t{1} << 32;
        break;
      case 2:
        a |= uint64_t{0xffffffff} << 32;
        break;
      case 3:
        a &= 0xffffffff;
        break;
      case 4:
        a += random_.below(3) - 1;
        break;
    }
  }

  void spoil_origin(seccomp_data& d) {
    switch (random_.below(6)) {
      case 0:
        d.arch = 0x40000003;
        break;
      case 1:
        d.arch ^= 1u << random_.below(32);
        break;
      case 2:
        d.nr ^= 1 << random_.below(31);
        break;
      case 3:
        d.nr += static_cast<int>(random_.below(3)) - 1;
        break;
      case 4:
        d.nr = static_cast<int>(random_.below(600));
        break;
      case 5:
        d.instruction_pointer ^= uint64_t{1} << random_.below(64);
        break;
    }
  }

  const WallConfig& c_;
  Random random_;
  std::vector<uint64_t> values_, fds_;
};

// The highest address + 1 that an accepted mm call could name, counted as the host rounds; 0 for other calls.
// Wider than any address, so that nothing can wrap.
unsigned __int128 reach(const seccomp_data& d) {
  const auto end = [](uint64_t start, uint64_t length) {
    return (static_cast<unsigned __int128>(start) + length + 0xfff) & ~static_cast<unsigned __int128>(0xfff);
  };
  switch (d.nr) {
    case 9:
    case 10:
    case 11:
    case 26:
    case 27:
    case 28:
      // A huge page of the arena: changes no byte of it.
      if (d.args[2] == 25 && d.args[1] == 0x200000 && d.args[0] >> 32 == 0x7000) return 0;
      return end(d.args[0], d.args[1]);
    case 25: {
      const auto in_place = std::max(end(d.args[0], d.args[1]), end(d.args[0], d.args[2]));
      return d.args[3] & 2 ? std::max(in_place, end(d.args[4], d.args[2])) : in_place;
    }
    default:
      return 0;
  }
}

TEST(WallFuzz, ProgramAndSpecificationAgree) {
  const WallConfig configs[] = {wall_config(), wall_config_full()};
  for (const WallConfig& config : configs) {
    const WallProgram program(config);
    const WallSpec spec(config);
    Calls calls(config, seed());
    std::array<int, 512> accepted = {}, refused = {};
    int killed = 0;
    for (int i = 0; i < kCalls / 2; i++) {
      const seccomp_data d = calls.next();
      const uint32_t verdict = program.verdict(d);
      ASSERT_EQ(verdict, spec.verdict(d)) << describe(d) << " LODGE_SEED=" << seed();
      killed += verdict == kKill;
      if (d.nr < 0 || d.nr >= 512) continue;
      (verdict == kAllow ? accepted : refused)[d.nr]++;
      if (verdict == kAllow) {
        ASSERT_TRUE(reach(d) <= config.arena_begin) << describe(d);
      }
    }
    // The inputs are worth something: every rule was met from both sides, often.
    EXPECT_GT(killed, 1000);
    int both = 0;
    for (int nr = 0; nr < 512; nr++) {
      if (accepted[nr] == 0) continue;
      both++;
      EXPECT_GT(accepted[nr], 5000) << nr;
      EXPECT_GT(refused[nr], 200) << nr;
    }
    EXPECT_EQ(both, 22 + config.sets_bases + config.reads_clocks);
  }
}

TEST(WallFuzz, EveryBranchIsTakenBothWays) {
  for (const WallConfig& config : {wall_config(), wall_config_full()}) {
    WallProgram program(config);
    Calls calls(config, seed());
    BpfTrace trace;
    for (int i = 0; i < 1'000'000; i++) program.verdict(calls.next(), &trace);
    for (size_t pc = 0; pc < program.code().size(); pc++) {
      const uint16_t code = program.code()[pc].code;
      const bool conditional = BPF_CLASS(code) == BPF_JMP && BPF_OP(code) != BPF_JA;
      EXPECT_EQ(trace.arms[pc], conditional ? 3 : 1) << "instruction " << pc << " code " << code << " k "
                                                     << program.code()[pc].k << " of " << program.length();
    }
  }
}

// All ways to break one instruction that must show. A threshold of the search by number may lie anywhere in a
// gap of the table, so moving one of those by one can be no break; swapping its arms is.
std::vector<sock_filter> mutants(const sock_filter& in, int source) {
  std::vector<sock_filter> out;
  auto with_k = [&](uint32_t k) {
    out.push_back(in);
    out.back().k = k;
  };
  const bool conditional = BPF_CLASS(in.code) == BPF_JMP && BPF_OP(in.code) != BPF_JA;
  if (conditional) {
    out.push_back({in.code, in.jf, in.jt, in.k});
    const bool in_a_gap = BPF_OP(in.code) == BPF_JGE && (source == offsetof(seccomp_data, nr) || in.k == 32);
    if (!in_a_gap) {
      with_k(in.k + 1);
      if (in.k != 0) with_k(in.k - 1);
    }
  } else if (in.code == (BPF_LD | BPF_W | BPF_ABS)) {
    if (in.k + 4 < sizeof(seccomp_data)) with_k(in.k + 4);
    if (in.k >= 4) with_k(in.k - 4);
  } else if (in.code == (BPF_RET | BPF_K)) {
    with_k(in.k == kAllow ? kTrap : kAllow);
  } else if (in.code == (BPF_ALU | BPF_AND | BPF_K)) {
    for (int bit = 0; bit < 32; bit++) with_k(in.k ^ 1u << bit);
  } else if (in.code == (BPF_LD | BPF_IMM)) {
    with_k(in.k + 1);
  }
  return out;
}

TEST(WallFuzz, EveryBrokenInstructionIsNoticed) {
  const WallConfig config = wall_config();
  WallProgram program(config);
  const WallSpec spec(config);
  Calls calls(config, seed());
  std::vector<seccomp_data> inputs(400'000);
  std::vector<uint32_t> verdicts;
  BpfTrace trace;
  for (seccomp_data& d : inputs) {
    d = calls.next();
    verdicts.push_back(spec.verdict(d));
    ASSERT_EQ(program.verdict(d, &trace), verdicts.back());
  }
  auto noticed = [&] {
    for (size_t i = 0; i < inputs.size(); i++) {
      if (program.verdict(inputs[i]) != verdicts[i]) return true;
    }
    return false;
  };
  int broken = 0;
  for (size_t pc = 0; pc < program.code().size(); pc++) {
    sock_filter& in = program.code()[pc];
    const sock_filter original = in;
    for (const sock_filter& mutant : mutants(original, trace.source[pc])) {
      in = mutant;
      broken++;
      EXPECT_TRUE(noticed()) << "instruction " << pc << " code " << original.code << " k " << original.k
                             << " -> " << mutant.k << " jt " << int{original.jt} << " -> " << int{mutant.jt};
    }
    in = original;
  }
  EXPECT_GT(broken, 400);
}

}  // namespace
}  // namespace lodge::test

// A guest that owns its kernel: arbitrary bytes over the arena, over the kernel itself, and over the mailbox,
// which is all that the monitor sees of a VPS. The VPS is lost; the monitor has to end it, and itself, as it
// would any other.
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "hostile/hostile.h"

namespace hostile {
namespace {

constexpr uint64_t kPage = 4096;
constexpr uint64_t kMostArena = 64 << 20;
constexpr uint64_t kMostMailbox = 4 << 20;
constexpr int kPageFile = 3;

class Noise {
 public:
  explicit Noise(uint64_t seed) : state_(seed * 0x9e3779b97f4a7c15 + 1) {}
  uint64_t next() {
    state_ ^= state_ << 13;
    state_ ^= state_ >> 7;
    state_ ^= state_ << 17;
    return state_;
  }

 private:
  uint64_t state_;
};

// The readable pages from `start`, looked for before anything is spoilt: to look needs a working kernel.
std::vector<uint64_t> pages_from(uint64_t start, uint64_t most) {
  std::vector<uint64_t> pages;
  for (uint64_t page = start; page < start + most; page += kPage) {
    if (readable(page)) pages.push_back(page);
  }
  return pages;
}

void spoil(const std::vector<uint64_t>& pages, uint64_t seed, uint64_t stores) {
  Noise noise(seed);
  for (uint64_t i = 0; i < stores; i++) {
    uint64_t page = pages[noise.next() % pages.size()];
    reinterpret_cast<volatile uint64_t*>(page)[noise.next() % (kPage / 8)] = noise.next();
  }
}

void fill(const std::vector<uint64_t>& pages, int byte) {
  for (uint64_t page : pages) memset(reinterpret_cast<void*>(page), byte, kPage);
}

// Some calls, so that the kernel trips over what it finds.
void go_on() {
  for (int i = 0; i < 100; i++) {
    getppid();
    usleep(100);
    if (fork() == 0) _exit(0);
  }
}

void few_stores_in_arena(uint64_t seed) {
  auto pages = pages_from(kArena, kMostArena);
  report("%zu pages", pages.size());
  spoil(pages, seed, 20);
  go_on();
}

void many_stores_in_arena(uint64_t seed) {
  auto pages = pages_from(kArena, kMostArena);
  spoil(pages, seed, 1'000'000);
  go_on();
}

// Kernel text cannot be written where it is. It is the start of the page file, which can be mapped.
void stores_in_kernel(uint64_t seed, uint64_t stores) {
  constexpr uint64_t kAt = 0x200000000000, kSize = 2 << 20;
  long at = host_call(SYS_mmap, kAt, kSize, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, kPageFile, 0);
  if (at != static_cast<long>(kAt)) violation("mmap of the page file: %ld", at);
  auto pages = pages_from(kAt, kSize);
  report("%zu pages", pages.size());
  spoil(pages, seed, stores);
  go_on();
}

void mailbox_noise(uint64_t seed, uint64_t stores) {
  auto pages = pages_from(kMailbox, kMostMailbox);
  report("%zu pages", pages.size());
  if (pages.empty()) return;
  // Again and again: what the monitor has copied once it must not read a second time.
  for (int i = 0; i < 50; i++) {
    spoil(pages, seed + i, stores);
    usleep(1000);
  }
  go_on();
}

}  // namespace

Suite garbage_suite() {
  Suite suite;
  for (uint64_t seed = 1; seed <= 20; seed++) {
    std::string number = std::to_string(seed);
    suite.push_back({"mailbox_few_" + number, [seed] { mailbox_noise(seed, 20); }});
    suite.push_back({"mailbox_many_" + number, [seed] { mailbox_noise(seed, 200'000); }});
    suite.push_back({"arena_few_" + number, [seed] { few_stores_in_arena(seed); }});
    suite.push_back({"kernel_few_" + number, [seed] { stores_in_kernel(seed, 200); }});
  }
  for (uint64_t seed = 1; seed <= 5; seed++) {
    suite.push_back({"arena_many_" + std::to_string(seed), [seed] { many_stores_in_arena(seed); }});
    suite.push_back({"kernel_many_" + std::to_string(seed), [seed] { stores_in_kernel(seed, 1'000'000); }});
  }
  for (int byte : {0, 0xff, 0x7f}) {
    suite.push_back({"mailbox_all_" + std::to_string(byte), [byte] {
                       fill(pages_from(kMailbox, kMostMailbox), byte);
                       go_on();
                     }});
    suite.push_back({"arena_all_" + std::to_string(byte), [byte] {
                       fill(pages_from(kArena, kMostArena), byte);
                       go_on();
                     }});
  }
  for (Attempt& attempt : suite) attempt.may_wait = true;
  return suite;
}

}  // namespace hostile

// Random sequences of mmap, munmap, mprotect, mremap, madvise and fork against a model that knows of every
// page what it holds; afterwards the vmas, the charges and real memory must say the same.
#include <random>

#include "tests/unit/mm_fixture.h"
#include "tests/unit/mm_without_threads.h"

namespace lodge {
namespace {

using namespace abi;
constexpr uint64_t P = kPageSize;
constexpr uint64_t kBase = 0x580000000000;
constexpr int kPages = 64;

struct Page {
  bool mapped = false;
  int prot = 0;
  bool charged = false;
  bool shared = false;
  uint64_t value = 0;
  bool operator==(const Page&) const = default;
};

class MmModel : public MmTest, public testing::WithParamInterface<unsigned> {
 protected:
  std::mt19937 random_{GetParam()};
  Page model_[kPages];
  uint64_t next_value_ = 1;

  int pick(int n) { return static_cast<int>(random_() % n); }
  static uint64_t address(int page) { return kBase + page * P; }
  static uint64_t& word(int page) { return *reinterpret_cast<uint64_t*>(address(page) + 8); }
  bool all_mapped(int from, int n) const {
    for (int i = from; i < from + n; i++)
      if (!model_[i].mapped) return false;
    return true;
  }
  void touch(int page) {
    Page& p = model_[page];
    if (!p.mapped || !(p.prot & kProtWrite)) return;
    word(page) = p.value = next_value_++;
  }

  void do_map(int from, int n) {
    int prot = pick(4);
    bool shared = pick(4) == 0;
    MapRequest r = fixed(address(from), n * P, prot);
    if (shared) r.flags = kMapShared | kMapAnonymous | kMapFixed;
    ASSERT_TRUE(mm_->map(r).ok());
    for (int i = from; i < from + n; i++) model_[i] = {true, prot, !shared && (prot & kProtWrite), shared, 0};
  }
  void do_unmap(int from, int n) {
    ASSERT_TRUE(mm_->unmap(address(from), n * P).ok());
    for (int i = from; i < from + n; i++) model_[i] = {};
  }
  void do_protect(int from, int n) {
    int prot = pick(4);
    bool ok = mm_->protect(address(from), n * P, prot).ok();
    ASSERT_EQ(ok, all_mapped(from, n));
    for (int i = from; i < from + n && model_[i].mapped; i++) {
      model_[i].prot = prot;
      if ((prot & kProtWrite) && !model_[i].shared) model_[i].charged = true;
    }
  }
  void do_discard(int from, int n) {
    bool ok = mm_->advise(address(from), n * P, kMadvDontNeed).ok();
    ASSERT_EQ(ok, all_mapped(from, n));
    for (int i = from; i < from + n; i++)
      if (!model_[i].shared) model_[i].value = 0;
  }
  // To a place of its own, and of its own size. What is not one mapping is refused, and may be.
  void do_remap(int from, int n) {
    int to = pick(kPages), size = 1 + pick(8);
    if (to + size > kPages || (to < from + n && from < to + size)) return;
    Page before = model_[from];
    auto r = mm_->remap({.old_start = address(from),
                         .old_length = n * P,
                         .new_length = size * P,
                         .flags = kMremapMayMove | kMremapFixed,
                         .new_start = address(to)});
    if (!r.ok()) {
      Mm::VmaView v;
      bool one = mm_->view(address(from), v) && v.start <= address(from) && v.end >= address(from + n);
      ASSERT_FALSE(one) << "refused with " << static_cast<int>(r.error());
      // As on Linux, the destination may be gone by then; so may what was cut off.
      resync();
      return;
    }
    Page moved[8];
    for (int i = 0; i < size; i++) {
      moved[i] = i < n ? model_[from + i] : Page{true, before.prot, before.charged, before.shared, 0};
      if (i >= n && before.shared) moved[i].mapped = false;  // beyond the object: a bus error
    }
    for (int i = from; i < from + n; i++) model_[i] = {};
    for (int i = 0; i < size; i++) model_[to + i] = moved[i];
    if (before.shared && size > n) do_unmap(to + n, size - n);
  }
  // Takes what is mapped from the mm, contents from what was known.
  void resync() {
    for (int i = 0; i < kPages; i++)
      if (!mm_->is_mapped(address(i), address(i + 1))) model_[i] = {};
  }

  void check() {
    uint64_t charged = 0, objects = system_.account.page_file();
    for (const Page& p : model_) charged += p.charged;
    ASSERT_EQ(system_.account.committed() - objects, charged);
    // The fewest lines that show the model's pages never are more than the vmas, which may differ in charges
    // too.
    Mm::VmaView v;
    for (int i = 0; i < kPages; i++) {
      bool in = mm_->view(address(i), v) && v.start <= address(i);
      ASSERT_EQ(in, model_[i].mapped) << i;
      ASSERT_EQ(host_maps(address(i)), model_[i].mapped) << i;
      if (!in) continue;
      ASSERT_EQ(v.prot, model_[i].prot) << i;
      ASSERT_EQ((v.flags & kVmaCharged) != 0, model_[i].charged) << i;
      if (!(v.prot & (kProtRead | kProtWrite))) continue;
      ASSERT_EQ(word(i), model_[i].value) << i;
    }
    for (uint64_t at = 0; mm_->view(at, v); at = v.end) {  // neighbours that could be one are one
      Mm::VmaView next;
      if (!mm_->view(v.end, next) || next.start != v.end || v.shared_anonymous || next.shared_anonymous)
        continue;
      ASSERT_FALSE(v.prot == next.prot && v.flags == next.flags) << std::hex << v.end;
    }
  }
};

TEST_P(MmModel, RandomCalls) {
  for (int step = 0; step < 3000; step++) {
    int from = pick(kPages), n = 1 + pick(std::min(8, kPages - from));
    switch (pick(8)) {
      case 0:
      case 1:
        do_map(from, n);
        break;
      case 2:
        do_unmap(from, n);
        break;
      case 3:
      case 4:
        do_protect(from, n);
        break;
      case 5:
        do_remap(from, n);
        break;
      case 6:
        do_discard(from, n);
        break;
      case 7: {
        auto child = mm_->begin_fork();
        ASSERT_TRUE(child.ok());
        mm_->end_fork();
        ASSERT_EQ(lines(**child), lines());
        break;
      }
    }
    if (HasFatalFailure()) return;
    for (int i = 0; i < 4; i++) touch(pick(kPages));
    check();
    if (HasFatalFailure()) FAIL() << "......." << step;
  }
}
INSTANTIATE_TEST_SUITE_P(Seeds, MmModel, testing::Range(1u, 7u));

TEST_F(MmTest, PageFileRangesNeverOverlap) {
  std::mt19937 random(3);
  PageFile file(1 << 20);  // 256 pages
  std::map<uint64_t, uint64_t> given;
  auto overlaps = [&](uint64_t offset, uint64_t length) {
    for (auto& [o, l] : given)
      if (offset < o + l && o < offset + length) return true;
    return false;
  };
  int refused = 0;
  for (int i = 0; i < 5000; i++) {
    if (random() % 2) {
      uint64_t length = (1 + random() % 24) * P, align = P << random() % 3;
      auto r = file.allocate(length, align);
      if (!r.ok()) {
        ASSERT_EQ(r.error(), Errno::ENOSPC);
        refused++;
        continue;
      }
      ASSERT_EQ(*r % align, 0u);
      ASSERT_LE(*r + length, uint64_t{1} << 20);
      ASSERT_FALSE(overlaps(*r, length));
      given[*r] = length;
    } else if (!given.empty()) {
      auto it = std::next(given.begin(), random() % given.size());
      uint64_t part = it->second > P ? (1 + random() % (it->second / P)) * P : P;  // a front part
      file.free(it->first, part);
      uint64_t rest = it->second - part, at = it->first + part;
      given.erase(it);
      if (rest) given[at] = rest;
    }
  }
  EXPECT_GT(refused, 0);
  for (auto& [o, l] : given) file.free(o, l);
  EXPECT_EQ(*file.allocate(1 << 20), 0u) << "all of it is one again";
}

TEST_F(MmTest, FreedPagesReadAsZeros) {
  uint64_t offset = *pages_.allocate(P);
  ASSERT_TRUE(host::pwrite(host::HostFile::kPages, "secret", 7, offset).ok());
  pages_.free(offset, P);
  ASSERT_EQ(*pages_.allocate(P), offset);
  char back[8] = ".......";
  ASSERT_TRUE(host::pread(host::HostFile::kPages, back, 7, offset).ok());
  EXPECT_EQ(back[0], 0);
}

}  // namespace
}  // namespace lodge

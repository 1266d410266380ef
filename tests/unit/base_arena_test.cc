// The arena: pages, slab caches, typed objects, injected failures, and what AddressSanitizer must catch in
// it.
#include <gtest/gtest.h>

#include <cstring>
#include <random>
#include <set>
#include <thread>
#include <vector>

#include "kernel/base/arena.h"
#include "kernel/base/asan.h"
#include "kernel/host/hosted/arena_scope.h"

namespace lodge {
namespace {

TEST(BitTree, AgreesWithASet) {
  for (size_t bits : {1, 63, 64, 65, 4096, 4097, 300000}) {
    std::vector<uint64_t> words(BitTree::words_needed(bits));
    BitTree tree;
    tree.init(words.data(), bits);
    std::set<size_t> model;
    std::mt19937_64 rng(bits);
    for (int i = 0; i < 4000; i++) {
      size_t n = rng() % bits;
      if (rng() % 2) {
        tree.set(n);
        model.insert(n);
      } else {
        tree.clear(n);
        model.erase(n);
      }
      ASSERT_EQ(tree.test(n), model.count(n) == 1);
      ASSERT_EQ(tree.find_first(), model.empty() ? BitTree::kNone : *model.begin());
      size_t from = rng() % (bits + 2);
      auto it = model.lower_bound(from);
      ASSERT_EQ(tree.find_from(from), it == model.end() ? BitTree::kNone : *it) << bits << " from " << from;
    }
  }
}

TEST(Pages, PiecesThreeQuartersUsedAreToBeHugePages) {
  ArenaScope scope;
  Arena& arena = scope.arena();
  EXPECT_EQ(arena.take_filled_piece(), nullptr);
  // A large block does not make the piece before it look used.
  void* large = arena.alloc_pages(PageZone::kMaxOrder);
  EXPECT_EQ(arena.filled_pieces(), 1u);
  EXPECT_EQ(arena.take_filled_piece(), large);
  EXPECT_EQ(arena.take_filled_piece(), nullptr);
  arena.free_pages(large);
  EXPECT_EQ(arena.alloc_pages(PageZone::kMaxOrder), large);
  EXPECT_EQ(arena.filled_pieces(), 1u);  // once is enough
  // The first piece, page by page.
  std::vector<void*> blocks;
  while (arena.filled_pieces() == 1) blocks.push_back(arena.alloc_pages(0));
  auto* first = static_cast<char*>(arena.take_filled_piece());
  EXPECT_EQ(reinterpret_cast<uintptr_t>(first) % kHugePageSize, 0u);
  size_t there = 0;
  for (void* p : blocks) there += p >= first && p < first + kHugePageSize;
  EXPECT_LE(there, kHugePageSize / kPageSize / 4 * 3);
  EXPECT_GT(there, kHugePageSize / kPageSize / 2);
  blocks.push_back(large);
  for (void* p : blocks) arena.free_pages(p);
}

TEST(Pages, LowestFirstAlignedAndMerged) {
  ArenaScope scope;
  Arena& arena = scope.arena();
  size_t before = arena.free_page_count();
  void* a = arena.alloc_pages(0, Heat::kHot);
  void* b = arena.alloc_pages(0, Heat::kHot);
  EXPECT_EQ(static_cast<char*>(b) - static_cast<char*>(a), ptrdiff_t{kPageSize});
  arena.free_pages(a);
  EXPECT_EQ(arena.alloc_pages(0, Heat::kHot), a);
  void* big = arena.alloc_pages(4, Heat::kHot);
  EXPECT_EQ(reinterpret_cast<uintptr_t>(big) % (kPageSize << 4), 0u);
  EXPECT_TRUE(arena.is_hot(big));
  void* cold = arena.alloc_pages(PageZone::kMaxOrder);
  EXPECT_FALSE(arena.is_hot(cold));
  EXPECT_EQ(arena.alloc_pages(PageZone::kMaxOrder + 1), nullptr);
  for (void* p : {a, b, big, cold}) arena.free_pages(p);
  EXPECT_EQ(arena.free_page_count(), before);
}

TEST(Pages, HotLendsHalfOfItself) {
  ArenaScope scope;
  Arena& arena = scope.arena();
  std::vector<void*> lent;
  while (arena.is_hot(lent.emplace_back(arena.alloc_pages(0))))
    ASSERT_LT(lent.size(), kHugePageSize / kPageSize);
  EXPECT_GT(lent.size(), kHugePageSize / kPageSize * 2 / 5);
  std::vector<void*> hot;
  while (arena.is_hot(hot.emplace_back(arena.alloc_pages(0, Heat::kHot)))) ASSERT_LT(hot.size(), 512u);
  EXPECT_GT(hot.size(), kHugePageSize / kPageSize * 2 / 5);
  for (void* p : lent) arena.free_pages(p);
  for (void* p : hot) arena.free_pages(p);
}

TEST(Pages, HotFallsBackAndAllComesBack) {
  ArenaScope scope(8 << 20);
  Arena& arena = scope.arena();
  size_t before = arena.free_page_count();
  std::vector<void*> all;
  std::mt19937 rng(1);
  while (void* p = arena.alloc_pages(rng() % 4, Heat::kHot)) all.push_back(p);
  EXPECT_TRUE(std::any_of(all.begin(), all.end(), [&](void* p) { return !arena.is_hot(p); }));
  std::set<void*> distinct(all.begin(), all.end());
  EXPECT_EQ(distinct.size(), all.size());
  std::shuffle(all.begin(), all.end(), rng);
  for (void* p : all) arena.free_pages(p);
  EXPECT_EQ(arena.free_page_count(), before);
  EXPECT_NE(arena.alloc_pages(PageZone::kMaxOrder), nullptr);  // merged up to the top again
}

TEST(PagesDeathTest, FreeOfNoBlock) {
  ArenaScope scope;
  auto* p = static_cast<char*>(scope.arena().alloc_pages(2));
  EXPECT_DEATH(scope.arena().free_pages(p + kPageSize), "free of what is no block");
  scope.arena().free_pages(p);
  EXPECT_DEATH(scope.arena().free_pages(p), "free of what is no block");
  int local;
  EXPECT_DEATH(scope.arena().free_pages(&local), "address outside");
}

TEST(Slab, EverySizeWithoutOverlap) {
  ArenaScope scope;
  std::vector<std::pair<unsigned char*, size_t>> live;
  for (Heat heat : {Heat::kCold, Heat::kHot})
    for (size_t n = 1; n <= 9000; n += n < 300 ? 1 : 97) {
      auto* p = static_cast<unsigned char*>(arena_alloc(n, heat));
      ASSERT_NE(p, nullptr);
      ASSERT_EQ(reinterpret_cast<uintptr_t>(p) % 16, 0u);
      std::memset(p, static_cast<int>(n & 255), n);
      live.emplace_back(p, n);
    }
  for (auto [p, n] : live)
    for (size_t i = 0; i < n; i++) ASSERT_EQ(p[i], n & 255);
  for (auto [p, n] : live) arena_free(p);
  EXPECT_EQ(scope.active_objects(), 0u);
}

TEST(Slab, EmptySlabsGoBackButOne) {
  ArenaScope scope;
  size_t before = scope.arena().free_page_count();
  std::vector<void*> all;
  for (int i = 0; i < 5000; i++) all.push_back(arena_alloc(64));
  EXPECT_LT(scope.arena().free_page_count(), before - 70);
  for (void* p : all) arena_free(p);
  EXPECT_EQ(scope.arena().free_page_count(), before - 1);
}

TEST(Slab, TooLargeIsNull) {
  ArenaScope scope;
  EXPECT_EQ(arena_alloc((2 << 20) + 1), nullptr);
  void* p = arena_alloc(2 << 20);
  EXPECT_NE(p, nullptr);
  arena_free(p);
}

TEST(SlabDeathTest, BadFrees) {
  ArenaScope scope;
  auto* p = static_cast<char*>(arena_alloc(64));
  auto* keep = arena_alloc(64);
  EXPECT_DEATH(arena_free(p + 16), "free of what is no object");
  arena_free(p);
  EXPECT_DEATH(arena_free(p), "object freed twice");
  arena_free(keep);
}

struct Counted : RefCounted<Counted> {
  explicit Counted(int* deaths) : deaths_(deaths) {}
  ~Counted() { ++*deaths_; }
  int* deaths_;
};

struct First {
  virtual ~First() = default;
  int a = 1;
};
struct Second {
  virtual ~Second() = default;
  int b = 2;
};
struct Both : First, Second {
  explicit Both(int* deaths) : deaths_(deaths) {}
  ~Both() override { ++*deaths_; }
  int* deaths_;
};

struct Stable {
  static constexpr SlabId kSlab = SlabId::kDentry;
  int value = 7;
};

struct Hot {
  static constexpr SlabId kSlab = SlabId::kFile;
  char bytes[100];
};

TEST(Arena, ObjectsOfEachOwnership) {
  ArenaScope scope;
  int deaths = 0;
  {
    Ref<Counted> r = make<Counted>(&deaths).take();
    Ref<Counted> other = r;
    EXPECT_EQ(r->ref_count(), 2u);
    UniquePtr<Second> u = make_unique<Both>(&deaths).take();  // owned through its second base
    EXPECT_EQ(u->b, 2);
    Both* raw = make_raw<Both>(&deaths).take();
    destroy(static_cast<Second*>(raw));
    EXPECT_EQ(deaths, 1);
  }
  EXPECT_EQ(deaths, 3);
  EXPECT_EQ(scope.active_objects(), 0u);
}

TEST(Arena, TypedCachesAreNamedAndPlaced) {
  ArenaScope scope;
  Hot* hot = make_raw<Hot>().take();
  EXPECT_TRUE(scope.arena().is_hot(hot));
  bool seen = false;
  scope.arena().for_each_cache([&](const SlabInfo& i) {
    if (std::strcmp(i.name, "file") != 0) return;
    seen = true;
    EXPECT_EQ(i.active, 1u);
    EXPECT_EQ(i.object_size, sizeof(Hot));
    EXPECT_EQ(i.total, i.objects_per_slab * i.slabs);
  });
  EXPECT_TRUE(seen);
  destroy(hot);
}

TEST(Arena, StableMemoryStaysReadableAndOfItsType) {
  ArenaScope scope;
  std::vector<Stable*> all;
  for (int i = 0; i < 1000; i++) all.push_back(make_raw<Stable>().take());
  size_t used = scope.arena().free_page_count();
  for (Stable* s : all) destroy(s);
  for (Stable* s : all) EXPECT_EQ(*static_cast<volatile int*>(&s->value), 7);
  EXPECT_EQ(scope.arena().free_page_count(), used);
}

TEST(ArenaDeathTest, OneCacheTwoSizes) {
  ArenaScope scope;
  EXPECT_NE(scope.arena().alloc_typed(SlabId::kMm, 100, 8), nullptr);
  EXPECT_DEATH((void)scope.arena().alloc_typed(SlabId::kMm, 200, 8), "mm");
}

TEST(Arena, FullIsEnomemAndRecovers) {
  ArenaScope scope(4 << 20);
  std::vector<UniquePtr<Hot>> all;
  Result<UniquePtr<Hot>> r = Errno::EIO;
  while ((r = make_unique<Hot>()).ok()) all.push_back(r.take());
  EXPECT_EQ(r.error(), Errno::ENOMEM);
  EXPECT_GT(all.size(), 20000u);
  all.clear();
  EXPECT_TRUE(make_unique<Hot>().ok());
}

TEST(Arena, NthAllocationFailsOnce) {
  ArenaScope scope;
  scope.arena().fail_nth(3);
  std::vector<bool> got;
  for (int i = 0; i < 5; i++) {
    void* p = arena_alloc(32);
    got.push_back(p != nullptr);
    arena_free(p);
  }
  EXPECT_EQ(got, (std::vector<bool>{true, true, false, true, true}));
  EXPECT_EQ(scope.arena().fail_pending(), 0u);
}

TEST(Arena, SeveralAtOnce) {
  ArenaScope one;
  void* a = arena_alloc(32);
  {
    ArenaScope two;
    void* b = arena_alloc(32);
    EXPECT_TRUE(two.arena().contains(b));
    EXPECT_FALSE(one.arena().contains(b));
    arena_free(b);
  }
  EXPECT_TRUE(one.arena().contains(a));
  arena_free(a);
}

TEST(Arena, ManyThreads) {
  ArenaScope scope;
  std::vector<std::thread> threads;
  for (unsigned t = 0; t < 4; t++)
    threads.emplace_back([&, t] {
      ArenaScope::Join join(scope);
      std::mt19937 rng(t);
      std::vector<std::pair<uint32_t*, uint32_t>> live;
      for (uint32_t i = 0; i < 20000; i++) {
        if (live.size() < 200 && rng() % 2) {
          size_t n = 4 + rng() % (rng() % 50 == 0 ? 20000 : 400);
          auto* p = static_cast<uint32_t*>(arena_alloc(n, rng() % 2 ? Heat::kHot : Heat::kCold));
          ASSERT_NE(p, nullptr);
          *p = i;
          live.emplace_back(p, i);
        } else if (!live.empty()) {
          std::swap(live[rng() % live.size()], live.back());
          ASSERT_EQ(*live.back().first, live.back().second);
          arena_free(live.back().first);
          live.pop_back();
        }
      }
      for (auto& [p, i] : live) arena_free(p);
    });
  for (auto& t : threads) t.join();
  EXPECT_EQ(scope.active_objects(), 0u);
}

#ifdef LODGE_ASAN
TEST(ArenaAsanDeathTest, CatchesOverflow) {
  ArenaScope scope;
  for (size_t n : {13, 16, 64, 2048, 5000}) {
    auto* p = static_cast<volatile char*>(arena_alloc(n));
    p[n - 1] = 1;
    EXPECT_DEATH(p[n] = 1, "use-after-poison") << n;
    arena_free(const_cast<char*>(p));
  }
}

TEST(ArenaAsanDeathTest, CatchesUseAfterFree) {
  ArenaScope scope;
  void* keep = arena_alloc(64);
  auto* p = static_cast<volatile char*>(arena_alloc(64));
  arena_free(const_cast<char*>(p));
  EXPECT_DEATH(p[0] = 1, "use-after-poison");
  void* again = arena_alloc(64);  // not the same one at once
  EXPECT_DEATH(p[0] = 1, "use-after-poison");
  auto* page = static_cast<volatile char*>(scope.arena().alloc_pages(0));
  scope.arena().free_pages(const_cast<char*>(page));
  EXPECT_DEATH(page[100] = 1, "use-after-poison");
  arena_free(again);
  arena_free(keep);
}
#endif

}  // namespace
}  // namespace lodge

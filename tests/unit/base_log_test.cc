// The log ring, the hash table, bitmaps and checked arithmetic.
#include <gtest/gtest.h>

#include <memory>
#include <random>
#include <set>
#include <string>
#include <thread>
#include <unordered_map>
#include <vector>

#include "kernel/base/bitmap.h"
#include "kernel/base/checked.h"
#include "kernel/base/hash_table.h"
#include "kernel/base/log.h"
#include "kernel/host/hosted/arena_scope.h"

namespace lodge {
namespace {

struct Reader {
  LogRing& ring;
  LogRing::Cursor cursor = {};
  LogRing::Record record = {};
  char text[LogRing::kMaxText];
  bool next() { return ring.read(cursor, record, text); }
  std::string_view line() const { return {text, record.length}; }
};

TEST(Log, RecordsComeInOrder) {
  ArenaScope scope;
  UniquePtr<LogRing> ring(LogRing::create().take());
  Kernel kernel;
  klog(LogLevel::kInfo, "nobody hears");
  scope.arena().set_kernel(&kernel);
  klog(LogLevel::kInfo, "nobody hears");
  kernel.set_part(*ring);
  Reader r{*ring};
  EXPECT_FALSE(r.next());
  klog(LogLevel::kInfo, "first {}", 1);
  klog(LogLevel::kError, "second");
  ASSERT_TRUE(r.next());
  EXPECT_EQ(r.line(), "first 1");
  EXPECT_EQ(r.record.level, LogLevel::kInfo);
  EXPECT_EQ(r.record.seq, 0u);
  uint64_t time = r.record.time_ns;
  ASSERT_TRUE(r.next());
  EXPECT_EQ(r.line(), "second");
  EXPECT_EQ(r.record.level, LogLevel::kError);
  EXPECT_GE(r.record.time_ns, time);
  EXPECT_FALSE(r.next());
  EXPECT_EQ(ring->next_seq(), 2u);
  ring->write(LogLevel::kDebug, std::string(1000, 'x'));
  ASSERT_TRUE(r.next());
  EXPECT_EQ(r.line(), std::string(LogRing::kMaxText, 'x'));
}

TEST(Log, OverwritesTheOldestAndSaysSo) {
  ArenaScope scope;
  UniquePtr<LogRing> ring(LogRing::create(0).take());
  Reader slow{*ring};
  for (int i = 0; i < 1000; i++) ring->write(LogLevel::kInfo, "line " + std::to_string(i));
  ASSERT_TRUE(slow.next());
  EXPECT_GT(slow.record.lost, 500u);
  EXPECT_EQ(slow.record.seq, slow.record.lost);
  int at = static_cast<int>(slow.record.seq);
  do {
    ASSERT_EQ(slow.line(), "line " + std::to_string(at++));
  } while (slow.next());
  EXPECT_EQ(at, 1000);
  Reader late{*ring, ring->end()};
  EXPECT_FALSE(late.next());
}

TEST(Log, ManyWriters) {
  ArenaScope scope;
  UniquePtr<LogRing> ring(LogRing::create(0).take());
  std::vector<std::thread> threads;
  for (int t = 0; t < 3; t++)
    threads.emplace_back([&, t] {
      for (int i = 0; i < 3000; i++)
        ring->write(LogLevel::kInfo, std::string(static_cast<size_t>(t * 40), static_cast<char>('a' + t)));
    });
  Reader r{*ring};
  uint64_t seen = 0;
  while (r.cursor.seq < 9000) {
    if (!r.next()) continue;
    seen += r.record.lost + 1;
    ASSERT_EQ(r.record.length % 40, 0);
    for (char c : r.line()) ASSERT_EQ(c, 'a' + r.record.length / 40);
  }
  for (auto& t : threads) t.join();
  EXPECT_EQ(seen, 9000u);
}

struct ById : HashNode {};
struct Entry : ById {
  explicit Entry(uint32_t i) : id(i) {}
  uint32_t id;
};
struct EntryKey {
  static uint32_t key(const Entry& e) { return e.id; }
  static uint64_t hash(uint32_t id) { return hash_u64(id); }
};

TEST(HashTable, AgreesWithUnorderedMap) {
  ArenaScope scope;
  HashTable<Entry, EntryKey, ById> table;
  ASSERT_TRUE(table.init(5).ok());
  EXPECT_EQ(table.bucket_count(), 8u);
  std::unordered_map<uint32_t, std::unique_ptr<Entry>> model;
  std::mt19937 rng(9);
  for (int i = 0; i < 20000; i++) {
    uint32_t id = rng() % 3000;
    auto it = model.find(id);
    ASSERT_EQ(table.find(id), it == model.end() ? nullptr : it->second.get());
    if (i % 50 == 0) scope.arena().fail_nth(1);  // growing may fail; the table goes on
    if (it == model.end()) {
      auto e = std::make_unique<Entry>(id);
      table.insert(*e);
      model.emplace(id, std::move(e));
    } else {
      table.erase(*it->second);
      ASSERT_FALSE(it->second->hashed());
      model.erase(it);
    }
    ASSERT_EQ(table.size(), model.size());
  }
  EXPECT_GE(table.bucket_count(), 1024u);
  std::set<uint32_t> seen;
  table.for_each([&](Entry& e) {
    seen.insert(e.id);
    table.erase(e);
  });
  EXPECT_EQ(seen.size(), model.size());
  EXPECT_EQ(table.size(), 0u);
}

TEST(HashTable, HashesSpread) {
  for (bool strings : {false, true}) {
    std::vector<int> buckets(256);
    for (uint64_t i = 0; i < 25600; i++) {
      uint64_t h = strings ? hash_bytes("file" + std::to_string(i)) : hash_u64(i << 12);
      buckets[h >> 56]++;
    }
    for (int n : buckets) {
      EXPECT_GT(n, 40);
      EXPECT_LT(n, 200);
    }
  }
}

TEST(Bitmap, FindsSetAndClear) {
  Bitmap<130> b;
  EXPECT_TRUE(b.empty());
  EXPECT_EQ(b.find_clear(), 0u);
  for (size_t i : {0, 63, 64, 129}) b.set(i);
  EXPECT_EQ(b.count(), 4u);
  EXPECT_EQ(b.find_set(1), 63u);
  EXPECT_EQ(b.find_set(65), 129u);
  EXPECT_EQ(b.find_set(130), b.kNone);
  EXPECT_EQ(b.find_clear(63), 65u);
  EXPECT_EQ(b.find_clear(129), b.kNone);
  b.clear(129);
  EXPECT_EQ(b.find_set(65), b.kNone);
  EXPECT_FALSE(b.test(129));
  b.clear_all();
  EXPECT_TRUE(b.empty());
}

TEST(Checked, Overflow) {
  EXPECT_EQ(checked_add(1u, 2u), 3u);
  EXPECT_FALSE(checked_add(~0ull, 1ull));
  EXPECT_FALSE(checked_add(INT64_MAX, int64_t{1}));
  EXPECT_FALSE(checked_sub(1u, 2u));
  EXPECT_EQ(checked_sub(1, 2), -1);
  EXPECT_FALSE(checked_mul(1ull << 40, 1ull << 30));
  EXPECT_EQ(align_down(0x1fffull, 0x1000), 0x1000u);
  EXPECT_EQ(align_up(0x1001ull, 0x1000), 0x2000u);
  EXPECT_TRUE(is_aligned(0x3000ull, 0x1000));
  EXPECT_EQ(checked_align_up(0x1001ull, 0x1000), 0x2000u);
  EXPECT_FALSE(checked_align_up(~0ull, 0x1000));
  EXPECT_EQ(div_round_up(7u, 3), 3u);
  EXPECT_EQ(div_round_up(~0u, 2), 0x80000000u);
}

}  // namespace
}  // namespace lodge

// mmap and its family on real memory: what is mapped, what is merged, what is refused.
#include "tests/unit/mm_fixture.h"

namespace lodge {

namespace {
bool mm_is_current = true;
int calls_of_threads = 0;
Mm* posted_to = nullptr;
}  // namespace

bool is_current_mm(const Mm&) {
  return mm_is_current;
}
bool call_threads(Mm& mm) {
  calls_of_threads++;
  if (posted_to == &mm) mm.run_shootdown();  // a thread comes by at once
  return posted_to == &mm;
}
void move_frames(Mm&, const FrameMover&) {}

namespace {

using namespace abi;
constexpr uint64_t P = kPageSize;
constexpr uint64_t kBase = 0x580000000000;

TEST_F(MmTest, MapTouchUnmap) {
  uint64_t a = mm_->map(anonymous(3 * P)).take();
  EXPECT_LT(a, kGuestEnd);
  strcpy(at(a + 2 * P), "there");
  EXPECT_EQ(lines(), (std::vector<Line>{{a, a + 3 * P, 3}}));
  EXPECT_EQ(system_.account.committed(), 3u);
  ASSERT_TRUE(mm_->unmap(a + P, P).ok());
  EXPECT_EQ(lines(), (std::vector<Line>{{a, a + P, 3}, {a + 2 * P, a + 3 * P, 3}}));
  EXPECT_FALSE(host_maps(a + P));
  EXPECT_STREQ(at(a + 2 * P), "there");
  ASSERT_TRUE(mm_->unmap(a, 3 * P).ok());
  EXPECT_TRUE(lines().empty());
  EXPECT_EQ(system_.account.committed(), 0u);
}

TEST_F(MmTest, NeighboursMerge) {
  uint64_t a = mm_->map(anonymous(P)).take();
  uint64_t b = mm_->map(anonymous(P)).take();
  EXPECT_EQ(b + P, a) << "placed from the top down";
  EXPECT_EQ(lines().size(), 1u);
  ASSERT_TRUE(mm_->map(fixed(kBase, P)).ok());
  ASSERT_TRUE(mm_->map(fixed(kBase + 2 * P, P)).ok());
  ASSERT_TRUE(mm_->map(fixed(kBase + P, P)).ok());
  EXPECT_EQ(lines()[0], (Line{kBase, kBase + 3 * P, 3}));
}

TEST_F(MmTest, FixedReplacesTheMiddle) {
  ASSERT_TRUE(mm_->map(fixed(kBase, 5 * P)).ok());
  at(kBase)[0] = at(kBase + 2 * P)[0] = at(kBase + 4 * P)[0] = 'x';
  ASSERT_TRUE(mm_->map(fixed(kBase + P, 3 * P, 1)).ok());
  EXPECT_EQ(lines(),
            (std::vector<Line>{
                {kBase, kBase + P, 3}, {kBase + P, kBase + 4 * P, 1}, {kBase + 4 * P, kBase + 5 * P, 3}}));
  EXPECT_EQ(at(kBase + 2 * P)[0], 0);
  EXPECT_EQ(at(kBase + 4 * P)[0], 'x');
  EXPECT_EQ(system_.account.committed(), 2u);
  MapRequest r = anonymous(P, 3, kMapFixedNoReplace);
  r.hint = kBase + 4 * P;
  EXPECT_EQ(mm_->map(r).error(), Errno::EEXIST);
  r.hint = kBase + 5 * P;
  EXPECT_EQ(*mm_->map(r), kBase + 5 * P);
}

TEST_F(MmTest, BadArguments) {
  EXPECT_EQ(mm_->map(anonymous(0)).error(), Errno::EINVAL);
  EXPECT_EQ(mm_->map(anonymous(~0ull)).error(), Errno::ENOMEM);
  EXPECT_EQ(mm_->map(fixed(kBase + 1, P)).error(), Errno::EINVAL);
  EXPECT_EQ(mm_->map(fixed(0, P)).error(), Errno::EPERM);
  EXPECT_EQ(mm_->map(fixed(kGuestEnd, P)).error(), Errno::ENOMEM);
  MapRequest r = anonymous(P);
  r.flags = kMapAnonymous;
  EXPECT_EQ(mm_->map(r).error(), Errno::EINVAL) << "neither shared nor private";
  EXPECT_EQ(mm_->unmap(kBase + 1, P).error(), Errno::EINVAL);
  EXPECT_EQ(mm_->unmap(kBase, 0).error(), Errno::EINVAL);
  EXPECT_TRUE(mm_->unmap(kBase, P).ok()) << "nothing there is no error";
  EXPECT_EQ(mm_->protect(kBase, P, 8 << 3).error(), Errno::EINVAL);
}

TEST_F(MmTest, Limits) {
  mm_->limits.address_space = 4 * P;
  EXPECT_TRUE(mm_->map(fixed(kBase, 4 * P)).ok());
  EXPECT_TRUE(mm_->map(fixed(kBase, 4 * P, 1)).ok()) << "what is replaced does not count";
  EXPECT_EQ(mm_->map(anonymous(P)).error(), Errno::ENOMEM);
  mm_->limits = {.data = 2 * P};
  EXPECT_EQ(mm_->map(anonymous(3 * P)).error(), Errno::ENOMEM);
  EXPECT_TRUE(mm_->map(anonymous(3 * P, 1)).ok());
  EXPECT_EQ(mm_->protect(kBase, 3 * P, 3).error(), Errno::ENOMEM);
  mm_->limits = {};
  EXPECT_EQ(mm_->map(anonymous(513 << 20)).error(), Errno::ENOMEM) << "more than all memory";
  EXPECT_TRUE(mm_->map(anonymous(uint64_t{1} << 40, 3, kMapNoReserve)).ok());
  EXPECT_TRUE(mm_->map(anonymous(uint64_t{1} << 40, 0)).ok());
}

TEST_F(MmTest, ProtectSplitsAndMerges) {
  ASSERT_TRUE(mm_->map(fixed(kBase, 6 * P)).ok());
  ASSERT_TRUE(mm_->protect(kBase + 2 * P, 2 * P, 1).ok());
  EXPECT_EQ(lines().size(), 3u);
  ASSERT_TRUE(mm_->protect(kBase + 2 * P, 2 * P, 3).ok());
  EXPECT_EQ(lines(), (std::vector<Line>{{kBase, kBase + 6 * P, 3}}));
  EXPECT_EQ(system_.account.committed(), 6u);
  ASSERT_TRUE(mm_->unmap(kBase + 3 * P, P).ok());
  EXPECT_EQ(mm_->protect(kBase, 6 * P, 1).error(), Errno::ENOMEM);
  EXPECT_EQ(lines()[0], (Line{kBase, kBase + 3 * P, 1})) << "what is below the gap was changed";
  EXPECT_EQ(lines()[1].prot, 3);
}

TEST_F(MmTest, PagesAreChargedWhenTheyBecomeWritable) {
  ASSERT_TRUE(mm_->map(fixed(kBase, 4 * P, 0)).ok());
  EXPECT_EQ(system_.account.committed(), 0u);
  ASSERT_TRUE(mm_->protect(kBase, P, 3).ok());
  EXPECT_EQ(system_.account.committed(), 1u);
  ASSERT_TRUE(mm_->protect(kBase, P, 0).ok());
  EXPECT_EQ(system_.account.committed(), 1u) << "its page may have been touched";
}

TEST_F(MmTest, Brk) {
  mm_->set_heap(kBase + 5);
  uint64_t start = mm_->heap_start();
  EXPECT_EQ(mm_->brk(0), start);
  EXPECT_EQ(mm_->brk(start + 3 * P + 7), start + 3 * P + 7);
  at(start + 3 * P)[0] = 1;
  EXPECT_EQ(lines(), (std::vector<Line>{{start, start + 4 * P, 3}}));
  EXPECT_EQ(mm_->brk(start + P), start + P);
  EXPECT_FALSE(host_maps(start + P));
  EXPECT_EQ(mm_->brk(start), start);
  EXPECT_TRUE(lines().empty());
  ASSERT_TRUE(mm_->map(fixed(start + 4 * P, P)).ok());
  EXPECT_EQ(mm_->brk(start + 4 * P), start) << "a page stays free above the heap";
  EXPECT_EQ(mm_->brk(start + 3 * P), start + 3 * P);
}

TEST_F(MmTest, SharedAnonymousIsOneMemory) {
  MapRequest r = anonymous(2 * P);
  r.flags = kMapShared | kMapAnonymous;
  uint64_t a = mm_->map(r).take();
  EXPECT_EQ(system_.account.page_file(), 2u);
  strcpy(at(a + P), "seen");
  uint64_t b =
      mm_->remap({.old_start = a, .old_length = 0, .new_length = 2 * P, .flags = kMremapMayMove}).take();
  EXPECT_STREQ(at(b + P), "seen");
  EXPECT_EQ(mm_->place_of(a + P + 8)->object, mm_->place_of(b + P + 8)->object);
  EXPECT_EQ(mm_->place_of(b + P + 8)->offset, P + 8);
  ASSERT_TRUE(mm_->unmap(a, 2 * P).ok());
  EXPECT_STREQ(at(b + P), "seen");
  ASSERT_TRUE(mm_->unmap(b, 2 * P).ok());
  EXPECT_EQ(system_.account.page_file(), 0u);
}

TEST_F(MmTest, StackGrowsToItsLimitAndKeepsAGuard) {
  mm_->limits.stack = 64 * P;
  uint64_t start = mm_->map_stack(4 * P, 3).take();
  uint64_t top = mm_->stack_top();
  EXPECT_EQ(start, top - 4 * P);
  FaultAccess write{.write = true};
  EXPECT_EQ(mm_->handle_fault(start - 10, write), FaultResult::kRetry);
  at(start - 10)[0] = 1;
  EXPECT_EQ(mm_->handle_fault(top - 64 * P, write), FaultResult::kRetry);
  EXPECT_EQ(lines()[0].start, top - 64 * P);
  EXPECT_EQ(mm_->handle_fault(top - 64 * P - 1, write), FaultResult::kNoMapping);
  mm_->limits.stack = 4096 * P;
  ASSERT_TRUE(mm_->map(fixed(top - 600 * P, P)).ok());
  EXPECT_EQ(mm_->handle_fault(top - 300 * P, write), FaultResult::kRetry);
  EXPECT_EQ(mm_->handle_fault(top - 599 * P + kStackGuardGap - 1, write), FaultResult::kNoMapping);
  EXPECT_EQ(mm_->handle_fault(top - 599 * P + kStackGuardGap, write), FaultResult::kRetry);
  EXPECT_EQ(mm_->counters().stack, (top - lines()[1].start) / P);
}

TEST_F(MmTest, FaultsAreNamed) {
  ASSERT_TRUE(mm_->map(fixed(kBase, P, 1)).ok());
  ASSERT_TRUE(mm_->map(fixed(kBase + P, P, 0)).ok());
  EXPECT_EQ(mm_->handle_fault(kBase, {.write = true}), FaultResult::kNoAccess);
  EXPECT_EQ(mm_->handle_fault(kBase, {.exec = true}), FaultResult::kNoAccess);
  EXPECT_EQ(mm_->handle_fault(kBase, {}), FaultResult::kRetry);
  EXPECT_EQ(mm_->handle_fault(kBase + P, {}), FaultResult::kNoAccess);
  EXPECT_EQ(mm_->handle_fault(kBase + 2 * P, {}), FaultResult::kNoMapping);
  EXPECT_EQ(mm_->handle_fault(kArenaBase, {}), FaultResult::kNoMapping);
}

TEST_F(MmTest, PrivateFileByExtents) {
  Ref<TestInode> inode = new_inode();
  inode->blocks = {10, 11, -1, 3};
  uint64_t a = mm_->map(of_file(new_file(inode), 5 * P, 3, kMapPrivate)).take();
  EXPECT_STREQ(at(a), "block 10");
  EXPECT_STREQ(at(a + P), "block 11");
  EXPECT_EQ(at(a + 2 * P)[0], 0);
  EXPECT_STREQ(at(a + 3 * P), "block 3");
  at(a + 3 * P)[0] = 'B';
  char back[8];
  ASSERT_TRUE(host::pread(host::HostFile::kImage, back, 8, 3 * P).ok());
  EXPECT_STREQ(back, "block 3");
  EXPECT_FALSE(host_maps(a + 4 * P));
  EXPECT_EQ(mm_->handle_fault(a + 4 * P, {}), FaultResult::kBusError);
  inode->blocks.push_back(77);
  EXPECT_EQ(mm_->handle_fault(a + 4 * P, {}), FaultResult::kRetry);
  EXPECT_STREQ(at(a + 4 * P), "block 77");
  ASSERT_TRUE(mm_->protect(a, 5 * P, 1).ok());
}

TEST_F(MmTest, ProtectPassesOverWhatTheFileLacks) {
  Ref<TestInode> inode = new_inode();
  inode->blocks = {1, 2};
  uint64_t a = mm_->map(of_file(new_file(inode), 7 * P, 1, kMapPrivate)).take();
  ASSERT_TRUE(mm_->protect(a, 7 * P, 3).ok());
  at(a + P)[0] = 'B';
  EXPECT_EQ(lines(), (std::vector<Line>{{a, a + 7 * P, 3}}));
}

TEST_F(MmTest, FilesInVeryManyExtentsAreCopied) {
  Ref<TestInode> inode = new_inode();
  for (int i = 0; i < 200; i++) inode->blocks.push_back(i * 3);
  uint64_t a = mm_->map(of_file(new_file(inode), 201 * P, 1, kMapPrivate)).take();
  for (int i = 0; i < 200; i++) EXPECT_EQ(at(a + i * P), "block " + std::to_string(i * 3));
  EXPECT_EQ(mm_->handle_fault(a + 200 * P, {}), FaultResult::kBusError);
  ASSERT_TRUE(mm_->advise(a, P, kMadvDontNeed).ok());
  EXPECT_EQ(mm_->handle_fault(a, {}), FaultResult::kRetry);
  EXPECT_STREQ(at(a), "block 0");
}

TEST_F(MmTest, WhichFilesMayBeMapped) {
  Ref<TestInode> inode = new_inode();
  inode->blocks = {1};
  EXPECT_EQ(mm_->map(of_file(new_file(inode, kOWronly), P, 1, kMapPrivate)).error(), Errno::EACCES);
  EXPECT_EQ(mm_->map(of_file(new_file(inode, kORdonly), P, 3, kMapShared)).error(), Errno::EACCES);
  uint64_t a = mm_->map(of_file(new_file(inode, kORdonly), P, 1, kMapShared)).take();
  EXPECT_EQ(mm_->protect(a, P, 3).error(), Errno::EACCES);
  EXPECT_TRUE(mm_->map(of_file(new_file(inode, kORdonly), P, 3, kMapPrivate)).ok());
  EXPECT_EQ(mm_->map(of_file(new_file(inode), P, 1, kMapPrivate, INT64_MAX & ~(P - 1))).error(),
            Errno::EOVERFLOW);
  EXPECT_EQ(mm_->map(of_file(new_file(inode), P, 1, kMapSharedValidate | kMapSync)).error(),
            Errno::EOPNOTSUPP);
  Ref<TestInode> zero = make<TestInode>(*superblock_, kTypeChar | 0666).take();
  zero->blocks = {-1, -1};
  uint64_t b = mm_->map(of_file(new_file(zero), 2 * P, 3, kMapShared)).take();
  EXPECT_EQ(system_.account.page_file(), 2u);
  at(b)[0] = 1;
}

TEST_F(MmTest, TruncationTakesPagesAwayAtOnce) {
  Ref<TestInode> inode = new_inode();
  inode->blocks = {1, 2, 3, 4};
  uint64_t a = mm_->map(of_file(new_file(inode), 4 * P, 3, kMapShared)).take();
  EXPECT_STREQ(at(a + 2 * P), "block 3");
  inode->blocks.resize(2);
  inode->io_lock.lock();
  inode->invalidate_mappings(P + 100, ~0ull, Invalidation::kDiscard);
  inode->io_lock.unlock();
  EXPECT_TRUE(host_maps(a + P)) << "a page that is kept in part";
  EXPECT_FALSE(host_maps(a + 2 * P));
  EXPECT_EQ(mm_->handle_fault(a + 2 * P, {}), FaultResult::kBusError);
  inode->blocks.push_back(9);
  EXPECT_EQ(mm_->handle_fault(a + 2 * P, {}), FaultResult::kRetry);
  EXPECT_STREQ(at(a + 2 * P), "block 9");
}

TEST_F(MmTest, MovedContentsLeavePrivatePagesAlone) {
  Ref<TestInode> inode = new_inode();
  inode->blocks = {1, 2};
  Ref<File> file = new_file(inode);
  uint64_t own = mm_->map(of_file(file, 2 * P, 3, kMapPrivate)).take();
  uint64_t text = mm_->map(of_file(file, 2 * P, 1, kMapPrivate)).take();
  uint64_t shared = mm_->map(of_file(file, 2 * P, 3, kMapShared)).take();
  strcpy(at(own), "mine");
  inode->blocks = {8, 9};
  inode->invalidate_mappings(0, ~0ull, Invalidation::kMove);
  EXPECT_STREQ(at(own), "mine");
  for (uint64_t mapping : {text, shared}) {
    EXPECT_EQ(mm_->handle_fault(mapping + P, {}), FaultResult::kRetry);
    EXPECT_STREQ(at(mapping + P), "block 9");
  }
  inode->invalidate_mappings(0, ~0ull, Invalidation::kDiscard);
  EXPECT_FALSE(host_maps(own));
}

TEST_F(MmTest, AnotherProcessIsAskedToUnmap) {
  Ref<TestInode> inode = new_inode();
  inode->blocks = {1, 2, 3, 4};
  uint64_t a = mm_->map(of_file(new_file(inode), 4 * P, 1, kMapShared)).take();
  mm_is_current = false;
  posted_to = mm_.get();
  calls_of_threads = 0;
  inode->invalidate_mappings(2 * P, P, Invalidation::kDiscard);
  EXPECT_EQ(calls_of_threads, 1);
  EXPECT_FALSE(host_maps(a + 2 * P));
  EXPECT_TRUE(host_maps(a + 3 * P));
  posted_to = nullptr;  // no threads: nobody to wait for
  inode->invalidate_mappings(3 * P, P, Invalidation::kDiscard);
  EXPECT_TRUE(host_maps(a + 3 * P));
  mm_is_current = true;
}

TEST_F(MmTest, Fork) {
  Ref<TestInode> inode = new_inode();
  inode->blocks = {1, 2};
  ASSERT_TRUE(mm_->map(fixed(kBase, 4 * P)).ok());
  ASSERT_TRUE(mm_->map(fixed(kBase + 8 * P, P)).ok());
  ASSERT_TRUE(mm_->advise(kBase + 8 * P, P, kMadvDontFork).ok());
  ASSERT_TRUE(mm_->map(of_file(new_file(inode), 2 * P, 1, kMapPrivate)).ok());
  ASSERT_TRUE(mm_->lock(kBase, P, Mm::OnFault::kOnFault, true).ok());
  uint64_t before = system_.account.committed();
  {
    RefPtr<Mm> child = mm_->begin_fork().take();
    mm_->end_fork();
    std::vector<Line> expected{{kBase, kBase + P, 3}, {kBase + P, kBase + 4 * P, 3}, lines().back()};
    EXPECT_EQ(lines(*child), expected);
    EXPECT_EQ(child->counters().locked, 0u);
    EXPECT_EQ(mm_->counters().locked, 1u);
    EXPECT_EQ(system_.account.committed(), before + 4);
  }
  EXPECT_EQ(system_.account.committed(), before);
  ASSERT_TRUE(mm_->unmap(kBase, P).ok()) << "the lock of the parent is free again";
}

TEST_F(MmTest, RemapMovesContents) {
  ASSERT_TRUE(mm_->map(fixed(kBase, 4 * P)).ok());
  for (int i = 0; i < 4; i++) at(kBase + i * P)[0] = static_cast<char>('a' + i);
  ASSERT_TRUE(mm_->map(fixed(kBase + 4 * P, P, 1)).ok());
  auto in_place = mm_->remap({.old_start = kBase, .old_length = 4 * P, .new_length = 6 * P});
  EXPECT_EQ(in_place.error(), Errno::ENOMEM);
  uint64_t b =
      mm_->remap({.old_start = kBase + P, .old_length = 2 * P, .new_length = 3 * P, .flags = kMremapMayMove})
          .take();
  EXPECT_EQ(at(b)[0], 'b');
  EXPECT_EQ(at(b + P)[0], 'c');
  EXPECT_EQ(at(b + 2 * P)[0], 0);
  EXPECT_FALSE(host_maps(kBase + P));
  EXPECT_EQ(at(kBase + 3 * P)[0], 'd');
  EXPECT_EQ(system_.account.committed(), 5u);
  EXPECT_EQ(*mm_->remap({.old_start = b, .old_length = 3 * P, .new_length = P}), b);
  EXPECT_EQ(*mm_->remap({.old_start = b, .old_length = P, .new_length = 2 * P}), b) << "there is room again";
  uint64_t c = mm_->remap({.old_start = b,
                           .old_length = 2 * P,
                           .new_length = 2 * P,
                           .flags = kMremapMayMove | kMremapFixed,
                           .new_start = kBase + 64 * P})
                   .take();
  EXPECT_EQ(c, kBase + 64 * P);
  EXPECT_EQ(at(c)[0], 'b');
  uint64_t d = mm_->remap({.old_start = c,
                           .old_length = 2 * P,
                           .new_length = 2 * P,
                           .flags = kMremapMayMove | kMremapDontUnmap})
                   .take();
  EXPECT_EQ(at(d)[0], 'b');
  EXPECT_EQ(at(c)[0], 0);
  EXPECT_EQ(mm_->remap({.old_start = c, .old_length = 4 * P, .new_length = 5 * P}).error(), Errno::EFAULT);
}

TEST_F(MmTest, RemapOfAFileInPieces) {
  Ref<TestInode> inode = new_inode();
  inode->blocks = {5, 7, 9};
  uint64_t a = mm_->map(of_file(new_file(inode), 4 * P, 3, kMapPrivate)).take();
  at(a + P)[0] = 'B';
  uint64_t b = mm_->remap({.old_start = a,
                           .old_length = 4 * P,
                           .new_length = 6 * P,
                           .flags = kMremapMayMove | kMremapFixed,
                           .new_start = kBase})
                   .take();
  EXPECT_STREQ(at(b), "block 5");
  EXPECT_STREQ(at(b + P), "Block 7");
  EXPECT_STREQ(at(b + 2 * P), "block 9");
  EXPECT_EQ(mm_->handle_fault(b + 5 * P, {}), FaultResult::kBusError);
}

TEST_F(MmTest, MlockCountsAgainstItsLimit) {
  mm_->limits.locked = 3 * P;
  ASSERT_TRUE(mm_->map(fixed(kBase, 8 * P)).ok());
  EXPECT_TRUE(mm_->lock(kBase, 3 * P, Mm::OnFault::kPopulate, false).ok());
  EXPECT_TRUE(mm_->lock(kBase, 3 * P, Mm::OnFault::kPopulate, false).ok()) << "again is no more";
  EXPECT_EQ(mm_->lock(kBase, 4 * P, Mm::OnFault::kPopulate, false).error(), Errno::ENOMEM);
  EXPECT_TRUE(mm_->lock(kBase, 4 * P, Mm::OnFault::kPopulate, true).ok());
  EXPECT_EQ(mm_->advise(kBase, P, kMadvDontNeed).error(), Errno::EINVAL);
  EXPECT_EQ(mm_->counters().locked, 4u);
  EXPECT_TRUE(mm_->unlock(kBase, 8 * P).ok());
  EXPECT_EQ(mm_->counters().locked, 0u);
  EXPECT_EQ(lines().size(), 1u);
  EXPECT_EQ(mm_->lock(kBase + 7 * P, 2 * P, Mm::OnFault::kOnFault, false).error(), Errno::ENOMEM);
  EXPECT_TRUE(mm_->lock_all(kMclFuture, true).ok());
  ASSERT_TRUE(mm_->map(fixed(kBase + 32 * P, P)).ok());
  EXPECT_EQ(mm_->counters().locked, 2u) << "one that was locked up to the gap, one by MCL_FUTURE";
  EXPECT_TRUE(mm_->unlock_all().ok());
}

TEST_F(MmTest, AdviseAndInCore) {
  ASSERT_TRUE(mm_->map(fixed(kBase, 4 * P)).ok());
  at(kBase + P)[0] = 'x';
  uint8_t in[4];
  ASSERT_TRUE(mm_->in_core(kBase, in).ok());
  EXPECT_EQ(in[0] & 1, 0);
  EXPECT_EQ(in[1] & 1, 1);
  ASSERT_TRUE(mm_->advise(kBase, 4 * P, kMadvDontNeed).ok());
  EXPECT_EQ(at(kBase + P)[0], 0);
  EXPECT_EQ(mm_->advise(kBase, 5 * P, kMadvDontNeed).error(), Errno::ENOMEM);
  EXPECT_EQ(mm_->advise(kBase, P, 9999).error(), Errno::EINVAL);
  EXPECT_EQ(mm_->advise(kBase + 1, P, kMadvNormal).error(), Errno::EINVAL);
  EXPECT_EQ(mm_->sync(kBase, 4 * P, kMsSync | kMsAsync).error(), Errno::EINVAL);
  EXPECT_EQ(mm_->sync(kBase, 5 * P, kMsSync).error(), Errno::ENOMEM);
  EXPECT_TRUE(mm_->sync(kBase, 4 * P, kMsSync).ok());
  EXPECT_EQ(mm_->in_core(kBase + 3 * P, in).error(), Errno::ENOMEM);
}

TEST_F(MmTest, ResetTakesEverythingDown) {
  ASSERT_TRUE(mm_->map(fixed(kBase, P)).ok());
  ASSERT_TRUE(mm_->map(fixed(0x20000000, P)).ok());
  uint64_t a = mm_->map(anonymous(P)).take();
  mm_->reset(7);
  EXPECT_FALSE(host_maps(kBase));
  EXPECT_FALSE(host_maps(a));
  EXPECT_FALSE(host_maps(0x20000000));
  EXPECT_TRUE(lines().empty());
  EXPECT_EQ(mm_->counters().total, 0u);
}

TEST_F(MmTest, EveryAllocationMayFail) {
  auto play = [&](Mm& mm) {
    (void)mm.map(fixed(kBase, 8 * P));
    (void)mm.protect(kBase + 2 * P, P, 1);
    (void)mm.unmap(kBase + 5 * P, P);
    MapRequest r = fixed(kBase + P, 2 * P);
    r.flags = kMapShared | kMapAnonymous | kMapFixed;
    (void)mm.map(r);
    (void)mm.remap(
        {.old_start = kBase + 3 * P, .old_length = P, .new_length = 9 * P, .flags = kMremapMayMove});
    if (auto child = mm.begin_fork(); child.ok()) mm.end_fork();
    (void)mm.brk(0);
  };
  for (uint64_t n = 1;; n++) {
    arena_.arena().fail_nth(n);
    play(*mm_);
    bool failed = arena_.arena().fail_pending() == 0;
    arena_.arena().fail_nth(0);
    // What is mapped and what the host has agree.
    for (uint64_t page = kBase; page < kBase + 8 * P; page += P)
      EXPECT_EQ(mm_->is_mapped(page, page + P), host_maps(page));
    mm_->reset(n + 1);
    EXPECT_EQ(system_.account.committed(), 0u) << n;
    if (!failed) break;
    ASSERT_LT(n, 100u);
  }
}

}  // namespace
}  // namespace lodge

// madvise(2), msync(2), mincore(2): mostly passed to the host, vma by vma, after what Linux checks.
#include <algorithm>

#include "kernel/host/memory.h"
#include "kernel/mm/mm.h"

namespace lodge {

using namespace abi;

namespace {

enum class Kind : uint8_t { kUnknown, kIgnored, kHost, kFlag, kPopulate, kRemove, kPrivileged };

struct Advice {
  Kind kind = Kind::kUnknown;
  uint16_t set = 0, clear = 0;  // flags of the vma
  bool to_host = false;
};

constexpr Advice advice_of(int advice) {
  switch (advice) {
    case kMadvNormal:
    case kMadvRandom:
    case kMadvSequential:
    case kMadvWillNeed:
    case kMadvDontNeed:
    case kMadvFree:
    case kMadvHugePage:
    case kMadvNoHugePage:
    case kMadvCold:
    case kMadvPageOut:
    case kMadvCollapse:
      return {Kind::kHost};
    case kMadvDontFork:
      return {Kind::kFlag, kVmaDontFork, 0, true};
    case kMadvDoFork:
      return {Kind::kFlag, 0, kVmaDontFork, true};
    case kMadvWipeOnFork:
      return {Kind::kFlag, kVmaWipeOnFork, 0, true};
    case kMadvKeepOnFork:
      return {Kind::kFlag, 0, kVmaWipeOnFork, true};
    case kMadvDontDump:
      return {Kind::kFlag, kVmaDontDump, 0, false};
    case kMadvDoDump:
      return {Kind::kFlag, 0, kVmaDontDump, false};
    case kMadvPopulateRead:
    case kMadvPopulateWrite:
      return {Kind::kPopulate};
    case kMadvRemove:
      return {Kind::kRemove};
    case kMadvMergeable:
    case kMadvUnmergeable:
      return {Kind::kIgnored};  // as without KSM running
    case kMadvHwPoison:
    case kMadvSoftOffline:
      return {Kind::kPrivileged};
    default:
      return {};
  }
}

}  // namespace

// `v`'s part [start, end) is what the advice is for; it is all of `v` for those that set flags.
Result<void> Mm::advise_vma(Vma& v, uint64_t start, uint64_t end, int advice) {
  const Advice a = advice_of(advice);
  switch (advice) {
    case kMadvDontNeed:
    case kMadvFree:
      if (v.has(kVmaLocked)) return Errno::EINVAL;
      if (advice == kMadvFree && !v.private_anonymous()) return Errno::EINVAL;
      if (v.has(kVmaCopied)) {
        // The host's copy is not the file: it goes, and a fault makes it anew.
        TRY(host::unmap(start, end - start));
        set_attributes(v, v.prot, v.flags | kVmaHoles);
        return {};
      }
      break;
    case kMadvWipeOnFork:
      if (!v.private_anonymous()) return Errno::EINVAL;
      break;
    case kMadvCold:
    case kMadvPageOut:
      if (v.has(kVmaLocked)) return Errno::EINVAL;
      break;
    default:
      break;
  }
  if (a.kind == Kind::kFlag) set_attributes(v, v.prot, static_cast<uint16_t>((v.flags | a.set) & ~a.clear));
  if (a.kind == Kind::kHost || a.to_host) {
    auto r = host::advise(start, end - start, advice);
    // ENOMEM: pages that the host lacks here were passed over.
    if (!r.ok() && !(r.error() == Errno::ENOMEM && v.has(kVmaHoles))) return r;
  }
  return {};
}

Result<void> Mm::advise(uint64_t start, uint64_t length, int advice) {
  const Advice a = advice_of(advice);
  if (a.kind == Kind::kUnknown || !page_aligned(start)) return Errno::EINVAL;
  uint64_t end = start + page_ceil(length);
  if (page_ceil(length) < length || end < start) return Errno::EINVAL;
  if (a.kind == Kind::kPrivileged) return Errno::EPERM;
  if (start == end) return {};
  if (a.kind == Kind::kPopulate) return advise_populate(start, end, advice);
  if (a.kind == Kind::kRemove) return remove_pages(start, end);

  Graveyard dead;
  SleepGuard<SleepMutex> guard(map_lock_);
  Result<void> result;
  if (a.kind == Kind::kFlag) TRY(cut_out(start, end));
  uint64_t at = start;
  for (Vma* v = tree_.overlapping(start, end); v && v->start < end; v = v->above) {
    if (v->has(kVmaStub)) continue;
    if (v->start > at) result = Errno::ENOMEM;  // a gap is reported, and passed over
    at = v->end;
    if (a.kind == Kind::kIgnored) continue;
    if (auto r = advise_vma(*v, std::max(start, v->start), std::min(end, v->end), advice); !r.ok()) {
      result = r;
      break;
    }
  }
  if (result.ok() && at < end) result = Errno::ENOMEM;
  if (a.kind == Kind::kFlag) merge_around(start, end, dead);
  return result;
}

// Not under map_lock_: it takes as long as reading all pages takes, and takes faults.
Result<void> Mm::advise_populate(uint64_t start, uint64_t end, int advice) {
  {
    SleepGuard<SleepMutex> guard(map_lock_);
    if (!covered(start, end)) return Errno::ENOMEM;
    for (Vma* v = tree_.find(start); v && v->start < end; v = v->above) {
      uint8_t needed = advice == kMadvPopulateWrite ? kProtWrite : kProtRead | kProtWrite | kProtExec;
      if (!(v->prot & needed)) return Errno::EFAULT;
    }
  }
  return host::advise(start, end - start, advice);
}

// MADV_REMOVE: as punching a hole into what is mapped.
Result<void> Mm::remove_pages(uint64_t start, uint64_t end) {
  for (uint64_t at = start; at < end;) {
    RefPtr<File> file;
    RefPtr<PageObject> object;
    uint64_t offset, length;
    {
      SleepGuard<SleepMutex> guard(map_lock_);
      Vma* v = tree_.at(at);
      if (!v || v->has(kVmaStub)) return Errno::ENOMEM;
      if (v->has(kVmaLocked) || v->anonymous()) return Errno::EINVAL;
      if (!v->has(kVmaShared) || !v->has(kVmaMayWrite)) return Errno::EACCES;
      file = v->file;
      object = v->object;
      offset = v->offset_of(at);
      length = std::min(end, v->end) - at;
    }
    at += length;
    if (object) {
      if (offset >= object->length()) continue;
      TRY(host::punch_hole(host::HostFile::kPages, object->offset() + offset,
                           std::min(length, object->length() - offset)));
    } else {
      Inode* inode = file->map_source();
      constexpr uint32_t kPunchKeepSize = 3;  // FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE
      TRY(inode->allocate(kPunchKeepSize, offset, length));
    }
  }
  return {};
}

Result<void> Mm::sync(uint64_t start, uint64_t length, uint32_t flags) {
  if (flags & ~(kMsAsync | kMsInvalidate | kMsSync)) return Errno::EINVAL;
  if ((flags & kMsAsync) && (flags & kMsSync)) return Errno::EINVAL;
  if (!page_aligned(start)) return Errno::EINVAL;
  uint64_t end = start + page_ceil(length);
  if (end < start) return Errno::ENOMEM;
  Result<void> result;
  for (uint64_t at = start; at < end;) {
    RefPtr<File> file;
    bool written = false;
    {
      MutexLock lock(tree_lock_);
      Vma* v = tree_.find(at);
      while (v && v->has(kVmaStub)) v = v->above;
      if (!v || v->start >= end) return Errno::ENOMEM;
      if (v->start > at) result = Errno::ENOMEM;
      if ((flags & kMsInvalidate) && v->has(kVmaLocked)) return Errno::EBUSY;
      if ((flags & (kMsSync | kMsAsync)) && v->has(kVmaShared)) file = v->file;
      written = (v->prot & kProtWrite) != 0;
      at = v->end;
    }
    // What was stored is in the host's cache of the image already; it becomes durable as written data does.
    // Whether anything was stored only the host knows: what may be written counts as written.
    if (file && written && file->inode()) file->inode()->stored_by_mapping();
    if (file && (flags & kMsSync)) TRY(file->sync(true));
  }
  return result;
}

Result<void> Mm::in_core(uint64_t start, std::span<uint8_t> out) {
  SleepGuard<SleepMutex> guard(map_lock_);
  uint64_t end = start + out.size() * kPageSize;
  if (!covered(start, end)) return Errno::ENOMEM;
  if (host::in_core(start, end - start, out.data()).ok()) return {};
  // Some page is missing in the host: it is not resident.
  for (size_t i = 0; i < out.size(); i++)
    if (!host::in_core(start + i * kPageSize, kPageSize, &out[i]).ok()) out[i] = 0;
  return {};
}

}  // namespace lodge

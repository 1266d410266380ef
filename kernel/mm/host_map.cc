// What the host is told: mapping a vma's pages, changing their protection, moving them.
#include <algorithm>

#include "kernel/host/memory.h"
#include "kernel/mm/mm.h"

namespace lodge {
namespace {

using host::Sharing;

MapIntent intent_of(const Vma& v) {
  if (!v.has(kVmaShared)) return MapIntent::kPrivate;
  // By what mprotect may still allow, so that it never has to map anew.
  return v.has(kVmaMayWrite) ? MapIntent::kSharedWrite : MapIntent::kSharedRead;
}

Result<void> map_one(const Vma& v, uint64_t at, uint64_t length, const MapExtent& e) {
  if (e.zero) {
    // A hole that a shared mapping may write has been allocated; one that it only reads stays zeros.
    if (v.has(kVmaShared) && v.has(kVmaMayWrite)) return Errno::ENODEV;
    return host::map_anonymous(at, length, v.prot, v.has(kVmaNoReserve));
  }
  Sharing sharing = v.has(kVmaShared) ? Sharing::kShared : Sharing::kPrivate;
  return host::map_file(at, length, v.prot, sharing, e.file, e.host_offset);
}

}  // namespace

bool Mm::host_has(uint64_t page) {
  uint8_t resident;
  return host::in_core(page, kPageSize, &resident).ok();
}

// The caller has taken the inode's io_lock before map_lock_.
Result<Mm::Filled> Mm::host_map_file(const Vma& v, uint64_t start, uint64_t end) {
  MapIntent intent = intent_of(v);
  unsigned extents = 0;
  for (uint64_t at = start; at < end;) {
    auto e = v.vma_inode->map_extent(v.offset_of(at), end - at, intent);
    if (!e.ok()) {
      if (e.error() != Errno::ENXIO) return e.error();
      return Filled{at, kVmaHoles};  // past the end of the file: SIGBUS, unless it grows
    }
    if (++extents > kMaxExtents && intent != MapIntent::kSharedWrite) return host_copy_file(v, start, end);
    uint64_t length = std::min(e->length, end - at);
    TRY(map_one(v, at, length, *e));
    at += length;
  }
  return Filled{end, 0};
}

// A file in very many pieces would cost a host mapping for each, of which the host has a bounded number: its
// content is copied into private memory. A shared mapping of that kind does not see later writes
// (docs/CAVEATS.md).
Result<Mm::Filled> Mm::host_copy_file(const Vma& v, uint64_t start, uint64_t end) {
  for (uint64_t at = start; at < end;) {
    auto e = v.vma_inode->map_extent(v.offset_of(at), end - at, MapIntent::kPrivate);
    if (!e.ok()) {
      if (e.error() != Errno::ENXIO) return e.error();
      return Filled{at, kVmaCopied | kVmaHoles};
    }
    uint64_t length = std::min(e->length, end - at);
    TRY(host::map_anonymous(at, length, abi::kProtRead | abi::kProtWrite, false));
    for (uint64_t done = 0; !e->zero && done < length;) {
      size_t n =
          TRY(host::pread(e->file, reinterpret_cast<void*>(at + done), length - done, e->host_offset + done));
      if (n == 0) break;  // the host file ends inside the page: zeros
      done += n;
    }
    TRY(host::protect(at, length, v.prot));
    at += length;
  }
  return Filled{end, kVmaCopied};
}

// Maps as much as there is, from `start` on, and returns where that ends.
Result<Mm::Filled> Mm::host_map(const Vma& v, uint64_t start, uint64_t end) {
  if (v.vma_inode) return host_map_file(v, start, end);
  if (!v.object) {
    TRY(host::map_anonymous(start, end - start, v.prot, v.has(kVmaNoReserve)));
    return Filled{end, 0};
  }
  uint64_t offset = v.offset_of(start);
  uint64_t length = offset < v.object->length() ? std::min(end - start, v.object->length() - offset) : 0;
  if (length > 0)
    TRY(host::map_file(start, length, v.prot, Sharing::kShared, host::HostFile::kPages,
                       v.object->offset() + offset));
  return Filled{start + length, static_cast<uint16_t>(length < end - start ? kVmaHoles : 0)};
}

// For ranges that no vma has any longer. The host can only refuse for want of a place to note the hole; then
// it keeps pages that nobody asks for, until something else is mapped there.
void Mm::host_drop(uint64_t start, uint64_t end) {
  if (start < end) (void)host::unmap(start, end - start);
}

// Where the host lacks some pages of the range its answer is ENOMEM, and what it has done until then stays:
// the two halves are then done each on its own, down to single pages.
Result<void> Mm::host_protect(const Vma& v, uint64_t start, uint64_t end, uint8_t prot) {
  auto r = host::protect(start, end - start, prot);
  if (r.ok() || r.error() != Errno::ENOMEM || !v.has(kVmaHoles)) return r;
  if (end - start == kPageSize) {
    if (host_has(start)) return r;
    return {};
  }
  uint64_t middle = page_floor(start + (end - start) / 2);
  TRY(host_protect(v, start, middle, prot));
  return host_protect(v, middle, end, prot);
}

// The host moves one of its mappings at a time, and one vma may be several of those. `moved` counts, from the
// start, what is at its new place.
Result<void> Mm::host_move(uint64_t from, uint64_t to, uint64_t length, uint64_t& moved) {
  if (length == 0) return {};
  auto r = host::remap(from, length, length, to);
  if (!r.ok() && r.error() == Errno::EFAULT) {
    if (length > kPageSize) {
      uint64_t half = page_floor(length / 2);
      TRY(host_move(from, to, half, moved));
      return host_move(from + half, to + half, length - half, moved);
    }
    if (!host_has(from)) r = {};  // a hole stays one
  }
  if (r.ok()) moved += length;
  return r;
}

}  // namespace lodge

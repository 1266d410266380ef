// Patched text in an address space: learning sites from traps, mapping copies over text, taking them back.
//
// Copies and stubs exist for the host alone: a text vma stays what the guest has mapped (kVmaStub vmas, which
// hold the place of stubs, are shown to nobody). Whatever a guest does to such a range has to find the file's
// own text there: before it becomes writable, moves, or loses its stubs, unpatch() takes the host's pages
// away, and faults map the file again.
//
// Only text that has never been writable is patched, so that its pages are the file's. Linux reference: none.
#include <algorithm>

#include "kernel/host/memory.h"
#include "kernel/mm/instruction.h"
#include "kernel/mm/mm.h"
#include "kernel/mm/task_hooks.h"

namespace lodge {

using namespace abi;

namespace {

constexpr int kReadExec = kProtRead | kProtExec;
constexpr int kSpanPieces = 16;         // mappings that one file's program is made of, at most
constexpr uint64_t kSpanGap = 4 << 20;  // between two of them
constexpr size_t kFillerLength = 5;     // that of a jump to a stub
constexpr uint64_t kLookBack = 256;     // for filler in front of a site, and to find where instructions begin

uint64_t first_byte_of(const Vma& text) {
  return text.start - text.offset;
}

struct PageBuffer {
  uint8_t bytes[kPageSize];
};

}  // namespace

// Without holes, so that reading the text takes no fault of ours while map_lock_ is held.
bool Mm::patchable(const Vma& v) const {
  return system_.gate != 0 && v.prot == kReadExec && v.vma_inode && v.vma_inode->is_regular() &&
         !v.has(kVmaShared | kVmaCopied | kVmaCharged | kVmaNoReserve | kVmaHoles);
}

// That of the file's present contents. Another version's stays with those who have it mapped.
RefPtr<PatchedText> Mm::patched_text_of(Inode& inode, IfMissing missing) {
  uint64_t version = inode.content_version.load(std::memory_order_acquire);
  RefPtr<PatchedText> old, fresh;
  if (missing == IfMissing::kMake) {
    MutexLock lock(system_.patch_lock);
    if (inode.patched_text && inode.patched_text->version == version)
      return RefPtr<PatchedText>(inode.patched_text);
  }
  if (missing == IfMissing::kMake) {
    auto made = PatchedText::create(system_.page_file, system_.account, version, system_.gate);
    if (!made.ok()) return nullptr;
    fresh = made.take();
  }
  MutexLock lock(system_.patch_lock);
  PatchedText*& text = inode.patched_text;
  if (text && text->version != version) old = RefPtr<PatchedText>(AdoptRef(), std::exchange(text, nullptr));
  if (!text) text = fresh.leak();
  return RefPtr<PatchedText>(text);
}

// Keeps the place above a file's first mapping free, since what it is the beginning of may be a program.
void Mm::reserve_stub_area(uint64_t at) {
  uint64_t end = at + PatchedText::kStubArea;
  if (end > kGuestEnd || !is_free(at, end)) return;
  auto v = new_vma();
  if (!v.ok()) return;  // it will do without
  (*v)->start = at;
  (*v)->end = end;
  (*v)->flags = kVmaStub;
  link(**v);
}

// Where the stubs of `text` can be in this address space: behind the last mapping of its program. 0: nowhere.
uint64_t Mm::find_stub_place(const Vma& text) const {
  uint64_t end = text.end;
  Vma* v = text.above;
  for (int i = 0; v && i < kSpanPieces; v = v->above, i++) {
    if (v->has(kVmaStub)) return v->patch ? 0 : v->start;
    bool same_file = v->vma_inode == text.vma_inode && v->start - end <= kSpanGap;
    bool bss = v->private_anonymous() && v->start == end;
    if (!same_file && !bss) break;
    end = v->end;
  }
  return end <= kGuestEnd - PatchedText::kStubArea && is_free(end, end + PatchedText::kStubArea) ? end : 0;
}

// The stubs at their distance from `v`, mapped; null if something else is there. text.lock is held.
Vma* Mm::stub_area_for(const Vma& v, PatchedText& text) {
  if (!text.placed) {
    uint64_t place = find_stub_place(v);
    if (place == 0) return nullptr;
    text.stub_delta = static_cast<int64_t>(place - first_byte_of(v));
    text.placed = true;
  }
  uint64_t at = first_byte_of(v) + static_cast<uint64_t>(text.stub_delta), end = at + PatchedText::kStubArea;
  if (at < kGuestStart || end > kGuestEnd || end < at) return nullptr;
  Vma* area = tree_.overlapping(at, end);
  if (!area) {
    reserve_stub_area(at);
    area = tree_.at(at);
  }
  if (!area || !area->has(kVmaStub) || area->start != at) return nullptr;
  if (area->patch) return area->patch.get() == &text ? area : nullptr;
  if (!host::map_file(at, PatchedText::kStubArea, kReadExec, host::Sharing::kShared, host::HostFile::kPages,
                      text.stubs->offset())
           .ok())
    return nullptr;
  MutexLock lock(tree_lock_);
  area->patch = RefPtr<PatchedText>(&text);
  area->offset = first_byte_of(v);
  return area;
}

// host_map() for text that may have copies. `v` is not in the tree yet.
Result<Mm::Filled> Mm::host_map_text(Vma& v) {
  RefPtr<PatchedText> text = patched_text_of(*v.vma_inode, IfMissing::kLeave);
  if (!text) return host_map(v, v.start, v.end);
  SleepGuard<SleepMutex> guard(text->lock);
  if (!text->placed || !stub_area_for(v, *text)) return host_map(v, v.start, v.end);
  Filled filled{v.start, 0};
  if (text->master_is_due(v.length())) {
    filled = TRY(host_map(v, v.start, v.end));
    // Without memory for a new one the old one serves.
    if (filled.flags == 0) (void)text->build_master(v.start, v.offset, v.length());
  }
  if (map_master(v, *text)) filled = {v.end, 0};
  if (filled.end == v.start) filled = TRY(host_map(v, v.start, v.end));
  v.patch = text;
  map_newer_pages(v, *text);
  return filled;
}

bool Mm::map_master(Vma& v, PatchedText& text) {
  RefPtr<PageObject> master = text.master().text;
  if (!master || text.master().offset != v.offset || master->length() != v.length()) return false;
  if (!host::map_file(v.start, v.length(), v.prot, host::Sharing::kPrivate, host::HostFile::kPages,
                      master->offset())
           .ok())
    return false;
  MutexLock lock(tree_lock_);
  std::swap(v.master, master);
  return true;
}

void Mm::map_newer_pages(Vma& v, PatchedText& text) {
  v.patched_sites = text.site_count();
  text.for_each_newer_page([&](const PatchedText::PageCopy& p) {
    if (p.offset < v.offset || p.offset >= v.offset + v.length()) return;
    text.count_newer_page_use();
    // A page that cannot be mapped traps on.
    (void)host::map_file(v.start + (p.offset - v.offset), kPageSize, v.prot, host::Sharing::kPrivate,
                         host::HostFile::kPages, p.copy->offset());
  });
}

// What others have learnt of our text, and what we have learnt ourselves page by page: before a fork, since
// else each child would trap, and copy all the small mappings.
void Mm::refresh_patches() {
  for (Vma* v = tree_.first(); v; v = v->above) {
    if (!v->patch || v->has(kVmaStub) || v->patched_sites == v->patch->site_count() || !patchable(*v))
      continue;
    PatchedText& text = *v->patch;
    SleepGuard<SleepMutex> guard(text.lock);
    bool fresh = text.master_is_due(v->length()) && text.build_master(v->start, v->offset, v->length()).ok();
    if (fresh || v->master.get() != text.master().text.get()) map_master(*v, text);
    map_newer_pages(*v, text);
  }
}

// What ends at `ip` as a site, but for where its filler is. length 0: the site is of no form that can be
// patched.
TextSite Mm::site_before(const Vma& v, uint64_t ip, uint64_t number) const {
  uint8_t bytes[MovForm::kBytes];
  TextSite site;
  if (ip - v.start < sizeof bytes || !copy_from_user(bytes, ip - sizeof bytes, sizeof bytes).ok())
    return site;
  if (bytes[sizeof bytes - 2] != 0x0f || bytes[sizeof bytes - 1] != 0x05) return site;
  if (MovForm form = decode_mov_form(bytes, number); form.length != 0) {
    uint64_t mov = ip - kSyscallLength - form.length;
    // Two pages do not change at once.
    if (page_floor(mov) == page_floor(mov + form.length - 1))
      return {.offset = v.offset_of(mov), .number = static_cast<uint32_t>(number), .length = form.length};
  }
  site.offset = v.offset_of(ip - kSyscallLength);
  site.length = kSyscallLength;
  return site;
}

// The offset of filler for the `syscall` that ends at `ip`: in its page, within a short jump, and not used by
// `text`.
uint64_t Mm::find_site_filler(const Vma& v, uint64_t ip, const PatchedText* text) const {
  constexpr uint64_t kForward = 127, kBackward = 128;
  const uint64_t page = page_floor(ip - 1), site = ip - kSyscallLength;
  if (page_floor(site) != page) return TextSite::kNoFiller;
  const uint64_t end = std::min({page + kPageSize, v.end, ip + kForward + kFillerLength});
  const uint64_t begin = std::max({page, v.start, ip > kLookBack ? ip - kLookBack : 0});
  uint8_t bytes[kLookBack + kForward + kFillerLength];
  if (!copy_from_user(bytes, begin, end - begin).ok()) return TextSite::kNoFiller;
  const std::span<const uint8_t> code(bytes, end - begin);
  auto in_reach = [&](uint64_t at) {
    return at + kBackward >= ip && at <= ip + kForward && (!text || text->filler_is_free(v.offset_of(at)));
  };
  // From `from` on, which is where an instruction begins.
  auto find = [&](uint64_t from, uint64_t to) {
    int at = find_filler(code.subspan(from - begin, to - from), from, kFillerLength,
                         [&](size_t at) { return in_reach(from + at); });
    return at < 0 ? TextSite::kNoFiller : v.offset_of(from + static_cast<uint64_t>(at));
  };
  if (uint64_t ahead = find(ip, end); ahead != TextSite::kNoFiller) return ahead;
  // What is not known of one beginning may be of another.
  constexpr uint64_t kStep = 16;
  for (uint64_t from = begin; from + kStep < site; from += kStep) {
    int boundary = find_boundary(code.subspan(from - begin, site - from));
    if (boundary < 0) continue;
    if (uint64_t behind = find(from + static_cast<uint64_t>(boundary), site); behind != TextSite::kNoFiller)
      return behind;
  }
  return TextSite::kNoFiller;
}

void Mm::learn_site(uint64_t ip, uint64_t number) {
  if (system_.gate == 0 || ip < kGuestStart || ip > kGuestEnd) return;
  // Most sites that trap again and again are such as cannot be patched.
  if (hopeless_sites_.has(ip)) return;
  SleepGuard<SleepMutex> guard(map_lock_);
  Vma* v = tree_.at(ip - 1);
  if (!v || !patchable(*v)) return hopeless_sites_.note(ip);
  if (v->vma_inode->write_count.load(std::memory_order_relaxed) > 0) return;
  TextSite site = site_before(*v, ip, number);
  if (site.length == 0) return;
  const bool needs_filler = site.length == kSyscallLength;
  RefPtr<PatchedText> text = patched_text_of(*v->vma_inode, IfMissing::kLeave);
  auto give_up = [&] {
    hopeless_sites_.note(ip);
    if (text) text->hopeless.note(v->offset_of(ip));
  };
  if (text && text->hopeless.has(v->offset_of(ip))) return give_up();
  if (!text) {
    if (needs_filler && find_site_filler(*v, ip, nullptr) == TextSite::kNoFiller) return give_up();
    text = patched_text_of(*v->vma_inode, IfMissing::kMake);
  }
  if (!text || (v->patch && v->patch.get() != text.get())) return;
  SleepGuard<SleepMutex> text_guard(text->lock);
  if (!stub_area_for(*v, *text)) return;
  if (!text->knows(site.offset)) {
    if (needs_filler) {
      site.filler = find_site_filler(*v, ip, text.get());
      if (!site.has_filler()) return give_up();
    }
    if (!text->add_site(site).ok()) return;
  }
  patch_page(*v, *text, page_floor(v->start + (site.offset - v->offset)));
}

void Mm::patch_page(Vma& v, PatchedText& text, uint64_t page) {
  UniquePtr<PageBuffer> buffer;
  if (auto made = make_unique<PageBuffer>(); made.ok())
    buffer = made.take();
  else
    return;
  if (!copy_from_user(buffer->bytes, page, kPageSize).ok()) return;
  auto copy = text.page_copy(v.offset_of(page), std::span<uint8_t, kPageSize>(buffer->bytes));
  if (!copy.ok()) return;
  if (!host::map_file(page, kPageSize, v.prot, host::Sharing::kPrivate, host::HostFile::kPages,
                      (*copy)->offset())
           .ok())
    return;
  if (v.patch) return;
  MutexLock lock(tree_lock_);
  v.patch = RefPtr<PatchedText>(&text);
}

uint64_t Mm::patch_origin(uint64_t ip) {
  RefPtr<PatchedText> text;
  uint64_t first = 0, offset = 0;
  bool in_stub = false;
  {
    MutexLock lock(tree_lock_);
    Vma* v = tree_.at(ip);
    if (!v || !v->patch) return 0;
    in_stub = v->has(kVmaStub);
    if (!in_stub && !v->patch->uses_filler()) return 0;
    text = v->patch;
    first = in_stub ? v->offset : first_byte_of(*v);
    offset = in_stub ? ip - v->start : v->offset_of(ip);
  }
  SleepGuard<SleepMutex> guard(text->lock);
  uint64_t origin = in_stub ? text->origin_of_stub(offset) : text->origin_of_filler(offset);
  return origin == PatchedText::kNowhere ? 0 : first + origin;
}

// The host's pages go; faults map the file's own, since the file's lock would have had to be taken first.
void Mm::unmap_patched(Vma& v) {
  if (!host::unmap(v.start, v.length()).ok()) panic("patched text: the host does not unmap");
  set_attributes(v, v.prot, v.flags | kVmaHoles);
}

void Mm::forget_patch(Vma& v) {
  RefPtr<PatchedText> patch;
  RefPtr<PageObject> master;
  MutexLock lock(tree_lock_);
  patch = std::move(v.patch);
  master = std::move(v.master);
}

// Puts every thread that is in a stub, or in filler, back to where it is for its program. The pages of both
// are gone, and map_lock_ keeps faults from bringing them back, so nobody gets there anew.
void Mm::leave_patches(PatchedText& text, uint64_t first_byte) {
  struct Mover final : FrameMover {
    Mover(const PatchedText& text, uint64_t first_byte) : text(text), first_byte(first_byte) {}
    uint64_t moved(uint64_t ip) const override {
      uint64_t offset = ip - first_byte, stubs = offset - static_cast<uint64_t>(text.stub_delta);
      uint64_t origin =
          stubs < PatchedText::kStubArea ? text.origin_of_stub(stubs) : text.origin_of_filler(offset);
      return origin == PatchedText::kNowhere ? ip : first_byte + origin;
    }
    const PatchedText& text;
    const uint64_t first_byte;
  };
  SleepGuard<SleepMutex> guard(text.lock);
  if (text.uses_filler()) move_frames(*this, Mover(text, first_byte));
}

void Mm::unpatch(Vma& v) {
  unmap_patched(v);
  leave_patches(*v.patch, first_byte_of(v));
  forget_patch(v);
}

void Mm::unpatch_range(uint64_t start, uint64_t end) {
  for (Vma* v = tree_.overlapping(start, end); v && v->start < end; v = v->above)
    if (v->patch && !v->has(kVmaStub)) unpatch(*v);
}

void Mm::drop_stub_area(Vma& area, Graveyard& dead) {
  if (area.patch) {
    auto is_patched = [&](const Vma& v) {
      return v.patch.get() == area.patch.get() && &v != &area && first_byte_of(v) == area.offset;
    };
    for (Vma* v = tree_.first(); v; v = v->above)
      if (is_patched(*v)) unmap_patched(*v);
    if (!host::unmap(area.start, area.length()).ok()) panic("patched text: the host does not unmap");
    leave_patches(*area.patch, area.offset);
    for (Vma* v = tree_.first(); v; v = v->above)
      if (is_patched(*v)) forget_patch(*v);
  }
  unlink(area, dead);
}

void Mm::drop_stub_areas(uint64_t start, uint64_t end, Graveyard& dead) {
  for (Vma* v = tree_.overlapping(start, end); v && v->start < end;) {
    Vma* next = v->above;
    if (v->has(kVmaStub)) drop_stub_area(*v, dead);
    v = next;
  }
}

}  // namespace lodge

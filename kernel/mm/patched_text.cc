// Sites, their stubs, and copies of text with both joined.
#include "kernel/mm/patched_text.h"

#include <algorithm>
#include <limits>

#include "kernel/file/inode.h"
#include "kernel/host/host.h"

namespace lodge {
namespace {

constexpr uint8_t kJump = 0xe9;  // jmp rel32
constexpr size_t kJumpLength = 5;
constexpr uint8_t kShortJump = 0xeb;  // jmp rel8
constexpr size_t kMaxPatch = 256;     // from a site to its filler
constexpr uint8_t kSyscall[] = {0x0f, 0x05};
constexpr uint8_t kInt3 = 0xcc;
constexpr int64_t kAfterStubSyscall = 15;
constexpr uint8_t kMovEax = 0xb8;
constexpr size_t kMovEaxLength = 5, kMovRaxLength = 7;
constexpr int64_t kReach = std::numeric_limits<int32_t>::max() - kPageSize;  // of a relative jump
constexpr uint32_t kManyPages = 8;   // copies of pages that a mapping puts up with beside the master
constexpr uint32_t kManySites = 16;  // that it lacks
constexpr uint32_t kFewSites = 4;    // not worth a first master
// What it costs to map one small copy, and to fault it in, in pages that a new master would copy.
constexpr uint64_t kPagesCopiedPerUse = 6;
constexpr uint64_t kMaxMaster = 4 << 20;  // longer text is patched page by page

uint32_t load32(const uint8_t* p) {
  uint32_t v;
  __builtin_memcpy(&v, p, sizeof v);
  return v;
}
void store32(uint8_t* p, int64_t v) {
  auto narrow = static_cast<int32_t>(v);
  __builtin_memcpy(p, &narrow, sizeof narrow);
}

bool is_mov(const uint8_t* p, size_t length, uint32_t number) {
  if (length == kMovEaxLength) return p[0] == kMovEax && load32(p + 1) == number;
  return p[0] == 0x48 && p[1] == 0xc7 && p[2] == 0xc0 && load32(p + 3) == number;
}

// A byte that, right before an instruction, would be part of it.
bool may_be_prefix(uint8_t b) {
  if ((b & 0xf0) == 0x40) return true;  // REX: `48 b8` loads 8 bytes, `41 b8` another register
  switch (b) {
    case 0x26:
    case 0x2e:
    case 0x36:
    case 0x3e:
    case 0x64:
    case 0x65:
    case 0x66:
    case 0x67:
    case 0xf0:
    case 0xf2:
    case 0xf3:
      return true;
    default:
      return false;
  }
}

// The last (at most two) bytes of a seven-byte mov, behind the jump.
constexpr uint8_t kTwoByteNop[] = {0x66, 0x90};

Result<void> write_pages(const void* from, uint64_t length, uint64_t offset) {
  auto* p = static_cast<const uint8_t*>(from);
  while (length > 0) {
    size_t n = TRY(host::pwrite(host::HostFile::kPages, p, length, offset));
    if (n == 0) return Errno::EIO;
    p += n, offset += n, length -= n;
  }
  return {};
}

}  // namespace

void release_patched_text(PatchedText* text) {
  text->unref();
}

MovForm decode_mov_form(const uint8_t (&b)[MovForm::kBytes], uint64_t number) {
  const uint8_t* end = b + MovForm::kBytes;
  if (end[-2] != 0x0f || end[-1] != 0x05 || number > std::numeric_limits<int32_t>::max()) return {};
  auto nr = static_cast<uint32_t>(number);
  for (size_t length : {kMovEaxLength, kMovRaxLength}) {
    const uint8_t* mov = end - kSyscallLength - length;
    if (is_mov(mov, length, nr) && !may_be_prefix(mov[-1])) return {static_cast<uint8_t>(length)};
  }
  return {};
}

Result<Ref<PatchedText>> PatchedText::create(PageFile& file, MemoryAccount& account, uint64_t version,
                                             uint64_t gate) {
  Ref<PageObject> stubs = TRY(PageObject::create(file, account, kStubArea));
  TRY(write_pages(&gate, sizeof gate, stubs->offset()));
  return make<PatchedText>(file, account, version, std::move(stubs));
}

bool PatchedText::knows(uint64_t offset) const {
  return std::any_of(sites_.begin(), sites_.end(), [&](const TextSite& s) { return s.offset == offset; });
}

bool PatchedText::filler_is_free(uint64_t offset) const {
  return std::none_of(sites_.begin(), sites_.end(), [&](const TextSite& s) {
    return s.has_filler() && s.filler < offset + kJumpLength && offset < s.filler + kJumpLength;
  });
}

// Either  lea end(%rip), %rcx; mov $nr, %eax; jmp *gate(%rip)
// or      lea 1f(%rip), %rcx; jmp *gate(%rip); syscall; 1: jmp end
Result<void> PatchedText::add_site(const TextSite& site) {
  if (sites_.size() >= kMaxSites) return Errno::ENOSPC;
  auto at = static_cast<int64_t>(stub_position(sites_.size()));
  int64_t jump = stub_delta + at - static_cast<int64_t>(site.offset + kJumpLength);
  if (jump > kReach || jump < -kReach) return Errno::ENOSPC;
  const int64_t end = static_cast<int64_t>(site.end()) - stub_delta;  // as the stubs see it
  uint8_t stub[kStubSize];
  std::fill(std::begin(stub), std::end(stub), kInt3);
  constexpr uint8_t kLeaRcx[] = {0x48, 0x8d, 0x0d}, kJumpIndirect[] = {0xff, 0x25};
  constexpr int64_t kLeaLength = 7, kJumpIndirectLength = 6;
  int64_t p = 0;
  auto put_gate_jump = [&] {
    std::copy(std::begin(kJumpIndirect), std::end(kJumpIndirect), stub + p);
    p += kJumpIndirectLength;
    store32(stub + p - 4, -(at + p));
  };
  std::copy(std::begin(kLeaRcx), std::end(kLeaRcx), stub);
  p = kLeaLength;
  if (site.has_filler()) {
    put_gate_jump();
    std::copy(std::begin(kSyscall), std::end(kSyscall), stub + p);
    p += kSyscallLength;
    static_assert(kLeaLength + kJumpIndirectLength + kSyscallLength == kAfterStubSyscall);
    store32(stub + kLeaLength - 4, p - kLeaLength);
    stub[p] = kJump;
    store32(stub + p + 1, end - (at + p + static_cast<int64_t>(kJumpLength)));
  } else {
    store32(stub + kLeaLength - 4, end - (at + kLeaLength));
    stub[p] = kMovEax;
    store32(stub + p + 1, site.number);
    p += kMovEaxLength;
    put_gate_jump();
  }
  TRY(write_pages(stub, sizeof stub, stubs->offset() + static_cast<uint64_t>(at)));
  TRY(sites_.push_back(site));
  if (site.has_filler()) uses_filler_ = true;
  site_count_.store(static_cast<uint32_t>(sites_.size()), std::memory_order_relaxed);
  return {};
}

// A call has been made once its instruction is behind.
uint64_t PatchedText::origin_of_stub(uint64_t position) const {
  if (position < kFirstStub) return kNowhere;
  uint64_t index = (position - kFirstStub) / kStubSize, in_stub = (position - kFirstStub) % kStubSize;
  if (index >= sites_.size()) return kNowhere;
  const TextSite& s = sites_[index];
  return s.has_filler() && in_stub >= kAfterStubSyscall ? s.end() : s.offset;
}

uint64_t PatchedText::origin_of_filler(uint64_t offset) const {
  for (const TextSite& s : sites_)
    if (s.filler == offset) return s.offset;
  return kNowhere;
}

void PatchedText::patch(size_t index, uint64_t offset, std::span<uint8_t> text) const {
  const TextSite& s = sites_[index];
  auto within = [&](uint64_t at, size_t length) {
    return at >= offset && at - offset < text.size() && text.size() - (at - offset) >= length;
  };
  const uint64_t jump_at = s.has_filler() ? s.filler : s.offset;
  if (!within(s.offset, s.length) || !within(jump_at, kJumpLength)) return;
  uint8_t* bytes = &text[s.offset - offset];
  uint8_t* jump = &text[jump_at - offset];
  int64_t distance =
      stub_delta + static_cast<int64_t>(stub_position(index)) - static_cast<int64_t>(jump_at + kJumpLength);
  bool done = jump[0] == kJump && load32(jump + 1) == static_cast<uint32_t>(distance);
  if (s.has_filler()) {
    if (!done && (bytes[0] != kSyscall[0] || bytes[1] != kSyscall[1])) return;
    bytes[0] = kShortJump;
    bytes[1] = static_cast<uint8_t>(s.filler - s.end());
  } else {
    if (!done && !is_mov(bytes, s.length, s.number)) return;
    if (s.length == kMovRaxLength)
      std::copy(std::begin(kTwoByteNop), std::end(kTwoByteNop), bytes + kJumpLength);
  }
  jump[0] = kJump;
  store32(jump + 1, distance);
}

uint32_t PatchedText::last_site_in(uint64_t page) const {
  for (size_t i = sites_.size(); i > 0; i--)
    if ((sites_[i - 1].offset & ~(kPageSize - 1)) == page) return static_cast<uint32_t>(i);
  return 0;
}

Result<Ref<PageObject>> PatchedText::page_copy(uint64_t offset, std::span<uint8_t, kPageSize> current) {
  PageCopy* known =
      std::find_if(pages_.begin(), pages_.end(), [&](const PageCopy& p) { return p.offset == offset; });
  if (known != pages_.end() && known->sites >= last_site_in(offset)) return known->copy;
  for (size_t i = 0; i < sites_.size(); i++) patch(i, offset, current);
  Ref<PageObject> copy = TRY(PageObject::create(file_, account_, kPageSize));
  TRY(write_pages(current.data(), kPageSize, copy->offset()));
  auto sites = static_cast<uint32_t>(sites_.size());
  if (known == pages_.end()) {
    TRY(pages_.push_back({offset, copy, sites}));
  } else {
    TRY(outdated_.push_back(known->copy));
    known->copy = copy;
    known->sites = sites;
  }
  return copy;
}

bool PatchedText::master_is_due(uint64_t length) const {
  if (length > kMaxMaster) return false;
  auto fresh = static_cast<uint32_t>(sites_.size()) - master_.sites;
  if (fresh == 0) return false;
  if (!master_.text && fresh >= kFewSites) return true;
  uint32_t pages = 0;
  for_each_newer_page([&](const PageCopy&) { pages++; });
  return fresh >= kManySites || pages > kManyPages ||
         newer_page_uses_ * kPagesCopiedPerUse >= length >> kPageShift;
}

Result<void> PatchedText::build_master(UserAddr text, uint64_t offset, uint64_t length) {
  Ref<PageObject> object = TRY(PageObject::create(file_, account_, length));
  TRY(write_pages(reinterpret_cast<const void*>(text), length, object->offset()));
  for (size_t i = 0; i < sites_.size(); i++) {
    // The bytes between the first and the last that change; a site and its filler lie in one page.
    const TextSite& s = sites_[i];
    uint64_t from = s.offset, to = s.offset + s.length;
    if (s.has_filler()) from = std::min(from, s.filler), to = std::max(to, s.filler + kJumpLength);
    if (from < offset || to > offset + length) continue;
    uint8_t bytes[kMaxPatch];
    TRY(copy_from_user(bytes, text + (from - offset), to - from));
    patch(i, from, {bytes, static_cast<size_t>(to - from)});
    // Only what the site changes: others may lie in between.
    auto write_back = [&](uint64_t at, size_t n) {
      return write_pages(bytes + (at - from), n, object->offset() + (at - offset));
    };
    TRY(write_back(s.offset, s.length));
    if (s.has_filler()) TRY(write_back(s.filler, kJumpLength));
  }
  newer_page_uses_ = 0;
  master_ = {offset, std::move(object), static_cast<uint32_t>(sites_.size())};
  return {};
}

}  // namespace lodge

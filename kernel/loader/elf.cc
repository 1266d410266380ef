#include "kernel/loader/elf.h"

#include "kernel/abi/mman.h"
#include "kernel/base/layout.h"
#include "kernel/file/io_cursor.h"
#include "kernel/host/user_copy.h"

namespace lodge {
namespace {

constexpr uint64_t page_down(uint64_t a) {
  return a & ~(kPageSize - 1);
}
constexpr uint64_t page_up(uint64_t a) {
  return (a + kPageSize - 1) & ~(kPageSize - 1);
}

// All n bytes or ENOEXEC.
Result<void> read_exact(File& file, void* to, size_t n, uint64_t offset) {
  IoCursor cursor = IoCursor::kernel(to, n);
  while (cursor.remaining() > 0) {
    size_t got = TRY(file.inode()->read(cursor, offset));
    if (got == 0) return Errno::ENOEXEC;
    offset += got;
  }
  return {};
}

uint32_t prot_of(const Elf64_Phdr& p) {
  return ((p.p_flags & PF_R) ? abi::kProtRead : 0) | ((p.p_flags & PF_W) ? abi::kProtWrite : 0) |
         ((p.p_flags & PF_X) ? abi::kProtExec : 0);
}

}  // namespace

uint64_t ElfProgram::lowest() const {
  for (int i = 0; i < segment_count; i++)
    if (segments[i].p_type == PT_LOAD) return page_down(segments[i].p_vaddr);
  return 0;
}
uint64_t ElfProgram::highest() const {
  uint64_t end = 0;
  for (int i = 0; i < segment_count; i++)
    if (segments[i].p_type == PT_LOAD) end = page_up(segments[i].p_vaddr + segments[i].p_memsz);
  return end;
}

Result<void> read_elf(File& file, ElfProgram& out) {
  Elf64_Ehdr& h = out.header;
  TRY(read_exact(file, &h, sizeof h, 0));
  if (__builtin_memcmp(h.e_ident, ELFMAG, SELFMAG) != 0 || h.e_ident[EI_CLASS] != ELFCLASS64 ||
      h.e_ident[EI_DATA] != ELFDATA2LSB || h.e_machine != EM_X86_64 ||
      (h.e_type != ET_EXEC && h.e_type != ET_DYN) || h.e_phentsize != sizeof(Elf64_Phdr) || h.e_phnum == 0 ||
      h.e_phnum > ElfProgram::kMaxSegments)
    return Errno::ENOEXEC;
  out.segment_count = h.e_phnum;
  TRY(read_exact(file, out.segments, sizeof(Elf64_Phdr) * h.e_phnum, h.e_phoff));
  uint64_t last_end = 0;
  bool any = false;
  for (int i = 0; i < out.segment_count; i++) {
    const Elf64_Phdr& p = out.segments[i];
    if (p.p_type == PT_INTERP) {
      if (p.p_filesz < 2 || p.p_filesz > 4096 || !out.interpreter.empty()) return Errno::ENOEXEC;
      char name[4096];
      TRY(read_exact(file, name, p.p_filesz, p.p_offset));
      if (name[p.p_filesz - 1] != 0) return Errno::ENOEXEC;
      TRY(out.interpreter.append(std::string_view(name)));
    }
    if (p.p_type == PT_GNU_STACK) out.executable_stack = (p.p_flags & PF_X) != 0;
    if (p.p_type != PT_LOAD) continue;
    // Ascending, inside guest memory, file part and memory part congruent.
    if (p.p_vaddr < last_end || p.p_memsz < p.p_filesz || p.p_memsz > kGuestEnd ||
        p.p_vaddr > kGuestEnd - p.p_memsz || ((p.p_vaddr ^ p.p_offset) & (kPageSize - 1)) ||
        p.p_offset + p.p_filesz < p.p_offset)
      return Errno::ENOEXEC;
    last_end = p.p_vaddr + p.p_memsz;
    any = true;
  }
  if (!any) return Errno::ENOEXEC;
  return {};
}

Result<MappedElf> map_elf(Mm& mm, const Ref<File>& file, const ElfProgram& elf, ElfRole role) {
  MappedElf out;
  uint64_t span = elf.highest() - elf.lowest();
  uint64_t align = kPageSize;
  for (int i = 0; i < elf.segment_count; i++)
    if (elf.segments[i].p_type == PT_LOAD && elf.segments[i].p_align > align &&
        (elf.segments[i].p_align & (elf.segments[i].p_align - 1)) == 0)
      align = elf.segments[i].p_align;
  if (elf.header.e_type == ET_DYN) {
    uint64_t base;
    if (role == ElfRole::kProgram && !elf.interpreter.empty()) {
      base = mm.place_program(span, align);
      if (base == 0) return Errno::ENOMEM;
    } else {
      // An interpreter, or a program that is its own, goes among the mappings: claims the span first.
      MapRequest claim;
      claim.length = span + (align > kPageSize ? align : 0);
      claim.flags = abi::kMapPrivate | abi::kMapAnonymous | abi::kMapNoReserve;
      uint64_t at = TRY(mm.map(claim));
      base = (at + align - 1) & ~(align - 1);
      TRY(mm.unmap(at, claim.length));
    }
    out.bias = base - elf.lowest();
  }
  for (int i = 0; i < elf.segment_count; i++) {
    const Elf64_Phdr& p = elf.segments[i];
    if (p.p_type != PT_LOAD) continue;
    uint64_t start = out.bias + p.p_vaddr;
    uint64_t file_end = start + p.p_filesz, end = start + p.p_memsz;
    uint32_t prot = prot_of(p);
    if (p.p_filesz > 0) {
      MapRequest m;
      m.hint = page_down(start);
      m.length = page_up(file_end) - m.hint;
      m.prot = prot;
      m.flags = abi::kMapPrivate | abi::kMapFixed;
      m.file = RefPtr<File>(file.get());
      m.offset = page_down(p.p_offset);
      TRY(mm.map(m));
    }
    uint64_t zero_from = p.p_filesz > 0 ? page_up(file_end) : page_down(start);
    if (page_up(end) > zero_from) {
      MapRequest m;
      m.hint = zero_from;
      m.length = page_up(end) - zero_from;
      m.prot = prot;
      m.flags = abi::kMapPrivate | abi::kMapFixed | abi::kMapAnonymous;
      TRY(mm.map(m));
    }
    // The rest of the last file page belongs to .bss.
    if (p.p_filesz > 0 && end > file_end && (prot & abi::kProtWrite)) {
      uint64_t n = page_up(file_end) - file_end;
      if (n > 0) TRY(clear_user(file_end, n));
    }
    if (p.p_offset <= elf.header.e_phoff && elf.header.e_phoff < p.p_offset + p.p_filesz)
      out.headers = start + (elf.header.e_phoff - p.p_offset);
    out.end = page_up(end);
  }
  out.entry = out.bias + elf.header.e_entry;
  return out;
}

}  // namespace lodge

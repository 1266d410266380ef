#include "userland/lodge/debug/kernel_image.h"

#include <cxxabi.h>
#include <elf.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <memory>

#include "userland/lodge/failure.h"

namespace lodge {
namespace {

constexpr size_t kLargest = 256 << 20;

std::vector<char> read_file(int fd) {
  struct stat st;
  if (fstat(fd, &st) != 0 || st.st_size <= 0 || static_cast<size_t>(st.st_size) > kLargest)
    throw Failure("lodge-kernel is no file of a kernel's size");
  std::vector<char> bytes(static_cast<size_t>(st.st_size));
  size_t done = 0;
  while (done < bytes.size()) {
    ssize_t n = pread(fd, bytes.data() + done, bytes.size() - done, static_cast<off_t>(done));
    if (n <= 0) throw Failure("cannot read lodge-kernel");
    done += static_cast<size_t>(n);
  }
  return bytes;
}

// `count` objects at an offset of the file.
template <typename T>
const T* objects(const std::vector<char>& file, uint64_t at, uint64_t count) {
  if (at % alignof(T) != 0 || at > file.size() || count > (file.size() - at) / sizeof(T))
    throw Failure("lodge-kernel is damaged");
  return reinterpret_cast<const T*>(file.data() + at);
}

std::string demangle(const char* name) {
  int status = 0;
  std::unique_ptr<char, void (*)(void*)> text(abi::__cxa_demangle(name, nullptr, nullptr, &status),
                                              std::free);
  return status == 0 && text ? text.get() : name;
}

}  // namespace

KernelImage::KernelImage(int fd) {
  std::vector<char> file = read_file(fd);
  const auto& header = *objects<Elf64_Ehdr>(file, 0, 1);
  if (std::memcmp(header.e_ident, ELFMAG, SELFMAG) != 0) throw Failure("lodge-kernel is no ELF file");
  const auto* segments = objects<Elf64_Phdr>(file, header.e_phoff, header.e_phnum);
  for (const Elf64_Phdr* s = segments; s < segments + header.e_phnum; s++)
    if (s->p_type == PT_LOAD && (s->p_flags & PF_X)) {
      code_begin_ = std::min<uint64_t>(code_begin_, s->p_vaddr);
      code_end_ = std::max<uint64_t>(code_end_, s->p_vaddr + s->p_memsz);
    }
  uint64_t layout_at = 0;
  const auto* sections = objects<Elf64_Shdr>(file, header.e_shoff, header.e_shnum);
  for (const Elf64_Shdr* s = sections; s < sections + header.e_shnum; s++) {
    if (s->sh_type != SHT_SYMTAB || s->sh_link >= header.e_shnum) continue;
    const Elf64_Shdr& names = sections[s->sh_link];
    const char* text = objects<char>(file, names.sh_offset, names.sh_size);
    const auto* symbols = objects<Elf64_Sym>(file, s->sh_offset, s->sh_size / sizeof(Elf64_Sym));
    for (uint64_t i = 0; i < s->sh_size / sizeof(Elf64_Sym); i++) {
      const Elf64_Sym& symbol = symbols[i];
      if (symbol.st_name >= names.sh_size || symbol.st_shndx == SHN_UNDEF) continue;
      size_t room = names.sh_size - symbol.st_name;
      std::string name(text + symbol.st_name, strnlen(text + symbol.st_name, room));
      if (name == "lodge_debug_layout") layout_at = symbol.st_value;
      bool code = ELF64_ST_TYPE(symbol.st_info) == STT_FUNC || ELF64_ST_TYPE(symbol.st_info) == STT_NOTYPE;
      if (code && is_code(symbol.st_value) && !name.empty())
        functions_.push_back({symbol.st_value, symbol.st_size, std::move(name)});
    }
  }
  std::sort(functions_.begin(), functions_.end(),
            [](const Symbol& a, const Symbol& b) { return a.address < b.address; });
  for (const Elf64_Phdr* s = segments; s < segments + header.e_phnum; s++)
    if (s->p_type == PT_LOAD && layout_at >= s->p_vaddr && layout_at < s->p_vaddr + s->p_filesz)
      layout_ = *objects<DebugLayout>(file, s->p_offset + (layout_at - s->p_vaddr), 1);
  if (layout_.magic != DebugLayout::kMagic)
    throw Failure("lodge-kernel does not say how its tasks are laid out");
}

const KernelImage::Symbol* KernelImage::find(uint64_t address) const {
  auto after = std::upper_bound(functions_.begin(), functions_.end(), address,
                                [](uint64_t a, const Symbol& s) { return a < s.address; });
  if (after == functions_.begin() || !is_code(address)) return nullptr;
  const Symbol& s = *std::prev(after);
  // Assembly has symbols without a size.
  return s.size == 0 || address - s.address < s.size ? &s : nullptr;
}

std::string KernelImage::describe_return(uint64_t address) const {
  const Symbol* s = find(address - 1);
  if (!s) return {};
  char offset[24];
  std::snprintf(offset, sizeof offset, "+0x%lx", address - s->address);
  return demangle(s->name.c_str()) + offset;
}

std::string KernelImage::function_at(uint64_t address) const {
  const Symbol* s = find(address);
  if (!s) return {};
  std::string name = demangle(s->name.c_str());
  // Up to the argument list, which is not the "(" of "(anonymous namespace)" or "operator()".
  constexpr std::string_view kAnonymous = "(anonymous namespace)::";
  for (size_t at; (at = name.find(kAnonymous)) != std::string::npos;) name.erase(at, kAnonymous.size());
  if (name.starts_with("lodge::")) name.erase(0, 7);
  if (size_t at = name.find_first_of("(<["); at != std::string::npos && at > 0) name.resize(at);
  // A template says what it returns first.
  if (size_t at = name.rfind(' '); at != std::string::npos) name.erase(0, at + 1);
  return name.starts_with("lodge::") ? name.substr(7) : name;
}

}  // namespace lodge

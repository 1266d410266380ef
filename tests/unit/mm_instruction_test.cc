// Instruction lengths against Zydis, over whole programs of this machine and random bytes.
#include <Zydis/Zydis.h>
#include <elf.h>
#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstring>
#include <random>
#include <vector>

#include "kernel/mm/instruction.h"

namespace lodge {
namespace {

class Reference {
 public:
  Reference() { ZydisDecoderInit(&decoder_, ZYDIS_MACHINE_MODE_LONG_64, ZYDIS_STACK_WIDTH_64); }
  bool decode(std::span<const uint8_t> bytes, ZydisDecodedInstruction& out) const {
    return ZYAN_SUCCESS(ZydisDecoderDecodeInstruction(&decoder_, nullptr, bytes.data(), bytes.size(), &out));
  }

 private:
  ZydisDecoder decoder_;
};

bool is_filler(const ZydisDecodedInstruction& i) {
  return i.mnemonic == ZYDIS_MNEMONIC_INT3 ||
         (i.mnemonic == ZYDIS_MNEMONIC_NOP && (i.opcode == 0x90 || i.opcode == 0x1f));
}
bool ends_flow(const ZydisDecodedInstruction& i) {
  switch (i.mnemonic) {
    case ZYDIS_MNEMONIC_RET:
    case ZYDIS_MNEMONIC_JMP:
    case ZYDIS_MNEMONIC_HLT:
    case ZYDIS_MNEMONIC_UD2:
      return true;
    default:
      return false;
  }
}

// The executable segments of a program.
std::vector<uint8_t> text_of(const char* path) {
  std::vector<uint8_t> file, text;
  int fd = open(path, O_RDONLY | O_CLOEXEC);
  if (fd < 0) return text;
  struct stat st;
  fstat(fd, &st);
  file.resize(static_cast<size_t>(st.st_size));
  EXPECT_EQ(read(fd, file.data(), file.size()), st.st_size);
  close(fd);
  Elf64_Ehdr header;
  memcpy(&header, file.data(), sizeof header);
  for (int i = 0; i < header.e_phnum; i++) {
    Elf64_Phdr p;
    memcpy(&p, &file[header.e_phoff + i * sizeof p], sizeof p);
    if (p.p_type == PT_LOAD && (p.p_flags & PF_X))
      text.insert(text.end(), &file[p.p_offset], &file[p.p_offset] + p.p_filesz);
  }
  return text;
}

TEST(Instruction, AgreesWithZydisOverWholePrograms) {
  Reference reference;
  size_t seen = 0;
  for (const char* path : {"/lib/x86_64-linux-gnu/libc.so.6", "/lib/x86_64-linux-gnu/libm.so.6", "/bin/bash",
                           "/usr/lib/x86_64-linux-gnu/libstdc++.so.6"}) {
    std::vector<uint8_t> text = text_of(path);
    for (size_t at = 0; at < text.size();) {
      std::span<const uint8_t> rest = std::span<const uint8_t>(text).subspan(at);
      ZydisDecodedInstruction wanted;
      if (!reference.decode(rest, wanted)) {
        at++;
        continue;
      }
      Instruction got = decode_instruction(rest);
      if (got.length != 0 || wanted.encoding == ZYDIS_INSTRUCTION_ENCODING_LEGACY) {
        ASSERT_EQ(got.length, wanted.length) << path << " " << std::hex << at;
      }
      if (got.length != 0) {
        ASSERT_EQ(got.ends_flow, ends_flow(wanted))
            << path << " " << std::hex << at << " " << ZydisMnemonicGetString(wanted.mnemonic)
            << testing::PrintToString(rest.first(wanted.length));
        if (got.filler) {
          ASSERT_TRUE(is_filler(wanted)) << path << " " << std::hex << at;
        }
        seen++;
      }
      at += wanted.length;
    }
  }
  EXPECT_GT(seen, 100'000u);
}

// Where both know an instruction they have the same length; ours may refuse, and may accept what is reserved.
TEST(Instruction, AgreesWithZydisOverRandomBytes) {
  Reference reference;
  std::mt19937_64 random(1);
  int known = 0;
  for (int i = 0; i < 1'000'000; i++) {
    uint8_t bytes[16];
    for (uint8_t& b : bytes) b = static_cast<uint8_t>(random());
    ZydisDecodedInstruction wanted;
    Instruction got = decode_instruction(bytes);
    if (!reference.decode(bytes, wanted) || got.length == 0) continue;
    // Zydis knows some that only Xeon Phi had.
    if (wanted.encoding != ZYDIS_INSTRUCTION_ENCODING_LEGACY) continue;
    ASSERT_EQ(got.length, wanted.length)
        << ZydisMnemonicGetString(wanted.mnemonic) << " " << testing::PrintToString(bytes);
    known++;
  }
  EXPECT_GT(known, 300'000);
}

TEST(Instruction, IsNotReadPastTheEnd) {
  const uint8_t nop[] = {0x66, 0x2e, 0x0f, 0x1f, 0x84, 0, 0, 0, 0, 0};
  for (size_t n = 0; n < sizeof nop; n++) EXPECT_EQ(decode_instruction({nop, n}).length, 0) << n;
  EXPECT_EQ(decode_instruction(nop).length, sizeof nop);
  EXPECT_TRUE(decode_instruction(nop).filler);
}

int filler_in(std::vector<uint8_t> code, uint64_t address = 0) {
  return find_filler(code, address, 5, [](size_t) { return true; });
}

TEST(Filler, IsWhatFollowsTheEndOfFlowUpToAnAlignedAddress) {
  constexpr uint8_t ret = 0xc3, nop = 0x90, push = 0x50;
  std::vector<uint8_t> code(16, nop);
  EXPECT_EQ(filler_in(code), -1) << "fallen into";
  code[0] = ret;
  EXPECT_EQ(filler_in(code), 1);
  EXPECT_EQ(filler_in(code, 1), -1) << "does not end at an aligned address";
  code[11] = push;  // not the whole run, and what is left is too short
  EXPECT_EQ(filler_in(code), -1);
  code.assign(32, nop);
  code[0] = ret;
  code[1] = push;
  EXPECT_EQ(filler_in(code), -1) << "fallen into from what follows the return";
  code[20] = ret;
  EXPECT_EQ(filler_in(code), 21);
  EXPECT_EQ(find_filler(code, 0, 5, [](size_t at) { return at != 21; }), -1) << "refused";
}

// In true code every place that is found is one where the linear decoder, which began right, begins an
// instruction.
TEST(Boundary, IsOneOfTheTrueOnes) {
  Reference reference;
  std::vector<uint8_t> text = text_of("/lib/x86_64-linux-gnu/libc.so.6");
  std::vector<bool> begins(text.size() + 1);
  std::vector<size_t> all;
  for (size_t at = 0; at < text.size();) {
    begins[at] = true;
    all.push_back(at);
    ZydisDecodedInstruction i;
    at += reference.decode(std::span<const uint8_t>(text).subspan(at), i) ? i.length : 1;
  }
  std::mt19937 random(1);
  int found = 0;
  for (int i = 0; i < 100'000; i++) {
    size_t end = all[random() % all.size()], length = 100 + random() % 100;
    if (end < length) continue;
    int at = find_boundary(std::span<const uint8_t>(text).subspan(end - length, length));
    if (at < 0) continue;
    ASSERT_TRUE(begins[end - length + static_cast<size_t>(at)]) << std::hex << end;
    found++;
  }
  EXPECT_GT(found, 80'000);
}

}  // namespace
}  // namespace lodge

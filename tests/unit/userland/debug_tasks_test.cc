// Tasks and stacks out of an arena whose owner means no good: pointers to anywhere, stacks that loop, names
// that are no text; and out of a kernel's file that is cut short.
#include <elf.h>
#include <gtest/gtest.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cstring>

#include "kernel/base/layout.h"
#include "userland/lodge/debug/tasks.h"
#include "userland/lodge/failure.h"
#include "userland/lodge/file_descriptor.h"

namespace lodge {
namespace {

constexpr uint64_t kCode = kKernelBase, kCodeSize = 0x1000;
constexpr uint64_t kSlot = 64 << 10;
constexpr uint64_t kArena = 8 * kSlot;

DebugLayout test_layout() {
  DebugLayout l{};
  l.magic = DebugLayout::kMagic;
  l.slot_magic = 0x1234567890abcdef;
  l.slot_size = kSlot;
  l.slot_magic_at = 24;
  l.stacks_at = 20 << 10;
  l.parked_at = 1024;
  l.in_kernel = 38;
  l.state = 64;
  l.is_task = 70;
  l.kernel_main = 72;
  l.virtual_cpu = 80;
  l.runtime = 88;
  l.system_time = 96;
  l.tid = 104;
  l.name = 112;
  l.process = 128;
  l.process_pid = 16;
  l.cpu_index = 8;
  std::memcpy(l.state_letters, "RRSDDTX", 8);
  return l;
}

FileDescriptor file_of(const std::vector<char>& bytes) {
  FileDescriptor fd(memfd_create("test", MFD_CLOEXEC));
  EXPECT_EQ(write(fd.get(), bytes.data(), bytes.size()), static_cast<ssize_t>(bytes.size()));
  return fd;
}

// An ELF file with two functions, park and sys_read, and a layout.
std::vector<char> test_kernel() {
  struct Image {
    Elf64_Ehdr header{};
    Elf64_Phdr segments[2]{};
    Elf64_Shdr sections[3]{};
    Elf64_Sym symbols[4]{};
    char names[64] = "\0park\0sys_read\0lodge_debug_layout";
    DebugLayout layout = test_layout();
  } i;
  std::memcpy(i.header.e_ident, ELFMAG, SELFMAG);
  i.header.e_phoff = offsetof(Image, segments);
  i.header.e_phnum = 2;
  i.header.e_shoff = offsetof(Image, sections);
  i.header.e_shnum = 3;
  i.segments[0] = {.p_type = PT_LOAD,
                   .p_flags = PF_X,
                   .p_offset = 0,
                   .p_vaddr = kCode,
                   .p_paddr = 0,
                   .p_filesz = 0,
                   .p_memsz = kCodeSize,
                   .p_align = 1};
  uint64_t data = kCode + 0x10000;
  i.segments[1] = {.p_type = PT_LOAD,
                   .p_flags = PF_R,
                   .p_offset = offsetof(Image, layout),
                   .p_vaddr = data,
                   .p_paddr = 0,
                   .p_filesz = sizeof(DebugLayout),
                   .p_memsz = sizeof(DebugLayout),
                   .p_align = 1};
  i.sections[1].sh_type = SHT_SYMTAB;
  i.sections[1].sh_link = 2;
  i.sections[1].sh_offset = offsetof(Image, symbols);
  i.sections[1].sh_size = sizeof i.symbols;
  i.sections[2].sh_type = SHT_STRTAB;
  i.sections[2].sh_offset = offsetof(Image, names);
  i.sections[2].sh_size = sizeof i.names;
  auto symbol = [](uint32_t name, unsigned char type, uint64_t at, uint64_t size) {
    Elf64_Sym s{};
    s.st_name = name;
    s.st_info = type;
    s.st_shndx = 1;
    s.st_value = at;
    s.st_size = size;
    return s;
  };
  i.symbols[1] = symbol(1, STT_FUNC, kCode, 0x100);
  i.symbols[2] = symbol(6, STT_FUNC, kCode + 0x100, 0x100);
  i.symbols[3] = symbol(15, STT_OBJECT, data, sizeof(DebugLayout));
  const char* begin = reinterpret_cast<const char*>(&i);
  return {begin, begin + sizeof i};
}

class DebugTasks : public testing::Test {
 protected:
  DebugTasks() : bytes_(kArena) {}
  template <typename T>
  void put(uint64_t at, T value) {
    std::memcpy(bytes_.data() + at, &value, sizeof value);
  }
  // A task in the slot at offset `slot`.
  void make_task(uint64_t slot, int32_t tid) {
    const DebugLayout l = test_layout();
    put(slot + l.slot_magic_at, l.slot_magic);
    put<uint32_t>(slot + l.state, 2);
    put<uint8_t>(slot + l.is_task, 1);
    put<uint8_t>(slot + l.in_kernel, 1);
    put(slot + l.tid, tid);
    std::memcpy(bytes_.data() + slot + l.name, "name", 5);
  }
  void put_frame(uint64_t slot, uint64_t at, uint64_t caller, uint64_t code) {
    put(slot + at, kArenaBase + slot + caller);
    put(slot + at + 8, kCode + code);
  }
  void park(uint64_t slot, uint64_t frame) { put(slot + test_layout().parked_at, kArenaBase + slot + frame); }
  std::vector<TaskView> read() {
    FileDescriptor file = file_of(bytes_);
    FileDescriptor kernel_file = file_of(test_kernel());
    KernelImage kernel(kernel_file.get());
    std::vector<TaskView> tasks = read_tasks(ArenaReader(file.get()), kernel);
    printed_ = format_task_list(tasks) + format_stacks(tasks, kernel);
    return tasks;
  }
  std::vector<char> bytes_;
  std::string printed_;
};

TEST_F(DebugTasks, ReadsAStackThroughWhatAllWaitingGoesThrough) {
  make_task(kSlot, 7);
  put_frame(kSlot, 0x8000, 0x8100, 0x10);
  put_frame(kSlot, 0x8100, 0x8200, 0x110);
  put_frame(kSlot, 0x8200, 0, 0x120);
  park(kSlot, 0x8000);
  std::vector<TaskView> tasks = read();
  ASSERT_EQ(tasks.size(), 1u);
  EXPECT_EQ(tasks[0].tid, 7);
  EXPECT_EQ(tasks[0].state, 'S');
  EXPECT_EQ(tasks[0].frames.size(), 3u);
  EXPECT_EQ(tasks[0].waits_in, "sys_read");
  EXPECT_NE(printed_.find("park+0x10"), std::string::npos) << printed_;
}

TEST_F(DebugTasks, AFaultLeadsFromTheAlternateStackDownOnce) {
  make_task(0, 1);
  put_frame(0, 0xf000, 0x8000, 0x10);
  put_frame(0, 0x8000, 0x8100, 0x110);
  put_frame(0, 0x8100, 0x6000, 0x120);  // down again: not followed
  put_frame(0, 0x6000, 0, 0x130);
  park(0, 0xf000);
  EXPECT_EQ(read().at(0).frames.size(), 3u);
}

TEST_F(DebugTasks, StacksThatLoopEnd) {
  make_task(0, 1);
  put_frame(0, 0x8000, 0x8000, 0x10);
  park(0, 0x8000);
  EXPECT_LE(read().at(0).frames.size(), 2u);
  put_frame(0, 0x8000, 0x7000, 0x10);
  put_frame(0, 0x7000, 0x8000, 0x10);
  EXPECT_LE(read().at(0).frames.size(), 3u);
  for (uint64_t at = 0x6000; at < 0xff00; at += 16) put_frame(0, at, at + 16, 0x10);
  park(0, 0x6000);
  EXPECT_EQ(read().at(0).frames.size(), 64u);
}

TEST_F(DebugTasks, PointersToAnywhereAreNotFollowed) {
  const DebugLayout l = test_layout();
  for (uint64_t bad :
       {uint64_t{1}, kArenaBase - 8, kArenaBase + 8, kArenaBase + 0x8001, kArenaBase + kSlot - 8,
        kArenaBase + kArena - 4, kArenaBase + kArena, ~uint64_t{0}, ~uint64_t{7}}) {
    make_task(0, 1);
    put(l.parked_at, bad);
    put(l.virtual_cpu, bad);
    put(l.process, bad);
    put<uint32_t>(l.state, static_cast<uint32_t>(bad));
    EXPECT_TRUE(read().at(0).frames.empty()) << std::hex << bad;
  }
  // A frame that returns to no code of the kernel's.
  put_frame(0, 0x8000, 0x8100, kCodeSize);
  park(0, 0x8000);
  EXPECT_TRUE(read().at(0).frames.empty());
}

TEST_F(DebugTasks, NamesArePrintedAsText) {
  make_task(0, 1);
  std::memset(bytes_.data() + test_layout().name, 0x1b, 16);
  EXPECT_EQ(read().at(0).name, std::string(16, '?'));
}

TEST_F(DebugTasks, WhatIsNoSlotIsNoTask) {
  EXPECT_TRUE(read().empty());
  make_task(0, -5);
  make_task(kSlot, 3);
  put<uint32_t>(kSlot + test_layout().state, 6);  // dead
  EXPECT_TRUE(read().empty());
}

TEST_F(DebugTasks, ADamagedKernelFileIsRefused) {
  std::vector<char> whole = test_kernel();
  for (size_t n = 1; n < whole.size(); n++) {
    FileDescriptor file = file_of({whole.begin(), whole.begin() + static_cast<long>(n)});
    EXPECT_THROW(KernelImage kernel(file.get()), Failure) << n;
  }
  for (size_t at = 0; at < whole.size(); at++) {
    std::vector<char> changed = whole;
    changed[at] = static_cast<char>(~changed[at]);
    FileDescriptor file = file_of(changed);
    try {
      KernelImage kernel(file.get());
      kernel.describe_return(kCode + 0x110);
    } catch (const Failure&) {
    }
  }
}

}  // namespace
}  // namespace lodge

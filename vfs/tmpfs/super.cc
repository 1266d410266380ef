// tmpfs instances: options, limits, statfs.
#include <algorithm>

#include "kernel/base/arena.h"
#include "kernel/base/format.h"
#include "kernel/mm/mm.h"
#include "vfs/core/attr.h"
#include "vfs/tmpfs/tmpfs.h"

namespace lodge {
namespace {

// "10k", "4M", "50%" (of `whole`).
Result<uint64_t> parse_amount(std::string_view s, uint64_t whole) {
  if (s.empty()) return Errno::EINVAL;
  uint64_t factor = 1;
  char unit = s.back();
  if (unit == '%' || unit == 'k' || unit == 'K' || unit == 'm' || unit == 'M' || unit == 'g' || unit == 'G')
    s.remove_suffix(1);
  else
    unit = 0;
  uint64_t n = TRY(parse_u64(s));
  switch (unit) {
    case '%':
      return whole / 100 * n + whole % 100 * n / 100;
    case 'k':
    case 'K':
      factor = 1ull << 10;
      break;
    case 'm':
    case 'M':
      factor = 1ull << 20;
      break;
    case 'g':
    case 'G':
      factor = 1ull << 30;
      break;
  }
  if (__builtin_mul_overflow(n, factor, &n)) return Errno::EINVAL;
  return n;
}

Result<uint32_t> parse_octal(std::string_view s) {
  uint32_t n = 0;
  if (s.empty() || s.size() > 6) return Errno::EINVAL;
  for (char c : s) {
    if (c < '0' || c > '7') return Errno::EINVAL;
    n = n * 8 + static_cast<uint32_t>(c - '0');
  }
  return n;
}

uint64_t memory_pages() {
  return kernel_part<MmSystem>().account.limit();
}

}  // namespace

Result<void> TmpfsOptions::parse(std::string_view text, uint64_t memory) {
  while (!text.empty()) {
    std::string_view value = split_off(text, ',');
    std::string_view key = split_off(value, '=');
    if (key.empty()) continue;
    if (key == "size") {
      max_pages = (TRY(parse_amount(value, memory * kPageSize)) + kPageSize - 1) / kPageSize;
    } else if (key == "nr_blocks") {
      max_pages = TRY(parse_amount(value, memory));
    } else if (key == "nr_inodes") {
      max_inodes = TRY(parse_amount(value, memory));
    } else if (key == "mode") {
      mode = TRY(parse_octal(value)) & 07777;
    } else if (key == "uid") {
      uid = static_cast<Uid>(TRY(parse_u64(value)));
    } else if (key == "gid") {
      gid = static_cast<Gid>(TRY(parse_u64(value)));
    } else if (key != "huge" && key != "inode64" && key != "inode32" && key != "noswap") {
      return Errno::EINVAL;
    }
  }
  return {};
}

TmpfsSuperblock::TmpfsSuperblock(const TmpfsOptions& options, uint64_t device) : options_(options) {
  dev = device;
  magic = abi::kTmpfsMagic;
}

// Not recursive, however deep the tree: what a directory holds moves up to the root before it goes.
TmpfsSuperblock::~TmpfsSuperblock() {
  NameTable& all = root_->names_;
  while (NameTable::Entry* e = all.first()) {
    all.absorb(static_cast<TmpfsInode&>(*e->inode).names_);
    all.erase(*e);
  }
}

Result<Ref<TmpfsSuperblock>> TmpfsSuperblock::create(const TmpfsOptions& options) {
  Ref<TmpfsSuperblock> sb = TRY(make<TmpfsSuperblock>(options, Vfs::current().new_anonymous_dev()));
  NewInode n{.mode = abi::kTypeDir | options.mode, .uid = options.uid, .gid = options.gid};
  sb->root_ = TRY(sb->make_inode(n, 2));
  sb->root_->parent_ino_ = sb->root_->ino();
  return sb;
}

Ref<Inode> TmpfsSuperblock::root() {
  return Ref<Inode>(*root_);
}

Result<Ref<TmpfsInode>> TmpfsSuperblock::make_inode(const NewInode& how, uint32_t link_count) {
  TRY(charge_inode());
  auto inode = make<TmpfsInode>(*this, next_ino_.fetch_add(1, std::memory_order_relaxed), how, link_count,
                                current_time());
  if (!inode.ok()) uncharge_inode();
  return inode;
}

Result<void> TmpfsSuperblock::charge_inode() {
  uint64_t n = used_inodes_.fetch_add(1, std::memory_order_relaxed) + 1;
  if (options_.max_inodes == 0 || n <= options_.max_inodes) return {};
  uncharge_inode();
  return Errno::ENOSPC;
}

Result<void> TmpfsSuperblock::charge(uint64_t pages) {
  uint64_t n = used_pages_.fetch_add(pages, std::memory_order_relaxed) + pages;
  Result<void> r = Errno::ENOSPC;
  if (options_.max_pages == 0 || n <= options_.max_pages)
    r = kernel_part<MmSystem>().account.charge_page_file(pages);
  if (!r.ok()) used_pages_.fetch_sub(pages, std::memory_order_relaxed);
  return r;
}

void TmpfsSuperblock::uncharge(uint64_t pages) {
  used_pages_.fetch_sub(pages, std::memory_order_relaxed);
  kernel_part<MmSystem>().account.uncharge_page_file(pages);
}

Result<void> TmpfsSuperblock::stat_fs(abi::Statfs& out) {
  uint64_t used = used_pages_.load(std::memory_order_relaxed),
           inodes = used_inodes_.load(std::memory_order_relaxed);
  out.type = static_cast<int64_t>(magic);
  out.bsize = out.frsize = kPageSize;
  out.blocks = options_.max_pages;
  out.bfree = out.bavail = options_.max_pages - std::min(options_.max_pages, used);
  out.files = options_.max_inodes;
  out.ffree = options_.max_inodes - std::min(options_.max_inodes, inodes);
  out.namelen = kNameMax;
  return {};
}

// What is in use already cannot be taken away (tmpfs(5)).
Result<void> TmpfsSuperblock::remount(std::string_view text) {
  TmpfsOptions changed = options_;
  TRY(changed.parse(text, memory_pages()));
  if (changed.max_pages && changed.max_pages < used_pages_.load(std::memory_order_relaxed))
    return Errno::EINVAL;
  if (changed.max_inodes && changed.max_inodes < used_inodes_.load(std::memory_order_relaxed))
    return Errno::EINVAL;
  options_.max_pages = changed.max_pages;
  options_.max_inodes = changed.max_inodes;
  return {};
}

void TmpfsSuperblock::show_options(Formatter& out) {
  if (options_.max_pages) format(out, ",size={}k", options_.max_pages * (kPageSize / 1024));
  if (options_.max_inodes) format(out, ",nr_inodes={}", options_.max_inodes);
  if (options_.mode != 01777) format(out, ",mode={:o}", options_.mode);
  if (options_.uid) format(out, ",uid={}", options_.uid);
  if (options_.gid) format(out, ",gid={}", options_.gid);
}

namespace {

Result<Ref<Superblock>> mount_tmpfs(const MountRequest& request) {
  TmpfsOptions options{.max_pages = memory_pages() / 2, .max_inodes = memory_pages() / 2};
  TRY(options.parse(request.options, memory_pages()));
  return Ref<Superblock>(TRY(TmpfsSuperblock::create(options)));
}

Result<Ref<Superblock>> mount_ramfs(const MountRequest&) {
  return Ref<Superblock>(TRY(TmpfsSuperblock::create({.mode = 0755})));
}

constexpr FsType kTmpfsType{"tmpfs", mount_tmpfs, {}};
constexpr FsType kRamfsType{"ramfs", mount_ramfs, {}};

}  // namespace

void register_tmpfs(Vfs& vfs) {
  vfs.register_fs(kTmpfsType);
  vfs.register_fs(kRamfsType);
}

}  // namespace lodge

#include "vfs/devpts/devpts.h"

#include "kernel/base/format.h"
#include "kernel/base/layout.h"
#include "kernel/base/string.h"
#include "kernel/file/calling_task.h"
#include "kernel/file/device_registry.h"
#include "kernel/tty/tty_file.h"

namespace lodge {
namespace {

constexpr uint32_t kPtmxMajor = 5, kPtmxMinor = 2;
constexpr uint64_t kRootIno = 1, kPtmxIno = 2, kFirstSlaveIno = 3;
constexpr uint32_t kMaxPtys = 4096;

Result<uint32_t> parse_octal(std::string_view s) {
  uint32_t n = 0;
  if (s.empty() || s.size() > 6) return Errno::EINVAL;
  for (char c : s) {
    if (c < '0' || c > '7') return Errno::EINVAL;
    n = n * 8 + static_cast<uint32_t>(c - '0');
  }
  return n;
}

}  // namespace

Result<void> DevptsOptions::parse(std::string_view text) {
  while (!text.empty()) {
    std::string_view value = split_off(text, ',');
    std::string_view key = split_off(value, '=');
    if (key == "uid")
      uid = static_cast<Uid>(TRY(parse_u64(value)));
    else if (key == "gid")
      gid = static_cast<Gid>(TRY(parse_u64(value)));
    else if (key == "mode")
      mode = TRY(parse_octal(value)) & 07777;
    else if (key == "ptmxmode")
      ptmx_mode = TRY(parse_octal(value)) & 07777;
    else if (key == "max")
      max = static_cast<uint32_t>(std::min<uint64_t>(TRY(parse_u64(value)), kMaxPtys));
    else if (key == "newinstance")
      new_instance = true;
    else if (!key.empty())
      return Errno::EINVAL;
  }
  return {};
}

Result<void> DevptsNode::get_attr(InodeAttr& out) {
  TRY(AnonInode::get_attr(out));
  out.rdev = rdev_;
  out.blksize = 1024;
  return {};
}

DevptsRoot::DevptsRoot(Devpts& fs) : AnonInode(fs, kRootIno, abi::kTypeDir | 0755, {0, 0}), fs_(fs) {}

Result<void> DevptsRoot::get_attr(InodeAttr& out) {
  TRY(AnonInode::get_attr(out));
  out.nlink = 2;
  out.blksize = 1024;
  return {};
}

Result<uint32_t> DevptsRoot::reserve(uint32_t max) {
  MutexLock guard(attr_lock_);
  uint32_t index = 0;
  while (index < entries_.size() && entries_[index].taken) index++;
  if (index >= max) return Errno::ENOSPC;
  if (index == entries_.size()) TRY(entries_.emplace_back());
  entries_[index].taken = true;
  return index;
}

void DevptsRoot::show(uint32_t index, Ref<DevptsNode> node) {
  MutexLock guard(attr_lock_);
  entries_[index].node = std::move(node);
}

void DevptsRoot::hide(uint32_t index) {
  RefPtr<DevptsNode> gone;  // after the lock
  MutexLock guard(attr_lock_);
  std::swap(gone, entries_[index].node);
}

void DevptsRoot::release(uint32_t index) {
  MutexLock guard(attr_lock_);
  entries_[index].taken = false;
}

RefPtr<DevptsNode> DevptsRoot::node(uint32_t index) {
  MutexLock guard(attr_lock_);
  if (index >= entries_.size()) return nullptr;
  return entries_[index].node;
}

Result<Ref<Inode>> DevptsRoot::lookup(std::string_view name) {
  if (name == "ptmx") return Ref<Inode>(fs_.ptmx());
  Result<uint64_t> index = parse_u64(name);
  // A number is found under its plain form alone.
  if (!index.ok() || *index >= kMaxPtys || (name[0] == '0' && name.size() > 1)) return Errno::ENOENT;
  RefPtr<DevptsNode> found = node(static_cast<uint32_t>(*index));
  if (!found) return Errno::ENOENT;
  return Ref<Inode>(AdoptRef(), found.leak());
}

bool DevptsRoot::revalidate(std::string_view name, Inode* cached) {
  Result<Ref<Inode>> now = lookup(name);
  return now.ok() ? now->get() == cached : cached == nullptr;
}

Result<void> DevptsRoot::read_dir(uint64_t offset, DirSink& sink) {
  constexpr uint64_t kFixed = 3;  // ".", "..", "ptmx"
  for (uint64_t at = offset;; at++) {
    char text[12];
    Formatter name(text);
    uint64_t ino = kRootIno;
    uint8_t type = abi::dt_type(abi::kTypeDir);
    if (at < 2) {
      name.put(at == 0 ? "." : "..");
    } else {
      type = abi::dt_type(abi::kTypeChar);
      uint64_t index = at - kFixed;
      if (at == 2) {
        name.put("ptmx");
        ino = kPtmxIno;
      } else {
        MutexLock guard(attr_lock_);
        if (index >= entries_.size()) return {};
        if (!entries_[index].node) continue;
        name.put(index);
        ino = kFirstSlaveIno + index;
      }
    }
    if (!sink.add(name.view(), ino, type, at + 1)) return {};
  }
}

Devpts::Devpts(const DevptsOptions& options) : options_(options) {
  magic = kMagic;
  dev = Vfs::current().new_anonymous_dev();
}

Result<Ref<Devpts>> Devpts::create(const DevptsOptions& options) {
  Ref<Devpts> fs = TRY(make<Devpts>(options));
  fs->root_ = TRY(make<DevptsRoot>(*fs));
  fs->ptmx_ = TRY(make<DevptsNode>(*fs, kPtmxIno, options.ptmx_mode, Inode::Owner{0, 0},
                                   abi::make_dev(kPtmxMajor, kPtmxMinor), nullptr));
  return fs;
}

Result<void> Devpts::stat_fs(abi::Statfs& out) {
  out = {};
  out.type = kMagic;
  out.bsize = out.frsize = kPageSize;
  out.namelen = 255;
  return {};
}

Result<void> Devpts::remount(std::string_view text) {
  DevptsOptions changed = options_;
  TRY(changed.parse(text));
  AttrChange mode{.mask = AttrChange::kMode, .mode = changed.ptmx_mode};
  TRY(ptmx_->set_attr(mode));
  options_ = changed;
  return {};
}

void Devpts::show_options(Formatter& out) {
  if (options_.uid) format(out, ",uid={}", *options_.uid);
  if (options_.gid) format(out, ",gid={}", *options_.gid);
  format(out, ",mode={:03o},ptmxmode={:03o}", options_.mode, options_.ptmx_mode);
  if (options_.max < kMaxPtys) format(out, ",max={}", options_.max);
}

Result<Ref<File>> Devpts::open_master(Inode& inode, uint32_t flags) {
  uint32_t index = TRY(root_->reserve(options_.max));
  Ref<Pty> pty = TRY(Pty::create(index, *this));
  const Cred& cred = current_cred();
  Inode::Owner owner{options_.uid.value_or(cred.fsuid), options_.gid.value_or(cred.fsgid)};
  Ref<DevptsNode> node =
      TRY(make<DevptsNode>(*this, kFirstSlaveIno + index, options_.mode, owner, pty->device(), pty));
  Ref<File> master = TRY(make<PtyMasterFile>(Ref<Inode>(inode), pty, flags & ~abi::kONoctty));
  root_->show(index, std::move(node));
  return master;
}

Result<Ref<File>> Devpts::open_peer(Pty& pty, uint32_t flags) {
  RefPtr<DevptsNode> slave = node(pty.index());
  if (!slave) return Errno::EIO;
  return pty.open_slave(*slave, flags & ~abi::kOCloexec);
}

namespace {

// The instance that mounts share. It is made at boot, so that /dev/ptmx works wherever devpts is mounted.
Devpts& shared_instance() {
  return static_cast<Devpts&>(*kernel_part<TtyState>().devpts);
}

Result<Ref<Superblock>> mount_devpts(const MountRequest& request) {
  DevptsOptions options;
  TRY(options.parse(request.options));
  if (options.new_instance) return Ref<Superblock>(TRY(Devpts::create(options)));
  if (!request.options.empty()) TRY(shared_instance().remount(request.options));
  return Ref<Superblock>(shared_instance());
}

constexpr FsType kDevptsType{"devpts", mount_devpts, {}};

Result<Ref<File>> open_ptmx(Inode& inode, uint64_t, uint32_t flags) {
  Devpts& fs = inode.sb().magic == Devpts::kMagic ? static_cast<Devpts&>(inode.sb()) : shared_instance();
  return fs.open_master(inode, flags);
}

Result<Ref<File>> open_slave(Inode& inode, uint64_t rdev, uint32_t flags) {
  // A node elsewhere with a slave's number means the shared instance's.
  RefPtr<DevptsNode> node = inode.sb().magic == Devpts::kMagic
                                ? RefPtr<DevptsNode>(static_cast<DevptsNode*>(&inode))
                                : shared_instance().node(abi::dev_minor(rdev));
  if (!node || !node->pty()) return Errno::EIO;
  return node->pty()->open_slave(inode, flags);
}

}  // namespace

Result<void> register_devpts(Vfs& vfs) {
  kernel_part<TtyState>().devpts = Ref<Superblock>(TRY(Devpts::create({})));
  vfs.register_fs(kDevptsType);
  DeviceRegistry& devices = DeviceRegistry::current();
  devices.register_chrdev("/dev/ptmx", kPtmxMajor, kPtmxMinor, kPtmxMinor, &open_ptmx);
  devices.register_chrdev("pts", Pty::kSlaveMajor, 0, kMaxPtys - 1, &open_slave);
  return {};
}

}  // namespace lodge

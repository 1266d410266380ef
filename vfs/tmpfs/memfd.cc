#include "vfs/tmpfs/memfd.h"

#include "kernel/base/arena.h"
#include "kernel/base/format.h"
#include "vfs/tmpfs/tmpfs.h"

namespace lodge {

Result<void> init_memfd(Vfs& vfs) {
  Ref<TmpfsSuperblock> sb = TRY(TmpfsSuperblock::create({}));
  vfs.set_hidden_mount(TRY(vfs.mount_superblock(std::move(sb), kMountHidden, "tmpfs")));
  return {};
}

Result<Ref<File>> make_memfd(std::string_view name, Sealing sealing, uint32_t mode, const Cred& cred) {
  Mount& mount = Vfs::current().hidden_mount();
  auto& sb = static_cast<TmpfsSuperblock&>(mount.sb());
  NewInode how{.mode = abi::kTypeRegular | mode, .uid = cred.fsuid, .gid = cred.fsgid};
  Ref<TmpfsInode> inode = TRY(sb.make_inode(how, 0));
  if (sealing == Sealing::kAllowed) inode->allow_seals();
  char text[kNameMax + 1];
  Formatter out(text);
  out.put("memfd:").put(name);
  DentryRef d = TRY(Vfs::current().dentries().make_unhashed(*mount.root(), QName(out.view()), inode));
  Ref<File> f = TRY(make<File>(RefPtr<Inode>(inode), abi::kORdwr | abi::kOLargefile));
  mount.ref();
  f->set_path(Path(Path::Adopt(), {&mount, d.leak()}));
  return f;
}

}  // namespace lodge

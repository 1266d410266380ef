// The lock-order document. Every lock names its class; a context that holds a lock may only take locks of
// classes further down this list. Two locks of one class are taken only through kNested, in an order that the
// owner of the class documents (usually by address). A new class is inserted where its order is right, with
// what it protects.
#pragma once
#include <cstdint>

// A new row must not move all the others.
// clang-format off
#define LODGE_LOCK_CLASSES(X)                                                    \
  X(kVfsMount)  /* the mount tree of a namespace */                              \
  X(kFsContext) /* root and working directory of one task or more */             \
  X(kDentry)    /* one dentry: its name, parent and children */                  \
  X(kInode)     /* one inode: its attributes, directory content, size */         \
  X(kMm)        /* one address space: the VMA tree */                            \
  X(kFdTable)   /* one fd table */                                               \
  X(kFile)      /* one open file: position, flags */                             \
  X(kFifoTable) /* which open FIFO has which pipe */                             \
  X(kPipe)      /* one pipe, socket ring or event file */                        \
  X(kFileWatch) /* the epoll items that watch one file */                        \
  X(kTty)       /* one terminal, both ends of a pty: line discipline, queues */  \
  X(kPosixTimer) /* the POSIX and interval timers of one process */              \
  X(kTimer)     /* the timer wheel and POSIX timers */                           \
  X(kTaskTree)  /* parents, children, groups, sessions, pid table */             \
  X(kSignal)    /* one thread group's signal state */                            \
  X(kHandlers)  /* one set of signal handlers, possibly of several groups */     \
  X(kTask)      /* a task's references as others see them; a process's limits */ \
  X(kHost)      /* host threads, slots, requests to the monitor */               \
  X(kInodeCache) /* the inode table of one file system */                        \
  X(kBufferCache) /* one shard of a cache of metadata blocks */                  \
  X(kWaitQueue) /* one wait queue or futex bucket */                             \
  X(kEpoll)     /* one epoll set's ready list */                                 \
  X(kRunQueue)  /* one virtual CPU's run queue */                                \
  X(kMonitor)   /* the request ring of the mailbox */                            \
  X(kMapping)   /* one inode's list of mappings */                               \
  X(kPatchedText) /* which patched text an inode has */                          \
  X(kPageFile)  /* which ranges of the page file are free */                     \
  X(kRandom)    /* the key of the random numbers */                              \
  X(kSlab)      /* one slab cache */                                             \
  X(kPageAlloc) /* one zone of the arena's pages */                              \
  X(kLog)       /* the kernel's log ring; anything may log */
// clang-format on

namespace lodge {

enum class LockClass : uint8_t {
#define X(name) name,
  LODGE_LOCK_CLASSES(X)
#undef X
};

constexpr const char* lock_class_name(LockClass c) {
  switch (c) {
#define X(name)         \
  case LockClass::name: \
    return &#name[1];
    LODGE_LOCK_CLASSES(X)
#undef X
  }
  return "?";
}

}  // namespace lodge

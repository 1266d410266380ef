// Names for clang's thread-safety analysis (-Wthread-safety); nothing for other compilers.
#pragma once

#if defined(__clang__)
  #define LODGE_TSA(x) __attribute__((x))
#else
  #define LODGE_TSA(x)
#endif

#define CAPABILITY(name) LODGE_TSA(capability(name))
#define SCOPED_CAPABILITY LODGE_TSA(scoped_lockable)
#define GUARDED_BY(x) LODGE_TSA(guarded_by(x))
#define PT_GUARDED_BY(x) LODGE_TSA(pt_guarded_by(x))
#define REQUIRES(...) LODGE_TSA(requires_capability(__VA_ARGS__))
#define REQUIRES_SHARED(...) LODGE_TSA(requires_shared_capability(__VA_ARGS__))
#define ACQUIRE(...) LODGE_TSA(acquire_capability(__VA_ARGS__))
#define ACQUIRE_SHARED(...) LODGE_TSA(acquire_shared_capability(__VA_ARGS__))
#define RELEASE(...) LODGE_TSA(release_capability(__VA_ARGS__))
#define RELEASE_SHARED(...) LODGE_TSA(release_shared_capability(__VA_ARGS__))
#define RELEASE_GENERIC(...) LODGE_TSA(release_generic_capability(__VA_ARGS__))
#define TRY_ACQUIRE(...) LODGE_TSA(try_acquire_capability(__VA_ARGS__))
#define TRY_ACQUIRE_SHARED(...) LODGE_TSA(try_acquire_shared_capability(__VA_ARGS__))
#define EXCLUDES(...) LODGE_TSA(locks_excluded(__VA_ARGS__))
#define ASSERT_CAPABILITY(x) LODGE_TSA(assert_capability(x))
#define RETURN_CAPABILITY(x) LODGE_TSA(lock_returned(x))
#define NO_THREAD_SAFETY_ANALYSIS LODGE_TSA(no_thread_safety_analysis)

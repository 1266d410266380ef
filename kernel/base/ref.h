// Shared ownership of kernel objects: an intrusive count, Ref<T> (never null) and RefPtr<T> (may be null).
// `Derived` is destroyed by destroy(object) (kernel/base/arena.h) when the last reference goes; a class with
// other needs hides RefCounted::on_last_ref() with its own. try_ref() takes a reference only if one is still
// held: the lock-free lookups use it on type-stable memory.
#pragma once
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <utility>

namespace lodge {

template <typename T>
void destroy(T* object);  // kernel/base/arena.h

template <typename Derived>
class RefCounted {
 public:
  RefCounted() = default;
  RefCounted(const RefCounted&) = delete;
  RefCounted& operator=(const RefCounted&) = delete;

  void ref() const { refs_.fetch_add(1, std::memory_order_relaxed); }
  void unref() const {
    if (refs_.fetch_sub(1, std::memory_order_acq_rel) == 1)
      const_cast<Derived*>(static_cast<const Derived*>(this))->on_last_ref();
  }
  bool try_ref() const {
    uint32_t n = refs_.load(std::memory_order_relaxed);
    while (n != 0)
      if (refs_.compare_exchange_weak(n, n + 1, std::memory_order_acquire)) return true;
    return false;
  }
  uint32_t ref_count() const { return refs_.load(std::memory_order_acquire); }
  void on_last_ref() { destroy(static_cast<Derived*>(this)); }

 private:
  mutable std::atomic<uint32_t> refs_{1};  // the maker holds the first
};

struct AdoptRef {};  // takes over a reference that is already counted

template <typename T>
class Ref;

template <typename T>
class RefPtr {
 public:
  RefPtr() = default;
  RefPtr(std::nullptr_t) {}
  explicit RefPtr(T* p) : p_(p) {
    if (p_) p_->ref();
  }
  RefPtr(AdoptRef, T* p) : p_(p) {}
  RefPtr(const RefPtr& o) : RefPtr(o.p_) {}
  RefPtr(RefPtr&& o) : p_(std::exchange(o.p_, nullptr)) {}
  template <typename U>
  RefPtr(const RefPtr<U>& o) : RefPtr(static_cast<T*>(o.get())) {}
  template <typename U>
  RefPtr(RefPtr<U>&& o) : p_(o.leak()) {}
  template <typename U>
  RefPtr(const Ref<U>& o);
  template <typename U>
  RefPtr(Ref<U>&& o);
  ~RefPtr() { reset(); }
  RefPtr& operator=(RefPtr o) {
    std::swap(p_, o.p_);
    return *this;
  }
  void reset() {
    if (T* p = std::exchange(p_, nullptr)) p->unref();
  }
  T* get() const { return p_; }
  T* operator->() const { return p_; }
  T& operator*() const { return *p_; }
  explicit operator bool() const { return p_ != nullptr; }
  T* leak() { return std::exchange(p_, nullptr); }  // the caller owns the reference from here
  bool operator==(const RefPtr& o) const { return p_ == o.p_; }

 private:
  T* p_ = nullptr;
};

template <typename T>
class Ref {
 public:
  explicit Ref(T& p) : p_(&p) { p.ref(); }
  Ref(AdoptRef, T* p) : p_(p) {}
  Ref(const Ref& o) : p_(o.p_) { p_->ref(); }
  Ref(Ref&& o) : p_(o.p_) { o.p_ = nullptr; }  // a moved-from Ref may only be destroyed or assigned
  template <typename U>
  Ref(const Ref<U>& o) : p_(o.get()) {
    p_->ref();
  }
  template <typename U>
  Ref(Ref<U>&& o) : p_(o.leak()) {}
  ~Ref() {
    if (p_) p_->unref();
  }
  Ref& operator=(Ref o) {
    std::swap(p_, o.p_);
    return *this;
  }
  T* get() const { return p_; }
  T* operator->() const { return p_; }
  T& operator*() const { return *p_; }
  T* leak() { return std::exchange(p_, nullptr); }

 private:
  T* p_;
};

template <typename T>
template <typename U>
RefPtr<T>::RefPtr(const Ref<U>& o) : RefPtr(static_cast<T*>(o.get())) {}
template <typename T>
template <typename U>
RefPtr<T>::RefPtr(Ref<U>&& o) : p_(o.leak()) {}

}  // namespace lodge

// Tasks without a guest, for tests of kernel/task: a kernel with its parts, processes and threads that are
// made by hand, and what the platform would do. Included by one source per program.
#pragma once
#include <memory>
#include <thread>
#include <vector>

#include "kernel/host/host_state.h"
#include "kernel/host/hosted/slot_scope.h"
#include "kernel/sched/sched.h"
#include "kernel/task/futex.h"
#include "kernel/task/platform_hooks.h"
#include "kernel/task/process.h"
#include "kernel/task/trace_hook.h"
#include "kernel/time/timer.h"
#include "tests/unit/mm_fixture.h"

namespace lodge {

inline uint64_t fs_base_of_test = 0;

Result<void> host_spawn(Task&, Task&, HostSpawn) {
  return Errno::EAGAIN;
}
void move_to_fresh_process(Task&, void (*)(Task&)) {
  std::abort();
}
void host_thread_exit(Task&) {
  std::abort();
}
void trace_new_task(Task&) {}
void trace_exec(Task&) {}
void trace_signal(Task&, const abi::SigInfo&) {}
void trace_stop(Task&, int) {}
void trace_exit(Task&, int32_t) {}
void trace_lost(Task&) {}
void report_exit(int32_t) {
  std::abort();
}
void vector_state_to_slot(Task&) {}
void reset_vector_state(Task&) {}
uint64_t read_fs_base() {
  return fs_base_of_test;
}
void write_fs_base(uint64_t v) {
  fs_base_of_test = v;
}
void give_gs_to_guest(uint64_t) {}
void take_gs_from_guest(Task&) {}
void share_fs_base() {}
void reclaim_fs_base(Task&) {}
void wake_timer_thread() {}
// Nothing is unmapped while another runs.
bool is_current_mm(const Mm&) {
  return true;
}
bool call_threads(Mm&) {
  return false;
}
void move_frames(Mm&, const FrameMover&) {}

class TaskTest : public MmTest {
 protected:
  void SetUp() override {
    MmTest::SetUp();
    host_state_ = std::make_unique<HostState>();
    scheduler_ = std::make_unique<Scheduler>();
    kernel_.set_part(*host_state_);
    kernel_.set_part(*scheduler_);
    kernel_.set_part(tasks_);
    kernel_.set_part(futexes_);
    kernel_.set_part(clock_);
    kernel_.set_part(timers_);
    init_ = &new_process(nullptr);
    tasks_.init = init_->process_.get();
  }
  void TearDown() override {
    for (auto& m : made_) remove(*m->task);
    made_.clear();
    MmTest::TearDown();
  }

  // A thread of `leader`'s process.
  Task& new_thread(Task& leader) {
    Task& t = make_task();
    MutexLock tree(tasks_.lock);
    link(t, leader.process());
    return t;
  }
  // A process with one thread, a child of `parent` and in its group; the first one leads a session.
  Task& new_process(Task* parent) {
    Task& t = make_task();
    Ref<Process> p = make<Process>(0).take();
    p->handlers = make<SignalHandlers>().take();
    MutexLock tree(tasks_.lock);
    link(t, *p);
    p->pid = t.tid;
    p->leader = &t;
    tasks_.entry(t.tid).process = p.get();
    p->ref();  // the tree's
    if (parent) {
      p->parent = &parent->process();
      p->maker_tid = parent->tid;
      parent->process().children.push_back(*p);
      join_group_locked(*p, *parent->process().group);
    } else {
      join_group_locked(*p, *make_group_locked(t.tid, *make_session_locked(t.tid)));
    }
    return t;
  }
  // The thread runs on this host thread from here on.
  struct Running {
    explicit Running(Task& t) : slot(t) {}
    SlotScope slot;
  };

  Tasks tasks_;
  Futexes futexes_;
  ClockState clock_;
  TimerQueue timers_;
  Task* init_ = nullptr;

 private:
  struct Made {
    Task* task;
    void* memory;
    ~Made() { std::free(memory); }
  };
  Task& make_task() {
    auto m = std::make_unique<Made>();
    m->memory = std::aligned_alloc(kSlotSize, kSlotSize);
    m->task = new (m->memory) Task(next_slot_++);
    m->task->mm_ = mm_;
    m->task->cred_ = make<Cred>().take();
    made_.push_back(std::move(m));
    return *made_.back()->task;
  }
  void link(Task& t, Process& p) REQUIRES(tasks_.lock) {
    t.tid = tasks_.alloc_pid_locked();
    tasks_.entry(t.tid).task = &t;
    p.threads.push_back(t);
    p.thread_count++;
    p.live_threads++;
    t.process_ = RefPtr<Process>(&p);
  }
  void remove(Task& t) {
    {
      MutexLock tree(tasks_.lock);
      Process& p = t.process();
      List<Task, InProcessTag>::remove(t);
      bool last = --p.thread_count == 0;
      if (last && tasks_.process_locked(p.pid) == &p) {
        if (p.parent) List<Process, ChildTag>::remove(p);
        while (p.children.pop_front()) {
        }
        leave_group_locked(p);
        tasks_.entry(p.pid).process = nullptr;
        p.unref();
      }
    }
    t.~Task();
  }

  std::unique_ptr<HostState> host_state_;
  std::unique_ptr<Scheduler> scheduler_;
  std::vector<std::unique_ptr<Made>> made_;
  uint32_t next_slot_ = 0;
};

}  // namespace lodge

// A progress bar on stderr, when that is a terminal; silent otherwise. No locks.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>

namespace lodge {

class Progress {
 public:
  explicit Progress(std::string label);
  ~Progress();  // takes the bar away
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;

  // Cheap: draws at most ten times a second. A total of 0 means that only `done`, in bytes, is known.
  void update(uint64_t done, uint64_t total);

 private:
  std::string label_;
  bool is_terminal_;
  bool is_drawn_ = false;
  std::chrono::steady_clock::time_point next_draw_;
};

// The bar itself, at most `columns` wide: "label [=====>    ]  52%".
std::string progress_line(const std::string& label, uint64_t done, uint64_t total, unsigned columns);

}  // namespace lodge

// See progress.h.
#include "userland/lodge/image/progress.h"

#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>

namespace lodge {

namespace {

constexpr auto kInterval = std::chrono::milliseconds(100);
constexpr unsigned kDefaultColumns = 80;
constexpr unsigned kMaxBar = 40;

unsigned terminal_columns() {
  winsize size{};
  bool is_known = ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col != 0;
  return is_known ? size.ws_col : kDefaultColumns;
}

}  // namespace

std::string progress_line(const std::string& label, uint64_t done, uint64_t total, unsigned columns) {
  std::string line = label;
  if (total == 0) {
    line += "  " + std::to_string(done >> 20) + " MiB";
  } else {
    uint64_t percent = std::min<uint64_t>(100, static_cast<uint64_t>(100.0 * done / total));
    std::string number = std::to_string(percent) + "%";
    number.insert(0, 5 - number.size(), ' ');
    unsigned taken = label.size() + number.size() + 4;
    unsigned width = columns > taken ? std::min(kMaxBar, columns - taken) : 0;
    unsigned filled = width * percent / 100;
    std::string bar(filled, '=');
    if (filled < width) bar += '>';
    bar.resize(width, ' ');
    line += " [" + bar + "]" + number;
  }
  if (line.size() >= columns) line.resize(columns > 0 ? columns - 1 : 0);
  return line;
}

Progress::Progress(std::string label)
    : label_(std::move(label)), is_terminal_(isatty(STDERR_FILENO) == 1), next_draw_{} {}

Progress::~Progress() {
  if (is_drawn_) fputs("\r\033[K", stderr);
}

void Progress::update(uint64_t done, uint64_t total) {
  if (!is_terminal_) return;
  auto now = std::chrono::steady_clock::now();
  if (now < next_draw_) return;
  next_draw_ = now + kInterval;
  std::string line = progress_line(label_, done, total, terminal_columns());
  fprintf(stderr, "\r%s\033[K", line.c_str());
  is_drawn_ = true;
}

}  // namespace lodge

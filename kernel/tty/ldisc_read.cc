// The line discipline's reading side.
#include <algorithm>
#include <cstring>

#include "kernel/tty/ldisc.h"

namespace lodge {

LineDiscipline::Piece LineDiscipline::read(std::span<char> to) {
  Piece piece;
  if (!canonical()) {
    while (piece.bytes < to.size() && tail_ != head_) {
      uint32_t start = tail_ % kInputSize;
      size_t n = std::min({to.size() - piece.bytes, size_t{head_ - tail_}, size_t{kInputSize - start}});
      std::memcpy(to.data() + piece.bytes, input_ + start, n);
      tail_ += n;
      piece.bytes += n;
    }
    canon_head_ = tail_;
    return piece;
  }
  while (piece.bytes < to.size() && tail_ != canon_head_ && !piece.line_ended) {
    piece.line_ended = ends(tail_);
    char c = at(tail_);
    set_end(tail_++, false);
    if (!piece.line_ended || c != kEofMark) to[piece.bytes++] = c;
  }
  return piece;
}

void LineDiscipline::skip_eof_mark() {
  if (!canonical() || tail_ == canon_head_ || !ends(tail_) || at(tail_) != kEofMark) return;
  set_end(tail_++, false);
}

size_t LineDiscipline::input_bytes() const {
  if (!canonical()) return head_ - tail_;
  size_t n = 0;
  for (uint32_t i = tail_; i != canon_head_; i++)
    if (!ends(i) || at(i) != kEofMark) n++;
  return n;
}

}  // namespace lodge

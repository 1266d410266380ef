#include "vfs/pseudo/show.h"

#include "kernel/abi/stat.h"
#include "kernel/base/string.h"

namespace lodge {

void put_escaped(Formatter& out, std::string_view text, std::string_view which) {
  for (char c : text) {
    bool escape = false;
    for (char w : which) escape |= c == w;
    if (escape)
      out.put('\\').octal(static_cast<unsigned char>(c), 3);
    else
      out.put(c);
  }
}

void put_cpu_list(Formatter& out, uint64_t set) {
  bool first = true;
  for (int i = 0; i < 64; i++) {
    if (!((set >> i) & 1)) continue;
    int end = i;
    while (end < 63 && ((set >> (end + 1)) & 1)) end++;
    if (!first) out.put(',');
    first = false;
    out.put(i);
    if (end > i) out.put('-').put(end);
    i = end;
  }
}

void put_cpu_mask(Formatter& out, uint64_t set, uint32_t cpus) {
  if (cpus > 32) out.hex(set >> 32, (cpus - 32 + 3) / 4).put(',');
  out.hex(set & 0xffffffff, cpus > 32 ? 8 : (cpus + 3) / 4);
}

void put_device(Formatter& out, uint64_t dev) {
  format(out, "{}:{}", abi::dev_major(dev), abi::dev_minor(dev));
}

void put_seconds(Formatter& out, uint64_t ns) {
  format(out, "{}.{:02}", ns / 1'000'000'000, ns / 10'000'000 % 100);
}

}  // namespace lodge

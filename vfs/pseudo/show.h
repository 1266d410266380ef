// Pieces of text that several generated files have in common.
#pragma once
#include "kernel/base/format.h"

namespace lodge {

// Characters of `which` as \ooo (fstab(5), proc(5)).
void put_escaped(Formatter& out, std::string_view text, std::string_view which);
// A set of processors: "0-1,3", and in words of 32 bits, the highest first: "ff".
void put_cpu_list(Formatter& out, uint64_t set);
void put_cpu_mask(Formatter& out, uint64_t set, uint32_t cpus);
// "8:1"-like: major and minor in decimal.
void put_device(Formatter& out, uint64_t dev);
// Seconds with two digits behind the point.
void put_seconds(Formatter& out, uint64_t ns);

}  // namespace lodge
